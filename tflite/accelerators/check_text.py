"""The result of ``check`` as text: where each operator runs, and the estimated cost."""

from itertools import groupby
from typing import TYPE_CHECKING

from kerascnn.foundation.text.shown import Block, Facts, Prose
from kerascnn.foundation.text.tables import Table
from kerascnn.foundation.text.wording import size

if TYPE_CHECKING:
    from kerascnn.tflite.accelerators.check import Check, CheckedOperator

VERDICTS = {
    "maps": "every operator runs on the {}",
    "partly": "part of it runs on the CPU",
    "cpu": "none of it runs on the {}",
    "unknown": "it is not known whether all of it runs on the {}",
    "refused": "the {} compiler would reject it",
}
SIDES = {"cpu": "CPU", "unknown": "unknown"}  # beside the accelerator


def blocks(result: "Check") -> list[Block]:
    """Return the verdict, every operator, and what it costs."""
    header = ["", "operator", "runs on", "version", "parameters", ""]
    verdict = VERDICTS[result.verdict].format(result.accelerator.title)
    sides = SIDES | {result.target: result.accelerator.title}
    return [
        f"{result.path}: {verdict}" + (", already compiled" if result.compiled else ""),
        Table(header, [_row(operator, sides) for operator in result.operators], left=3),
        Prose("\n".join(_reasons(result.operators)), indent="  "),
        Facts(_facts(result)),
        *([Prose(" ".join(result.cost.assumptions))] if result.cost else []),
    ]


def _row(operator: "CheckedOperator", sides: dict[str, str]) -> list[str]:
    return [
        str(operator.index),
        operator.name,
        sides[operator.side],
        str(operator.version),
        size(operator.parameter_bytes) if operator.parameter_bytes else "",
        "" if operator.cached is None else "on chip" if operator.cached else "streamed",
    ]


def _reasons(operators: "tuple[CheckedOperator, ...]") -> list[str]:
    """Return the remarks on operators; neighbours with the same remark share a line."""
    lines = []
    for reason, group in groupby(operators, key=lambda operator: operator.reason):
        if reason:
            said = list(group)
            numbers = str(said[0].index) + (f" to {said[-1].index}" if len(said) > 1 else "")
            lines.append(f"{numbers}: {reason}")
    return lines


def _facts(result: "Check") -> dict[str, str]:
    counts = f"{result.on_target:,} of {len(result.operators):,} operators"
    counts += f", {result.unknown:,} unknown" if result.unknown else ""
    name = result.accelerator.title.lower()
    if not result.cost:
        return {name: counts}
    cost = result.cost
    streamed = [str(operator.index) for operator in result.operators if operator.cached is False]
    where = f" per inference, for operator{'s' if len(streamed) > 1 else ''} {', '.join(streamed)}"
    least = f"; {size(cost.least_streamed_bytes)} if parts of layers are kept"
    return {
        name: counts + (f", runtime {result.runtime} or later" if result.runtime else ""),
        "on chip": f"{size(cost.cached_bytes)} of parameters",
        "streamed": f"{size(cost.streamed_bytes)}{where}{least}" if streamed else "nothing",
        "time": ", ".join(f"{time:,.1f} ms over {way}" for way, time in cost.times.items())
        + ", without computation",
    }
