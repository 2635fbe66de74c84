// Where images come from: the pad, golden images, files, the clipboard, the camera.

import { byId, element } from "../view/elements.js";
import { normalised, Pad, paint, plain } from "./pad.js";
import { fromCanvas } from "../engine/pixels.js";
import { show, state } from "../engine/state.js";

const LARGEST = 40e6; // pixels that are decoded in their own size

let pad = null;
let newest = 0; // of the images that were asked for

/** Build all inputs that this page and this browser have. */
export function buildInputs() {
  buildPad();
  buildGolden();
  buildFiles();
  buildCamera();
}

/** Show an image; `label` is the number of its class where that is known. */
async function take(image, label = null) {
  newest += 1;
  byId("problem").textContent = "";
  const bar = byId("progress");
  const late = setTimeout(() => (bar.hidden = false), 150);
  try {
    await show(image, label, (share) => (bar.value = share));
  } catch (error) {
    problem(error.message);
  } finally {
    clearTimeout(late);
    bar.hidden = true;
  }
}

function problem(text) {
  byId("problem").textContent = text;
}

function buildPad() {
  const rule = state.page.pad;
  byId("pad-box").hidden = !rule;
  if (!rule) return;
  const [fit, seen] = [byId("normalise"), byId("seen")];
  const drawn = (drawing) => {
    const image = fit.checked ? normalised(drawing, rule) : plain(drawing, rule);
    paint(seen, image);
    chosen(null);
    take(image);
  };
  pad = new Pad(byId("pad"), drawn);
  byId("undo").addEventListener("click", () => pad.undo());
  byId("clear").addEventListener("click", () => pad.clear());
  byId("thickness").addEventListener("input", ({ target }) => (pad.thickness = Number(target.value)));
  fit.addEventListener("change", () => pad.update());
  byId("seen-size").textContent = `${rule.size}×${rule.size}`;
}

function buildGolden() {
  const { golden, classes } = state.page;
  const buttons = golden.map((image, place) => {
    const canvas = element("canvas", { "aria-hidden": "true" });
    paint(canvas, image);
    const name = classes[image.label];
    const button = element("button", { type: "button", title: name, "aria-label": `Test image ${place + 1}: ${name}`, "aria-pressed": "false" });
    button.append(canvas, element("span", {}, name));
    button.addEventListener("click", () => showGolden(place));
    return button;
  });
  byId("golden").replaceChildren(...buttons);
}

/** Show a golden image. */
export function showGolden(place) {
  const image = state.page.golden[place];
  chosen(place);
  if (!byId("pad-box").hidden) paint(byId("seen"), image);
  return take(image, image.label);
}

function chosen(place) {
  byId("golden").querySelector('[aria-pressed="true"]')?.setAttribute("aria-pressed", "false");
  if (place !== null) byId("golden").children[place].setAttribute("aria-pressed", "true");
}

function buildFiles() {
  const picker = byId("file");
  byId("choose-file").addEventListener("click", () => picker.click());
  picker.addEventListener("change", () => {
    if (picker.files.length) takeFile(picker.files[0]);
    picker.value = "";
  });
  addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
    if (file) takeFile(file);
  });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("dropping"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    if (event.dataTransfer.files.length) takeFile(event.dataTransfer.files[0]);
  });
}

async function takeFile(file) {
  const own = (newest += 1);
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    if (own === newest) problem(`${file.name} is damaged, or not an image that this browser reads.`);
    return;
  }
  if (own === newest) picture(bitmap, bitmap.width, bitmap.height); // else another image was chosen meanwhile
  bitmap.close();
}

/** Take what can be drawn on a canvas, on white where it is transparent. */
function picture(source, width, height) {
  const scale = Math.min(1, Math.sqrt(LARGEST / (width * height)));
  const canvas = element("canvas", { width: Math.max(Math.floor(width * scale), 1), height: Math.max(Math.floor(height * scale), 1) });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const image = fromCanvas(context.getImageData(0, 0, canvas.width, canvas.height));
  if (byId("invert").checked) image.data.forEach((value, place) => (image.data[place] = 255 - value));
  chosen(null);
  return take(image);
}

let stream = null;

function buildCamera() {
  const button = byId("camera");
  button.hidden = !navigator.mediaDevices?.getUserMedia;
  button.addEventListener("click", () => (stream ? stopCamera() : startCamera()));
}

async function startCamera() {
  const video = byId("video");
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 640 } } });
  } catch (error) {
    problem(`The camera cannot be used: ${error.message || error.name}.`);
    return;
  }
  video.srcObject = stream;
  video.hidden = false;
  byId("camera").textContent = "Stop the camera";
  await video.play();
  while (stream) {
    if (video.videoWidth) await picture(video, video.videoWidth, video.videoHeight);
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

function stopCamera() {
  for (const track of stream.getTracks()) track.stop();
  stream = null;
  byId("video").hidden = true;
  byId("camera").textContent = "Use the camera";
}
