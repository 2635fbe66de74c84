"""``kerascnn pool``."""

import click

from kerascnn.cli.command import Command
from kerascnn.cli.options import whole
from kerascnn.cli.terminal.display import display


@click.command(cls=Command, example="kerascnn pool 224x224x64 --kernel 2 --stride 2")
@click.argument("shape", metavar="HxWxD")
@click.option("--kernel", type=whole, required=True, metavar="F", help="Side of the square window in pixels.")
@click.option("--stride", type=whole, metavar="S", help="Step of the window in pixels.  [default: its side]")
@click.option(
    "--padding", type=whole, default="0", show_default=True, metavar="P", help="Border on each side."
)
def pool(shape: str, kernel: int, stride: int | None, padding: int, as_json: bool) -> None:
    """Work out one pooling step by step.

    HxWxD is the input volume: height, width, depth. For sizes that do not fit, the error names sizes that do.
    """
    from kerascnn.arithmetic.pool import pool as work_out

    display(work_out(shape, kernel=kernel, stride=stride, padding=padding), as_json=as_json)
