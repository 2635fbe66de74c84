"""Predict which operators the Edge TPU runs.

The compiler cuts a network once: what needs an operator that does not map runs on the CPU too, and nothing
comes back. Only the type of an input may be changed on the CPU first. Some things make it refuse the file.
"""

from collections.abc import Iterator

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.tflite.accelerators.check import CPU, UNKNOWN, Check, CheckedOperator, is_compiled
from kerascnn.tflite.accelerators.edgetpu.accelerator import ACCELERATOR, COMPILED
from kerascnn.tflite.accelerators.edgetpu.cost import estimate
from kerascnn.tflite.accelerators.edgetpu.rules import (
    EIGHT_BIT,
    OperatorUse,
    constant_parameters,
    every,
    numbers,
    printable,
    rules,
)
from kerascnn.tflite.file_format.graph import ModelGraph, Operator, Tensor, constant_data

EDGETPU = ACCELERATOR.name
OLDEST_RUNTIME = 10


def check_graph(graph: ModelGraph) -> Check:
    """Predict where each operator of a file runs with an Edge TPU."""
    if is_compiled(graph, ACCELERATOR):
        return _compiled(graph)
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
    return Check(
        graph.path, ACCELERATOR, False, refusal, operators, cost, max(needed, default=OLDEST_RUNTIME)
    )


def _compiled(graph: ModelGraph) -> Check:
    operators = tuple(
        _checked(use, EDGETPU)
        if use.operator.custom and use.operator.name == COMPILED
        else _checked(use, CPU, "the compiler left it on the CPU")
        for use in _uses(graph)
    )
    return Check(graph.path, ACCELERATOR, True, "", operators, None, OLDEST_RUNTIME)


def _checked(
    use: OperatorUse, side: str, reason: str = "", size: int = 0, cached: bool | None = None
) -> CheckedOperator:
    output = printable(use.outputs[0].name, 1_000) if use.outputs else ""
    name, version = printable(use.operator.name), use.operator.version
    return CheckedOperator(use.operator.index, name, version, side, reason, output, size, cached)


def _uses(graph: ModelGraph) -> Iterator[OperatorUse]:
    """Return the operators of the first subgraph with their tensors."""
    subgraph = graph.subgraphs[0]
    known = set(subgraph.inputs)
    for operator in subgraph.operators:
        inputs = (subgraph.tensors[index] for index in operator.inputs if index >= 0)
        outputs = tuple(subgraph.tensors[index] for index in operator.outputs if index >= 0)
        # what nobody computes is a state, which a recurrent operator keeps in its own type
        fed = tuple(tensor for tensor in inputs if tensor.constant or tensor.index in known)
        known.update(operator.outputs)
        yield OperatorUse(
            operator, fed, outputs, lambda tensor: numbers(tensor, constant_data(graph, tensor))
        )


def _refusal(graph: ModelGraph, uses: list[OperatorUse]) -> str:
    """Return why the compiler would reject the whole file, or nothing."""
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
                f"operator {use.operator.index}, {use.operator.name}, has a size that is only known at "
                "run time; rebuild the model with Input(batch_size=1) and convert it again"
            )
    return ""


def _is_sized_late(use: OperatorUse) -> bool:
    """Return whether a size, such as a RESHAPE's, is computed at run time; a batch of −1 counts as 1."""
    rule = rules().get(use.operator.name)
    sized = rule is not None and constant_parameters in rule.limits and len(use.computed) > 1
    return sized and any(tensor.type in ("INT32", "INT64") for tensor in use.computed)


def _version(operator: Operator) -> str:
    rule = None if operator.custom else rules().get(operator.name)
    if rule is None or rule.version is None or operator.version <= rule.version:
        return ""
    cure = f": {rule.cure}" if rule.cure and rule.maps else ""
    return f"has version {operator.version}, and the highest supported version is {rule.version}{cure}"


def _is_int8(tensor: Tensor) -> bool:
    return tensor.type in EIGHT_BIT and tensor.quantization is not None


def _refused(use: OperatorUse) -> tuple[str, str]:
    return CPU, _version(use.operator) or "the compiler rejects the file"


def _sides(uses: list[OperatorUse], entries: set[int]) -> list[tuple[str, str]]:
    """Return device and reason for each operator, alone and after those it depends on."""
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


def _turns_an_entry(use: OperatorUse, entries: set[int]) -> bool:
    """Return whether this operator only converts the type of a model input, which the CPU does first."""
    return use.operator.name in ("CAST", "QUANTIZE") and all(tensor.index in entries for tensor in use.inputs)


def _judge(use: OperatorUse) -> tuple[str, str]:
    """Return device and reason for an operator alone."""
    operator = use.operator
    if operator.custom:
        return CPU, "custom operators run on the CPU"
    rule = rules().get(operator.name)
    limits = rule.limits if rule else every()
    if rule and not rule.maps:
        return CPU, "the Edge TPU does not support it" + (f"; {rule.cure}" if rule.cure else "")
    try:
        for limit in limits:
            if reason := limit(use):
                return CPU, reason
        for doubt in rule.doubts if rule else ():
            if reason := doubt(use):
                return UNKNOWN, reason
    except (KerasCnnError, IndexError, KeyError, ValueError, TypeError, ZeroDivisionError):  # a forged file
        return UNKNOWN, "its inputs do not match its operator type"
    if rule is None:
        return UNKNOWN, "it is not documented as supported"
    return EDGETPU, ""


def _parameter_bytes(use: OperatorUse) -> int:
    """Return the bytes of weights and biases; axes and sizes have no scale and are not counted."""
    return sum(tensor.bytes for tensor in use.inputs if tensor.constant and tensor.quantization)
