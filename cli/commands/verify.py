"""``kerascnn verify``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerascnn.cli.command import Command
from kerascnn.cli.names import RunFolder
from kerascnn.cli.terminal.display import display
from kerascnn.foundation.errors import KerasCnnError

if TYPE_CHECKING:
    from kerascnn.tflite.bundle.verify import Verification


@click.command(
    cls=Command, example="kerascnn verify lenet-fc-digits-1-raspberrypi --run runs/lenet-fc-digits-1"
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--run", type=RunFolder(), metavar="RUN", help="What it must have been made of.")
def verify(bundle: Path, run: Path | None, as_json: bool) -> None:
    """Check that a bundle is whole and computes what it should.

    BUNDLE is a folder or an archive; it must hold nothing else.
    """
    from kerascnn.tflite.bundle.verify import verify as verify_bundle

    result = verify_bundle(bundle, run=run)
    display(result, as_json=as_json, text=_text)
    if result.problems:
        raise KerasCnnError(f"{bundle} is not as it was made: {result.problems[0]}.")


def _text(result: "Verification") -> str:
    if result.problems:
        return "\n".join(f"  {problem}" for problem in result.problems)
    made = f", made of {result.run}" if result.run else ""
    return (
        f"{result.path}: {result.files} files, whole{made}; the reference images give the same answers here\n"
        f"sha256  {result.sha256}"
    )
