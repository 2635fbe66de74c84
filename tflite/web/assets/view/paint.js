// Small pictures, bars and numbers that several parts of the page have.

import { element, number } from "./elements.js";

/** A real number with three digits that count: 0.00123, 12.3, 1,234. */
export function written(value) {
  const far = Math.abs(value);
  if (far === 0) return "0";
  if (far >= 1000) return number(Math.round(value));
  const digits = Math.max(0, 2 - Math.floor(Math.log10(far)));
  if (digits > 6) return value.toExponential(2).replaceAll("-", "−");
  return value.toFixed(Math.min(digits, 6)).replace("-", "−");
}

const PLUS = [235, 110, 10]; // red, green, blue
const MINUS = [40, 130, 235];

/** A colour for a share from −1 (blue) to 1 (orange); 0 lets the page shine through. */
export function signed(share) {
  const [red, green, blue] = share < 0 ? MINUS : PLUS;
  return [red, green, blue, Math.round(255 * Math.min(1, Math.abs(share)))];
}

/** Grey from 0 (black) to 1 (white). */
export function grey(share) {
  const level = Math.round(255 * Math.min(1, Math.max(0, share)));
  return [level, level, level, 255];
}

/** A picture of height × width cells, each coloured by `colour(y, x)` as [red, green, blue, opacity]. */
export function cellPicture(height, width, colour, properties = {}) {
  const canvas = element("canvas", { class: "picture", width, height, role: "img", ...properties });
  const pixels = new ImageData(width, height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) pixels.data.set(colour(y, x), 4 * (y * width + x));
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** The cell of a picture under a pointer. */
export function cellUnder(event, height, width) {
  const box = event.currentTarget.getBoundingClientRect();
  const within = (at, side) => Math.min(side - 1, Math.max(0, Math.floor(at * side)));
  return {
    y: within((event.clientY - box.top) / box.height, height),
    x: within((event.clientX - box.left) / box.width, width),
  };
}

export const largestSize = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;

/** A bar of −1 to 1 from a line in the middle, or of 0 to 1 from the left. */
export function bar(share, { middle = false } = {}) {
  const fill = element("span", { class: share < 0 ? "fill minus" : "fill" });
  const size = Math.min(1, Math.abs(share)) * (middle ? 50 : 100);
  fill.style.width = `${size}%`;
  if (middle) fill.style.marginLeft = `${share < 0 ? 50 - size : 50}%`;
  return element("span", { class: middle ? "length middle" : "length", "aria-hidden": "true" }, fill);
}

/** A list of lines, each a name, a bar and what stands behind it. */
export function barList(lines, { middle = false, label = "" } = {}) {
  const items = lines.map(({ name, share, text, marked, click }) => {
    const title = click ? element("button", { type: "button", class: "plain", text: name, click }) : name;
    return element(
      "li",
      { class: marked ? "marked" : null },
      element("span", { class: "name" }, title),
      bar(share, { middle }),
      element("span", { class: "number", text }),
    );
  });
  return element("ul", { class: "bars", "aria-label": label || null }, ...items);
}

/** A picture of cells over a copy of the image; cells are in its pixels. */
export function laidOver(image, heat, cells, rows, columns) {
  const { width, height } = image;
  const copy = element("canvas", { class: "picture", width, height, role: "img", "aria-label": "the image" });
  copy.getContext("2d").drawImage(image, 0, 0);
  heat.classList.add("heat");
  Object.assign(heat.style, {
    left: `${(100 * cells.left) / width}%`,
    top: `${(100 * cells.top) / height}%`,
    width: `${(100 * cells.width * columns) / width}%`,
    height: `${(100 * cells.height * rows) / height}%`,
  });
  return element("div", { class: "over" }, copy, heat);
}
