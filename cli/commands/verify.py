"""``kerascnn verify``."""

from pathlib import Path

import click

from kerascnn.cli.command import Command
from kerascnn.cli.names import RunFolder
from kerascnn.cli.terminal.display import display
from kerascnn.foundation.errors import KerasCnnError


@click.command(
    cls=Command, example="kerascnn verify lenet-fc-digits-1-raspberrypi --run runs/lenet-fc-digits-1"
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--run", type=RunFolder(), metavar="RUN", help="Run that it must have been made from.")
def verify(bundle: Path, run: Path | None, as_json: bool) -> None:
    """Check that a bundle is complete and correct.

    BUNDLE is a folder, an archive or a page for a browser; files that do not belong to it are reported.
    """
    from kerascnn.tflite.bundle.verify import verify as verify_bundle

    result = verify_bundle(bundle, run=run)
    display(result, as_json=as_json)
    if result.problems:
        raise KerasCnnError(f"{bundle} is damaged or changed: {result.problems[0]}.")
