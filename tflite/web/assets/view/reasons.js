// Why a class, and why not another: the values that make the difference, and where in the image they come from.

import { cellsOver, classMapOf, scoresOf } from "../values/classmap.js";
import { element } from "./elements.js";
import { placeOf, realOf, sidesOf, tensorOf } from "../values/graph.js";
import { titled } from "./names.js";
import { barList, cellPicture, cellUnder, laidOver, largestSize, signed, written } from "./paint.js";
import { difference, overMaps } from "../values/why.js";

const MOST_REASONS = 8;
const OPACITY = 0.75; // of the strongest cell over the image

/** Classes from the most to the least likely. */
export function ranked(program, read) {
  const stored = read(scoresOf(program));
  return Array.from(stored.keys()).sort((a, b) => stored[b] - stored[a]);
}

/** Elements that say it. `image` is a canvas of the input, `first` a class, `second` another or null. */
export function reasonsFor({ network, read, classes, image, go }, first, second) {
  const { program } = network;
  const scores = tensorOf(program, scoresOf(program));
  const score = (c) => realOf(scores, read(scores.index)[c]);
  const total = second === null ? score(first) : score(first) - score(second);
  const levels = difference(program, read, scores.index, first, second);
  const told = element("p", { class: "lead" }, ...scoresTold(classes, score, total, first, second));
  if (!levels.length) return [told];
  const maps = levels.findLast(({ tensor }) => sidesOf(tensor)[0] > 1);
  const [last] = levels;
  const of = { network, classes, image, go, first, second };
  return [told, maps ? overImage(of, maps) : null, last === maps ? null : largestShares(of, last, total)].filter(Boolean);
}

function scoresTold(classes, score, total, first, second) {
  const one = `“${classes[first]}” has the score ${written(score(first))}`;
  if (second === null) return [`${one}.`];
  const more = total ? `${written(Math.abs(total))} ${total > 0 ? "more" : "less"}` : "the same";
  return [`${one}, “${classes[second]}” ${written(score(second))}: `, element("strong", { text: more }), "."];
}

// The shares of each place over the image.
function overImage({ network, classes, image, go, first, second }, level) {
  const { program } = network;
  const { height, width, sums } = overMaps(level);
  const most = largestSize(sums);
  const click = (event) => {
    const at = cellUnder(event, height, width);
    go(level.tensor.index, { ...at, c: loudest(level, at) });
  };
  const colour = (y, x) => signed((OPACITY * sums[y * width + x]) / most);
  const label = `What speaks for ${classes[first]}, over the image`;
  const heat = cellPicture(height, width, colour, { class: "picture picks heat", "aria-label": label, click });
  const cells = cellsOver(program, level.tensor.index);
  const against = second === null ? "speaks against it" : `for “${classes[second]}”`;
  const legend = element("span", {}, element("span", { class: "plus-word", text: "Orange" }),
    ` speaks for “${classes[first]}”, `, element("span", { class: "minus-word", text: "blue" }), ` ${against}.`);
  const exact = classMapOf(program) === level.tensor.index
    ? ` The class map has ${height}×${width} places; each is drawn at the middle of what it sees.`
    : ` What the ${height}×${width} places of the last maps add, through all dense layers, each drawn at the middle of what it sees.`;
  return element("figure", {}, laidOver(image, heat, cells, height, width), element("figcaption", {}, legend, exact));
}

// The channel that adds or takes most at a place.
function loudest({ tensor, shares }, { y, x }) {
  const [, width, depth] = sidesOf(tensor);
  let best = 0;
  for (let c = 1; c < depth; c++) {
    const [one, other] = [shares[(y * width + x) * depth + c], shares[(y * width + x) * depth + best]];
    if (Math.abs(one) > Math.abs(other)) best = c;
  }
  return best;
}

// The inputs of the last layer that add most.
function largestShares({ network, classes, go, first, second }, { tensor, shares, rest }, total) {
  const order = Array.from(shares.keys()).sort((a, b) => Math.abs(shares[b]) - Math.abs(shares[a]));
  const shown = order.filter((i) => shares[i] !== 0).slice(0, MOST_REASONS);
  const others = order.slice(shown.length).reduce((sum, i) => sum + shares[i], 0);
  const found = shares.reduce((sum, share) => sum + share, rest);
  const entries = [
    ...shown.map((i) => {
      const at = placeOf(tensor, i);
      return { name: titled(network, tensor.index, at), value: shares[i], click: () => go(tensor.index, at) };
    }),
    { name: `${order.length - shown.length} others`, value: others },
    { name: second === null ? "bias" : "biases", value: rest },
    { name: "rounding to int8", value: total - found },
  ];
  const most = largestSize(entries.map(({ value }) => value));
  const lines = entries.map(({ value, ...line }) => ({ ...line, share: value / most, text: written(value) }));
  const weight = second === null
    ? `value × weight to “${classes[first]}”`
    : `value × (weight to “${classes[first]}” − weight to “${classes[second]}”)`;
  return element(
    "figure",
    {},
    barList(lines, { middle: true, label: "What adds most" }),
    element("figcaption", { text: `Each is ${weight}; all together are ${written(total)}.` }),
  );
}
