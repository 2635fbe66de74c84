// Unpacks texts as a page does: a JSON list of them; writes a JSON list of their bytes in base64.
import fs from "node:fs";
import { unpacked } from "../../tflite/web/assets/engine/data.js";

const found = [];
for (const text of JSON.parse(fs.readFileSync(0, "utf8"))) found.push(Buffer.from(await unpacked(text)).toString("base64"));
fs.writeFileSync(1, JSON.stringify(found));
