// Explains values of every computed tensor of programs: a list of {program, tensors (base64), every, asked}.
import fs from "node:fs";

const [assets, file] = process.argv.slice(2);
const { explained } = await import(`${assets}/values/window.js`);
const { placeOf, sidesOf, tensorOf } = await import(`${assets}/values/graph.js`);
const { cutTo, receptiveBoxes } = await import(`${assets}/values/receptive.js`);
const { difference } = await import(`${assets}/values/why.js`);
const arrays = { INT8: Int8Array, UINT8: Uint8Array, INT32: Int32Array };

console.log(JSON.stringify(JSON.parse(fs.readFileSync(file)).map(told)));

function told({ program, tensors, every, asked }) {
  const stored = new Map();
  for (const [index, content] of Object.entries(tensors)) {
    const bytes = new Uint8Array(Buffer.from(content, "base64"));
    stored.set(Number(index), new arrays[tensorOf(program, Number(index)).type](bytes.buffer));
  }
  const read = (index) => stored.get(index);
  const last = program.steps.find((step) => step.operator === "SOFTMAX");
  const levels = last ? difference(program, read, last.inputs[0], 0, 1) : [];
  const sums = levels.map(({ tensor, shares, rest }) => ({
    tensor: tensor.index,
    sum: shares.reduce((total, share) => total + share, rest),
  }));
  const sights = asked.map(({ tensor, at }) => sight(program, read, tensor, at));
  return { ...compared(program, read, every), sights, sums };
}

function compared(program, read, every) {
  let count = 0;
  const differences = [];
  for (const step of program.steps)
    for (let flat = 0; flat < read(step.output).length; flat += every) {
      const found = explained(program, read, step.output, placeOf(tensorOf(program, step.output), flat));
      count += 1;
      if (found.stored !== read(step.output)[flat]) differences.push([step.position, step.operator, flat]);
    }
  return { compared: count, differences };
}

// Whether the boxes of a value are those around all that it reads, followed value by value.
function sight(program, read, tensor, at) {
  const boxes = receptiveBoxes(program, tensor, at);
  const values = followed(program, read, tensor, at);
  const same = [...boxes].every(([index, box]) => {
    const [cut, real] = [cutTo(tensorOf(program, index), box), around(tensorOf(program, index), values.get(index))];
    return Object.keys(cut).every((side) => cut[side] === real[side]);
  });
  return { same, input: boxes.get(program.inputs[0]) };
}

function followed(program, read, index, { y, x, c }) {
  const [, width, depth] = sidesOf(tensorOf(program, index));
  const seen = new Map([[index, new Set([(y * width + x) * depth + c])]]);
  for (const step of [...program.steps].reverse())
    for (const flat of seen.get(step.output) ?? []) {
      const how = explained(program, read, step.output, placeOf(tensorOf(program, step.output), flat));
      const terms = how.terms ?? how.places.map((place) => ({ tensor: how.given, place }));
      for (const { tensor, place } of terms)
        if (place >= 0) seen.set(tensor.index, (seen.get(tensor.index) ?? new Set()).add(place));
    }
  return seen;
}

function around(tensor, places) {
  const found = [...places].map((place) => placeOf(tensor, place));
  return Object.fromEntries(
    ["y", "x", "c"].flatMap((side) => [
      [`${side}0`, Math.min(...found.map((each) => each[side]))],
      [`${side}1`, Math.max(...found.map((each) => each[side])) + 1],
    ]),
  );
}
