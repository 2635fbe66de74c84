// Runs each network of a page on an image of noise of its larger side: {side, shape, pixels and scores as base64}.
import { largerSide, slides, stepOver } from "../../tflite/web/assets/engine/larger.js";
import { openPage } from "./web_page.mjs";

const networks = await openPage(process.argv[2]);
const found = networks.page.networks.map(({ program, preprocessing }, number) => {
  if (!slides(program)) return null;
  const side = largerSide(program);
  const { channels } = preprocessing;
  const data = Uint8Array.from({ length: side * side * channels }, (_, i) => (i * 2654435761) >>> 24);
  const { pixels, shape, scores } = networks.larger(number, { width: side, height: side, channels, data }, side);
  const base64 = (bytes) => Buffer.from(bytes).toString("base64");
  return { side, step: stepOver(program), shape, pixels: base64(pixels), scores: base64(scores) };
});
console.log(JSON.stringify(found));
