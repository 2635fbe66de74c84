// What volumes and their values are called.

import { number } from "./elements.js";
import { sidesOf, tensorOf } from "../values/graph.js";

export function volumeOf(network, index) {
  const own = network.volumes.find((volume) => volume.tensor === index);
  return own ?? { title: `tensor ${index}`, tensor: index };
}

/** "fc1 7": of a list, counted from 1. */
export const titled = (network, index, { c }) => `${volumeOf(network, index).title} ${c + 1}`;

/** "conv2, map 3, row 1, column 2", "fc1, value 7" or the name of a class, counted from 1. */
export function named(network, index, { y, x, c }, classes) {
  const tensor = tensorOf(network.program, index);
  const [height, width, depth] = sidesOf(tensor);
  const { title } = volumeOf(network, index);
  if (height * width > 1) {
    const map = depth > 1 ? `, map ${c + 1} of ${depth}` : "";
    return `${title}${map}, row ${y + 1}, column ${x + 1}`;
  }
  return isScores(network, index) ? `${title} of “${classes[c]}”` : `${title}, value ${c + 1} of ${number(depth)}`;
}

const isScores = (network, index) =>
  network.program.outputs.includes(index) ||
  network.program.steps.some((step) => step.operator === "SOFTMAX" && step.inputs[0] === index);
