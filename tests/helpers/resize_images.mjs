// Preprocesses images: lines of JSON {width, height, channels, data (base64), rule}; writes the bytes of each.
import fs from "node:fs";
import { preprocessed } from "../../tflite/web/assets/engine/pixels.js";

for (const line of fs.readFileSync(0, "utf8").trim().split("\n")) {
  const { rule, data, ...image } = JSON.parse(line);
  fs.writeSync(1, preprocessed({ ...image, data: new Uint8Array(Buffer.from(data, "base64")) }, rule));
}
