// Runs a page's first network on images: page, file with them, "plain" for no SIMD; writes all values of each image.
// An image in the file: width, height, channels as int32, then its bytes.
import fs from "node:fs";
import { openPage } from "./web_page.mjs";

const [page, images, kernels] = process.argv.slice(2);
if (kernels === "plain") WebAssembly.validate = () => false;
const networks = await openPage(page);
if (networks.simd === (kernels === "plain")) throw new Error("other kernels than asked for");
const content = fs.readFileSync(images);
for (let at = 0; at < content.length; ) {
  const [width, height, channels] = [0, 4, 8].map((place) => content.readInt32LE(at + place));
  const size = width * height * channels;
  const data = new Uint8Array(content.subarray(at + 12, at + 12 + size));
  fs.writeSync(1, networks.run(0, { width, height, channels, data }).values);
  at += 12 + size;
}
