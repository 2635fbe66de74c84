// Starts the page, or, in the worker, what runs beside it.

import { byId } from "./view/elements.js";
import { buildHeads, showNetwork, updateHeads } from "./view/heads.js";
import { buildInputs, showGolden } from "./input/input.js";
import { benchmark, selfTest } from "./view/selftest.js";
import { buildLarger } from "./view/largerview.js";
import { buildPanels } from "./view/panels.js";
import { buildPointing } from "./panel/pointing.js";
import { open, state } from "./engine/state.js";
import { drawVolumes, layVolumes, showVolumes } from "./view/volumes.js";
import { serve } from "./engine/worker.js";

async function start() {
  const facts = JSON.parse(byId("facts").textContent);
  const simd = await open(byId("script").textContent, facts, byId("data").textContent);
  document.addEventListener("network", ({ detail }) => showVolumes(detail.network, byId("volumes")));
  document.addEventListener("values", () => {
    updateHeads();
    drawVolumes();
  });
  buildPointing();
  buildPanels();
  buildLarger();
  buildHeads();
  buildInputs();
  showNetwork(state.page.networks[0]);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) layVolumes();
    width = innerWidth;
  });
  byId("benchmark").addEventListener("click", () => benchmark(simd));
  await showGolden(0);
  document.body.dataset.ready = "yes";
  await selfTest();
}

if (typeof document === "undefined") {
  if (typeof self !== "undefined") serve(self);
} else {
  start().catch((error) => {
    byId("problem").textContent = error.message;
  });
}
