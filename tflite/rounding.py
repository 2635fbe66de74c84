"""How far kernels that round differently may carry a probability.

LiteRT's kernels do not all round alike: the mean of a map differs by one step between x86-64, ARM and the
reference kernels. That step is one of the logits, and softmax turns it into several steps of a probability.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerascnn.tflite.inner_values import InnerValues
from kerascnn.tflite.layer_matching import computed
from kerascnn.tflite.model_graph import Tensor, read_graph


@dataclass(frozen=True)
class Logits:
    """What softmax takes, and how far rounding may move it.

    Attributes:
        tensor: Its number in the file.
        step: What one step stands for; 0 where it is not quantized.
        reach: How far kernels that round otherwise move a logit: by one of its own steps, or by one of those
            of the sum or mean that it is made of.
    """

    tensor: int
    step: float
    reach: float

    @classmethod
    def of(cls, values: InnerValues) -> "Logits":
        """Find them in a file that ends in softmax."""
        graph = values.graph
        made_by = {number: operator for operator in graph.operators for number in operator.outputs}
        softmax = next(operator for operator in reversed(graph.operators) if operator.name == "SOFTMAX")
        tensor = number = softmax.inputs[0]
        own, gain = step_of(graph.tensors[tensor]), 1.0
        while (operator := made_by[number]).name in ("MUL", "RESHAPE"):
            factors = values.weights(operator) if operator.name == "MUL" else None
            gain *= 1.0 if factors is None else float(np.abs(factors).max())
            (number,) = computed(graph, operator.inputs)
        summed = gain * step_of(graph.tensors[number]) if operator.name in ("MEAN", "SUM") else 0.0
        return cls(tensor, own, max(own, summed))

    def to_dict(self) -> dict[str, int] | None:
        """Return the tensor and the steps by which devices may differ there; ``None`` for floats."""
        if not self.step:
            return None
        return {"tensor": self.tensor, "steps": math.ceil(self.reach / self.step - 1e-6)}


def carried(logits: NDArray[np.floating], reach: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least and the most that softmax gives while each logit moves by at most ``reach``.

    A probability is largest where its own logit is higher by that and all others are lower by it. It depends
    on the differences alone: p / (1 − p) grows by the factor exp(2 reach).

    Args:
        logits: Shape (n, classes).
        reach: 0 for logits that are not quantized.

    Returns:
        Two arrays of shape (n, classes).

    >>> [[float(round(p, 3)) for p in end[0]] for end in carried(np.array([[0.0, 0.0]]), 0.5)]
    [[0.269, 0.269], [0.731, 0.731]]
    """
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True), dtype=np.float64)
    others = exponentials.sum(axis=1, keepdims=True) - exponentials
    factor = np.exp(2 * reach)
    return exponentials / (exponentials + others * factor), exponentials / (exponentials + others / factor)


def largest_difference(file: Path) -> float:
    """Return how far rounding alone can bring a probability apart on two sets of kernels; 0: floats."""
    (graph,) = read_graph(file).subgraphs
    logits = Logits.of(InnerValues(file, graph))
    # From p to p' where p' / (1 − p') = exp(2 reach) p / (1 − p): farthest where both are as far from 1/2.
    return math.tanh(logits.reach / 2) + 1 / 256 if logits.step else 0.0


def step_of(tensor: Tensor) -> float:
    """Return what one step of a tensor stands for, 0 where it is not quantized."""
    return tensor.quantization.scales[0] if tensor.quantization else 0.0
