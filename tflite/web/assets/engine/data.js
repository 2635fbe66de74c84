// What the page holds: facts as JSON, and one text with all bytes that they name by [place, length].

const TYPES = { INT8: Int8Array, UINT8: Uint8Array, INT32: Int32Array };

/** Return the bytes of the page's text. */
export async function unpacked(text) {
  if (typeof DecompressionStream === "undefined")
    throw new Error("This browser is too old for this page; those of 2023 and later can show it.");
  const { readable, writable } = new DecompressionStream("deflate-raw");
  const writer = writable.getWriter();
  const written = writer.write(bytesOf(text)).then(() => writer.close());
  const content = await new Response(readable).arrayBuffer();
  await written;
  return new Uint8Array(content);
}

const LOST = [0, 13, 60]; // characters that HTML does not keep: they share one of two bytes with what follows

/** Return the bytes of a text with seven bits in a character, as packed.py makes it. */
function bytesOf(text) {
  const begin = text.indexOf(" ") + 1;
  const bytes = new Uint8Array(Number(text.slice(0, begin)));
  let [held, bits, at] = [0, 0, 0];
  const push = (digit) => {
    held = ((held << 7) | digit) & 0x7fff;
    bits += 7;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = held >> bits; // one behind the last is left out
    }
  };
  for (let i = begin; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character > 127) push(LOST[(character >> 7) - 1]);
    push(character & 127);
  }
  return bytes;
}

/** Return a part of the bytes as an array of a type; it shares their memory. */
export function part(bytes, [place, length], Type = Uint8Array) {
  return new Type(bytes.buffer, bytes.byteOffset + place, length / Type.BYTES_PER_ELEMENT);
}

/**
 * Complete the facts in place: every [place, length] becomes an array, and each step's calls get the `numbers` and
 * `tables` that stand in its words, so that `program` is what IntegerProgram.to_dict() tells in Python.
 */
export function complete(page, bytes) {
  for (const image of page.golden) image.data = summed(part(bytes, image.pixels), image);
  for (const network of page.networks) {
    const { program, expected } = network;
    network.classes = page.classes;
    network.stored = part(bytes, network.stored);
    program.words = part(bytes, program.words, Int32Array);
    program.constants = part(bytes, program.constants);
    for (const tensor of program.tensors) tensor.scales = part(bytes, tensor.scales, Float32Array);
    program.tensor = new Map(program.tensors.map((tensor) => [tensor.index, tensor]));
    for (const step of program.steps) completeStep(step, program, page.layouts);
    expected.inputs = part(bytes, expected.inputs, Uint32Array);
    expected.outputs = part(bytes, expected.outputs);
    expected.checksums = part(bytes, expected.checksums, Uint32Array);
  }
  return page;
}

/** Return pixels of their differences along each row. */
function summed(steps, { width, channels }) {
  const row = width * channels;
  const pixels = steps.slice();
  for (let i = 0; i < pixels.length; i++) if (i % row >= channels) pixels[i] += pixels[i - channels];
  return pixels;
}

function completeStep(step, program, layouts) {
  let at = step.words[0];
  for (const call of step.calls) {
    let field = at + 2;
    const lengths = call.tables;
    call.numbers = {};
    call.tables = {};
    for (const [name, count] of layouts[call.kernel]) {
      const found = program.words.subarray(field, field + count);
      field += count;
      if (name in lengths) call.tables[name] = table(program.constants, -1 - found[0], lengths[name]);
      else if (!(name in call.operands) && name !== "window")
        call.numbers[name] = count > 1 ? Array.from(found) : found[0];
    }
    at += program.words[at + 1];
  }
}

function table(constants, place, count) {
  return new Int32Array(constants.buffer, constants.byteOffset + place, count);
}

/** Return the values of a tensor in a memory: the constants, or the values after a run. */
export function valuesOf(tensor, memory) {
  const Type = TYPES[tensor.type];
  return new Type(memory.buffer, memory.byteOffset + tensor.place, tensor.bytes / Type.BYTES_PER_ELEMENT);
}
