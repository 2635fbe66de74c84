"""``kerascnn conv``."""

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.options import whole
from kerascnn.cli.terminal.display import display


@click.command(cls=Command, example="kerascnn conv 227x227x3 --filters 96 --kernel 11 --stride 4")
@click.argument("shape", metavar="HxWxD")
@click.argument("layers", metavar="[LAYER]...", nargs=-1)
@click.option("--filters", type=whole, metavar="K", help="Number of filters: the depth of the output.")
@click.option("--kernel", type=whole, metavar="F", help="Side of the square filter in pixels.")
@click.option(
    "--stride", type=whole, default="1", show_default=True, metavar="S", help="Step of the filter in pixels."
)
@click.option(
    "--padding", type=whole, default="0", show_default=True, metavar="P", help="Zeros on each side."
)
def conv(
    shape: str,
    layers: tuple[str, ...],
    filters: int | None,
    kernel: int | None,
    stride: int,
    padding: int,
    as_json: bool,
) -> None:
    """Work out one convolution step by step, or a stack of layers.

    HxWxD is the input volume: height, width, depth. For sizes that do not fit, the error names sizes that do.
    Each LAYER of a stack is 5x5x6 (6 filters of 5×5) or "pool 2", with "stride S" and "padding P" behind,
    instead of the options.
    """
    if layers:
        from kerascnn.arithmetic.stack import stack

        given = {"filters": filters, "kernel": kernel, "stride": stride, "padding": padding}
        if named := options.given(given):
            raise click.UsageError(
                f"{options.flags(named)} cannot stand beside layers, which hold their own."
            )
        display(stack(shape, layers), as_json=as_json)
        return
    if filters is None or kernel is None:
        raise click.UsageError(
            f"Missing option '--{'filters' if filters is None else 'kernel'}', or a layer."
        )
    from kerascnn.arithmetic.conv import conv as work_out

    result = work_out(shape, filters=filters, kernel=kernel, stride=stride, padding=padding)
    display(result, as_json=as_json)
