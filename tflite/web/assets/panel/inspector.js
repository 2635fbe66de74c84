// The panel of one value: where it looks, what it multiplies, and every number from the sum to the stored value.

import { grid, pickTap } from "./cells.js";
import { denseRow } from "./denseview.js";
import { element, number, percent } from "../view/elements.js";
import { filterWindows } from "./filterview.js";
import { flatOf, placeOf, realOf, sidesOf, tensorOf } from "../values/graph.js";
import { named, volumeOf } from "../view/names.js";
import { barList, cellPicture, largestSize, signed, written } from "../view/paint.js";
import { cutTo, receptiveBoxes } from "../values/receptive.js";
import { stepTable } from "./steps.js";
import { explained } from "../values/window.js";

const MOST_NUMBERS = 49; // cells of a map in which numbers can be read
const MOST_BARS = 10; // classes that are listed

/** Return the content of the panel of the value at {y, x, c} of a tensor; `go(tensor, at)` picks another value. */
export function inspected({ network, read, classes, whole, go }, tensor, at) {
  const { program } = network;
  const how = explained(program, read, tensor, at);
  const of = { network, program, read, classes, whole, go, tensor: tensorOf(program, tensor), at, how };
  const parts = how ? KINDS[how.kind](of) : ofPixel(of);
  return [heading(of), sight(of), element("div", { class: "parts" }, ...parts.filter(Boolean))].filter(Boolean);
}

function heading({ network, read, classes, tensor, at }) {
  const stored = read(tensor.index)[flatOf(tensor, at)];
  const value = written(realOf(tensor, stored));
  return element(
    "h3",
    { class: "value" },
    `${named(network, tensor.index, at, classes)} = `,
    element("strong", { text: value }),
    element("small", { text: ` stored as ${number(stored)}` }),
  );
}

// Which pixels it sees; the formula of the side is the volume's.
function sight({ network, program, tensor, at, how }) {
  if (!how) return null;
  const [input] = program.inputs;
  const box = receptiveBoxes(program, tensor.index, at).get(input);
  if (!box) return null;
  const image = tensorOf(program, input);
  const [height, width] = sidesOf(image);
  const cut = cutTo(image, box);
  const sides = `${box.y1 - box.y0}×${box.x1 - box.x0}`;
  const all = cut.y1 - cut.y0 === height && cut.x1 - cut.x0 === width;
  const beside = cut.y1 - cut.y0 < box.y1 - box.y0 || cut.x1 - cut.x0 < box.x1 - box.x0;
  const rows = `rows ${cut.y0 + 1} to ${cut.y1}, columns ${cut.x0 + 1} to ${cut.x1}`;
  const pixels = all ? `all ${height}×${width} pixels of the image` : `${sides} pixels of the image: ${rows}`;
  const sees = volumeOf(network, tensor.index).formulas?.sees;
  const line = element("p", { class: "sight" }, `It sees ${pixels}${beside && !all ? ", and zeros beside it" : ""}.`);
  if (sees?.includes(` = ${box.y1 - box.y0} pixels`) && !all) line.append(" ", element("span", { class: "formula", text: sees }));
  return line;
}

function ofPixel({ tensor: { zero_point: zero, scales } }) {
  const way = zero < 0 ? `pixel − ${-zero}` : `pixel + ${zero}`;
  const stored = scales[0] === 1 ? ` It is stored as ${way}.` : "";
  return [element("p", { text: `A pixel of the image as the network gets it.${stored}` })];
}

function ofProducts(of) {
  const { how } = of;
  if (how.call.kernel === "FULLY_CONNECTED") return [denseRow(of), stepTable(of)];
  const [pictures, numbers] = filterWindows(of);
  return [pictures, stepTable(of), numbers];
}

function ofPoolWindow(of) {
  const { how, whole, network } = of;
  const [height, width] = how.taps;
  const real = (stored) => (whole ? number(stored) : written(realOf(how.given, stored)));
  const most = largestSize(how.values.map((value) => (value === null ? 0 : realOf(how.given, value))));
  const texts = how.values.map((value) => (value === null ? "" : real(value)));
  const shares = how.values.map((value) => (value === null ? 0 : realOf(how.given, value) / most));
  const beside = how.values.map((value) => value === null);
  const pick = (cell) => pickTap(of, cell);
  const window = grid({
    width, texts, shares, plain: true, pick, beside, marked: how.best, label: "window",
  });
  const before = volumeOf(network, how.given.index).title;
  const told = how.kind === "maximum"
    ? `The largest of ${how.taps[0]}×${how.taps[1]} values of ${before} stays: ${real(how.stored)}.`
    : `The mean of ${how.count} values of ${before}: ${real(how.stored)}.`;
  return [element("div", { class: "stage" }, window, element("p", { class: "caption", text: told }))];
}

function ofMeanWindow(of) {
  const { how, network } = of;
  const [height, width, depth] = how.taps;
  const before = volumeOf(network, how.given.index).title;
  if (depth > 1) return [stepTable(of)];
  const reals = how.values.map((value) => realOf(how.given, value));
  const most = largestSize(reals);
  const shares = reals.map((value) => value / most);
  const window = height * width <= MOST_NUMBERS
    ? grid({ width, texts: reals.map(written), shares, pick: (cell) => pickTap(of, cell), label: "map" })
    : cellPicture(height, width, (y, x) => signed(shares[y * width + x]), { class: "picture", "aria-label": "map" });
  const told = `The mean of all ${number(height * width)} values of one map of ${before}.`;
  return [element("div", { class: "stage" }, window, element("p", { class: "caption", text: told })), stepTable(of)];
}

function ofCopied(of) {
  const { how, network, classes } = of;
  const name = named(network, how.given.index, how.from, classes);
  const click = () => of.go(how.given.index, how.from);
  return [element("p", {}, "The same number as ", element("button", { type: "button", class: "plain", text: name, click }), ".")];
}

function ofPadding() {
  return [element("p", { text: "It lies beside the image: zero, whatever the image is." })];
}

function ofTwo(of) {
  const { how, network, classes } = of;
  const lines = how.terms.map(({ tensor, place, value }) => {
    const at = placeOf(tensor, place);
    const name = named(network, tensor.index, at, classes);
    const click = () => of.go(tensor.index, at);
    const button = element("button", { type: "button", class: "plain", text: name, click });
    return element("li", {}, button, ` = ${written(value * tensor.scales[0])}`);
  });
  return [element("p", { text: "The sum of two values:" }), element("ul", {}, ...lines)];
}

function ofShares(of) {
  const { how, classes, at, go } = of;
  const [scale] = how.given.scales;
  const order = how.values.map((_, i) => i).sort((a, b) => how.values[b] - how.values[a]);
  const shown = order.slice(0, MOST_BARS);
  if (!shown.includes(at.c)) shown.push(at.c);
  const lines = shown.map((i) => ({
    name: classes[i],
    share: how.shares[i],
    marked: i === at.c,
    text: `e^${written(scale * (how.values[i] - how.largest))} → ${percent(how.shares[i])}`,
    click: () => go(how.given.index, placeOf(how.given, how.places[i])),
  }));
  const total = `All of them together are ${written(how.total)}; each is divided by that. The largest score is taken ` +
    "off first, which changes nothing. It is stored in steps of 1/256.";
  return [element("div", { class: "stage" }, barList(lines), element("p", { class: "caption", text: total }))];
}

const KINDS = {
  average: ofPoolWindow,
  copy: ofCopied,
  maximum: ofPoolWindow,
  mean: ofMeanWindow,
  padding: ofPadding,
  products: ofProducts,
  quantize: (of) => [...ofCopied(of), stepTable(of)],
  softmax: ofShares,
  sum: ofTwo,
};
