"""``kerascnn bundle``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress


@click.command(cls=Command, example="kerascnn bundle runs/lenet-fc-digits-1 --target raspberrypi")
@click.argument("run", type=options.ExistingRun())
@click.option(
    "--target", default="raspberrypi", show_default=True, help="raspberrypi, coral, android or generic."
)
@click.option("--scheme", help="Another than full int8, for instance float16.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PLACE",
    help="A folder to make, or an archive: NAME.zip.  [default: RUN-TARGET here]",
)
@options.data_dir
def bundle(
    run: Path, target: str, scheme: str | None, out: Path | None, data_dir: Path | None, as_json: bool
) -> None:
    """Write a folder that runs the model of RUN on a device without kerascnn, and proves itself there."""
    from kerascnn.tflite.bundle.bundle import bundle as make

    with shown_progress() as progress:
        result = make(run, target=target, scheme=scheme, out=out, data_dir=data_dir, progress=progress)
    display(result, as_json=as_json)
