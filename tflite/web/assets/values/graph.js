// Tensors and steps of an integer program by their number in the file. A `read` gives a tensor's stored values.

const indexed = new WeakMap();

function numbered(program) {
  if (!indexed.has(program))
    indexed.set(program, {
      tensors: new Map(program.tensors.map((tensor) => [tensor.index, tensor])),
      makers: new Map(program.steps.map((step) => [step.output, step])),
    });
  return indexed.get(program);
}

export const tensorOf = (program, index) => numbered(program).tensors.get(index);

/** The step that computes a tensor; undefined for an input. */
export const makerOf = (program, index) => numbered(program).makers.get(index);

/** Height, width, depth; a list of values is one pixel with many channels. */
export const sidesOf = ({ shape }) => [1, 1, 1, ...shape].slice(-3);

export function flatOf(tensor, { y, x, c }) {
  const [, width, depth] = sidesOf(tensor);
  return (y * width + x) * depth + c;
}

export function placeOf(tensor, flat) {
  const [, width, depth] = sidesOf(tensor);
  return { y: Math.floor(flat / depth / width), x: Math.floor(flat / depth) % width, c: flat % depth };
}

/** The real number that a stored one stands for; weights may have a scale for each output channel. */
export function realOf(tensor, stored, channel = 0) {
  return scaleOf(tensor, channel) * (stored - tensor.zero_point);
}

export const scaleOf = ({ scales }, channel) => scales[channel] ?? scales[0] ?? 1;
