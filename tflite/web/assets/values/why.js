// Why a class has its score, or a higher one than another: what each value adds to it, in real numbers.

import { flatOf, makerOf, realOf, scaleOf, sidesOf, tensorOf } from "./graph.js";
import { windowAt } from "./window.js";

/**
 * Back from the scores, one step a level: {tensor, shares, rest}. The shares, one for each value of the tensor, and
 * the rest, which the biases add, are the score or the difference together, but for what int8 rounds. It ends at a
 * volume of maps.
 */
export function difference(program, read, scores, first, second = null) {
  const levels = [];
  let factors = new Float64Array(read(scores).length);
  factors[first] += 1;
  if (second !== null) factors[second] -= 1;
  let rest = 0;
  let index = scores;
  while (makerOf(program, index)?.operator === "RESHAPE") index = makerOf(program, index).inputs[0];
  while (!levels.length || !hasMaps(program, index)) {
    const step = makerOf(program, index);
    const [call] = step?.calls.length === 1 ? step.calls : [];
    const back = call && BACK[call.kernel];
    if (!back) break;
    rest += stopped(program, read, index, call, factors);
    const given = tensorOf(program, call.operands.input);
    const found = new Float64Array(read(given.index).length);
    rest += back({ program, read, call, given, output: tensorOf(program, index), factors, found });
    const stored = read(given.index);
    const shares = found.map((factor, i) => factor * realOf(given, stored[i]));
    if (call.kernel === "COPY") levels.pop();
    levels.push({ tensor: given, shares, rest });
    factors = found;
    index = given.index;
  }
  return levels;
}

const hasMaps = (program, index) => sidesOf(tensorOf(program, index))[0] > 1;

// A value at an end of its range does not follow its sum: it adds what it is, and nothing before it counts.
function stopped(program, read, index, { numbers }, factors) {
  if (numbers.lowest === undefined) return 0;
  const [tensor, stored] = [tensorOf(program, index), read(index)];
  let rest = 0;
  factors.forEach((factor, i) => {
    if (!factor || (stored[i] > numbers.lowest && stored[i] < numbers.highest)) return;
    rest += factor * realOf(tensor, stored[i]);
    factors[i] = 0;
  });
  return rest;
}

function biasOf(read, { operands, tables }, weights, given, channel) {
  const stored = "bias" in operands ? read(operands.bias)[channel] : tables.bias[channel];
  return stored * given.scales[0] * scaleOf(weights, channel);
}

function backThroughDense({ program, read, call, given, factors, found }) {
  const { depth, units } = call.numbers;
  const weights = tensorOf(program, call.operands.weights);
  const stored = read(weights.index);
  let rest = 0;
  factors.forEach((factor, i) => {
    if (!factor) return;
    const [row, unit] = [Math.floor(i / units), i % units];
    const each = factor * scaleOf(weights, unit);
    for (let place = 0; place < depth; place++) found[row * depth + place] += each * stored[unit * depth + place];
    rest += factor * biasOf(read, call, weights, given, unit);
  });
  return rest;
}

function backThroughConvolution({ program, read, call, given, output, factors, found }) {
  const weights = tensorOf(program, call.operands.weights);
  const stored = read(weights.index);
  const [rows, columns] = sidesOf(given);
  const [height, width, filters] = sidesOf(output);
  const { filter, dilation } = call.numbers;
  let rest = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < filters; c++) {
        const factor = factors[flatOf(output, { y, x, c })];
        if (!factor) continue;
        const box = windowAt(call, { y, x, c });
        const each = factor * scaleOf(weights, c);
        let tap = c * filter[0] * filter[1] * (box.c1 - box.c0);
        for (let fy = box.y0; fy < box.y1; fy += dilation[0])
          for (let fx = box.x0; fx < box.x1; fx += dilation[1])
            for (let channel = box.c0; channel < box.c1; channel++, tap++)
              if (fy >= 0 && fy < rows && fx >= 0 && fx < columns)
                found[flatOf(given, { y: fy, x: fx, c: channel })] += each * stored[tap];
        rest += factor * biasOf(read, call, weights, given, c);
      }
  return rest;
}

// Of a list of values: each is the mean of its map.
function backThroughMean({ call, given, factors, found }) {
  const depth = sidesOf(given)[2];
  found.forEach((_, i) => (found[i] = factors[i % depth] / call.numbers.count));
  return 0;
}

function backThroughCopy({ factors, found }) {
  found.set(factors);
  return 0;
}

const BACK = {
  CONVOLUTION: backThroughConvolution,
  COPY: backThroughCopy,
  FULLY_CONNECTED: backThroughDense,
  MEAN: backThroughMean,
};

/** The shares of all maps at each place together. */
export function overMaps({ tensor, shares }) {
  const [height, width, depth] = sidesOf(tensor);
  const sums = new Float64Array(height * width);
  shares.forEach((share, i) => (sums[Math.floor(i / depth)] += share));
  return { height, width, sums };
}
