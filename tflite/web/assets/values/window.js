// How one value comes about: which values its step reads, with which weights, and every number on the way.

import { flatOf, makerOf, placeOf, sidesOf, tensorOf } from "./graph.js";
import { addedTogether, averaged, clampedTo, rescaled } from "./rescale.js";

/**
 * Of the value at {y, x, c} of a tensor; null for an input. `kind` says which other fields there are:
 * products (values, weights, products, sum, bias), maximum, average, mean, copy, padding, sum, quantize, softmax.
 * `places` are numbers of values in `given`, −1 beside it; values beside it are 0.
 */
export function explained(program, read, index, at) {
  const step = makerOf(program, index);
  if (!step) return null;
  const output = tensorOf(program, index);
  const call = callFor(step, flatOf(output, at));
  const given = tensorOf(program, call.operands.input ?? call.operands.first);
  const found = HOW[call.kernel]({ program, read, call, given, output, at });
  return { step, call, given, output, at, ...found };
}

/** Of the calls of a step, the one that computes this value: there are several where inputs are joined. */
export function callFor(step, flat) {
  return step.calls.find(({ kernel, numbers }) => {
    const column = kernel === "COPY" ? (flat % numbers.output_row) - numbers.output_start : 0;
    return column >= 0 && column < (numbers.input_row ?? 1);
  });
}

/** The window of a value before its image is cut off, and the channels that it reads. */
export function windowAt(call, { y, x, c }) {
  const { numbers } = call;
  const [dy, dx] = numbers.dilation ?? [1, 1];
  const [height, width] = numbers.filter;
  const y0 = y * numbers.stride[0] - numbers.pad[0];
  const x0 = x * numbers.stride[1] - numbers.pad[1];
  const [c0, c1] = channelsOf(call, c);
  return { y0, x0, y1: y0 + (height - 1) * dy + 1, x1: x0 + (width - 1) * dx + 1, c0, c1 };
}

function channelsOf({ kernel, numbers }, c) {
  if (kernel === "CONVOLUTION") {
    const depth = numbers.input_shape[3] / numbers.groups;
    const group = Math.floor(c / (numbers.output_shape[3] / numbers.groups));
    return [group * depth, (group + 1) * depth];
  }
  const one = Math.floor(c / (numbers.output_shape[3] / numbers.input_shape[3]));
  return [one, one + 1];
}

function gathered({ call, given, at, read }) {
  const box = windowAt(call, at);
  const [height, width] = call.numbers.filter;
  const [dy, dx] = call.numbers.dilation ?? [1, 1];
  const [rows, columns] = sidesOf(given);
  const stored = read(given.index);
  const places = [];
  for (let fy = 0; fy < height; fy++)
    for (let fx = 0; fx < width; fx++)
      for (let c = box.c0; c < box.c1; c++) {
        const [y, x] = [box.y0 + fy * dy, box.x0 + fx * dx];
        const inside = y >= 0 && y < rows && x >= 0 && x < columns;
        places.push(inside ? flatOf(given, { y, x, c }) : -1);
      }
  return { box, taps: [height, width, box.c1 - box.c0], places, stored };
}

function multiplied({ program, read, call, at }, { places, stored, ...where }, weights) {
  const { operands, numbers, tables } = call;
  const channel = at.c;
  const values = places.map((place) => (place < 0 ? 0 : stored[place] - numbers.input_zero));
  const products = values.map((value, i) => value * weights[i] || 0); // no −0
  const bias = "bias" in operands ? read(operands.bias)[channel] : tables.bias[channel];
  const sum = products.reduce((total, product) => total + product, 0);
  const filter = tensorOf(program, operands.weights);
  const change = rescaled(call, channel, sum + bias);
  return { kind: "products", ...where, places, values, weights, products, sum, bias, filter, channel, ...change };
}

function ofConvolution(of) {
  const window = gathered(of);
  const stored = of.read(of.call.operands.weights);
  const count = window.places.length;
  if (of.call.kernel === "DEPTHWISE") {
    const channels = of.call.numbers.output_shape[3];
    return multiplied(of, window, window.places.map((_, tap) => stored[tap * channels + of.at.c]));
  }
  return multiplied(of, window, Array.from(stored.subarray(of.at.c * count, (of.at.c + 1) * count)));
}

function ofDense(of) {
  const { depth, units } = of.call.numbers;
  const row = Math.floor(flatOf(of.output, of.at) / units);
  const places = Array.from({ length: depth }, (_, i) => row * depth + i);
  const weights = Array.from(of.read(of.call.operands.weights).subarray(of.at.c * depth, (of.at.c + 1) * depth));
  const window = { box: null, taps: [1, 1, depth], places, stored: of.read(of.given.index) };
  return multiplied(of, window, weights);
}

function ofPool(of) {
  const { stored, ...window } = gathered(of);
  const { lowest, highest } = of.call.numbers;
  const inside = window.places.filter((place) => place >= 0).map((place) => stored[place]);
  const values = window.places.map((place) => (place < 0 ? null : stored[place]));
  if (of.call.kernel === "MAX_POOL") {
    const largest = Math.max(...inside);
    const best = values.indexOf(largest);
    return { kind: "maximum", ...window, values, best, stored: clampedTo(largest, lowest, highest) };
  }
  const sum = inside.reduce((total, value) => total + value, 0);
  const mean = averaged(sum, inside.length);
  return { kind: "average", ...window, values, count: inside.length, sum, stored: clampedTo(mean, lowest, highest) };
}

/** Where a mean is taken over, as [from, to) of each side. */
export function meanOver(call, flat) {
  const { input_shape: shape, reduced } = call.numbers;
  const kept = shape.map((side, axis) => (reduced[axis] ? 1 : side));
  const at = [];
  for (let axis = 3, rest = flat; axis >= 0; axis--) {
    at[axis] = rest % kept[axis];
    rest = Math.floor(rest / kept[axis]);
  }
  return shape.map((side, axis) => (reduced[axis] ? [0, side] : [at[axis], at[axis] + 1]));
}

function ofMean({ call, given, output, at, read }) {
  const [, [y0, y1], [x0, x1], [c0, c1]] = meanOver(call, flatOf(output, at));
  const stored = read(given.index);
  const places = [];
  for (let y = y0; y < y1; y++)
    for (let x = x0; x < x1; x++) for (let c = c0; c < c1; c++) places.push(flatOf(given, { y, x, c }));
  const values = places.map((place) => stored[place]);
  const sum = values.reduce((total, value) => total + value, 0) - call.numbers.input_zero * call.numbers.count;
  const box = { y0, x0, y1, x1, c0, c1 };
  return { kind: "mean", box, taps: [y1 - y0, x1 - x0, c1 - c0], places, values, ...rescaled(call, 0, sum) };
}

function ofCopy({ call, given, output, at, read }) {
  const { input_row: row, output_row: wide, output_start: start } = call.numbers;
  const flat = flatOf(output, at);
  const place = Math.floor(flat / wide) * row + (flat % wide) - start;
  return { kind: "copy", places: [place], from: placeOf(given, place), stored: read(given.index)[place] };
}

function ofPad({ call, given, at, read }) {
  const [, top, left, front] = call.numbers.before;
  const [height, width, depth] = sidesOf(given);
  const from = { y: at.y - top, x: at.x - left, c: at.c - front };
  const inside = from.y >= 0 && from.y < height && from.x >= 0 && from.x < width && from.c >= 0 && from.c < depth;
  if (!inside) return { kind: "padding", places: [], stored: call.numbers.value };
  const place = flatOf(given, from);
  return { kind: "copy", places: [place], from, stored: read(given.index)[place] };
}

function ofBlocks({ call, given, at, read }) {
  const { block, input_shape: shape } = call.numbers;
  const depth = shape[3];
  const within = Math.floor(at.c / depth);
  const from = {
    y: at.y * block + Math.floor(within / block),
    x: at.x * block + (within % block),
    c: at.c % depth,
  };
  const place = flatOf(given, from);
  return { kind: "copy", places: [place], from, stored: read(given.index)[place] };
}

function ofSum({ program, call, output, at, read }) {
  const { numbers, operands } = call;
  const terms = ["first", "second"].map((name) => {
    const place = [0, at.y, at.x, at.c].reduce((sum, side, axis) => sum + side * numbers[`${name}_strides`][axis], 0);
    const value = read(operands[name])[place] - numbers[`${name}_zero`];
    return { tensor: tensorOf(program, operands[name]), place, value };
  });
  return { kind: "sum", terms, output, stored: addedTogether(numbers, terms[0].value, terms[1].value) };
}

function ofQuantize({ call, given, output, at, read }) {
  const place = flatOf(output, at);
  const lowest = call.numbers.output_unsigned ? 0 : -128;
  const bounded = { ...call, numbers: { ...call.numbers, lowest, highest: lowest + 255 } };
  const sum = read(given.index)[place] - call.numbers.input_zero;
  return { kind: "quantize", places: [place], from: placeOf(given, place), ...rescaled(bounded, 0, sum) };
}

// Its kernel works with a fixed point; the real numbers tell the same.
function ofSoftmax({ call, given, output, at, read }) {
  const { depth } = call.numbers;
  const first = Math.floor(flatOf(output, at) / depth) * depth;
  const places = Array.from({ length: depth }, (_, i) => first + i);
  const values = places.map((place) => read(given.index)[place]);
  const scale = given.scales[0];
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(scale * (value - largest)));
  const total = powers.reduce((sum, power) => sum + power, 0);
  const shares = powers.map((power) => power / total);
  return { kind: "softmax", places, values, largest, powers, total, shares, stored: read(output.index)[first + at.c] };
}

const HOW = {
  ADD: ofSum,
  AVERAGE_POOL: ofPool,
  CONVOLUTION: ofConvolution,
  COPY: ofCopy,
  DEPTHWISE: ofConvolution,
  FULLY_CONNECTED: ofDense,
  MAX_POOL: ofPool,
  MEAN: ofMean,
  PAD: ofPad,
  QUANTIZE: ofQuantize,
  SOFTMAX: ofSoftmax,
  SPACE_TO_DEPTH: ofBlocks,
};
