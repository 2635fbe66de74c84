"""``kerascnn data``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress


@click.command(cls=Command, example="kerascnn data photos")
@click.argument("source", type=options.SOURCE)
@options.data_dir
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="File for the contact sheet.  [default: SOURCE-contact-sheet.png, numbered if it exists]",
)
@options.overwrite_files
def data(source: str, data_dir: Path | None, out: Path | None, overwrite: bool, as_json: bool) -> None:
    """Describe a data source, with a contact sheet.

    Reports counts, sizes, imbalance, duplicates and unreadable files. SOURCE is NAMES, or a folder with a
    folder of images
    for each class.
    """
    from kerascnn.workflows.describe_data import describe_data

    with shown_progress() as progress:
        found = describe_data(source, data_dir=data_dir, out=out, overwrite=overwrite, progress=progress)
    display(found, as_json=as_json)
