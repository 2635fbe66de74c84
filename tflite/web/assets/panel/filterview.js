// A convolution: the window of each map, the filter over it and their products; of one map as numbers.

import { grid, pickTap } from "./cells.js";
import { element, number } from "../view/elements.js";
import { scaleOf } from "../values/graph.js";
import { volumeOf } from "../view/names.js";
import { cellPicture, cellUnder, grey, largestSize, signed, written } from "../view/paint.js";

const MOST_WINDOWS = 12; // maps that are drawn
const MOST_READABLE = 49; // cells of a window in which numbers can be read
const GRIDS = ["window", "filter", "products"];

/** Return the pictures of the maps, and the numbers of one of them; the second is null where one map is all. */
export function filterWindows(of) {
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
  if (height * width <= MOST_READABLE) show(loudest[0]);
  const columns = depth > 1 || height * width > MOST_READABLE ? shown.map((one) => inPictures(of, one, () => show(one))) : [];
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
