"""Local response normalization (Krizhevsky, Sutskever, Hinton, 2012, section 3.3)."""

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("kerascnn")
class LocalResponseNormalization(layers.Layer):
    """Divides every value by (k + α·Σ a²)^β, the sum over ``size`` neighbouring maps at the same place.

    α multiplies the sum itself, as in the paper and in TensorFlow; PyTorch divides it by ``size`` first, so
    its ``alpha=5e-4`` is the paper's 1e-4. Maps are (batch, height, width, depth) and keep their shape.

    Args:
        k, size, alpha, beta: The paper's constants; ``size`` is its n, an odd number.
    """

    def __init__(
        self, k: float = 2.0, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.k, self.size, self.alpha, self.beta = k, size, alpha, beta

    def call(self, maps: Any) -> Any:
        """Return the normalized maps."""
        depth, reach = maps.shape[-1], self.size // 2
        squares = ops.pad(ops.square(maps), ((0, 0), (0, 0), (0, 0), (reach, reach)))
        total = sum(squares[..., first : first + depth] for first in range(self.size))
        return maps * ops.power(self.k + self.alpha * total, -self.beta)

    def get_config(self) -> dict[str, Any]:
        """Return the constants."""
        constants = {"k": self.k, "size": self.size, "alpha": self.alpha, "beta": self.beta}
        config: dict[str, Any] = super().get_config() | constants
        return config
