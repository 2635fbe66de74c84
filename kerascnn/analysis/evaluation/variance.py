"""The variance of a paired difference, split into luck of the seed and luck of the test images."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class VarianceComponents:
    """The analysis of variance of a difference over two crossed random factors, seeds and images.

    Variances are of fractions: a standard deviation of 0.01 is one point.

    Attributes:
        of_seeds: Variance between seeds; ``None`` for a single seed, of which it cannot be known.
        of_images: Variance between images that all seeds share; with a single seed all of it.
        rest: Variance that belongs to one seed and one image together.
    """

    of_seeds: float | None
    of_images: float
    rest: float

    @classmethod
    def of(cls, difference: NDArray[np.int8]) -> "VarianceComponents":
        """Estimate the components from a table, shape (seeds, images); none is below 0.

        Seeds that differ less than chance makes them differ count as much as chance.
        """
        seeds, images = difference.shape
        mean = difference.mean()
        of_seeds, of_images = difference.mean(axis=1) - mean, difference.mean(axis=0) - mean
        others = max(images - 1, 1)
        by_image = seeds * float((of_images**2).sum()) / others
        if seeds == 1:
            return cls(None, by_image, 0.0)
        rest = difference - mean - of_seeds[:, np.newaxis] - of_images
        residual = float((rest**2).sum()) / ((seeds - 1) * others)
        by_seed = images * float((of_seeds**2).sum()) / (seeds - 1)
        return cls(max(by_seed - residual, 0) / images, max(by_image - residual, 0) / seeds, residual)

    def variance(self, seeds: int, images: int) -> float:
        """Return the variance of the mean over so many seeds and images."""
        return self._from_seeds(seeds) + self._from_images(seeds, images)

    def half_width(self, seeds: int, images: int, level: float) -> float:
        """Return half of the interval of the mean over so many seeds and images.

        Student's t with the degrees of freedom after Satterthwaite (1946).
        """
        from scipy.stats import t

        quantile = t.ppf((1 + level) / 2, self._freedom(seeds, images))
        return float(quantile) * math.sqrt(self.variance(seeds, images))

    def seed_share(self, seeds: int, images: int) -> float | None:
        """Return which share of that variance is luck of the seed, 0 to 1; the rest is luck of the images.

        ``None``: one seed cannot tell, or nothing varies.
        """
        if self.of_seeds is None or not self.variance(seeds, images):
            return None
        return self._from_seeds(seeds) / self.variance(seeds, images)

    def to_dict(self) -> dict[str, Any]:
        """Return the standard deviations in points: seeds, images, rest."""
        deviations = (None if each is None else 100 * math.sqrt(each) for each in self._components)
        return dict(zip(("seeds", "images", "rest"), deviations, strict=True))

    @property
    def _components(self) -> tuple[float | None, float, float]:
        return self.of_seeds, self.of_images, self.rest

    def _from_seeds(self, seeds: int) -> float:
        return (self.of_seeds or 0) / seeds

    def _from_images(self, seeds: int, images: int) -> float:
        return (self.of_images + self.rest / seeds) / images

    def _freedom(self, seeds: int, images: int) -> float:
        others = max(images - 1, 1)
        by_image = seeds * self.of_images + self.rest
        if seeds == 1:
            return others
        by_seed = images * (self.of_seeds or 0) + self.rest
        total = by_seed + by_image - self.rest
        parts = by_seed**2 / (seeds - 1) + by_image**2 / others + self.rest**2 / ((seeds - 1) * others)
        return max(total**2 / parts, 1) if parts else others
