"""``kerascnn check``."""

from pathlib import Path

import click

from kerascnn.cli.command import Command
from kerascnn.cli.names import Name, NamedOption, registered
from kerascnn.cli.terminal.display import display
from kerascnn.foundation.errors import TargetError
from kerascnn.tflite.accelerators.registry import USUAL


@click.command(cls=Command, example="kerascnn check model.tflite --target edgetpu")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--target",
    cls=NamedOption,
    type=Name(registered("kerascnn.tflite.accelerators.registry:accelerators")),
    default=USUAL,
    show_default=True,
    help="Accelerator: NAMES.",
)
def check(file: Path, target: str, as_json: bool) -> None:
    """Show which operators of a .tflite file an accelerator runs.

    Estimates streamed parameters and time, without compiler and device. Exits with 4 if not every operator
    is mapped.
    """
    from kerascnn.tflite.accelerators.check import check as judge

    result = judge(file, target)
    display(result, as_json=as_json)
    if result.problem:
        raise TargetError(result.problem)
