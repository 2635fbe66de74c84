"""How far differently rounding kernels may move a probability.

LiteRT's kernels do not all round alike: the mean of a map differs by one step between x86-64, ARM and the
reference kernels. That step is one of the logits, and softmax turns it into several steps of a probability.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerascnn.tflite.file_format.graph import Tensor, read_graph
from kerascnn.tflite.inspection.layer_matching import computed
from kerascnn.tflite.runtime.intermediate_tensors import IntermediateTensors

PROBABILITY_STEP = 1 / 256  # of an int8 or uint8 output; what a float output is compared with, too


@dataclass(frozen=True)
class Logits:
    """The logits before softmax, and how far they may differ between two sets of kernels.

    That no operator but the last sum or mean rounds differently is an assumption: all measured differences
    between x86-64, ARM and the reference kernels are of that kind. A dense layer is allowed one step, too.

    Attributes:
        tensor: Its number in the file.
        step: Size of one quantization step; 0 if not quantized.
        steps: Largest difference of a logit in steps: one of the last sum or mean, rounded up to its own.
    """

    tensor: int
    step: float
    steps: int

    @classmethod
    def of(cls, values: IntermediateTensors) -> "Logits":
        """Find them in a file that ends in softmax."""
        graph = values.graph
        made_by = {number: operator for operator in graph.operators for number in operator.outputs}
        softmax = next(operator for operator in reversed(graph.operators) if operator.name == "SOFTMAX")
        source = softmax_input = softmax.inputs[0]
        gain = 1.0
        while (operator := made_by[source]).name in ("MUL", "RESHAPE"):
            factors = values.weights(operator) if operator.name == "MUL" else None
            gain *= 1.0 if factors is None else float(np.abs(factors).max())
            (source,) = computed(graph, operator.inputs)
        step = step_of(graph.tensors[softmax_input])
        summed = gain * step_of(graph.tensors[source]) if operator.name in ("MEAN", "SUM") else 0.0
        return cls(softmax_input, step, max(1, math.ceil(summed / step - 1e-6)) if step else 0)

    @property
    def reach(self) -> float:
        """Largest difference between the same logit on two sets of kernels; 0 for floats."""
        return self.steps * self.step

    def to_dict(self) -> dict[str, int] | None:
        """Return the tensor and the steps by which devices may differ there; ``None`` for floats."""
        return {"tensor": self.tensor, "steps": self.steps} if self.step else None


def carried(logits: NDArray[np.floating], reach: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and largest softmax outputs if each logit moves by at most ``reach``.

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
    """Return the largest possible difference of a probability between kernels that differ only in rounding.

    0 for float files.
    """
    (graph,) = read_graph(file).subgraphs
    logits = Logits.of(IntermediateTensors(file, graph))
    # tanh(reach / 2) is how much the logistic function rises from −reach / 2 to reach / 2, where it is
    # steepest; one step more is the rounding of the probability.
    return math.tanh(logits.reach / 2) + PROBABILITY_STEP if logits.step else 0.0


def step_of(tensor: Tensor) -> float:
    """Return the size of one quantization step of a tensor, 0 if it is not quantized."""
    return tensor.quantization.scales[0] if tensor.quantization else 0.0
