// Where the parameters of a network are: a bar for each layer.

import { element, number, percent } from "./elements.js";
import { bar } from "./paint.js";

/** A figure of the volumes that have parameters. */
export function parameterBars(network) {
  const layers = network.volumes.filter((volume) => volume.parameters);
  const total = layers.reduce((sum, { parameters }) => sum + parameters, 0);
  const most = Math.max(...layers.map(({ parameters }) => parameters));
  const rows = layers.map(({ title, parameters, formulas }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row", text: title }),
      element("td", { class: "long" }, bar(parameters / most)),
      element("td", { class: "number", text: number(parameters) }),
      element("td", { class: "number", text: percent(parameters / total) }),
      element("td", { class: "formula", text: formulas.parameters ?? "" }),
    ),
  );
  return element(
    "div",
    { class: "where" },
    element("p", { class: "lead", text: told(layers, total) }),
    network.parameters > total
      ? element("p", { class: "quiet", text: `Trained were ${number(network.parameters)}: normalization is part of the convolutions here.` })
      : null,
    element("table", { class: "lengths" }, element("tbody", {}, ...rows)),
  );
}

// "48,120 of 61,706 parameters, 78 %, are in fc1."
function told(layers, total) {
  const largest = layers.reduce((one, other) => (other.parameters > one.parameters ? other : one));
  const share = percent(largest.parameters / total);
  return `${number(largest.parameters)} of ${number(total)} parameters, ${share}, are in ${largest.title}.`;
}
