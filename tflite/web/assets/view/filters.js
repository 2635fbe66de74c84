// The filters of the first convolution as small pictures.

import { element, number } from "./elements.js";
import { sidesOf, tensorOf } from "../values/graph.js";
import { cellPicture, grey, largestSize } from "./paint.js";

/** The first convolution of a program and its filters; null where they cannot be seen as grey or coloured. */
export function firstFilters(program, read) {
  const step = program.steps.find(({ calls }) => calls[0].kernel === "CONVOLUTION");
  if (!step) return null;
  const weights = tensorOf(program, step.calls[0].operands.weights);
  const [filters, height, width, depth] = weights.shape;
  if ((depth !== 1 && depth !== 3) || height * width < 2) return null;
  return { step, filters, height, width, depth, stored: read(weights.index) };
}

/** A figure with a button for each filter; a button shows where it answers most. */
export function filterGallery({ network, read, go }) {
  const found = firstFilters(network.program, read);
  if (!found) return null;
  const { step, filters, height, width, depth, stored: all } = found;
  const count = height * width * depth;
  const title = network.volumes.find(({ tensor }) => tensor === step.output)?.title ?? "the first layer";
  const buttons = Array.from({ length: filters }, (_, filter) => {
    const weights = all.subarray(filter * count, (filter + 1) * count);
    const most = 2 * largestSize(weights);
    const level = (y, x, c) => grey(0.5 + weights[(y * width + x) * depth + c] / most)[0];
    const colour = (y, x) =>
      depth === 3 ? [level(y, x, 0), level(y, x, 1), level(y, x, 2), 255] : grey(0.5 + weights[y * width + x] / most);
    const label = `Filter ${filter + 1}: where it answers most`;
    const click = () => {
      const stored = read(step.output);
      if (stored) go(step.output, strongest(tensorOf(network.program, step.output), stored, filter));
    };
    return element("button", { type: "button", class: "filter", "aria-label": label, title: label, click },
      cellPicture(height, width, colour, { role: "presentation" }));
  });
  const colours = depth === 3 ? "in the colours that it looks for" : "white adds, black takes away";
  return element(
    "figure",
    { class: "filters" },
    element("div", { class: "row" }, ...buttons),
    element("figcaption", {
      text: `The ${number(filters)} filters of ${title}, ${height}×${width}, ${colours}. Press one to see where it answers most.`,
    }),
  );
}

/** Where a volume, or one map of it, has its largest value. */
export function strongest(tensor, stored, map = null) {
  const [height, width, depth] = sidesOf(tensor);
  let best = { y: 0, x: 0, c: map ?? 0 };
  let most = -Infinity;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = map ?? 0; c < (map ?? depth - 1) + 1; c++) {
        const value = stored[(y * width + x) * depth + c];
        if (value > most) [best, most] = [{ y, x, c }, value];
      }
  return best;
}
