// Windows of values as cells with numbers in them, which lead to the values.

import { element } from "../view/elements.js";
import { placeOf } from "../values/graph.js";

/** Go to the value that a tap of a window reads, where there is one. */
export function pickTap({ how, go }, tap) {
  if (how.places[tap] >= 0) go(how.given.index, placeOf(how.given, how.places[tap]));
}

/**
 * Return cells with a text each; `shares` colour them, from −1 (blue) to 1 (orange), or `plain` in grey. `beside` are
 * those beside the image, one is `marked`, and `pick` is called with the cell that someone clicks.
 */
export function grid({ width, texts, shares, plain, pick, beside, marked, label }) {
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
