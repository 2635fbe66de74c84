"""``kerascnn surgery``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun
from kerascnn.cli.terminal.display import display


@click.command(cls=Command, example="kerascnn surgery runs/lenet-fc-mnist-1")
@click.argument("run", type=ExistingRun())
@options.data_dir
@click.option("--overwrite", is_flag=True, help="Replace an earlier RUN-conv.")
def surgery(run: Path, data_dir: Path | None, overwrite: bool, as_json: bool) -> None:
    """Rewrite the FC head of a run as convolutions.

    Checks that the predictions are the same and writes RUN-conv.
    """
    from kerascnn.workflows.surgery import surgery as operate

    display(operate(run, data_dir=data_dir, overwrite=overwrite), as_json=as_json)
