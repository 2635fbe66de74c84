// The panel of one value: where it looks, what it multiplies, and every number from the sum to the stored value.

import { element, number, percent } from "./elements.js";
import { flatOf, makerOf, placeOf, realOf, scaleOf, sidesOf, tensorOf } from "./graph.js";
import { barList, cellPicture, cellUnder, grey, largestSize, signed, written } from "./paint.js";
import { cutTo, receptiveBoxes } from "./receptive.js";
import { explained } from "./window.js";

const MOST_WINDOWS = 12; // whose windows are drawn
const MOST_NUMBERS = 49; // cells of a window in which numbers can be read
const MOST_BARS = 10;

// What is the same for the whole panel of the value at {y, x, c} of a volume. `go(tensor, at)` picks another value.
export function inspected({ network, read, classes, whole, go }, tensor, at) {
  const { program } = network;
  const how = explained(program, read, tensor, at);
  const of = { network, program, read, classes, whole, go, tensor: tensorOf(program, tensor), at, how };
  const parts = how ? KINDS[how.kind](of) : ofPixel(of);
  return [heading(of), sight(of), element("div", { class: "parts" }, ...parts.filter(Boolean))].filter(Boolean);
}

export function volumeOf(network, index) {
  const own = network.volumes.find((volume) => volume.tensor === index);
  return own ?? { title: `tensor ${index}`, tensor: index };
}

// "fc1 7": of a list, counted from 1.
export const titled = (network, index, { c }) => `${volumeOf(network, index).title} ${c + 1}`;

// "conv2, map 3, row 1, column 2", "fc1, value 7" or the name of a class, counted from 1.
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
  if (sees && !all) line.append(" ", element("span", { class: "formula", text: sees }));
  return line;
}

function ofPixel({ tensor: { zero_point: zero, scales } }) {
  const way = zero < 0 ? `pixel − ${-zero}` : `pixel + ${zero}`;
  const stored = scales[0] === 1 ? ` It is stored as ${way}.` : "";
  return [element("p", { text: `A pixel of the image as the network gets it.${stored}` })];
}

// ---- convolutions ----

function ofProducts(of) {
  const { how } = of;
  if (how.call.kernel === "FULLY_CONNECTED") return [ofDenseRow(of), steps(of)];
  const [pictures, numbers] = ofFilter(of);
  return [pictures, steps(of), numbers];
}

// The window of each map, the filter over it and their products; of one map as numbers.
function ofFilter(of) {
  const { how, network } = of;
  const [height, width, depth] = how.taps;
  const maps = Array.from({ length: depth }, (_, map) => {
    const taps = Array.from({ length: height * width }, (__, cell) => cell * depth + map);
    return { map, taps, sum: taps.reduce((sum, tap) => sum + how.products[tap], 0) };
  });
  const loudest = [...maps].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const shown = loudest.slice(0, MOST_WINDOWS);
  if (depth <= MOST_WINDOWS) shown.sort((a, b) => a.map - b.map);
  const before = volumeOf(network, how.given.index).title;
  const numbers = element("div", { class: "stage" });
  const show = (one) => numbers.replaceChildren(...inNumbers(of, one, maps.length > 1));
  if (height * width <= MOST_NUMBERS) show(loudest[0]);
  const columns = depth > 1 || height * width > MOST_NUMBERS ? shown.map((one) => inPictures(of, one, () => show(one))) : [];
  const caption = element("p", { class: "caption", text: `Window of ${before} × filter ${how.channel + 1} = products` });
  if (!columns.length) return [element("div", { class: "stage" }, caption, numbers), null];
  const left = depth - shown.length;
  const rest = left ? `The ${shown.length} maps that add most; ${left} more are in the sum.` : null;
  const pictures = element("div", { class: "columns" }, ...columns);
  return [element("div", { class: "stage" }, caption, pictures, rest && element("p", { class: "caption", text: rest })), numbers];
}

function unitsOf({ how, whole }) {
  const [given] = how.given.scales;
  const weigh = scaleOf(how.filter, how.channel);
  const units = [given, weigh, given * weigh];
  return (integer, kind) => (whole ? number(integer) : written(integer * units[kind]));
}

function inPictures({ how, ...of }, { map, taps, sum }, show) {
  const [height, width, depth] = how.taps;
  const most = [how.values, how.weights, how.products].map(largestSize);
  const pictures = [how.values, how.weights, how.products].map((values, kind) => {
    const share = (y, x) => values[taps[y * width + x]] / most[kind];
    const colour = kind ? (y, x) => signed(share(y, x)) : (y, x) => grey(Math.abs(share(y, x)));
    const click = (event) => {
      const { y, x } = cellUnder(event, height, width);
      if (kind === 1) show();
      else pickTap({ how, ...of }, taps[y * width + x]);
    };
    const label = `${GRIDS[kind]} of map ${map + 1}`;
    return cellPicture(height, width, colour, { class: "picture picks", "aria-label": label, title: label, click });
  });
  const text = unitsOf({ how, ...of })(sum, 2);
  const name = depth > 1 ? element("button", { type: "button", class: "plain", text: how.box.c0 + map + 1, click: show }) : null;
  return element("div", { class: "column" }, name, ...pictures, element("small", { text: `Σ ${text}` }));
}

function inNumbers(of, { map, taps, sum }, many) {
  const { how } = of;
  const [height, width] = how.taps;
  const shownAs = unitsOf(of);
  const grids = [how.values, how.weights, how.products].map((values, kind) => {
    const most = largestSize(values);
    const texts = taps.map((tap) => shownAs(values[tap], kind));
    const shares = taps.map((tap) => values[tap] / most);
    const pick = kind === 1 ? null : (cell) => pickTap(of, taps[cell]);
    const beside = kind === 0 ? taps.map((tap) => how.places[tap] < 0) : null;
    return grid({ width, texts, shares, plain: kind === 0, pick, beside, label: GRIDS[kind] });
  });
  const sign = (text) => element("span", { class: "sign", text });
  const total = element("span", { class: "total", text: `Σ ${shownAs(sum, 2)}` });
  const name = many ? element("p", { class: "caption", text: `Map ${how.box.c0 + map + 1} in numbers` }) : null;
  return [name, element("div", { class: "taps" }, grids[0], sign("×"), grids[1], sign("="), grids[2], total)].filter(Boolean);
}

const GRIDS = ["window", "filter", "products"];

function pickTap({ how, go }, tap) {
  if (how.places[tap] >= 0) go(how.given.index, placeOf(how.given, how.places[tap]));
}

// Cells with numbers in them.
function grid({ width, texts, shares, plain, pick, beside, marked, label }) {
  const cells = texts.map((text, cell) => {
    const names = ["cell", plain ? "grey" : shares[cell] < 0 ? "minus" : "plus"];
    if (beside?.[cell]) names.push("beside");
    if (marked === cell) names.push("marked");
    if (text.length > 5) names.push("long");
    if (plain && Math.abs(shares[cell]) > 0.5) names.push("bright");
    const found = element("span", { class: names.join(" "), text, click: pick && (() => pick(cell)) });
    found.style.setProperty("--share", `${Math.round(100 * Math.abs(shares[cell]))}%`);
    return found;
  });
  const window = element("span", { class: pick ? "grid picks" : "grid", role: "group", "aria-label": label }, ...cells);
  window.style.setProperty("--columns", width);
  return window;
}

// ---- from the sum to the stored value ----

function steps(of) {
  const { how, tensor } = of;
  const weigh = how.filter ? scaleOf(how.filter, how.channel) : 1;
  const unit = how.given.scales[0] * weigh;
  const [scale] = tensor.scales;
  const lines = [];
  if (how.kind === "products") {
    const products = `sum of ${number(how.products.length)} products w·x`;
    lines.push([products, how.sum, how.sum * unit]);
    lines.push(["+ bias b", how.bias, how.bias * unit]);
    lines.push(["= accumulator", how.accumulator, how.accumulator * unit]);
  } else lines.push([how.kind === "mean" ? `sum of ${how.values.length} values` : "value", how.accumulator, how.accumulator * unit]);
  lines.push([multiplierOf(how), how.scaled, how.scaled * scale]);
  lines.push([`+ zero point ${number(how.zero)}`, how.moved, null]);
  const relu = how.lowest === how.zero ? " (ReLU: nothing below 0 stays)" : "";
  const cut = how.stored === how.moved ? "" : ", which cuts it off";
  lines.push([`kept within ${how.lowest} to ${how.highest}${relu}${cut}`.replaceAll("-", "−"), how.stored, realOf(tensor, how.stored)]);
  const rows = lines.map(([name, integer, real], i) =>
    element(
      "tr",
      { class: i === lines.length - 1 ? "result" : null },
      element("th", { scope: "row" }, name),
      element("td", { class: "number", text: number(integer) }),
      element("td", { class: "number", text: real === null ? "" : written(real) }),
    ),
  );
  const heads = ["", "whole number", "stands for"].map((text, i) =>
    element("th", { scope: "col", class: i ? "number" : null, text }),
  );
  return element(
    "table",
    { class: "steps" },
    element("thead", {}, element("tr", {}, ...heads)),
    element("tbody", {}, ...rows),
  );
}

function multiplierOf({ factor, kind, call }) {
  const stored = factor.exact ? "" : ` = ${number(factor.multiplier)}/2³¹ · 2^${factor.shift}`.replace("^-", "^−");
  const divided = kind === "mean" ? `, which divides by ${call.numbers.count}` : "";
  return element("span", {}, `× multiplier ${written(factor.real)}${divided}, rounded`, element("small", { text: stored }));
}

// ---- dense layers ----

// The row of weights as it lies over the maps that were flattened, or the inputs that add most.
function ofDenseRow(of) {
  const { how, program, network } = of;
  const maps = mapsBehind(program, how.given.index);
  const weighs = scaleOf(how.filter, how.channel);
  const unit = how.given.scales[0] * weighs;
  if (maps) return ofMaps(of, maps);
  const order = how.products.map((_, i) => i).sort((a, b) => Math.abs(how.products[b]) - Math.abs(how.products[a]));
  const shown = order.slice(0, MOST_BARS);
  const most = largestSize(how.products);
  const lines = shown.map((i) => ({
    name: titled(network, how.given.index, placeOf(how.given, how.places[i])),
    share: how.products[i] / most,
    text: `${written(how.values[i] * how.given.scales[0])} × ${written(how.weights[i] * weighs)} = ${written(how.products[i] * unit)}`,
    click: () => of.go(how.given.index, placeOf(how.given, how.places[i])),
  }));
  const left = how.products.length - shown.length;
  return element(
    "div",
    { class: "stage" },
    element("p", { class: "caption", text: `Value × weight = product: the ${shown.length} of ${how.products.length} that add most` }),
    barList(lines, { middle: true }),
    left > 0 ? element("p", { class: "caption", text: `${number(left)} more are in the sum.` }) : null,
  );
}

// The maps that a row of values was before it was flattened; null if it never was a map.
export function mapsBehind(program, index) {
  let tensor = tensorOf(program, index);
  while (sidesOf(tensor)[0] * sidesOf(tensor)[1] === 1) {
    const step = makerOf(program, tensor.index);
    if (step?.operator !== "RESHAPE") return null;
    tensor = tensorOf(program, step.calls[0].operands.input);
  }
  return tensor;
}

function ofMaps(of, maps) {
  const { how, network } = of;
  const [height, width, depth] = sidesOf(maps);
  const title = volumeOf(network, maps.index).title;
  const sums = Array.from({ length: depth }, (_, map) => {
    let sum = 0;
    for (let cell = 0; cell < height * width; cell++) sum += how.products[cell * depth + map];
    return sum;
  });
  let shown = sums.map((_, map) => map);
  if (depth > 2 * MOST_WINDOWS) shown = shown.sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a])).slice(0, 2 * MOST_WINDOWS);
  const kinds = [how.values, how.weights, how.products];
  const most = kinds.map(largestSize);
  const columns = shown.map((map) => {
    const pictures = kinds.map((values, kind) => {
      const colour = (y, x) => {
        const share = values[(y * width + x) * depth + map] / most[kind];
        return kind ? signed(share) : grey(share);
      };
      const click = (event) => of.go(maps.index, { ...cellUnder(event, height, width), c: map });
      return cellPicture(height, width, colour, { "aria-label": `${GRIDS_OF_ROW[kind]} ${map + 1}`, class: "picture picks", click });
    });
    return element("div", { class: "column" }, ...pictures, element("small", { text: map + 1 }));
  });
  const left = depth - shown.length;
  return element(
    "div",
    { class: "stage" },
    element("p", {
      class: "caption",
      text: `${title} as it is, the weights of this value over it, and their products: ${height}·${width}·${depth} = ` +
        `${number(height * width * depth)}. Orange adds, blue takes away.`,
    }),
    element("div", { class: "columns" }, ...columns),
    left > 0 ? element("p", { class: "caption", text: `The ${shown.length} maps that add most; ${left} more are in the sum.` }) : null,
  );
}

const GRIDS_OF_ROW = ["values of map", "weights over map", "products of map"];

// ---- pools, means, copies, softmax ----

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
  if (depth > 1) return [steps(of)];
  const reals = how.values.map((value) => realOf(how.given, value));
  const most = largestSize(reals);
  const shares = reals.map((value) => value / most);
  const window = height * width <= MOST_NUMBERS
    ? grid({ width, texts: reals.map(written), shares, pick: (cell) => pickTap(of, cell), label: "map" })
    : cellPicture(height, width, (y, x) => signed(shares[y * width + x]), { class: "picture", "aria-label": "map" });
  const told = `The mean of all ${number(height * width)} values of one map of ${before}.`;
  return [element("div", { class: "stage" }, window, element("p", { class: "caption", text: told })), steps(of)];
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
  quantize: (of) => [...ofCopied(of), steps(of)],
  softmax: ofShares,
  sum: ofTwo,
};
