"""Real factors as whole numbers, as LiteRT computes them when it prepares its reference kernels.

The names in brackets are functions of LiteRT, in ``tflite/kernels/internal/quantization_util.cc`` and
``tflite/kernels/kernel_util.cc``.
"""

import math
from typing import NamedTuple

import numpy as np

SOFTMAX_BITS = 5  # before the point of a difference of logits
_RANGES = {"NONE": (None, None), "RELU": (0, None), "RELU6": (0, 6), "RELU_N1_TO_1": (-1, 1)}


class Factor(NamedTuple):
    """A real factor: multiplier / 2³¹ × 2^shift."""

    multiplier: int
    shift: int


class ExactFactor(NamedTuple):
    """A double: (high × 2³² + low) × 2^−shift, with 53 bits; low has a sign, like any number of a step."""

    scale_high: int
    scale_low: int
    shift: int


def factor(real: float) -> Factor:
    """Return a factor from 0 on with 31 bits (``QuantizeMultiplier``)."""
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return Factor(multiplier, shift) if shift >= -31 else Factor(0, 0)


def exact_factor(real: float) -> ExactFactor:
    """Return a factor from 0 on as it is."""
    fraction, exponent = math.frexp(real)
    high, low = divmod(int(fraction * 2**53), 2**32)
    return ExactFactor(high, low - 2**32 if low >= 2**31 else low, 53 - exponent)


def mean_factor(real: float, count: int) -> Factor:
    """Return a factor that also divides by a count (``QuantizedMeanOrSum`` in ``reference/reduce.h``)."""
    multiplier, shift = factor(real)
    more = min(count.bit_length() - 1, 32, 31 + shift)
    return Factor((multiplier << more) // count, shift - more)


def softmax_factor(beta: float, scale: float) -> tuple[Factor, int]:
    """Return the factor of a difference of logits (``PreprocessSoftmaxScaling``) and the lowest that counts.

    Raises:
        ValueError: LiteRT has no such softmax: the scale is too small.
    """
    real = min(beta * scale * 2 ** (31 - SOFTMAX_BITS), 2**31 - 1.0)
    found = factor(real)
    if real <= 1 or found.shift < 0:
        raise ValueError(f"has a scale of {scale:g}, which is too small")
    largest = (2**SOFTMAX_BITS - 1) * 2 ** (31 - SOFTMAX_BITS) // 2**found.shift
    return found, -largest


def activation_range(
    activation: str, scale: float, zero_point: int, limits: tuple[int, int]
) -> tuple[int, int]:
    """Return the lowest and highest stored value that a fused activation leaves.

    ``CalculateActivationRangeQuantized``.

    Raises:
        KeyError: It is none of those that have a range.
        ValueError: An end of the range has no stored value.
    """
    low, high = _RANGES[activation]
    lowest = limits[0] if low is None else max(limits[0], _stored(low, scale, zero_point))
    highest = limits[1] if high is None else min(limits[1], _stored(high, scale, zero_point))
    if lowest > highest:
        raise ValueError(f"has no value that {activation} leaves")
    return lowest, highest


def _stored(real: int, scale: float, zero_point: int) -> int:
    steps = float(np.float32(real) / np.float32(scale))
    if abs(steps) > 2**31:
        raise ValueError(f"has a scale of {scale:g}, which is too small")
    return zero_point + int(math.copysign(math.floor(abs(steps) + 0.5), steps))
