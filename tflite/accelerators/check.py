"""``check``: predict which operators of a ``.tflite`` file run on an accelerator, without its compiler."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.tflite.accelerators.accelerator import Accelerator
from kerascnn.tflite.accelerators.registry import USUAL, accelerators
from kerascnn.tflite.file_format.graph import ModelGraph, read_graph

CPU, UNKNOWN = "cpu", "unknown"


@dataclass(frozen=True)
class CheckedOperator:
    """One operator and where it runs.

    Attributes:
        index: Its number in the file.
        side: The accelerator's name, ``cpu`` or ``unknown``.
        reason: Why not on the accelerator, or what is left open; empty for one that maps.
        output: Name of the tensor it computes.
        parameter_bytes: Weights and biases.
        cached: Whether they stay on the chip; ``None``: they are none, or not on the accelerator.
    """

    index: int
    name: str
    version: int
    side: str
    reason: str = ""
    output: str = ""
    parameter_bytes: int = 0
    cached: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return everything."""
        return vars(self).copy()


@dataclass(frozen=True)
class InferenceCost:
    """Estimated cost of the part of a network that runs on the accelerator.

    Attributes:
        cached: For each layer, whether its parameters stay on the chip.
        cached_bytes: Parameters that stay there.
        streamed_bytes: Parameters that are sent at each inference.
        least_streamed_bytes: The same if parts of layers can be kept: what is more than the chip holds.
        times: Milliseconds for the streamed parameters and the fixed part, by what they are sent over, the
            usual first; computing is not counted.
        assumptions: Assumptions and omissions of the estimate, one sentence each.
    """

    cached: tuple[bool, ...]
    cached_bytes: int
    streamed_bytes: int
    least_streamed_bytes: int
    times: Mapping[str, float]
    assumptions: tuple[str, ...] = ()

    @property
    def milliseconds(self) -> float:
        """Estimated milliseconds over the usual connection."""
        return next(iter(self.times.values()))

    @property
    def milliseconds_pcie(self) -> float | None:
        """Estimated milliseconds over PCIe, ``None`` if unknown."""
        return self.times.get("PCIe")


@dataclass(frozen=True)
class Check(Shown):
    """Result of ``check``: where each operator of a file runs, and the estimated cost.

    Attributes:
        compiled: Whether its compiler has been over it already; what it costs is then not visible.
        refusal: Why the compiler would not take the file at all; empty where it would.
        cost: ``None`` where nothing maps, or the file is compiled.
        runtime: The lowest version of its runtime that the mapped operators need, ``None``: any.
    """

    path: Path
    accelerator: Accelerator
    compiled: bool
    refusal: str
    operators: tuple[CheckedOperator, ...]
    cost: InferenceCost | None = None
    runtime: int | None = None

    @property
    def target(self) -> str:
        """The accelerator's name."""
        return self.accelerator.name

    @property
    def verdict(self) -> str:
        """``maps``, ``partly``, ``cpu`` (nothing maps), ``unknown``, or ``refused``."""
        if self.refusal:
            return "refused"
        if self.operators and self.on_target == len(self.operators):
            return "maps"
        if self.unknown and not self.on_cpu:
            return "unknown"
        return "partly" if self.on_target else "unknown" if self.unknown else "cpu"

    @property
    def on_target(self) -> int:
        """Number of operators that run on the accelerator."""
        return self._count(self.target)

    @property
    def on_cpu(self) -> int:
        """Number of operators that stay on the CPU."""
        return self._count(CPU)

    @property
    def unknown(self) -> int:
        """Number of operators for which this is not known."""
        return self._count(UNKNOWN)

    @property
    def problem(self) -> str:
        """Why not everything is mapped, in one line; empty if everything is."""
        if self.verdict == "maps":
            return ""
        if self.refusal:
            return (
                f"{self.path}: the {self.accelerator.title} compiler would reject the file: {self.refusal}."
            )
        if not self.operators:
            return f"{self.path} has no operators."
        first = next(each for each in self.operators if each.side != self.target)
        perhaps = f", possibly {self.unknown} more" if self.unknown else ""
        return (
            f"{self.path}: {self.on_target} of {len(self.operators)} operators map to the "
            f"{self.accelerator.title}{perhaps}. "
            f"The first of the others is operator {first.index}, {first.name}: {first.reason}."
        )

    def blocks(self) -> list[Block]:
        """Return the verdict, every operator, and what it costs."""
        from kerascnn.tflite.accelerators.check_text import blocks

        return blocks(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict, every operator, the counts, bytes, milliseconds and what they assume."""
        cost = self.cost
        return {
            "file": str(self.path),
            "target": self.target,
            "verdict": self.verdict,
            "compiled": self.compiled,
            "refusal": self.refusal or None,
            "operators": [operator.to_dict() for operator in self.operators],
            "on_target": self.on_target,
            "on_cpu": self.on_cpu,
            "unknown": self.unknown,
            "runtime": self.runtime,
            "cached_bytes": cost.cached_bytes if cost else None,
            "streamed_bytes": cost.streamed_bytes if cost else None,
            "least_streamed_bytes": cost.least_streamed_bytes if cost else None,
            "milliseconds": cost.milliseconds if cost else None,
            "milliseconds_pcie": cost.milliseconds_pcie if cost else None,
            "assumptions": list(cost.assumptions) if cost else [],
        }

    def _count(self, side: str) -> int:
        return sum(operator.side == side for operator in self.operators)


def check(path: Path | str, target: str = USUAL) -> Check:
    """Predict which operators of a ``.tflite`` file run on an accelerator.

    Args:
        path: Any ``.tflite`` file, compiled or not.
        target: An accelerator.

    Raises:
        UsageError: The target is unknown.
        KerasCnnError: The file is not a sound ``.tflite`` file.
    """
    accelerator = accelerators[target]
    return accelerator.check(read_graph(Path(path)))


def is_compiled(graph: ModelGraph, *accelerators: Accelerator) -> bool:
    """Return whether a file was compiled for one of these accelerators."""
    marks = {each.compiler.operator for each in accelerators if each.compiler}
    return any(
        operator.custom and operator.name in marks
        for subgraph in graph.subgraphs
        for operator in subgraph.operators
    )
