"""Options that mean the same in several commands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])


class Widths(click.ParamType[tuple[int, ...]]):
    """Positive whole numbers separated by commas."""

    name = "widths"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """Return the numbers."""
        try:
            return tuple(int(width) for width in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of whole numbers like 512,256.", param, ctx)


data = click.option(
    "--data",
    default="digits",
    show_default=True,
    metavar="SOURCE",
    help="digits, mnist, or a folder with a folder of images for each class.",
)
data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder with the source's original files (MNIST: four IDX files), or where a run's photos are now.",
)
runs_dir = click.option(
    "--runs-dir",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    metavar="DIR",
    help="Folder of the runs.",
)

_NETWORK = (
    click.option("--variant", help="lenet5: modern, paper; alexnet: one_tower, two_towers, small_stem."),
    click.option("--norm", help="Normalization, alexnet only: batch, lrn or none.  [default: batch]"),
    click.option("--head-units", type=Widths(), metavar="N,N", help="Widths of the head's hidden layers."),
    click.option("--image-size", type=int, metavar="N", help="Side of the square input in pixels."),
    click.option("--channels", type=int, metavar="N", help="1 for grey, 3 for colour."),
    click.option(
        "--classes", type=int, metavar="N", help="Number of classes; in training, those of the data."
    ),
)


def network(command: AnyCommand) -> AnyCommand:
    """Add what describes a network besides its model and head."""
    for option in reversed(_NETWORK):
        command = option(command)
    return command
