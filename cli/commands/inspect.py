"""``kerascnn inspect``."""

from pathlib import Path

import click

from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display


@click.command(cls=Command, example="kerascnn inspect runs/lenet-fc-digits-1/tflite/static_wi8_ai8.tflite")
@click.argument("file", type=click.Path(path_type=Path))
def inspect(file: Path, as_json: bool) -> None:
    """Show the operators, inputs and outputs of a .tflite file."""
    from kerascnn.tflite.inspection.inspect import inspect as look

    display(look(file), as_json=as_json)
