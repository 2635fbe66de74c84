// The networks beside each other: what each answers, how sure it is, and what it costs.

import { byId, element, number, percent, size } from "./elements.js";
import { state, tell } from "./state.js";

const MOST_CLASSES = 10; // classes that are shown

const columns = new Map(); // by network: what changes with each image

/** Build the table of networks and the bars of their classes. */
export function buildHeads() {
  const { networks, classes } = state.page;
  const rows = networks.map((network) => row(network));
  const names = ["network", "answer", "parameters", "multiply-adds", "int8 file", "test accuracy"];
  const head = element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)));
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  byId("heads").replaceChildren(table);
  byId("heads").hidden = networks.length === 1;
  byId("bars").replaceChildren(...networks.map((network) => bars(network, Math.min(classes.length, MOST_CLASSES))));
}

function row(network) {
  const choose = element("button", { type: "button", class: "choose" }, network.name);
  choose.addEventListener("click", () => showNetwork(network));
  const answer = element("td", { class: "answer" });
  const { tested } = network;
  const accuracy = tested ? `${percent(tested.accuracy, 2)} of ${number(tested.n)}` : "–";
  const cells = [number(network.parameters), number(network.multiply_adds), size(network.file_bytes), accuracy];
  const told = cells.map((text) => element("td", { class: "number" }, text));
  const made = element("tr", {}, element("th", { scope: "row" }, choose), answer, ...told);
  columns.set(network, { row: made, choose, answer });
  return made;
}

function bars(network, count) {
  const list = element("ol", { class: "classes" });
  const items = Array.from({ length: count }, () => {
    const [name, bar, share] = [element("span", { class: "name" }), element("i"), element("span", { class: "share" })];
    list.append(element("li", {}, name, element("span", { class: "bar" }, bar), share));
    return { name, bar, share };
  });
  const many = state.page.networks.length > 1;
  columns.get(network).items = items;
  return element("div", { class: "column" }, many ? element("h3", {}, network.name) : null, list);
}

/** Show what the networks answer to the current image. */
export function updateHeads() {
  const { networks, classes } = state.page;
  const answers = networks.map((network) => {
    const probabilities = state.probabilities(network);
    const { answer, items } = columns.get(network);
    const order = probabilities.map((_, place) => place);
    if (classes.length > items.length) order.sort((a, b) => probabilities[b] - probabilities[a]);
    const best = probabilities.indexOf(Math.max(...probabilities));
    answer.replaceChildren(element("strong", {}, classes[best]), ` ${percent(probabilities[best], 0)}`);
    items.forEach(({ name, bar, share }, place) => {
      const number_ = order[place];
      name.textContent = classes[number_];
      bar.style.inlineSize = `${100 * probabilities[number_]}%`;
      share.textContent = percent(probabilities[number_], 0);
      bar.parentElement.parentElement.classList.toggle("best", number_ === best);
    });
    return best;
  });
  tellAnswer(answers);
}

function tellAnswer(answers) {
  const { networks, classes } = state.page;
  const agree = answers.every((answer) => answer === answers[0]);
  const words = agree
    ? `${networks.length > 1 ? "All answer" : "It answers"} ${classes[answers[0]]}`
    : `The heads disagree: ${networks.map(({ name }, i) => `${name} says ${classes[answers[i]]}`).join(", ")}`;
  const known = state.label === null ? "" : `; it is ${classes[state.label]}`;
  byId("answer").textContent = `${words}${known}.`;
  const wrong = state.label !== null && answers.some((answer) => answer !== state.label);
  byId("answer").className = agree && !wrong ? "" : "attention";
}

/** Show another network's volumes. */
export function showNetwork(network) {
  state.network = network;
  for (const [each, { row: made, choose }] of columns) {
    made.classList.toggle("shown", each === network);
    choose.setAttribute("aria-pressed", String(each === network));
  }
  tell("network", { network });
}
