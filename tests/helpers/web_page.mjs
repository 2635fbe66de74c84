// Opens a page's networks in Node.js, without a browser.
import fs from "node:fs";
import { Networks } from "../../tflite/web/assets/engine/worker.js";

/** Return the networks of a page, ready to run. */
export function openPage(path) {
  const text = fs.readFileSync(path, "utf8");
  const held = (id) => text.match(new RegExp(`<script type="[a-z/]+" id="${id}">(.*?)</script>`, "s"))[1];
  return Networks.opened(JSON.parse(held("facts")), held("data"));
}
