"""Image sizes that fit a network: each filter must fit a whole number of times."""

from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.arithmetic.layer import output_side
from kerascnn.foundation.errors import UsageError

LARGEST_IMAGE = 4096  # pixels; where the search for a size that fits ends


@dataclass(frozen=True)
class Window:
    """A window that slides over maps: a convolution's filter or a pooling window, in pixels."""

    name: str
    kernel: int
    stride: int = 1
    padding: int = 0

    def output_side(self, side: int) -> int:
        """Return the side of the map behind the layer.

        Raises:
            ValueError: It is not a whole number, or the filter is larger than the map.
        """
        if self.kernel > side:
            raise ValueError(f"the {self.kernel}×{self.kernel} filter is larger than its {side}×{side} map")
        return output_side(side, self.kernel, self.stride, self.padding)


def check_image_size(windows: Sequence[Window], image_size: int) -> None:
    """Refuse a size at which some layer does not fit.

    Raises:
        UsageError: It names the first such layer, its formula, and the nearest sizes that fit the network.
    """
    failure = _failure(windows, image_size)
    if failure is None:
        return
    nearest = " and ".join(str(size) for size in _nearest(windows, image_size))
    message = f"image_size={image_size}: {failure}; the network fits {nearest}."
    if "whole number" in failure:
        message += " Some frameworks round down here and drop a row in silence."
    raise UsageError(message)


def map_side(windows: Sequence[Window], image_size: int) -> int:
    """Return the side of the last map for an image size that fits."""
    side = image_size
    for window in windows:
        side = window.output_side(side)
    return side


def next_fitting(windows: Sequence[Window], image_size: int) -> int | None:
    """Return the smallest image size that fits and is not below the given one, up to ``LARGEST_IMAGE``."""
    sizes = range(image_size, LARGEST_IMAGE + 1)
    return next((size for size in sizes if _failure(windows, size) is None), None)


def _failure(windows: Sequence[Window], side: int) -> str | None:
    for window in windows:
        try:
            side = window.output_side(side)
        except ValueError as error:
            return f"{window.name}: {error}"
    return None


def _nearest(windows: Sequence[Window], image_size: int) -> list[int]:
    """Return the nearest fitting sizes below and above, as far as they exist."""
    below = (size for size in range(min(image_size, LARGEST_IMAGE), 0, -1) if _failure(windows, size) is None)
    return [size for size in (next(below, None), next_fitting(windows, image_size)) if size is not None]
