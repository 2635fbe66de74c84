"use strict";
// Shows a training that its server tells of; every text is set as text, never read as HTML.
const token = new URLSearchParams(location.search).get("token") ?? "";
const EVERY = 500; // ms between two questions
const RARE = 3000; // where nobody sees the page
const OVER = { done: true, interrupted: true, failed: true };
const WORDS = {
  preparing: "Preparing: data and network are made ready.",
  training: "Training.",
  pausing: "Pausing after the steps that have begun.",
  paused: "Paused.",
  testing: "Training is over: the network is tested and saved.",
  done: "Training is complete.",
  interrupted: "Training was interrupted; its best weights are saved.",
  failed: "Training has ended with an error.",
};
let facts = null;
let seen = 0;
let state = null;
let timer = 0;
let chosen = 0;

const byId = (id) => document.getElementById(id);
const count = (value) => value.toLocaleString("en-US");
const percent = (share, digits = 1) => `${(100 * share).toFixed(digits)} %`;

function element(name, attributes = {}, ...children) {
  const made = name.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4))
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Set a text only where it is new: what is set is read out. */
function put(id, words) {
  if (byId(id).textContent !== words) byId(id).textContent = words;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.max(Math.round(seconds), 1)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

async function ask(path, options = {}) {
  const given = { ...options, headers: { "x-token": token }, cache: "no-store" };
  const answer = await fetch(path, given).catch(() => {
    throw new Gone();
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(told.error ?? "The server refuses this page: open the address that kerascnn printed.");
  return told;
}

class Refused extends Error {}
class Gone extends Error {}

async function update() {
  clearTimeout(timer);
  try {
    const hidden = document.visibilityState === "hidden";
    const told = await ask(`state?seen=${seen}&looks=${hidden ? "no" : "yes"}`);
    if (told.run && !facts) showFacts(await ask("facts"));
    state = told;
    show();
    if (OVER[state.phase]) return;
    timer = setTimeout(update, hidden ? RARE : EVERY);
  } catch (error) {
    timer = setTimeout(update, RARE);
    lost(error);
  }
}

/** Say that the server is gone, which lives as long as its training. */
function lost(error) {
  if (error instanceof Refused) return say(error.message);
  if (!(error instanceof Gone)) throw error;
  enable("gone");
  put("status", "The training does not answer: its process has ended or was killed.");
  if (state?.run) wayOn("Resume it: ", `kerascnn train --resume ${quoted(state.run)}`);
}

function say(words) {
  put("problem", words);
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\"'\"'")}'`;
}

function wayOn(words, command) {
  const way = byId("way");
  way.hidden = false;
  way.replaceChildren(words, element("code", {}, command));
}

async function control(what, value = null) {
  say("");
  try {
    await ask("control", { method: "POST", body: JSON.stringify({ do: what, value }) });
  } catch (error) {
    lost(error);
  }
  update();
}

function show() {
  const { phase, message } = state;
  put("status", [WORDS[state.pausing ? "pausing" : phase], message].filter(Boolean).join(" "));
  enable(phase);
  if (!state.run) return;
  put("title", state.of);
  const share = (state.epoch - 1 + state.step / state.steps) / state.epochs;
  byId("progress").value = phase === "done" ? 1 : share;
  document.title = `${phase === "paused" ? "paused, " : ""}epoch ${state.epoch}/${state.epochs} · kerascnn`;
  byId("figures").textContent = [
    `epoch ${state.epoch}/${state.epochs}`,
    `step ${count(state.step)}/${count(state.steps)}`,
    state.images_per_second && `${speed(state.images_per_second)} images/s`,
    phase === "training" && state.seconds_left && `${duration(state.seconds_left)} left`,
  ].filter(Boolean).join(" · ");
  const factor = Number(state.factor.toPrecision(4));
  const rate = state.learning_rate ? state.learning_rate.toPrecision(3) : "";
  byId("rate").textContent = `learning rate ${rate}${factor === 1 ? "" : ` (schedule × ${factor})`}`;
  put("step", state.steps_alone === 1 ? "One step" : `${state.steps_alone} steps`);
  showCurves();
  showChanges();
  if (state.pictures) showPictures(state.pictures);
  if (phase === "done") {
    wayOn(`The run is ${state.run}. See it think, in a page of its own: `, `kerascnn bundle ${quoted(state.run)} --target web`);
  } else if (OVER[phase]) {
    wayOn("Resume it: ", `kerascnn train --resume ${quoted(state.run)}`);
  }
}

function enable(phase) {
  const runs = phase === "training" || phase === "paused";
  for (const button of document.querySelectorAll(".tools button")) button.disabled = !runs;
  byId("pause").disabled = phase !== "training";
  byId("continue").disabled = phase !== "paused";
}

function showFacts(told) {
  facts = told;
  byId("strip").replaceChildren(...facts.images.map((image, number) => {
    const canvas = element("canvas", { role: "img", "aria-label": `is ${facts.classes[image.label]}` });
    drawImage(canvas, image);
    const button = element("button", { type: "button", "aria-pressed": "false" }, canvas);
    button.addEventListener("click", () => {
      chosen = number;
      markChosen();
      control("choose", number);
    });
    return button;
  }));
}

function markChosen() {
  for (const [number, button] of [...byId("strip").children].entries())
    button.setAttribute("aria-pressed", String(number === chosen));
}

function drawImage(canvas, image) {
  const [height, width, channels] = facts.shape;
  const pixels = Uint8Array.from(atob(image.pixels), (letter) => letter.charCodeAt(0));
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const shown = context.createImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    for (let c = 0; c < 3; c++) shown.data[4 * at + c] = pixels[at * channels + (channels === 3 ? c : 0)];
    shown.data[4 * at + 3] = 255;
  }
  context.putImageData(shown, 0, 0);
}

/** Draw tiles of signed bytes in a grid: white above 0, orange below, black is 0; in colours grey is 0. */
function drawTiles(tiles, words, widest) {
  const [many, height, width, colours] = tiles.shape;
  const scale = Math.max(1, Math.min(Math.floor(64 / Math.max(width, height)), 12));
  const gap = Math.max(1, Math.round(2 / scale));
  const columns = Math.max(1, Math.min(many, Math.floor(widest / ((width + gap) * scale))));
  const rows = Math.ceil(many / columns);
  const canvas = element("canvas", { role: "img", "aria-label": words });
  canvas.width = columns * (width + gap) - gap;
  canvas.height = rows * (height + gap) - gap;
  canvas.style.width = `${canvas.width * scale}px`;
  const values = Int8Array.from(atob(tiles.values), (letter) => letter.charCodeAt(0));
  const context = canvas.getContext("2d");
  const shown = context.createImageData(canvas.width, canvas.height);
  for (let tile = 0, from = 0; tile < many; tile++) {
    const top = Math.floor(tile / columns) * (height + gap);
    const left = (tile % columns) * (width + gap);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++, from += colours ?? 1) {
        const at = 4 * ((top + y) * canvas.width + left + x);
        const share = Math.abs(values[from]) / 127;
        const colour = values[from] < 0 ? [255, 140, 50] : [255, 255, 255];
        for (let c = 0; c < 3; c++) shown.data[at + c] = colours ? 128 + values[from + c] : share * colour[c];
        shown.data[at + 3] = 255;
      }
  }
  context.putImageData(shown, 0, 0);
  const less = tiles.of > many ? `, the first ${many} of ${tiles.of}` : "";
  return element("figure", { class: "tiles" }, element("figcaption", {}, `${words}${less}`), canvas);
}

function small(value) {
  return value === 0 ? "0" : Math.abs(value) < 0.001 ? value.toExponential(1) : value.toPrecision(2);
}

const speed = (rate) => (rate < 10 ? rate.toPrecision(2) : count(Math.round(rate)));
const step = ([epoch, number]) => `epoch ${epoch}, step ${number}`;

function showPictures(pictures) {
  seen = state.number;
  const half = Math.min(byId("filters").clientWidth, 640);
  const { filters, change, before, place } = pictures;
  const shown = [drawTiles(filters, `${filters.name}: weights up to ±${small(filters.largest)}, ${step(place)}`, half)];
  if (change) {
    const since = `their change since ${step(before)}: up to ±${small(change.largest)}`;
    shown.push(drawTiles(change, since, half));
  }
  byId("filters").replaceChildren(...shown);
  chosen = pictures.chosen;
  markChosen();
  let right = 0;
  for (const [number, button] of [...byId("strip").children].entries()) {
    const { label } = facts.images[number];
    const answers = pictures.answers[number];
    const good = answers[0][0] === label;
    right += good;
    button.className = good ? "right" : "wrong";
    const lines = answers.map(([answer, share], rank) => {
      const mark = answer === label ? "✓" : rank === 0 ? "✗" : "";
      const kind = answer === label ? "true" : rank === 0 ? "false" : null;
      return element("span", { class: kind, title: facts.classes[answer] },
        element("i", {}, mark), element("b", {}, facts.classes[answer]), percent(share, 0));
    });
    button.replaceChildren(button.firstChild, ...lines);
  }
  byId("right").textContent = `${right} of ${facts.images.length} are right.`;
  byId("chosen").textContent = `of image ${chosen + 1}: ${facts.classes[facts.images[chosen].label]}`;
  const widest = Math.min(byId("maps").clientWidth, 660);
  byId("maps").replaceChildren(...pictures.maps.map((maps) => {
    const [many, height, width] = maps.shape;
    const [rows, columns] = maps.sides;
    const thinned = rows > height || columns > width ? ` (drawn as ${height}×${width})` : "";
    const words = `${maps.name}: ${many} maps of ${rows}×${columns}${thinned}, up to ±${small(maps.largest)}`;
    return drawTiles(maps, words, widest);
  }));
}

function showChanges() {
  byId("changes").hidden = state.interventions.length === 0;
  byId("interventions").replaceChildren(...state.interventions.map((each) => {
    const what = each.stop ? "stopped, the best weights are kept" : `learning rate × ${Number(each.learning_rate_factor.toPrecision(4))}`;
    return element("li", {}, `${step([each.epoch, each.step])}: ${what}`);
  }));
}

function showCurves() {
  const curves = {
    loss: [state.points.map(([at, loss]) => [at, loss]), state.validation.map(([epoch, loss]) => [epoch, loss])],
    accuracy: [state.points.map(([at, , share]) => [at, share]), state.validation.map(([epoch, , share]) => [epoch, share])],
  };
  const changes = state.interventions.map((each) => each.epoch - 1 + each.step / state.steps);
  for (const [name, [training, validation]] of Object.entries(curves)) {
    const words = name === "loss" ? (value) => value.toPrecision(3) : (value) => percent(value);
    const now = [["training", training], ["validation", validation]]
      .filter(([, points]) => points.length)
      .map(([kind, points]) => `${kind} ${words(points.at(-1)[1])}`);
    byId(`${name}-now`).textContent = now.join(", ");
    drawCurve(byId(name), training, validation, changes, name === "loss" ? null : 1);
  }
}

/** Draw both curves in pixels of the page; `top`: the highest value of the axis where it is known. */
function drawCurve(svg, training, validation, changes, top) {
  const wide = Math.max(svg.clientWidth, 280);
  const [left, right, up, down] = [46, wide - 10, 10, 196];
  svg.setAttribute("viewBox", `0 0 ${wide} 220`);
  const last = Math.max(1, Math.ceil(Math.max(training.at(-1)?.[0] ?? 0, validation.at(-1)?.[0] ?? 0)));
  const values = [...training, ...validation].map(([, value]) => value);
  const highest = top ?? nice(Math.max(0.01, ...values.filter(Number.isFinite)));
  const x = (at) => left + ((right - left) * at) / last;
  const y = (value) => down - ((down - up) * Math.min(value, highest)) / highest;
  const text = (words, attributes) => element("svg:text", attributes, words);
  const parts = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const [at, value] = [y(share * highest), share * highest];
    return [
      element("svg:line", { class: "grid", x1: left, x2: right, y1: at, y2: at }),
      text(top ? percent(value, 0) : String(Number(value.toPrecision(3))), { x: left - 6, y: at + 4, "text-anchor": "end" }),
    ];
  }).flat();
  const each = Math.max(1, Math.ceil(last / 10));
  for (let epoch = 0; epoch <= last; epoch += each)
    parts.push(text(epoch === 0 ? "epoch" : String(epoch), { x: x(epoch), y: 214, "text-anchor": "middle" }));
  for (const at of changes)
    parts.push(element("svg:line", { class: "change", x1: x(at), x2: x(at), y1: up, y2: down }));
  const path = (points) => points.filter(([, value]) => Number.isFinite(value))
    .map(([at, value], number) => `${number ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  parts.push(element("svg:path", { class: "curve of-training", d: path(training) }));
  parts.push(element("svg:path", { class: "curve of-validation", d: path(validation) }));
  for (const [at, value] of validation)
    parts.push(element("svg:circle", { class: "dot", cx: x(at), cy: y(value), r: 3 }));
  svg.replaceChildren(...parts);
}

/** Return the next number of 1, 2 or 5 times a power of ten. */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= value * 0.9999);
}

for (const name of ["pause", "step", "continue"]) byId(name).addEventListener("click", () => control(name));
for (const button of document.querySelectorAll(".rate"))
  button.addEventListener("click", () => control("rate", Number(button.dataset.times)));
byId("stop").addEventListener("click", () => {
  if (confirm("End the training here and keep its best weights?")) control("stop");
});
document.addEventListener("visibilitychange", update);
update();
