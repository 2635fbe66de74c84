// Runs an integer program once in WebAssembly: folder, bytes of values, place of the input; writes all values.
import fs from "node:fs";

const [folder, size, place] = process.argv.slice(2);
const read = (name) => fs.readFileSync(`${folder}/${name}`);
const { instance } = await WebAssembly.instantiate(read("kernels.wasm"));
const { memory, kc_run, __heap_base } = instance.exports;
const aligned = (address) => Math.ceil(address / 16) * 16;
const words = aligned(__heap_base.value);
const constants = aligned(words + read("words").length);
const values = aligned(constants + read("constants").length);
memory.grow(Math.ceil((values + Number(size)) / 65536));
const bytes = new Uint8Array(memory.buffer);
bytes.set(read("words"), words);
bytes.set(read("constants"), constants);
bytes.set(read("input"), values + Number(place));
kc_run(words, read("words").length / 4, constants, values);
fs.writeFileSync(1, bytes.subarray(values, values + Number(size)));
