// A pad to draw digits on, and what makes a drawing like the images that a network learned from.

import { converted, resized } from "../engine/pixels.js";

export const SIDE = 280; // pixels of the pad

/**
 * Return a drawing as an image of {size}: its box of ink scaled, with its aspect kept, to a square of side {box},
 * and its centre of mass (or that of its box) brought into the middle. An empty drawing stays empty.
 */
export function normalised(drawing, { size, box, by_mass: byMass }) {
  const found = inkBox(drawing);
  const empty = { width: size, height: size, channels: 1, data: new Uint8Array(size * size) };
  if (!found) return empty;
  const [left, top, right, bottom] = found;
  const scale = box / Math.max(right - left, bottom - top);
  const [width, height] = [right - left, bottom - top].map((side) => Math.max(Math.round(side * scale), 1));
  const part = resized(drawing, width, height, found);
  const [x, y] = byMass ? mass(part) : [width / 2, height / 2];
  const place = [clamped(Math.round(size / 2 - x), size - width), clamped(Math.round(size / 2 - y), size - height)];
  for (let row = 0; row < height; row++)
    empty.data.set(part.data.subarray(row * width, (row + 1) * width), (place[1] + row) * size + place[0]);
  return empty;
}

/** Return a drawing scaled to {size} as it is. */
export function plain(drawing, { size }) {
  return resized(drawing, size, size);
}

function clamped(place, most) {
  return Math.min(Math.max(place, 0), most);
}

/** Return left, top, right and bottom of all that is not black, or null. */
export function inkBox({ width, height, data }) {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (data[y * width + x] > 0) {
        left = Math.min(left, x);
        right = Math.max(right, x + 1);
        top = Math.min(top, y);
        bottom = Math.max(bottom, y + 1);
      }
  return right ? [left, top, right, bottom] : null;
}

/** Return the centre of mass (x, y), in pixels from the corner. */
export function mass({ width, height, data }) {
  let [sum, across, down] = [0, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const ink = data[y * width + x];
      sum += ink;
      across += ink * (x + 0.5);
      down += ink * (y + 0.5);
    }
  return sum ? [across / sum, down / sum] : [width / 2, height / 2];
}

/** The pad: draws strokes on a canvas, and calls back with the drawing whenever it changes. */
export class Pad {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.strokes = [];
    this.thickness = 22;
    canvas.width = canvas.height = SIDE;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.draw();
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (this.stroke = null));
  }

  begin(event) {
    if (event.button > 0) return;
    event.preventDefault();
    try {
      this.canvas.setPointerCapture(event.pointerId);
    } catch {
      // a pointer that is gone already
    }
    this.stroke = { thickness: this.thickness, points: [this.place(event)] };
    this.strokes.push(this.stroke);
    this.update();
  }

  go(event) {
    if (!this.stroke) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.stroke.points.push(this.place(each));
    this.update();
  }

  place({ clientX, clientY }) {
    const frame = this.canvas.getBoundingClientRect();
    const scale = SIDE / frame.width;
    return [(clientX - frame.left) * scale, (clientY - frame.top) * scale];
  }

  undo() {
    this.strokes.pop();
    this.update();
  }

  clear() {
    this.strokes = [];
    this.update();
  }

  update() {
    this.draw();
    this.changed(this.drawing());
  }

  draw() {
    const { context } = this;
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIDE, SIDE);
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = "#fff";
    for (const { thickness, points } of this.strokes) {
      context.lineWidth = thickness;
      context.beginPath();
      context.moveTo(...points[0]);
      for (const point of points.length > 1 ? points.slice(1) : points) context.lineTo(...point);
      context.stroke();
    }
  }

  /** Return the drawing as a grey image. */
  drawing() {
    const { data } = this.context.getImageData(0, 0, SIDE, SIDE);
    const grey = new Uint8Array(SIDE * SIDE);
    for (let i = 0; i < grey.length; i++) grey[i] = data[4 * i];
    return { width: SIDE, height: SIDE, channels: 1, data: grey };
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }
}

/** Paint an image of bytes on a canvas in its own size. */
export function paint(canvas, image) {
  const { width, height, data } = converted(image, 3);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const shown = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    shown.data.set(data.subarray(3 * i, 3 * i + 3), 4 * i);
    shown.data[4 * i + 3] = 255;
  }
  context.putImageData(shown, 0, 0);
}
