"""Whether numbers make a layer that fits: refused with the formula, and with what would fit."""

import re
import reprlib
from collections.abc import Sequence

from kerascnn.arithmetic import layer as arithmetic
from kerascnn.foundation.errors import UsageError

LARGEST = 10**6
_SHAPE = re.compile("[xX×]".join([r"\s*([0-9]{1,18})\s*"] * 3))


def checked_volume(shape: str | Sequence[int]) -> tuple[int, int, int]:
    """Return height, width and depth, given as numbers or as text.

    Raises:
        UsageError: These are no three numbers in range.
    """
    sides = _read(shape) if isinstance(shape, str) else tuple(shape)
    if len(sides) != 3:
        rule = f"must be height, width and depth, each from 1 to {LARGEST:,}, as in 227x227x3"
        raise UsageError(f"shape {rule}. Received: shape={reprlib.repr(shape)}")
    for name, side in zip(("height", "width", "depth"), sides, strict=True):
        require_number(name, side)
    return sides


def _read(text: str) -> tuple[int, ...]:
    found = _SHAPE.fullmatch(text)
    return tuple(map(int, found.groups())) if found else ()


def require_number(name: str, value: object, least: int = 1) -> None:
    """Refuse what is no whole number in range.

    Raises:
        UsageError: It says which numbers are.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST:
        rule = f"must be a whole number from {least} to {LARGEST:,}"
        raise UsageError(f"{name} {rule}. Received: {name}={reprlib.repr(value)}")


def require_fit(
    height: int, width: int, kernel: int, stride: int, padding: int, *, what: str = "filter"
) -> None:
    """Refuse a filter or a window that does not fit a whole number of times.

    Raises:
        UsageError: It shows the formula, and names what would fit.
    """
    sides = {"side": height} if height == width else {"height": height, "width": width}
    lessons = []
    for name, side in sides.items():
        try:
            arithmetic.output_side(side, kernel, stride, padding)
        except ValueError as error:
            why = _why(side, kernel, stride, padding, what)
            remedies = _remedies(name, side, kernel, stride, padding)
            lessons.append(f"The {name} {side} does not fit: {error}; {why}. What fits: {remedies}.")
    if lessons:
        raise UsageError(" ".join(lessons))


def _why(side: int, kernel: int, stride: int, padding: int, what: str) -> str:
    padded = arithmetic.padded_side(side, padding)
    pixels = f"{padded}{' padded' if padding else ''} pixels"
    if padded < kernel:
        return f"a {what} of {kernel} is larger than {pixels}"
    steps, rest = divmod(padded - kernel, stride)
    return f"window {steps + 1} ends at {padded - rest} of {pixels}, with {rest} left over"


def _remedies(name: str, side: int, kernel: int, stride: int, padding: int) -> str:
    below, above = arithmetic.nearest_fits(side, kernel, stride, padding)
    sides = f"{name} {above}" if below is None else f"{name} {below} or {above}"
    step = arithmetic.fitting_stride(side, kernel, stride, padding)
    strides = f", or stride {step}" if step else ""
    return f"{sides}{strides}{_padding_remedy(side, kernel, stride)}"


def _padding_remedy(side: int, kernel: int, stride: int) -> str:
    padding = arithmetic.fitting_padding(side, kernel, stride)
    if padding is None:
        return f"; no padding works, because {side - kernel} + 2P is odd and the stride {stride} is even"
    blind = " (its outer windows see zeros only)" if padding >= kernel else ""
    return f", or padding {padding}{blind}"
