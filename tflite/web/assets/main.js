// Starts the page, or, in the worker, what runs beside it.

import { byId } from "./elements.js";
import { buildHeads, showNetwork, updateHeads } from "./heads.js";
import { buildInputs, showGolden } from "./input.js";
import { benchmark, selfTest } from "./selftest.js";
import { buildLarger } from "./largerview.js";
import { buildPanels } from "./panels.js";
import { buildPointing } from "./pointing.js";
import { open, state } from "./state.js";
import { drawVolumes, layVolumes, showVolumes } from "./volumes.js";
import { serve } from "./worker.js";

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
