// A dense layer: its weights over the maps that were flattened, or the inputs that add most.

import { element, number } from "../view/elements.js";
import { makerOf, placeOf, scaleOf, sidesOf, tensorOf } from "../values/graph.js";
import { titled, volumeOf } from "../view/names.js";
import { barList, cellPicture, cellUnder, grey, largestSize, signed, written } from "../view/paint.js";

const MOST_PICTURES = 24; // maps that are drawn
const MOST_LINES = 10; // inputs that are listed

/** Return a picture of the row of weights of a value. */
export function denseRow(of) {
  const { how, program, network } = of;
  const maps = mapsBehind(program, how.given.index);
  const weighs = scaleOf(how.filter, how.channel);
  const unit = how.given.scales[0] * weighs;
  if (maps) return ofMaps(of, maps);
  const order = how.products.map((_, i) => i).sort((a, b) => Math.abs(how.products[b]) - Math.abs(how.products[a]));
  const shown = order.slice(0, MOST_LINES);
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
function mapsBehind(program, index) {
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
  if (depth > MOST_PICTURES) shown = shown.sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a])).slice(0, MOST_PICTURES);
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
