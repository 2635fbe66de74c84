// The networks beside each other: how sure each is of each class, and what it costs.

import { byId, element, number, percent, size } from "./elements.js";
import { state, tell } from "../engine/state.js";

const MOST_CLASSES = 10; // that are shown

const COSTS = {
  parameters: (network) => number(network.parameters),
  "multiply-adds": (network) => number(network.multiply_adds),
  "int8 file": (network) => size(network.file_bytes),
  "test accuracy": ({ tested }) => percent(tested.accuracy, 2),
};

let rows = []; // of the classes: {name, cells: [{row, bar, share}]}

/** Build the table: a column for each network, a row for each class and each cost. */
export function buildHeads() {
  const { networks, classes } = state.page;
  const choices = networks.map((network) => {
    const choose = element("button", { type: "button", title: network.architecture }, network.name);
    choose.addEventListener("click", () => showNetwork(network));
    return element("th", { scope: "col" }, networks.length > 1 ? choose : network.name);
  });
  const head = element("tr", {}, element("th", { scope: "col" }, "class"), ...choices);
  rows = Array.from({ length: Math.min(classes.length, MOST_CLASSES) }, () => classRow(networks));
  const costs = Object.entries(COSTS).map(([name, told]) =>
    element("tr", {}, element("th", { scope: "row" }, name), ...networks.map((network) => element("td", {}, told(network)))),
  );
  const bodies = [rows.map(({ row }) => row), costs].map((each) => element("tbody", {}, ...each));
  byId("heads").replaceChildren(element("table", {}, element("thead", {}, head), ...bodies));
}

function classRow(networks) {
  const name = element("th", { scope: "row", class: "name" });
  const cells = networks.map(() => {
    const [bar, share] = [element("i"), element("span", { class: "share" })];
    return { bar, share, cell: element("td", {}, element("div", { class: "likely" }, element("span", { class: "bar" }, bar), share)) };
  });
  return { name, cells, row: element("tr", {}, name, ...cells.map(({ cell }) => cell)) };
}

/** Show what the networks answer to the current image. */
export function updateHeads() {
  const { networks, classes } = state.page;
  const all = networks.map((network) => state.probabilities(network));
  const best = all.map((probabilities) => probabilities.indexOf(Math.max(...probabilities)));
  const order = classes.map((_, place) => place);
  if (classes.length > rows.length) {
    const likeliest = order.map((place) => Math.max(...all.map((probabilities) => probabilities[place])));
    order.sort((a, b) => likeliest[b] - likeliest[a]);
  }
  rows.forEach(({ name, cells }, place) => {
    const label = order[place];
    name.textContent = classes[label];
    name.classList.toggle("true", label === state.label);
    cells.forEach(({ bar, share, cell }, which) => {
      const probability = all[which][label];
      bar.style.inlineSize = `${100 * probability}%`;
      share.textContent = percent(probability, 0);
      cell.classList.toggle("best", label === best[which]);
    });
  });
  tellAnswer(best, all);
}

function tellAnswer(best, all) {
  const { networks, classes } = state.page;
  const agree = best.every((answer) => answer === best[0]);
  const sure = networks.length > 1 ? "" : `, ${percent(all[0][best[0]], 0)} sure`;
  const words = agree
    ? `${networks.length > 1 ? `All ${networks.length} heads answer` : "The network answers"} ${classes[best[0]]}${sure}`
    : `The heads disagree: ${networks.map(({ name }, place) => `${name} says ${classes[best[place]]}`).join(", ")}`;
  const known = state.label === null ? "" : `; it is ${classes[state.label]}`;
  byId("answer").textContent = `${words}${known}.`;
  if (state.page.pad && state.image.data.every((value) => value === 0)) byId("answer").textContent = "Draw a digit, or choose an image.";
  const wrong = state.label !== null && best.some((answer) => answer !== state.label);
  byId("answer").classList.toggle("attention", !agree || wrong);
}

/** Show another network's volumes. */
export function showNetwork(network) {
  state.network = network;
  const buttons = byId("heads").querySelectorAll("button");
  buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(state.page.networks[place] === network)));
  tell("network", { network });
}
