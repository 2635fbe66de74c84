// What the page's parts share: the facts, the worker, and the values of the current image.
//
// A `network` is one of `state.page.networks`; a `volume` one of `network.volumes`. Events of `document`:
//   "values"   the networks have computed a new image; detail {networks: [network]}
//   "network"  another network is shown; detail {network}
//   "pick"     someone points at a value; detail {network, volume, y, x, c}
//   "leave"    nothing is pointed at any longer

import { complete, valuesOf } from "./data.js";

export const state = {
  page: null,
  network: null, // the one that is shown
  image: null, // the current one, before it becomes a network's input
  label: null, // its true class, where it is known
  results: new Map(), // by network: {pixels, values, milliseconds}

  /** Return the stored integers of a tensor for the current image, or null before the first one. */
  values(network, tensor) {
    const result = this.results.get(network);
    return result ? valuesOf(network.program.tensor.get(tensor), result.values) : null;
  },

  /** Return a tensor of weights or biases. */
  constant(network, tensor) {
    return valuesOf(network.program.tensor.get(tensor), network.program.constants);
  },

  /** Return the probabilities of the current image, or null. */
  probabilities(network) {
    const [output] = network.program.outputs;
    const values = this.values(network, output);
    if (!values) return null;
    const { scales, zero_point: zero } = network.program.tensor.get(output);
    return Array.from(values, (value) => (value - zero) * scales[0]);
  },
};

export function tell(name, detail = {}) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

const waiting = new Map();
let worker = null;
let asked = 0;

/** Start the worker from the page's own script, and open the networks in it; returns whether it has SIMD. */
export async function open(script, facts, text) {
  const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  worker = new Worker(address);
  worker.onmessage = ({ data }) => {
    const { resolve, reject, progress } = waiting.get(data.id);
    if ("progress" in data) return progress?.(data.progress);
    waiting.delete(data.id);
    if ("error" in data) reject(new Error(data.error));
    else resolve(data.found);
  };
  worker.onerror = (event) => {
    for (const { reject } of waiting.values()) reject(new Error(event.message || "The worker did not start."));
  };
  const { content, simd } = await ask("open", { facts, text });
  state.page = complete(facts, content);
  return simd;
}

/** Ask the worker for something. */
export function ask(what, given = {}, progress = null) {
  const id = ++asked;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject, progress });
    worker.postMessage({ id, what, ...given });
  });
}

let running = false;
let next = null;

/** Let all networks compute an image; of several that come meanwhile only the last is computed. */
export async function show(image, label = null, progress = null) {
  next = { image, label, progress };
  if (running) return;
  running = true;
  try {
    while (next) {
      const { image: given, label: known, progress: told } = next;
      next = null;
      const count = state.page.networks.length;
      const results = new Map();
      for (const number of state.page.networks.keys()) {
        const found = await ask("run", { number, image: given }, (share) => told?.((number + share) / count));
        results.set(state.page.networks[number], found);
      }
      Object.assign(state, { image: given, label: known, results });
      told?.(1);
      tell("values", { networks: state.page.networks });
    }
  } finally {
    running = false;
  }
}
