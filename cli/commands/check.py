"""``kerascnn check``."""

import textwrap
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display, facts, size, table
from kerascnn.cli.terminal.formats import WIDTH
from kerascnn.foundation.errors import TargetError

if TYPE_CHECKING:
    from kerascnn.tflite.accelerators.edgetpu.check import Check, CheckedOperator

VERDICTS = {
    "maps": "every operator runs on the Edge TPU",
    "partly": "part of it stays on the CPU",
    "cpu": "nothing of it runs on the Edge TPU",
    "unknown": "it is not known whether all of it runs on the Edge TPU",
    "refused": "the Edge TPU compiler would refuse it",
}
SIDES = {"edgetpu": "Edge TPU", "cpu": "CPU", "unknown": "unknown"}


@click.command(cls=Command, example="kerascnn check model.tflite --target edgetpu")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", default="edgetpu", show_default=True, help="edgetpu, the Coral Edge TPU.")
def check(file: Path, target: str, as_json: bool) -> None:
    """Say what of a .tflite file runs on the Edge TPU.

    Shows each operator, what is streamed and what that costs. Needs neither the compiler nor a
    device: it is an estimate. Ends with 4 if not everything maps.
    """
    from kerascnn.tflite.accelerators.edgetpu.check import check as judge

    result = judge(file, target)
    display(result, as_json=as_json, text=_text)
    if result.problem:
        raise TargetError(result.problem)


def _text(result: "Check") -> str:
    header = ["", "operator", "runs on", "version", "parameters", ""]
    sections = [
        f"{result.path}: {VERDICTS[result.verdict]}" + (", it is compiled" if result.compiled else ""),
        table(header, [_row(operator) for operator in result.operators], left=3),
        "\n".join(_reasons(result.operators)),
        facts(_facts(result)),
        _assumptions(result),
    ]
    return "\n\n".join(section for section in sections if section)


def _row(operator: "CheckedOperator") -> list[str]:
    return [
        str(operator.index),
        operator.name,
        SIDES[operator.side],
        str(operator.version),
        size(operator.parameter_bytes) if operator.parameter_bytes else "",
        "" if operator.cached is None else "on chip" if operator.cached else "streamed",
    ]


def _reasons(operators: "tuple[CheckedOperator, ...]") -> list[str]:
    """Return what there is to say of operators, neighbours of whom the same is said together."""
    lines = []
    for reason, group in groupby(operators, key=lambda operator: operator.reason):
        if reason:
            said = list(group)
            numbers = str(said[0].index) + (f" to {said[-1].index}" if len(said) > 1 else "")
            lines.append(textwrap.fill(f"{numbers}: {reason}", WIDTH, subsequent_indent="  "))
    return lines


def _facts(result: "Check") -> dict[str, str]:
    counts = f"{result.on_target:,} of {len(result.operators):,} operators"
    counts += f", {result.unknown:,} unknown" if result.unknown else ""
    if not result.cost:
        return {"edge tpu": counts}
    cost = result.cost
    streamed = [str(operator.index) for operator in result.operators if operator.cached is False]
    where = f" at each inference, of operator{'s' if len(streamed) > 1 else ''} {', '.join(streamed)}"
    least = f"; {size(cost.least_streamed_bytes)} if parts of layers are kept"
    return {
        "edge tpu": f"{counts}, runtime {result.runtime} or later",
        "on chip": f"{size(cost.cached_bytes)} of parameters",
        "streamed": f"{size(cost.streamed_bytes)}{where}{least}" if streamed else "nothing",
        "time": f"{cost.milliseconds:,.1f} ms over USB 3, {cost.milliseconds_pcie:,.1f} ms over PCIe, "
        "computing not counted",
    }


def _assumptions(result: "Check") -> str:
    if not result.cost:
        return ""
    from kerascnn.tflite.accelerators.edgetpu.cost import assumptions

    return textwrap.fill(" ".join(assumptions(result.cost)), WIDTH)
