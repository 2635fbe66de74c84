// The page tests itself when it opens, and measures how long an image takes.

import { byId, element } from "./elements.js";
import { ask, state } from "../engine/state.js";

const RUNS = 100;

/** Compare each golden image, in each network, with what LiteRT's reference kernels gave. */
export async function selfTest() {
  const { networks, golden } = state.page;
  const place = byId("selftest");
  const total = golden.length * networks.length;
  let [equal, done, first] = [0, 0, null];
  for (const number of networks.keys())
    for (const image of golden.keys()) {
      const { differs } = await ask("compared", { number, place: image });
      if (differs === null) equal += 1;
      else first ??= `${networks[number].name}, image ${image + 1}, ${stepName(networks[number], differs)}`;
      place.textContent = `Self-test: ${++done} of ${total} …`;
    }
  const values = networks.map(({ program }) => program.steps.length).join(" + ");
  place.textContent =
    `Self-test: ${equal} of ${total} images equal bit for bit` +
    (first ? `; the first that differs: ${first}.` : `, in every value of all ${values} layers.`);
  place.className = first ? "attention" : "good";
}

function stepName(network, step) {
  return network.volumes.find((volume) => volume.step === step).title;
}

/** Time each network on the current image. */
export async function benchmark(simd) {
  const place = byId("times");
  place.replaceChildren(element("p", {}, "Measuring …"));
  const lines = [];
  for (const [number, network] of state.page.networks.entries()) {
    const { microseconds } = await ask("timed", { number, image: state.image, runs: RUNS });
    const median = microseconds[Math.floor(microseconds.length / 2)];
    const told = median < 10000 ? `${median.toFixed(median < 100 ? 1 : 0)} µs` : `${(median / 1000).toFixed(0)} ms`;
    lines.push(element("p", {}, `${network.name}: median ${told} an image, of ${microseconds.length} runs`));
  }
  lines.push(element("p", { class: "quiet" }, `WebAssembly ${simd ? "with" : "without"} SIMD, one thread of this browser.`));
  place.replaceChildren(...lines);
}
