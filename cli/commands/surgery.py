"""``kerascnn surgery``."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun
from kerascnn.cli.terminal.display import display, facts

if TYPE_CHECKING:
    from kerascnn.workflows.surgery import Surgery


@click.command(cls=Command, example="kerascnn surgery runs/lenet-fc-mnist-1")
@click.argument("run", type=ExistingRun())
@options.data_dir
@click.option("--overwrite", is_flag=True, help="Replace an earlier RUN-conv.")
def surgery(run: Path, data_dir: Path | None, overwrite: bool, as_json: bool) -> None:
    """Rewrite the FC head of a run as convolutions.

    Proves that nothing changed and writes RUN-conv.
    """
    from kerascnn.workflows.surgery import surgery as operate

    display(operate(run, data_dir=data_dir, overwrite=overwrite), as_json=as_json, text=_text)


def _text(result: "Surgery") -> str:
    return facts(
        {
            "parameters": f"{result.parameters_before:,} before, {result.parameters_after:,} after",
            "same answers": f"{result.agreement:.0%} of {result.n:,} test images",
            "logits": f"differ by {result.max_difference:.2g} at most",
            "larger images": f"{result.larger_image}×{result.larger_image} gives a {result.map_side}×"
            f"{result.map_side} map of class scores in one pass",
            "run": str(result.run),
            "next": f"kerascnn predict {quote(str(result.run))} IMAGE --heatmap",
        }
    )
