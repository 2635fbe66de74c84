// The parts beside the volumes: why this answer, where the parameters are, the filters of the first layer.

import { byId, element, seldom } from "./elements.js";
import { filterGallery, firstFilters } from "./filters.js";
import { paint } from "../input/pad.js";
import { parameterBars } from "./parameters.js";
import { pickValue, reader } from "../panel/pointing.js";
import { ranked, reasonsFor } from "./reasons.js";
import { state } from "../engine/state.js";

const ALONE = "";
const WIDE = 1024; // pixels of a window in which the reasons are seen at once

let compared = { first: null, second: null }; // classes; null: the likeliest two

/** Build the choice of classes, and listen to what changes. */
export function buildPanels() {
  const options = state.page.classes.map((name, number) => element("option", { value: number, text: name }));
  byId("first").replaceChildren(...options.map((option) => option.cloneNode(true)));
  byId("second").replaceChildren(...options, element("option", { value: ALONE, text: "(its score alone)" }));
  for (const name of ["first", "second"])
    byId(name).addEventListener("change", () => {
      const [first, second] = [byId("first"), byId("second")].map(({ value }) => (value === ALONE ? ALONE : Number(value)));
      compared = { first, second };
      if (first === second) compared = name === "first" ? { first, second: ALONE } : { first: null, second };
      byId("likeliest").hidden = false;
      drawReasons();
    });
  byId("likeliest").addEventListener("click", () => {
    compared = { first: null, second: null };
    byId("likeliest").hidden = true;
    drawReasons();
  });
  byId("why").open = innerWidth >= WIDE;
  byId("why").addEventListener("toggle", drawReasons);
  document.addEventListener("network", ({ detail: { network } }) => drawNetwork(network));
  document.addEventListener("values", seldom(drawReasons));
}

function drawNetwork(network) {
  byId("parameters").replaceChildren(parameterBars(network));
  const read = reader(network);
  const filters = firstFilters(network.program, read);
  const section = filters && byId(`volume-${filters.step.output}`);
  const go = (tensor, at) => pickValue(network, tensor, at);
  section?.querySelector(".box").before(filterGallery({ network, read, go }));
  drawReasons();
}

// For each network: the reasons, side by side.
function drawReasons() {
  const { page, network: shown } = state;
  if (!state.results.has(shown)) return;
  const order = ranked(shown.program, reader(shown));
  const first = compared.first ?? order.find((each) => each !== compared.second);
  const second = compared.second === ALONE ? null : (compared.second ?? order.find((each) => each !== first));
  byId("first").value = first;
  byId("second").value = second ?? ALONE;
  const [one, other] = [first, second].map((each) => page.classes[each]);
  byId("question").textContent = second === null ? `Why ${one}?` : `Why ${one} and not ${other}?`;
  if (!byId("why").open) return;
  const many = page.networks.length > 1;
  const columns = page.networks.map((network) => {
    const go = (tensor, at) => network === state.network && pickValue(network, tensor, at);
    const of = { network, read: reader(network), classes: page.classes, image: inputOf(network), go };
    const title = many ? element("h3", { text: network.name }) : null;
    return element("div", { class: "reasons" }, title, ...reasonsFor(of, first, second));
  });
  byId("reasons").replaceChildren(...columns);
}

// The image as a network gets it, as a canvas.
function inputOf(network) {
  const { height, width, channels } = network.preprocessing;
  const canvas = element("canvas");
  paint(canvas, { height, width, channels, data: state.results.get(network).pixels });
  return canvas;
}
