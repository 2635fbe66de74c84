"""``kerascnn bundle``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun, Name, NamedOption, registered
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress


@click.command(cls=Command, example="kerascnn bundle runs/lenet-fc-digits-1 --target raspberrypi")
@click.argument("run", type=ExistingRun())
@click.option(
    "--target",
    cls=NamedOption,
    type=Name(registered("kerascnn.tflite.bundle.devices:devices")),
    default="raspberrypi",
    show_default=True,
    help="NAMES.",
)
@click.option(
    "--scheme", cls=NamedOption, type=Name(options.SCHEMES), help="NAMES.  [default: static_wi8_ai8]"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PLACE",
    help="Folder to write, or an archive NAME.zip.  [default: RUN-TARGET in the current folder]",
)
@options.data_dir
def bundle(
    run: Path, target: str, scheme: str | None, out: Path | None, data_dir: Path | None, as_json: bool
) -> None:
    """Write a folder that runs a model on a device.

    The device does not need kerascnn; the bundle tests itself there.
    """
    from kerascnn.tflite.bundle.bundle import bundle as make

    with shown_progress() as progress:
        result = make(run, target=target, scheme=scheme, out=out, data_dir=data_dir, progress=progress)
    display(result, as_json=as_json)
