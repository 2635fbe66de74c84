"""``kerascnn conv``."""

import re

import click

from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display


def _whole(text: str) -> int | str:
    """Return a number; the library refuses any other text in one line."""
    return int(text) if re.fullmatch("-?[0-9]{1,18}", text) else text


@click.command(cls=Command, example="kerascnn conv 227x227x3 --filters 96 --kernel 11 --stride 4")
@click.argument("shape", metavar="HxWxD")
@click.option(
    "--filters", type=_whole, required=True, metavar="K", help="Number of filters: the depth of the output."
)
@click.option(
    "--kernel", type=_whole, required=True, metavar="F", help="Side of the square filter in pixels."
)
@click.option(
    "--stride", type=_whole, default="1", show_default=True, metavar="S", help="Step of the filter in pixels."
)
@click.option(
    "--padding", type=_whole, default="0", show_default=True, metavar="P", help="Zeros on each side."
)
def conv(shape: str, filters: int, kernel: int, stride: int, padding: int, as_json: bool) -> None:
    """Work out one convolution step by step.

    HxWxD is the input volume: height, width, depth. Sizes that do not fit are refused with those that do.
    """
    from kerascnn.arithmetic.conv import conv as work_out

    result = work_out(shape, filters=filters, kernel=kernel, stride=stride, padding=padding)
    display(result, as_json=as_json)
