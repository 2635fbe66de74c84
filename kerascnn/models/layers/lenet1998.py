"""The layers of the published LeNet-5 (LeCun, Bottou, Bengio, Haffner, 1998, section II.B)."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

#: The paper shows its ten 7×12 target codes as a figure of stylised characters; these are drawn like it.
_CODES = """
..###.. ...#... ..###.. .#####. ....##. ####### ..####. ####### ..###.. ..###..
.#...#. ..##... .#...#. #.....# ....##. #...... .#....# ......# .#...#. .#...#.
#.....# .###... #.....# ......# ...#.#. #...... #...... ......# #.....# #.....#
#.....# ...#... ......# ......# ...#.#. #...... #...... .....#. #.....# #.....#
#.....# ...#... ......# .....#. ..#..#. #.####. #...... .....#. .#...#. #.....#
#.....# ...#... .....#. ..####. ..#..#. ##....# #.####. ....#.. ..###.. .#....#
#.....# ...#... ....#.. ......# .#...#. ......# ##....# ....#.. .#...#. ..#####
#.....# ...#... ...#... ......# .#...#. ......# #.....# ...#... #.....# ......#
#.....# ...#... ..#.... ......# ####### ......# #.....# ...#... #.....# ......#
#.....# ...#... .#..... ......# .....#. #.....# #.....# ..#.... #.....# ......#
.#...#. ...#... #...... #.....# .....#. .#....# .#...#. ..#.... .#...#. .#...#.
..###.. .#####. ####### .#####. .....#. ..####. ..###.. ..#.... ..###.. ..###..
"""


def digit_codes() -> NDArray[np.float32]:
    """Return the target codes, shape (10, 84): ink +1, paper −1, twelve rows of seven for each digit."""
    rows = [line.split() for line in _CODES.split("\n") if line]
    drawn = ["".join(row[digit] for row in rows) for digit in range(10)]
    return np.array([[1.0 if mark == "#" else -1.0 for mark in code] for code in drawn], np.float32)


def uniform(inputs: int) -> Any:
    """Return an initializer: uniform with variance 1 / inputs of the neuron.

    LeCun, Bottou, Orr, Müller: "Efficient BackProp", 1998. The paper's own ±2.4 / inputs start too small for
    the few epochs of a training here.
    """
    bound = math.sqrt(3 / inputs)
    return keras.initializers.RandomUniform(-bound, bound)


@keras.saving.register_keras_serializable("kerascnn")
class ScaledTanh(layers.Layer):
    """1.7159·tanh(2x/3): ±1 maps to ±1, where its curvature is largest (appendix A of the paper)."""

    def call(self, values: Any) -> Any:
        """Return the activations, of the same shape."""
        return 1.7159 * ops.tanh(values * (2 / 3))


@keras.saving.register_keras_serializable("kerascnn")
class TrainableSubsampling(layers.Layer):
    """The sum of each 2×2 square, times one trained coefficient a map, plus one trained bias a map.

    Maps (batch, height, width, depth) become (batch, height/2, width/2, depth). It starts as the average.
    """

    pool_size, strides = (2, 2), (2, 2)

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Create a coefficient and a bias for each map."""
        self.coefficient = self.add_weight(
            shape=(shape[-1],), initializer=keras.initializers.Constant(0.25), name="coefficient"
        )
        self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, maps: Any) -> Any:
        """Return the subsampled maps."""
        return ops.average_pool(maps, 2, 2) * (4 * self.coefficient) + self.bias


@keras.saving.register_keras_serializable("kerascnn")
class TableConvolution(layers.Layer):
    """An unpadded convolution whose maps see only some of the input maps.

    Args:
        table: For each output map the numbers of the input maps it sees.
        kernel_size: Side of the filters.
    """

    def __init__(self, table: Sequence[Sequence[int]], kernel_size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = [list(seen) for seen in table]
        self.kernel_size, self.strides, self.padding = (kernel_size, kernel_size), (1, 1), "valid"

    @property
    def links(self) -> int:
        """Number of pairs of maps that the table connects."""
        return sum(map(len, self.table))

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Create one filter plane for each pair of maps, and the matrix that places it."""
        depth = shape[-1]
        assert depth is not None
        places = [seen * len(self.table) + number for number, row in enumerate(self.table) for seen in row]
        self._places = np.eye(depth * len(self.table), dtype=np.float32)[places]
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, self.links), initializer=self._drawn, name="kernel"
        )
        self.bias = self.add_weight(shape=(len(self.table),), initializer="zeros", name="bias")

    def _drawn(self, shape: Any, dtype: Any = None) -> Any:
        """Draw each filter plane with variance 1 / inputs of its neuron, as ``uniform`` does."""
        inputs = [len(row) * self.kernel_size[0] ** 2 for row in self.table for _ in row]
        return keras.random.uniform(shape, -1.0, 1.0, dtype=dtype) * ops.sqrt(3 / ops.cast(inputs, dtype))

    def call(self, maps: Any) -> Any:
        """Return (batch, height − F + 1, width − F + 1, maps of the table)."""
        kernel = ops.matmul(self.kernel, ops.cast(self._places, self.kernel.dtype))
        kernel = ops.reshape(kernel, (*self.kernel_size, maps.shape[-1], len(self.table)))
        return ops.conv(maps, kernel, padding="valid") + self.bias

    def get_config(self) -> dict[str, Any]:
        """Return the table and the filters' side."""
        own = {"table": self.table, "kernel_size": self.kernel_size[0]}
        config: dict[str, Any] = super().get_config() | own
        return config


@keras.saving.register_keras_serializable("kerascnn")
class EuclideanRBF(layers.Layer):
    """Minus the squared distance to each class's fixed code: (batch, 84) becomes scores (batch, 10).

    The paper's penalties are the distances themselves, the smallest wins; the sign makes them logits. Always
    in float32: sums of 84 squares are near 84, where the steps of bfloat16 are half a point.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs | {"dtype": "float32"})

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Create the codes as weights that training does not change."""
        codes = digit_codes()
        self.codes = self.add_weight(
            shape=codes.shape,
            initializer=lambda shape, dtype: ops.cast(codes, dtype),
            trainable=False,
            name="codes",
        )

    def call(self, values: Any) -> Any:
        """Return the scores."""
        distances = ops.sum(ops.square(ops.expand_dims(values, 1) - self.codes), axis=-1)
        return -1 * distances  # a product: int8 has no operator for a bare minus
