// From a sum of products to the stored value, with the same whole numbers as the kernels in C.

// The upper half of 2ab, rounded.
function multiplyHigh(a, b) {
  const product = BigInt(a) * BigInt(b);
  const nudge = product >= 0n ? 1n << 30n : 1n - (1n << 30n);
  return Number((product + nudge) / (1n << 31n));
}

// x / 2^exponent, halves away from 0.
function halved(x, exponent) {
  const mask = 2 ** exponent - 1;
  const half = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + ((x & mask) > half ? 1 : 0);
}

/** x times multiplier / 2^31 times 2^shift: it rounds twice. */
export function scaledTwice(x, multiplier, shift) {
  if (shift > 0) return multiplyHigh(x * 2 ** shift, multiplier);
  return halved(multiplyHigh(x, multiplier), -shift);
}

/** x times a double, rounded to a whole number, halves away from 0. */
export function scaledOnce(x, factor) {
  const product = Math.abs(x * factor);
  const whole = Math.floor(product);
  const rounded = whole + (product - whole >= 0.5 ? 1 : 0);
  return x < 0 && rounded ? -rounded : rounded;
}

export const clampedTo = (x, lowest, highest) => Math.min(Math.max(x, lowest), highest);

/** What a call multiplies the sums of one channel with: as it is stored, and as a real number. */
export function factorOf(call, channel) {
  if (call.kernel === "FULLY_CONNECTED") {
    const { scale_high: high, scale_low: low, shift } = call.tables;
    return { exact: true, real: (high[channel] * 2 ** 32 + (low[channel] >>> 0)) * 2 ** -shift[channel] };
  }
  const from = call.tables.multiplier ? call.tables : call.numbers;
  const [multiplier, shift] = [from.multiplier, from.shift].map((each) => each[channel] ?? each);
  return { exact: false, real: (multiplier / 2 ** 31) * 2 ** shift, multiplier, shift };
}

/** Every number between the sum of one channel and its stored value. */
export function rescaled(call, channel, sum) {
  const factor = factorOf(call, channel);
  const { output_zero: zero, lowest = -128, highest = 127 } = call.numbers;
  const scaled = factor.exact ? scaledOnce(sum, factor.real) : scaledTwice(sum, factor.multiplier, factor.shift);
  const moved = scaled + zero;
  const stored = clampedTo(moved, lowest, highest);
  return { accumulator: sum, factor, scaled, zero, moved, lowest, highest, stored };
}

const FINER = 2 ** 20; // by which ADD makes both inputs finer

/** The stored value of a sum of two, whose zero points are subtracted already. */
export function addedTogether(numbers, first, second) {
  const sum =
    scaledTwice(first * FINER, numbers.first_multiplier, numbers.first_shift) +
    scaledTwice(second * FINER, numbers.second_multiplier, numbers.second_shift);
  const scaled = scaledTwice(sum, numbers.output_multiplier, numbers.output_shift);
  return clampedTo(scaled + numbers.output_zero, numbers.lowest, numbers.highest);
}

/** The mean of stored values, halves away from 0. */
export const averaged = (sum, count) => Math.trunc((sum > 0 ? sum + (count >> 1) : sum - (count >> 1)) / count);
