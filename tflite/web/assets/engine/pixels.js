// From an image to a network's input, with the same bytes as Pillow and kerascnn/data/pixels.py.
// An image is {width, height, channels, data}: one byte a value, channels 1 (grey) or 3 (red, green, blue).

const BITS = 22; // of a weight behind the point, as in Pillow's resampling of 8 bits

/** Return an image of a canvas' ImageData; `grey` where all its pixels are known to be grey. */
export function fromCanvas({ width, height, data }, channels = 3) {
  const image = { width, height, channels, data: new Uint8Array(width * height * channels) };
  for (let i = 0, o = 0; i < data.length; i += 4)
    for (let c = 0; c < channels; c++) image.data[o++] = data[i + c];
  return image;
}

/** Return an image with one or three channels. */
export function converted(image, channels) {
  if (image.channels === channels) return image;
  const count = image.width * image.height;
  const data = new Uint8Array(count * channels);
  for (let i = 0; i < count; i++) {
    if (channels === 3) data[3 * i] = data[3 * i + 1] = data[3 * i + 2] = image.data[i];
    else {
      const [red, green, blue] = [image.data[3 * i], image.data[3 * i + 1], image.data[3 * i + 2]];
      data[i] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
    }
  }
  return { ...image, channels, data };
}

/** Return the input of a network as bytes (height, width, channels), as `on_canvas` makes it. */
export function preprocessed(image, { height, width, channels, margin, fit }) {
  const content = converted(image, channels);
  if (fit === "crop") return resized(content, width, height, middle(image, width / height)).data;
  const [wide, high] = [width - 2 * margin, height - 2 * margin];
  const scale = Math.min(wide / image.width, high / image.height);
  const size = [image.width, image.height].map((side) => Math.max(roundedToEven(side * scale), 1));
  const part = resized(content, size[0], size[1]);
  const canvas = new Uint8Array(width * height * channels);
  const [left, top] = [Math.floor((width - size[0]) / 2), Math.floor((height - size[1]) / 2)];
  for (let y = 0; y < size[1]; y++) {
    const row = part.data.subarray(y * size[0] * channels, (y + 1) * size[0] * channels);
    canvas.set(row, ((top + y) * width + left) * channels);
  }
  return canvas;
}

function middle({ width, height }, aspect) {
  const [wide, high] = [Math.min(width, height * aspect), Math.min(height, width / aspect)];
  const [left, top] = [(width - wide) / 2, (height - high) / 2];
  return [left, top, left + wide, top + high];
}

/** Return half numbers rounded to the even neighbour, others to the nearest, as Python does. */
export function roundedToEven(number) {
  const below = Math.floor(number);
  const rest = number - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 ? below + 1 : below;
}

/** Return an image, or its box (left, top, right, bottom), resized with Pillow's bilinear filter. */
export function resized(image, width, height, box = [0, 0, image.width, image.height]) {
  const [left, top, right, bottom] = box.map(Math.fround);
  const whole = left === 0 && top === 0 && right === image.width && bottom === image.height;
  if (whole && width === image.width && height === image.height) return image;
  const { channels } = image;
  let { data } = image;
  let high = image.height;
  if (width !== image.width || left !== 0 || right !== width) {
    const across = weights(image.width, left, right, width);
    data = pass(data, image.width, high, channels, width, across, true);
  }
  if (height !== high || top !== 0 || bottom !== height) {
    const down = weights(high, top, bottom, height);
    data = pass(data, width, high, channels, height, down, false);
    high = height;
  }
  return { width, height: high, channels, data };
}

/** Return for each output pixel the first input pixel and the weights from there on, as whole numbers. */
function weights(side, start, end, count) {
  const scale = Math.fround(end - start) / count;
  const support = Math.max(scale, 1);
  return Array.from({ length: count }, (_, number) => {
    const center = start + (number + 0.5) * scale;
    const first = Math.max(Math.trunc(center - support + 0.5), 0);
    const last = Math.min(Math.trunc(center + support + 0.5), side);
    const real = [];
    let sum = 0;
    for (let x = 0; x < last - first; x++) {
      const weight = Math.max(1 - Math.abs((x + first - center + 0.5) * (1 / support)), 0);
      real.push(weight);
      sum += weight;
    }
    return { first, taps: Int32Array.from(real, (weight) => (sum ? weight / sum : weight) * 2 ** BITS + 0.5) };
  });
}

function pass(data, width, height, channels, count, windows, across) {
  const [rows, columns] = across ? [height, count] : [count, width];
  const step = across ? channels : width * channels;
  const found = new Uint8ClampedArray(rows * columns * channels);
  let o = 0;
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const { first, taps } = windows[across ? x : y];
      const start = across ? (y * width + first) * channels : (first * width + x) * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 2 ** (BITS - 1);
        for (let i = 0, at = start + c; i < taps.length; i++, at += step) sum += data[at] * taps[i];
        found[o++] = sum >> BITS;
      }
    }
  return new Uint8Array(found.buffer);
}
