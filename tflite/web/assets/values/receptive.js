// What a value sees in every earlier tensor: a box {y0, x0, c0, y1, x1, c1}, its ends not included.
// A box may reach beside an image that is padded; `cutTo` cuts it off.

import { callFor, meanOver, windowAt } from "./window.js";
import { flatOf, placeOf, sidesOf, tensorOf } from "./graph.js";

export function wholeBox(tensor) {
  const [y1, x1, c1] = sidesOf(tensor);
  return { y0: 0, x0: 0, c0: 0, y1, x1, c1 };
}

const SIDES = ["y", "x", "c"];

function joined(one, other) {
  if (!one) return other;
  return Object.fromEntries(
    SIDES.flatMap((side) => [
      [`${side}0`, Math.min(one[`${side}0`], other[`${side}0`])],
      [`${side}1`, Math.max(one[`${side}1`], other[`${side}1`])],
    ]),
  );
}

export function cutTo(tensor, box) {
  const whole = wholeBox(tensor);
  return Object.fromEntries(
    SIDES.flatMap((side) => [
      [`${side}0`, Math.max(whole[`${side}0`], box[`${side}0`])],
      [`${side}1`, Math.min(whole[`${side}1`], box[`${side}1`])],
    ]),
  );
}

const boxAt = ({ y, x, c }) => ({ y0: y, x0: x, c0: c, y1: y + 1, x1: x + 1, c1: c + 1 });

/** A map from the number of a tensor to the box in it that the value at {y, x, c} depends on, itself included. */
export function receptiveBoxes(program, index, at) {
  const boxes = new Map([[index, boxAt(at)]]);
  for (const step of [...program.steps].reverse()) {
    const box = boxes.get(step.output);
    if (!box) continue;
    for (const [tensor, seen] of readBy(program, step, box)) boxes.set(tensor, joined(boxes.get(tensor), seen));
  }
  return boxes;
}

function readBy(program, step, box) {
  const output = tensorOf(program, step.output);
  const [call] = step.calls;
  const { kernel, numbers, operands } = call;
  const given = tensorOf(program, operands.input ?? operands.first);
  const ends = [
    { y: box.y0, x: box.x0, c: box.c0 },
    { y: box.y1 - 1, x: box.x1 - 1, c: box.c1 - 1 },
  ];
  if (kernel === "COPY") return copiedBoxes(program, step, box);
  if (kernel === "ADD") return addedBoxes(program, call, box);
  if (numbers.filter) return [[given.index, ends.map((at) => windowAt(call, at)).reduce(joined)]];
  if (kernel === "MEAN") {
    const [first, last] = ends.map((at) => meanOver(call, flatOf(output, at)));
    const sides = SIDES.flatMap((side, i) => [
      [`${side}0`, first[i + 1][0]],
      [`${side}1`, last[i + 1][1]],
    ]);
    return [[given.index, Object.fromEntries(sides)]];
  }
  if (kernel === "PAD") {
    const [, y, x, c] = numbers.before;
    const moved = { y0: box.y0 - y, x0: box.x0 - x, c0: box.c0 - c, y1: box.y1 - y, x1: box.x1 - x, c1: box.c1 - c };
    return [[given.index, moved]];
  }
  if (kernel === "SPACE_TO_DEPTH") {
    const { block } = numbers;
    const [y0, x0, y1, x1] = [box.y0, box.x0, box.y1, box.x1].map((side) => side * block);
    return [[given.index, { y0, x0, y1, x1, c0: 0, c1: numbers.input_shape[3] }]];
  }
  if (kernel === "QUANTIZE") return [[given.index, box]];
  if (kernel === "SOFTMAX") return [[given.index, { ...box, c0: 0, c1: numbers.depth }]];
  return [[given.index, wholeBox(given)]];
}

// Every value of the box comes from one place: the box around these places.
function copiedBoxes(program, step, box) {
  const output = tensorOf(program, step.output);
  const found = new Map();
  const cut = cutTo(output, box);
  for (let y = cut.y0; y < cut.y1; y++)
    for (let x = cut.x0; x < cut.x1; x++)
      for (let c = cut.c0; c < cut.c1; c++) {
        const flat = flatOf(output, { y, x, c });
        const { numbers, operands } = callFor(step, flat);
        const { input_row: row, output_row: wide, output_start: start } = numbers;
        const place = Math.floor(flat / wide) * row + (flat % wide) - start;
        const from = boxAt(placeOf(tensorOf(program, operands.input), place));
        found.set(operands.input, joined(found.get(operands.input), from));
      }
  return [...found];
}

// A side of 1 that is repeated is read at 0.
function addedBoxes(program, { operands }, box) {
  return [operands.first, operands.second].map((index) => {
    const whole = wholeBox(tensorOf(program, index));
    const sides = SIDES.flatMap((side) => {
      const repeated = whole[`${side}1`] === 1;
      return [
        [`${side}0`, repeated ? 0 : box[`${side}0`]],
        [`${side}1`, repeated ? 1 : box[`${side}1`]],
      ];
    });
    return [index, Object.fromEntries(sides)];
  });
}
