"""``check``: which operators of a ``.tflite`` file run on the Edge TPU, judged without its compiler.

The compiler cuts a network once: what needs an operator that does not map runs on the CPU too, and nothing
comes back. Only the type of an input may be changed on the CPU first. Some things make it refuse the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.shown import Block, Shown
from kerascnn.tflite.accelerators.edgetpu.cost import Cost, assumptions, estimate
from kerascnn.tflite.accelerators.edgetpu.rules import (
    EIGHT_BIT,
    Use,
    constant_parameters,
    every,
    numbers,
    printable,
    rules,
)
from kerascnn.tflite.file_format.graph import ModelGraph, Operator, Tensor, constant_data, read_graph

TARGETS = ("edgetpu",)
COMPILED = "edgetpu-custom-op"  # the custom operator that stands for all that was mapped
OLDEST_RUNTIME = 10

EDGETPU, CPU, UNKNOWN = "edgetpu", "cpu", "unknown"


@dataclass(frozen=True)
class CheckedOperator:
    """One operator and where it runs.

    Attributes:
        index: Its number in the file.
        side: ``edgetpu``, ``cpu`` or ``unknown``.
        reason: Why not on the Edge TPU, or what is left open; empty for one that maps.
        output: Name of the tensor it computes.
        parameter_bytes: Weights and biases.
        cached: Whether they stay on the chip; ``None``: they are none, or not on the Edge TPU.
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
class Check(Shown):
    """What the Edge TPU would do with a file.

    Attributes:
        compiled: Whether the compiler has been over it already; what it costs is then not visible.
        refusal: Why the compiler would not take the file at all; empty where it would.
        cost: ``None`` where nothing maps, or the file is compiled.
        runtime: The lowest Edge TPU runtime that the mapped operators need.
    """

    path: Path
    target: str
    compiled: bool
    refusal: str
    operators: tuple[CheckedOperator, ...]
    cost: Cost | None
    runtime: int

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
        """How many operators run on the Edge TPU."""
        return self._count(EDGETPU)

    @property
    def on_cpu(self) -> int:
        """How many operators stay on the CPU."""
        return self._count(CPU)

    @property
    def unknown(self) -> int:
        """Of how many operators it is not known."""
        return self._count(UNKNOWN)

    @property
    def problem(self) -> str:
        """Why not everything maps, in one line; empty where it does."""
        if self.verdict == "maps":
            return ""
        if self.refusal:
            return f"{self.path}: the Edge TPU compiler would refuse the file: {self.refusal}."
        if not self.operators:
            return f"{self.path} has no operators."
        first = next(each for each in self.operators if each.side != EDGETPU)
        perhaps = f", {self.unknown} more perhaps" if self.unknown else ""
        return (
            f"{self.path}: {self.on_target} of {len(self.operators)} operators map to the Edge TPU{perhaps}. "
            f"The first of the others is operator {first.index}, {first.name}: {first.reason}."
        )

    def blocks(self) -> list[Block]:
        """Return the verdict, every operator, and what it costs."""
        from kerascnn.tflite.accelerators.edgetpu.check_text import blocks

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
            "assumptions": assumptions(cost) if cost else [],
        }

    def _count(self, side: str) -> int:
        return sum(operator.side == side for operator in self.operators)


def check(path: Path | str, target: str = "edgetpu") -> Check:
    """Judge a ``.tflite`` file for the Edge TPU without its compiler.

    Args:
        path: Any ``.tflite`` file, compiled or not.
        target: ``edgetpu``.

    Raises:
        UsageError: The target is unknown.
        KerasCnnError: The file is not a sound ``.tflite`` file.
    """
    if target not in TARGETS:
        raise UsageError(f"Unknown target {target!r}. Known: {', '.join(TARGETS)}.")
    graph = read_graph(Path(path))
    if is_compiled(graph):
        return _compiled(graph, target)
    uses = list(_uses(graph))
    refusal = _refusal(graph, uses)
    sides = [_refused(use) for use in uses] if refusal else _sides(uses, set(graph.subgraphs[0].inputs))
    sizes = [_parameter_bytes(use) for use in uses]
    mapped = [place for place, (side, _) in enumerate(sides) if side == EDGETPU]
    cost = estimate([sizes[place] for place in mapped]) if mapped else None
    cached = dict(zip(mapped, cost.cached, strict=True)) if cost else {}
    operators = tuple(
        _checked(use, side, reason, size, cached.get(place) if size else None)
        for place, (use, (side, reason), size) in enumerate(zip(uses, sides, sizes, strict=True))
    )
    needed = [rules()[uses[place].operator.name].runtime or OLDEST_RUNTIME for place in mapped]
    return Check(graph.path, target, False, refusal, operators, cost, max(needed, default=OLDEST_RUNTIME))


def is_compiled(graph: ModelGraph) -> bool:
    """Whether the Edge TPU's compiler has been over the file."""
    return any(
        operator.custom and operator.name == COMPILED
        for subgraph in graph.subgraphs
        for operator in subgraph.operators
    )


def _compiled(graph: ModelGraph, target: str) -> Check:
    operators = tuple(
        _checked(use, EDGETPU)
        if use.operator.custom and use.operator.name == COMPILED
        else _checked(use, CPU, "the compiler left it to the CPU")
        for use in _uses(graph)
    )
    return Check(graph.path, target, True, "", operators, None, OLDEST_RUNTIME)


def _checked(
    use: Use, side: str, reason: str = "", size: int = 0, cached: bool | None = None
) -> CheckedOperator:
    output = printable(use.outputs[0].name, 1_000) if use.outputs else ""
    name, version = printable(use.operator.name), use.operator.version
    return CheckedOperator(use.operator.index, name, version, side, reason, output, size, cached)


def _uses(graph: ModelGraph) -> Iterator[Use]:
    """Return the operators of the first subgraph with their tensors."""
    subgraph = graph.subgraphs[0]
    known = set(subgraph.inputs)
    for operator in subgraph.operators:
        inputs = (subgraph.tensors[index] for index in operator.inputs if index >= 0)
        outputs = tuple(subgraph.tensors[index] for index in operator.outputs if index >= 0)
        # what nobody computes is a state, which a recurrent operator keeps in its own type
        fed = tuple(tensor for tensor in inputs if tensor.constant or tensor.index in known)
        known.update(operator.outputs)
        yield Use(operator, fed, outputs, lambda tensor: numbers(tensor, constant_data(graph, tensor)))


def _refusal(graph: ModelGraph, uses: list[Use]) -> str:
    """Return why the compiler would not take the file at all, or nothing."""
    if len(graph.subgraphs) > 1:
        return f"it has {len(graph.subgraphs)} subgraphs, and only one is allowed"
    if not any(_is_int8(tensor) for use in uses for tensor in use.outputs):
        return "it is not quantized; convert it with int8 weights and activations (--scheme static_wi8_ai8)"
    for use in uses:
        if reason := _version(use.operator):
            return f"operator {use.operator.index}, {use.operator.name}, {reason}"
    for use in uses:
        if _is_sized_late(use):
            return (
                f"operator {use.operator.index}, {use.operator.name}, has a size that is only known when it "
                "runs; rebuild the model with Input(batch_size=1) and convert it again"
            )
    return ""


def _is_sized_late(use: Use) -> bool:
    """Whether a size, for instance of a RESHAPE, is computed; a batch that is merely named −1 is 1."""
    rule = rules().get(use.operator.name)
    sized = rule is not None and constant_parameters in rule.limits and len(use.computed) > 1
    return sized and any(tensor.type in ("INT32", "INT64") for tensor in use.computed)


def _version(operator: Operator) -> str:
    rule = None if operator.custom else rules().get(operator.name)
    if rule is None or rule.version is None or operator.version <= rule.version:
        return ""
    cure = f": {rule.cure}" if rule.cure and rule.maps else ""
    return f"has version {operator.version}, and {rule.version} is the highest it can parse{cure}"


def _is_int8(tensor: Tensor) -> bool:
    return tensor.type in EIGHT_BIT and tensor.quantization is not None


def _refused(use: Use) -> tuple[str, str]:
    return CPU, _version(use.operator) or "the compiler refuses the file"


def _sides(uses: list[Use], entries: set[int]) -> list[tuple[str, str]]:
    """Return side and reason of each operator: what it is by itself, or where what it needs leaves it."""
    sides: list[tuple[str, str]] = []
    behind: dict[int, tuple[str, str]] = {}  # of a tensor: the side it is on, and the operator that began it
    for use in uses:
        side, reason = _judge(use)
        needed = [behind[tensor.index] for tensor in use.inputs if tensor.index in behind]
        origin = next((each for each in needed if each[0] == CPU), None) or next(iter(needed), None)
        if origin and side != CPU:
            side = origin[0]
            reason = f"behind {origin[1]}, " + ("on the CPU" if side == CPU else "of which it is not known")
        if side != EDGETPU and not origin and _turns_an_entry(use, entries):
            entries = entries | {tensor.index for tensor in use.outputs}
        elif side != EDGETPU:
            if origin is None or origin[0] != side:
                origin = side, f"operator {use.operator.index}, {printable(use.operator.name)}"
            behind |= {tensor.index: origin for tensor in use.outputs}
        sides.append((side, reason))
    return sides


def _turns_an_entry(use: Use, entries: set[int]) -> bool:
    """Whether this only gives an input of the model another type, which the CPU does before the rest."""
    return use.operator.name in ("CAST", "QUANTIZE") and all(tensor.index in entries for tensor in use.inputs)


def _judge(use: Use) -> tuple[str, str]:
    """Return side and reason of an operator by itself."""
    operator = use.operator
    if operator.custom:
        return CPU, "custom operators run on the CPU"
    rule = rules().get(operator.name)
    limits = rule.limits if rule else every()
    if rule and not rule.maps:
        return CPU, "the Edge TPU does not have it" + (f"; {rule.cure}" if rule.cure else "")
    try:
        for limit in limits:
            if reason := limit(use):
                return CPU, reason
        for doubt in rule.doubts if rule else ():
            if reason := doubt(use):
                return UNKNOWN, reason
    except (KerasCnnError, IndexError, KeyError, ValueError, TypeError, ZeroDivisionError):  # a forged file
        return UNKNOWN, "its inputs are not those of its kind"
    if rule is None:
        return UNKNOWN, "the documentation does not name it"
    return EDGETPU, ""


def _parameter_bytes(use: Use) -> int:
    """Return the bytes of weights and biases; axes and sizes have no scale and are not loaded."""
    return sum(tensor.bytes for tensor in use.inputs if tensor.constant and tensor.quantization)
