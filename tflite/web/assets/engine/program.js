// Runs an integer program in WebAssembly; all tensors stay readable.

const PAGE = 65536; // bytes of WebAssembly's memory

/** Compile the kernels with SIMD, or without it where the browser has none: {module, simd}. */
export async function compiled(simd, plain) {
  if (typeof WebAssembly === "undefined") throw new Error("This browser has no WebAssembly.");
  const fast = WebAssembly.validate(simd);
  return { module: await WebAssembly.compile(fast ? simd : plain), simd: fast };
}

/** One network, ready to run. */
export class Engine {
  constructor(program, module) {
    const { memory, kc_run: run, __heap_base: base } = new WebAssembly.Instance(module).exports;
    this.program = program;
    this.run_ = run;
    this.words = aligned(base.value);
    this.constants = aligned(this.words + program.words.byteLength);
    this.values = aligned(this.constants + program.constants.byteLength);
    const missing = this.values + program.values - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    this.bytes = new Uint8Array(memory.buffer);
    this.bytes.set(new Uint8Array(program.words.buffer, program.words.byteOffset, program.words.byteLength), this.words);
    this.bytes.set(program.constants, this.constants);
  }

  /** Run all steps on a stored input; `after` is called with the number of steps done. */
  run(input, after = null) {
    const place = this.program.tensor.get(this.program.inputs[0]).place;
    this.bytes.set(input, this.values + place);
    if (!after) {
      this.run_(this.words, this.program.words.length, this.constants, this.values);
      return;
    }
    this.program.steps.forEach((step, number) => {
      const [first, count] = step.words;
      this.run_(this.words + 4 * first, count, this.constants, this.values);
      after(number + 1);
    });
  }

  /** Return a copy of what the last run has left: all values, or those of one tensor as bytes. */
  result(tensor = null) {
    const start = this.values + (tensor ? tensor.place : 0);
    return this.bytes.slice(start, start + (tensor ? tensor.bytes : this.program.values));
  }
}

function aligned(address) {
  return Math.ceil(address / 16) * 16;
}

const CRC = Uint32Array.from({ length: 256 }, (_, number) => {
  let rest = number;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** Return the CRC-32 of some bytes. */
export function checksum(bytes) {
  let rest = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) rest = CRC[(rest ^ bytes[i]) & 255] ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}
