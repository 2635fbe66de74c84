// What runs beside the page: every inference, so that the page stays awake.

import { complete, unpacked } from "./data.js";
import { checksum, compiled, Engine } from "./program.js";
import { resizedProgram } from "./larger.js";
import { preprocessed } from "./pixels.js";

/** The networks of a page, ready to run. */
export class Networks {
  /** Open the page's facts and the text with its bytes. */
  static async opened(facts, text) {
    const opened = new Networks();
    opened.content = await unpacked(text);
    opened.page = complete(facts, opened.content);
    const { simd, plain } = opened.page.kernels;
    const kernel = ([place, length]) => opened.content.slice(place, place + length);
    const { module, simd: fast } = await compiled(kernel(simd), kernel(plain));
    opened.simd = fast;
    opened.module = module;
    opened.engines = opened.page.networks.map(({ program }) => new Engine(program, module));
    return opened;
  }

  /** Run a network on an image: its input as pixels, all values, and how long the steps took. */
  run(number, image, after = null) {
    const network = this.page.networks[number];
    const pixels = preprocessed(image, network.preprocessing);
    const stored = pixels.map((pixel) => network.stored[pixel]);
    const begun = performance.now();
    this.engines[number].run(stored, after);
    const milliseconds = performance.now() - begun;
    return { pixels, stored, values: this.engines[number].result(), milliseconds };
  }

  /** Run a network that slides on an image of another side: its pixels and the stored values of its class map. */
  larger(number, image, side) {
    const network = this.page.networks[number];
    const program = resizedProgram(network.program, this.page.layouts, side);
    const pixels = preprocessed(image, { ...network.preprocessing, height: side, width: side, margin: 0 });
    const engine = new Engine(program, this.module);
    engine.run(pixels.map((pixel) => network.stored[pixel]));
    const map = program.tensor.get(program.outputs[0]);
    return { pixels, shape: map.shape, scores: engine.result(map) };
  }

  /** Compare one golden image with what the reference kernels gave; return the first step that differs, or null. */
  compared(number, place) {
    const { program, expected } = this.page.networks[number];
    const { stored } = this.run(number, this.page.golden[place]);
    if (checksum(stored) !== expected.inputs[place]) return -1;
    const count = program.steps.length;
    for (const [step, { output }] of program.steps.entries()) {
      const found = checksum(this.engines[number].result(program.tensor.get(output)));
      if (found !== expected.checksums[place * count + step]) return step;
    }
    return null;
  }

  /** Time a network: microseconds of each of some runs, after some that are not counted. */
  timed(number, image, runs, limit = 800) {
    const network = this.page.networks[number];
    const stored = preprocessed(image, network.preprocessing).map((pixel) => network.stored[pixel]);
    const engine = this.engines[number];
    const found = [];
    const begun = performance.now();
    engine.run(stored);
    const batch = Math.max(1, Math.ceil(2 / Math.max(performance.now() - begun, 0.02))); // a browser's clock is coarse
    while (found.length < runs && performance.now() - begun < limit) {
      const start = performance.now();
      for (let i = 0; i < batch; i++) engine.run(stored);
      found.push((1000 * (performance.now() - start)) / batch);
    }
    return found.sort((a, b) => a - b);
  }
}

/** Answer the page's messages; each has an `id`, a `what` and what that takes. */
export function serve(scope) {
  let networks = null;
  const answer = {
    async open({ facts, text }) {
      networks = await Networks.opened(facts, text);
      return { content: networks.content, simd: networks.simd };
    },
    run({ number, image, id }) {
      const steps = networks.page.networks[number].program.steps.length;
      let told = performance.now();
      return networks.run(number, image, (done) => {
        if (performance.now() - told < 60) return;
        told = performance.now();
        scope.postMessage({ id, progress: done / steps });
      });
    },
    larger: ({ number, image, side }) => networks.larger(number, image, side),
    compared: ({ number, place }) => ({ differs: networks.compared(number, place) }),
    timed: ({ number, image, runs }) => ({ microseconds: networks.timed(number, image, runs) }),
  };
  scope.onmessage = async ({ data }) => {
    try {
      const found = await answer[data.what](data);
      const moved = found.values ? [found.values.buffer] : [];
      scope.postMessage({ id: data.id, found }, moved);
    } catch (error) {
      scope.postMessage({ id: data.id, error: error.message });
    }
  };
}
