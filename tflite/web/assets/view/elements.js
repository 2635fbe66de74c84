// Elements of the page; texts are never read as HTML.

/** Return an element with attributes (functions listen, `text` is its content) and children; null is left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (key === "text") made.textContent = value;
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Return a number with commas. */
export function number(value) {
  return value.toLocaleString("en-US").replace("-", "−");
}

/** Return bytes in words. */
export function size(bytes) {
  const [many, unit] = bytes >= 1e6 ? [bytes / 1e6, "MB"] : [bytes / 1e3, "kB"];
  return `${many.toFixed(many < 10 ? 1 : 0)} ${unit}`;
}

/** Return a share as a percentage. */
export function percent(share, digits = 1) {
  return `${(100 * share).toFixed(digits)} %`;
}

/** Return the element with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Return a function that calls `draw` soon, and at most ten times a second: while someone draws, the maps come first. */
export function seldom(draw) {
  let late = null;
  return () => {
    late ??= setTimeout(() => {
      late = null;
      draw();
    }, 100);
  };
}
