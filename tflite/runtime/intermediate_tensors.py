"""Run a ``.tflite`` file and read every intermediate tensor."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from kerascnn.foundation.errors import KerasCnnError, first_line
from kerascnn.foundation.native_stderr import silent_natives
from kerascnn.tflite.file_format.graph import Operator, Subgraph

Values = NDArray[np.float32]


class IntermediateTensors:
    """A file opened without delegates, which would hide tensors.

    LiteRT's optimized kernels compute unless the reference kernels are asked for: those take ten times as
    long for AlexNet, and their SUM of int8 is wrong (ai-edge-litert 2.3.0: −1 for every sum).

    Args:
        path: The file.
        graph: Its only subgraph.
        reference: Whether the reference kernels compute.

    Raises:
        KerasCnnError: LiteRT cannot run it.
    """

    def __init__(self, path: Path, graph: Subgraph, *, reference: bool = False) -> None:
        self.graph = graph
        optimised = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        kernels = OpResolverType.BUILTIN_REF if reference else optimised
        try:
            with silent_natives():
                self._interpreter = Interpreter(
                    model_path=str(path),
                    experimental_op_resolver_type=kernels,
                    experimental_preserve_all_tensors=True,
                )
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise KerasCnnError(f"{path} cannot be run: {first_line(error)}") from error

    def run(self, inputs: Mapping[int, NDArray[Any]]) -> None:
        """Set the inputs, by tensor index, and run once."""
        for number, value in inputs.items():
            self._interpreter.set_tensor(number, value)
        self._interpreter.invoke()

    def encoded(self, image: NDArray[np.uint8]) -> NDArray[Any]:
        """Return an image, (height, width, channels), as a batch of one, in the input's type and scale."""
        tensor = self.graph.tensors[self.graph.inputs[0]]
        dtype, scaling = np.dtype(tensor.type.lower()), tensor.quantization
        if scaling is None:
            return image[np.newaxis].astype(dtype)
        limits = np.iinfo(dtype)
        steps = np.round(image[np.newaxis] / scaling.scales[0] + scaling.zero_points[0])
        encoded: NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(dtype)
        return encoded

    def stored(self, number: int) -> NDArray[Any]:
        """Return the stored values of a tensor."""
        stored: NDArray[Any] = self._interpreter.get_tensor(number)
        return stored

    def real(self, number: int) -> Values:
        """Return the real values of a tensor."""
        stored, scaling = self.stored(number), self.graph.tensors[number].quantization
        if scaling is None:
            return stored.astype(np.float32)
        shape = [1] * stored.ndim
        if scaling.per_channel:
            shape[scaling.dimension] = -1
        zero = np.array(scaling.zero_points).reshape(shape)
        scale = np.array(scaling.scales, np.float32).reshape(shape)
        real: Values = (stored - zero).astype(np.float32) * scale
        return real

    def weights(self, operator: Operator) -> Values | None:
        """Return an operator's largest constant, ``None`` if it has none."""
        read = [self.graph.tensors[number] for number in operator.inputs if number >= 0]
        constants = [
            tensor for tensor in read if tensor.constant and (tensor.quantization or tensor.type == "FLOAT32")
        ]
        largest = max(constants, key=lambda tensor: math.prod(tensor.shape), default=None)
        return None if largest is None else self.real(largest.index)
