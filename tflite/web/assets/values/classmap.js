// Scores, the class map of a convolutional head, and where in the image the cells of a volume are.

import { makerOf, sidesOf, tensorOf } from "./graph.js";
import { receptiveBoxes } from "./receptive.js";

/** The volume with one map for each class, whose means are the scores; null for other heads. */
export function classMapOf(program) {
  const scores = scoresOf(program);
  let index = scores;
  for (let step = makerOf(program, index); step; step = makerOf(program, index)) {
    const [call] = step.calls;
    if (call.kernel !== "MEAN" && call.kernel !== "COPY") break;
    index = call.operands.input;
    const depth = (of) => sidesOf(tensorOf(program, of))[2];
    if (call.kernel === "MEAN" && depth(index) === depth(scores)) return index;
  }
  return null;
}

/** The tensor of scores: what softmax takes, or the output where there is none. */
export function scoresOf(program) {
  const [output] = program.outputs;
  let step = makerOf(program, output);
  while (step && step.operator === "QUANTIZE") step = makerOf(program, step.inputs[0]);
  return step && step.operator === "SOFTMAX" ? step.inputs[0] : output;
}

/**
 * The rectangle of pixels that each cell of a volume stands for: the middle of what it sees, as wide as the step from
 * one to the next. {top, left, height, width} of the first, in pixels of the input.
 */
export function cellsOver(program, index) {
  const [input] = program.inputs;
  const [rows, columns] = sidesOf(tensorOf(program, index));
  const seen = (y, x) => receptiveBoxes(program, index, { y, x, c: 0 }).get(input);
  const first = seen(0, 0);
  const [below, beside] = [seen(Math.min(1, rows - 1), 0), seen(0, Math.min(1, columns - 1))];
  const height = below.y0 - first.y0 || first.y1 - first.y0;
  const width = beside.x0 - first.x0 || first.x1 - first.x0;
  return {
    height,
    width,
    top: (first.y0 + first.y1 - height) / 2,
    left: (first.x0 + first.x1 - width) / 2,
  };
}
