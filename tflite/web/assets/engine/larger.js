// A network without dense layers on a larger image: the same filters slide further, so it answers at every place.

import { cellsOver, classMapOf } from "../values/classmap.js";
import { makerOf, sidesOf, tensorOf } from "../values/graph.js";

const ALIGNMENT = 16; // bytes: of every tensor
const SLIDING = ["AVERAGE_POOL", "CONVOLUTION", "DEPTHWISE", "MAX_POOL", "QUANTIZE"];

/** Return whether a network has a class map on images of other sides, too. */
export function slides(program) {
  const map = classMapOf(program);
  return map !== null && stepsTo(program, map).every((step) => SLIDING.includes(step.calls[0].kernel) || joinsMaps(program, step));
}

/** Return the side of an image that has about six times as many pixels, in whole steps of the class map. */
export function largerSide(program) {
  const [side] = sidesOf(tensorOf(program, program.inputs[0]));
  const step = stepOver(program);
  return side + step * Math.round((1.5 * side) / step);
}

/** Return how many pixels lie between neighbours of the class map. */
export function stepOver(program) {
  const map = classMapOf(program);
  if (sidesOf(tensorOf(program, map))[0] > 1) return cellsOver(program, map).height;
  return stepsTo(program, map).reduce((step, { calls: [{ numbers }] }) => step * (numbers.stride?.[0] ?? 1), 1);
}

// The steps that the map needs, in order.
function stepsTo(program, map) {
  const needed = new Set([map]);
  const found = [];
  for (const step of [...program.steps].reverse()) {
    if (!needed.has(step.output)) continue;
    found.unshift(step);
    for (const { operands } of step.calls) for (const index of Object.values(operands)) if (makerOf(program, index)) needed.add(index);
  }
  return found;
}

function joinsMaps(program, step) {
  const depth = (index) => sidesOf(tensorOf(program, index))[2];
  return step.operator === "CONCATENATION" && step.calls.every(({ numbers, operands }) => numbers.input_row === depth(operands.input));
}

/** Return the program up to the class map for square images of another side, ready for an Engine. */
export function resizedProgram(program, layouts, side) {
  const map = classMapOf(program);
  const steps = stepsTo(program, map);
  const tensors = new Map(program.tensors.map((tensor) => [tensor.index, { ...tensor }]));
  let end = 0;
  const place = (index, height, width) => {
    const tensor = tensors.get(index);
    tensor.shape = [1, height, width, sidesOf(tensor)[2]];
    tensor.bytes = height * width * tensor.shape[3];
    tensor.place = end;
    end = aligned16(end + tensor.bytes);
  };
  place(program.inputs[0], side, side);
  const sizes = steps.map((step) => {
    const [height, width] = step.calls[0].numbers.filter ? windowsOf(step.calls[0], tensors) : sameSides(step, tensors);
    place(step.output, height.count, width.count);
    return [height, width];
  });
  const words = [];
  const moved = steps.map((step, i) => {
    const first = words.length;
    let at = step.words[0];
    for (const call of step.calls) {
      const length = program.words[at + 1];
      const changed = changes(call, sizes[i], tensors, end);
      words.push(...patched(program.words.subarray(at, at + length), layouts[call.kernel], changed));
      at += length;
    }
    return { ...step, words: [first, words.length - first] };
  });
  const room = program.values - Math.max(...program.tensors.filter(({ role }) => role !== "constant").map((one) => one.place + one.bytes));
  return {
    ...program,
    tensors: [...tensors.values()],
    tensor: tensors,
    steps: moved,
    outputs: [map],
    values: end + room,
    words: Int32Array.from(words),
  };
}

const aligned16 = (place) => Math.ceil(place / ALIGNMENT) * ALIGNMENT;

// Height and width of what a window gives, with the zeros before it: as many as it had ("valid", or "same").
function windowsOf({ numbers, operands }, tensors) {
  const given = sidesOf(tensors.get(operands.input));
  return [0, 1].map((axis) => {
    const reach = (numbers.filter[axis] - 1) * (numbers.dilation?.[axis] ?? 1) + 1;
    const stride = numbers.stride[axis];
    const valid = (side) => Math.floor((side - reach) / stride) + 1;
    if (numbers.pad[axis] === 0 && valid(numbers.input_shape[1 + axis]) === numbers.output_shape[1 + axis])
      return { count: valid(given[axis]), pad: 0 };
    const count = Math.ceil(given[axis] / stride);
    return { count, pad: Math.max((count - 1) * stride + reach - given[axis], 0) >> 1 };
  });
}

function sameSides(step, tensors) {
  const [height, width] = sidesOf(tensors.get(step.calls[0].operands.input));
  return [{ count: height }, { count: width }];
}

function changes({ kernel, numbers, operands }, [height, width], tensors, window) {
  const [given, output] = [tensors.get(operands.input), tensors.get(operands.output)];
  const found = { input: [given.place], output: [output.place], window: [window] };
  if (numbers.filter) Object.assign(found, { input_shape: given.shape, output_shape: output.shape, pad: [height.pad, width.pad] });
  if (kernel === "QUANTIZE") found.count = [output.bytes];
  if (kernel === "COPY") found.rows = [height.count * width.count];
  return found;
}

// A step's words with other numbers in some of its fields.
function patched(words, fields, changed) {
  const found = Array.from(words);
  let at = 2;
  for (const [name, count] of fields) {
    if (name in changed) found.splice(at, count, ...changed[name]);
    at += count;
  }
  return found;
}
