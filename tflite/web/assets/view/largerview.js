// A larger image: where the networks that slide see what.

import { byId, element } from "./elements.js";
import { largerSide, slides, stepOver } from "../engine/larger.js";
import { Pad, paint, plain } from "../input/pad.js";
import { sidesOf, tensorOf } from "../values/graph.js";
import { classMapOf } from "../values/classmap.js";
import { ask, state } from "../engine/state.js";

const SURE = 0.9; // of a class that is written at its place
const DARK = 64; // pixels that count as nothing
const SCALE = 5; // pixels of the screen for one of a drawing
const THICKNESS = 10; // of a stroke in the larger drawing

let current = null;
let busy = false;

/** Build the part, where a network slides. */
export function buildLarger() {
  const { networks, pad: rule } = state.page;
  const sliding = networks.filter(({ program }) => slides(program));
  byId("larger").hidden = !sliding.length;
  if (!sliding.length) return;
  const others = networks.filter((network) => !sliding.includes(network)).map(({ name }) => name);
  byId("larger-not").textContent = others.length
    ? `${others.join(", ")} cannot: the weights of a first dense layer fit one size of image. \`kerascnn surgery\` rewrites them as a convolution.`
    : "";
  byId("larger-pad-box").hidden = !rule;
  const [{ program }] = sliding;
  const side = largerSide(program);
  const [own] = sidesOf(tensorOf(program, program.inputs[0]));
  byId("larger-told").textContent = rule
    ? `Draw several small digits. The networks learned from images of ${own}×${own}; this one has ${side}×${side}, ` +
      `and the same filters slide over all of it: an answer at every ${stepOver(program)} pixels, in one pass.`
    : `The image at ${side}×${side} instead of ${own}×${own}: the same filters slide over all of it, and answer at every ` +
      `${stepOver(program)} pixels, in one pass.`;
  if (rule) {
    const pad = new Pad(byId("larger-pad"), (drawing) => look(plain(drawing, { size: side })));
    pad.thickness = THICKNESS;
    byId("larger-clear").addEventListener("click", () => pad.clear());
    byId("larger-undo").addEventListener("click", () => pad.undo());
  } else {
    document.addEventListener("values", () => byId("larger").open && look(state.image));
    byId("larger").addEventListener("toggle", () => byId("larger").open && state.image && look(state.image));
  }
}

async function look(image) {
  current = image;
  if (busy) return;
  busy = true;
  try {
    while (current) {
      const shown = current;
      current = null;
      const figures = [];
      for (const [number, network] of state.page.networks.entries()) {
        if (!slides(network.program)) continue;
        const side = largerSide(network.program);
        figures.push(answers(network, side, await ask("larger", { number, image: shown, side })));
      }
      byId("larger-maps").replaceChildren(...figures);
    }
  } finally {
    busy = false;
  }
}

// The image with the likeliest class at each place where something is.
function answers(network, side, { pixels, shape, scores }) {
  const { program, preprocessing, classes } = network;
  const map = tensorOf(program, classMapOf(program));
  const stored = new Int8Array(scores.buffer, scores.byteOffset, scores.length);
  const [, height, width, depth] = shape;
  const small = element("canvas");
  paint(small, { height: side, width: side, channels: preprocessing.channels, data: pixels });
  const scale = Math.max(1, Math.round((SCALE * 80) / side));
  const canvas = element("canvas", { class: "answers", width: side * scale, height: side * scale, role: "img" });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.globalAlpha = 0.55;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  const step = stepOver(program);
  const first = (side - (height - 1) * step) / 2; // the middle of the first place
  const longest = Math.max(...classes.map((name) => name.length));
  context.globalAlpha = 1;
  context.font = `bold ${Math.min(step * scale * 0.9, (1.7 * step * scale) / longest)}px sans-serif`;
  Object.assign(context, { textAlign: "center", textBaseline: "middle", lineWidth: 3, strokeStyle: "#000" });
  const found = new Map();
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * depth;
      const [best, share] = likeliest(stored.subarray(at, at + depth), map.scales[0]);
      const middle = [first + x * step, first + y * step];
      if (share < SURE || (preprocessing.channels === 1 && !sees(pixels, side, middle, step))) continue;
      found.set(best, (found.get(best) ?? 0) + 1);
      context.fillStyle = `hsl(${(best * 360) / depth} 90% 65%)`;
      context.strokeText(classes[best], middle[0] * scale, middle[1] * scale);
      context.fillText(classes[best], middle[0] * scale, middle[1] * scale);
    }
  const told = [...found].sort((a, b) => b[1] - a[1]).slice(0, 3).map(([best, count]) => `${classes[best]} at ${count}`);
  canvas.setAttribute("aria-label", `${network.name}: ${told.join(", ") || "sure nowhere"}`);
  const text = `${network.name}: ${height}×${width} answers; what it is 90 % sure of: ${told.join(", ") || "nothing"}${told.length ? " places" : ""}.`;
  return element("figure", {}, canvas, element("figcaption", { text }));
}

// The likeliest class of the scores at one place, and its share after a softmax.
function likeliest(stored, scale) {
  const most = Math.max(...stored);
  const total = stored.reduce((sum, score) => sum + Math.exp(scale * (score - most)), 0);
  return [stored.indexOf(most), 1 / total];
}

// Whether something is drawn near the middle of a place.
function sees(pixels, side, [left, top], step) {
  for (let y = Math.max(0, Math.floor(top - step)); y < Math.min(side, top + step); y++)
    for (let x = Math.max(0, Math.floor(left - step)); x < Math.min(side, left + step); x++)
      if (pixels[y * side + x] > DARK) return true;
  return false;
}
