// From the sum to the stored value: each number whole, and the real one that it stands for.

import { element, number } from "../view/elements.js";
import { realOf, scaleOf } from "../values/graph.js";
import { written } from "../view/paint.js";

/** Return the table of them. */
export function stepTable(of) {
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
