// Each volume of a network as a row of maps, live.

import { state, tell } from "../engine/state.js";
import { element, number } from "./elements.js";

const MOST_MAPS = 64; // maps of a volume that are shown at first
const MOST_NAMES = 12; // classes whose names stand below their values
const LEAST = 36; // pixels of a map's width, where it has so many
const LARGEST_MAP = 112;
const NEGATIVE = [60, 150, 255]; // red, green, blue of the lowest value; black is zero, white the highest

const views = new Map(); // by volume

/** Show the volumes of a network in an element. */
export function showVolumes(network, place) {
  views.clear();
  place.replaceChildren(...network.volumes.map((volume) => new View(network, volume).section));
  layVolumes();
}

/** Lay the maps out anew, where the window has another width. */
export function layVolumes() {
  const room = Math.max(...Array.from(views.values(), ({ section }) => section.clientWidth)) || 320;
  for (const view of views.values()) view.lay(room);
  drawVolumes();
}

/** Draw the values of the current image. */
export function drawVolumes() {
  for (const view of views.values()) view.draw();
}

/** Frame a box {y0, x0, y1, x1} (and of one map only, where it has `c`) in a volume's maps; null takes it away. */
export function frame(network, volume, box) {
  const view = views.get(volume);
  if (!view) return;
  view.framed = box;
  view.drawFrame();
}

/** Return the element with a volume's maps, which takes the keyboard's focus; null where it is not shown. */
export function mapsOf(volume) {
  return views.get(volume)?.canvas ?? null;
}

class View {
  constructor(network, volume) {
    Object.assign(this, { network, volume, framed: null, all: false });
    const [height, width, depth] = volume.size;
    this.canvas = element("canvas", { class: "maps", tabindex: "0", role: "img" });
    this.canvas.setAttribute("aria-label", `${volume.title}: ${depth} maps of ${height}×${width}`);
    this.overlay = element("canvas", { class: "frames", "aria-hidden": "true" });
    this.box = element("div", { class: "box" }, this.canvas, this.overlay);
    this.names = height * width === 1 && depth === network.classes.length && depth <= MOST_NAMES ? network.classes : [];
    this.labels = element("div", { class: "labels" }, ...this.names.map((name) => element("span", { title: name }, name)));
    this.more = element("button", { class: "quiet", type: "button" });
    this.more.addEventListener("click", () => {
      this.all = !this.all;
      this.lay(this.section.clientWidth);
      this.draw();
    });
    this.section = element("section", { class: "volume", id: `volume-${volume.tensor}` }, ...this.words(), this.box, this.labels, this.more);
    this.section.append(...this.explained());
    this.canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.point(event));
    this.canvas.addEventListener("click", (event) => this.point(event, true));
    this.canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && tell("leave"));
    views.set(volume, this);
  }

  words() {
    const { title, size, parameters, formulas } = this.volume;
    const sides = size[0] * size[1] > 1 ? size.map(number).join("×") : number(size[2]);
    const head = element("h3", {}, title, " ", element("span", { class: "size" }, sides));
    const side = formulas["output side"] ?? formulas["output height"] ?? formulas.values;
    const told = [side, parameters ? `parameters ${formulas.parameters}` : null].filter(Boolean);
    return [head, ...told.map((text) => element("p", { class: "formula" }, text))];
  }

  explained() {
    const { about, page, formulas } = this.volume;
    const link = state.page.docs
      ? element("a", { href: `${state.page.docs}tutorial/${page}`, target: "_blank", rel: "noopener" }, "More")
      : null;
    const facts = Object.entries(formulas).flatMap(([name, formula]) => [
      element("dt", {}, name),
      element("dd", {}, formula),
    ]);
    if (!about && !facts.length) return [];
    const content = [about && element("p", {}, about, " ", link), facts.length && element("dl", {}, ...facts)];
    return [element("details", {}, element("summary", {}, "What this layer does"), ...content.filter(Boolean))];
  }

  /** Choose how large a value is and how many maps stand in a row. */
  lay(room) {
    const [height, width, depth] = this.volume.size;
    const count = this.all ? depth : Math.min(depth, MOST_MAPS);
    if (height * width === 1) {
      const across = Math.max(Math.min(Math.floor(room / depth), 40), 6);
      const columns = Math.min(Math.floor(room / across), depth);
      Object.assign(this, { count: depth, columns, gap: 0, across, down: Math.max(across, depth > 500 ? 6 : 16) });
    } else Object.assign(this, { count }, fitted(width, count, room));
    this.more.hidden = depth <= MOST_MAPS || height * width === 1;
    this.more.textContent = this.all ? `Show ${MOST_MAPS} maps` : `Show all ${number(depth)} maps`;
    const rows = Math.ceil(this.count / this.columns);
    const sides = [this.columns * (width + this.gap) - this.gap, rows * (height + this.gap) - this.gap];
    if (this.canvas.width !== sides[0] || this.canvas.height !== sides[1]) {
      [this.canvas.width, this.canvas.height] = sides;
      this.context = this.canvas.getContext("2d");
      this.shown = this.context.createImageData(...sides);
    }
    this.canvas.style.width = `${sides[0] * this.across}px`;
    this.canvas.style.height = `${sides[1] * this.down}px`;
    for (const label of this.labels.children) label.style.width = `${this.across}px`;
    this.drawFrame();
  }

  draw() {
    const values = state.values(this.network, this.volume.tensor);
    if (!values) return;
    const [height, width, depth] = this.volume.size;
    const pixels = new Uint32Array(this.shown.data.buffer);
    const colours = this.colours(values);
    const offset = values instanceof Int8Array ? 128 : 0;
    for (let c = 0; c < this.count; c++) {
      const table = colours[c % colours.length];
      const [top, left] = this.corner(c);
      for (let y = 0; y < height; y++) {
        let at = (top + y) * this.canvas.width + left;
        for (let x = 0, from = y * width * depth + c; x < width; x++, from += depth)
          pixels[at++] = table[values[from] + offset];
      }
    }
    this.context.putImageData(this.shown, 0, 0);
  }

  corner(c) {
    const [height, width] = this.volume.size;
    return [Math.floor(c / this.columns) * (height + this.gap), (c % this.columns) * (width + this.gap)];
  }

  /** Return tables from a stored value (counted from the lowest on) to a colour, one for each map in turn. */
  colours(values) {
    const offset = values instanceof Int8Array ? 128 : 0;
    const { zero_point: zero } = this.network.program.tensor.get(this.volume.tensor);
    if (this.volume.kind === "input") {
      const from = new Uint8Array(256); // the pixel of a stored value
      this.network.stored.forEach((stored, pixel) => (from[(stored + offset) & 255] = pixel));
      const channels = this.volume.size[2] === 3 ? [[1, 0.15, 0.15], [0.15, 1, 0.15], [0.25, 0.25, 1]] : [[1, 1, 1]];
      return channels.map((tint) => Uint32Array.from(from, (pixel) => coloured(tint.map((share) => share * pixel))));
    }
    let farthest = 1;
    for (const value of values) farthest = Math.max(farthest, Math.abs(value - zero));
    const table = Uint32Array.from({ length: 256 }, (_, place) => {
      const share = (place - offset - zero) / farthest;
      return coloured(share < 0 ? NEGATIVE.map((part) => -share * part) : [255, 255, 255].map((part) => share * part));
    });
    return [table];
  }

  drawFrame() {
    const { overlay, framed } = this;
    if (!framed) {
      overlay.hidden = true;
      return;
    }
    overlay.hidden = false;
    overlay.width = this.canvas.width * this.across;
    overlay.height = this.canvas.height * this.down;
    const context = overlay.getContext("2d");
    const maps = "c" in framed ? [framed.c] : Array.from({ length: this.count }, (_, c) => c);
    for (const [colour, width] of [["#000", 4], ["#ffd33d", 2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      for (const c of maps.filter((each) => each < this.count)) {
        const [top, left] = this.corner(c);
        const [height, wide] = this.volume.size;
        const [y0, x0] = [Math.max(framed.y0, 0), Math.max(framed.x0, 0)];
        const [y1, x1] = [Math.min(framed.y1, height), Math.min(framed.x1, wide)];
        const box = [(left + x0) * this.across, (top + y0) * this.down, (x1 - x0) * this.across, (y1 - y0) * this.down];
        context.strokeRect(...box);
      }
    }
  }

  /** Tell at which value someone points; `chosen`: by a click. */
  point(event, chosen = false) {
    const bounds = this.canvas.getBoundingClientRect();
    const [height, width] = this.volume.size;
    const x = Math.floor(((event.clientX - bounds.left) / bounds.width) * this.canvas.width);
    const y = Math.floor(((event.clientY - bounds.top) / bounds.height) * this.canvas.height);
    const c = Math.floor(y / (height + this.gap)) * this.columns + Math.floor(x / (width + this.gap));
    const [row, column] = [y % (height + this.gap), x % (width + this.gap)];
    if (c >= this.count || row >= height || column >= width) return;
    tell("pick", { network: this.network, volume: this.volume, y: row, x: column, c, chosen });
  }
}

/** Return the largest scale with which all maps fit in a row, or the smallest that is legible, and what follows. */
function fitted(width, count, room) {
  const least = Math.ceil(LEAST / width);
  for (let scale = Math.max(Math.floor(LARGEST_MAP / width), least); ; scale--) {
    const gap = Math.max(Math.round(4 / scale), 1);
    const columns = Math.max(Math.floor((room / scale + gap) / (width + gap)), 1);
    if (columns >= count || scale === least)
      return { columns: Math.min(columns, count), gap, across: scale, down: scale };
  }
}

function coloured([red, green, blue]) {
  return ((255 << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
}
