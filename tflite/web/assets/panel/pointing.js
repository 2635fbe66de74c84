// Pointing at values, with a pointer or with keys: the panel of the value, and frames around what it sees.

import { byId, element, seldom } from "../view/elements.js";
import { strongest } from "../view/filters.js";
import { flatOf, realOf, sidesOf, tensorOf } from "../values/graph.js";
import { inspected } from "./inspector.js";
import { named } from "../view/names.js";
import { written } from "../view/paint.js";
import { cutTo, receptiveBoxes, wholeBox } from "../values/receptive.js";
import { state } from "../engine/state.js";
import { frame, mapsOf } from "../view/volumes.js";

const MOVES = { ArrowUp: [-1, 0, 0], ArrowDown: [1, 0, 0], ArrowLeft: [0, -1, 0], ArrowRight: [0, 1, 0] };
const MAPS = { PageUp: [0, 0, -1], PageDown: [0, 0, 1] };

const KEYS = "Arrow keys move the value, Page up and Page down change its map, Esc closes. Click a number to go there.";

let picked = null; // {network, tensor, at}
let whole = true; // whole numbers are shown, not the real ones

/** The stored values of any tensor of a network, for the current image. */
export function reader(network) {
  return (index) => (tensorOf(network.program, index).role === "constant" ? state.constant(network, index) : state.values(network, index));
}

/** Show how a value comes about; `at` is {y, x, c}. */
export function pickValue(network, tensor, at) {
  picked = { network, tensor, at };
  drawFrames(picked);
  drawPanel();
  byId(`volume-${tensor}`)?.querySelector(".box")?.scrollIntoView({ block: "nearest" });
}

/** Listen to pointers and keys. */
export function buildPointing() {
  document.addEventListener("pick", ({ detail: { network, volume, y, x, c, chosen } }) => {
    if (chosen) pickValue(network, volume.tensor, { y, x, c });
    else if (!picked) preview({ network, tensor: volume.tensor, at: { y, x, c } });
  });
  document.addEventListener("leave", () => picked || clear());
  document.addEventListener("network", () => leaveValue());
  document.addEventListener("values", seldom(drawPanel));
  document.addEventListener("keydown", pressed);
}

function leaveValue() {
  const tensor = picked?.tensor;
  const focused = byId("inspector").contains(document.activeElement);
  picked = null;
  clear();
  if (focused) byId(`volume-${tensor}`)?.querySelector(".maps")?.focus({ preventScroll: true });
}

function clear() {
  if (state.network) for (const volume of state.network.volumes) frame(state.network, volume, null);
  byId("inspector").hidden = true;
  byId("inspector").replaceChildren();
}

// What a value sees in every volume; one that it sees as a whole has no frame, but for the image.
function drawFrames({ network, tensor, at }) {
  const { program, volumes } = network;
  const boxes = receptiveBoxes(program, tensor, at);
  for (const volume of volumes) {
    const of = tensorOf(program, volume.tensor);
    const [box, all] = [boxes.get(volume.tensor), wholeBox(of)];
    const cut = box && cutTo(of, box);
    const isWhole = cut && all.c1 > 1 && Object.keys(all).every((side) => all[side] === cut[side]);
    if (!box || isWhole) frame(network, volume, null);
    else frame(network, volume, cut.c1 - cut.c0 === 1 && all.c1 > 1 ? { ...cut, c: cut.c0 } : cut);
  }
}

// One line on what is under the pointer.
function preview(value) {
  const { network, tensor, at } = value;
  const of = tensorOf(network.program, tensor);
  const stored = reader(network)(tensor)?.[flatOf(of, at)];
  if (stored === undefined) return;
  drawFrames(value);
  const root = byId("inspector");
  root.hidden = false;
  root.className = "preview";
  const name = named(network, tensor, at, state.page.classes);
  root.replaceChildren(element("p", {}, `${name} = `, element("strong", { text: written(realOf(of, stored)) }),
    element("span", { class: "quiet", text: " – click to see how it comes about" })));
}

function drawPanel() {
  if (!picked || !state.values(picked.network, picked.tensor)) return;
  const { network, tensor, at } = picked;
  const root = byId("inspector");
  const focused = root.contains(document.activeElement);
  const go = (index, place) => pickValue(network, index, place);
  const of = { network, read: reader(network), classes: state.page.classes, whole, go };
  root.hidden = false;
  root.className = "panel";
  root.replaceChildren(controls(), ...inspected(of, tensor, at), element("p", { class: "quiet", text: KEYS }));
  if (focused) root.focus({ preventScroll: true });
}

function controls() {
  const switched = () => {
    whole = !whole;
    drawPanel();
  };
  const kind = element("button", { type: "button", click: switched, text: whole ? "Show real numbers" : "Show whole numbers" });
  return element("p", { class: "controls" }, kind, element("button", { type: "button", click: leaveValue, text: "Close" }));
}

function moved([dy, dx, dc]) {
  const { network, tensor, at } = picked;
  const [height, width, depth] = sidesOf(tensorOf(network.program, tensor));
  const [down, right, deeper] = height * width === 1 ? [0, 0, dc || dy || dx] : [dy, dx, dc];
  const within = (value, side) => Math.min(side - 1, Math.max(0, value));
  const place = { y: within(at.y + down, height), x: within(at.x + right, width), c: within(at.c + deeper, depth) };
  pickValue(network, tensor, place);
}

function pressed(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, select, textarea")) return;
  const { network } = state;
  const volume = network?.volumes.find((each) => mapsOf(each) === event.target);
  const inside = volume || byId("inspector").contains(event.target);
  const move = MOVES[event.key] ?? MAPS[event.key];
  if (event.key === "Escape" && picked) leaveValue();
  else if (event.key === "Enter" && volume) pickStrongest(network, volume.tensor);
  else if (inside && move && (!volume || picked?.tensor === volume.tensor) && picked) moved(move);
  else return;
  event.preventDefault();
}

function pickStrongest(network, tensor) {
  pickValue(network, tensor, strongest(tensorOf(network.program, tensor), reader(network)(tensor)));
}
