"""``kerascnn visualize``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun
from kerascnn.cli.terminal.browser import show
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress


@click.command(cls=Command, example="kerascnn visualize runs/lenet-fc-digits-1")
@click.argument("run", type=ExistingRun())
@click.option(
    "--image",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Image to draw the maps for.  [default: the first test image]",
)
@click.option("--invert", is_flag=True, help="Invert images of dark digits on light paper.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the images and the page; an earlier page is replaced.  [default: learned/ in the run]",
)
@options.open_page
@options.overwrite_files
@options.data_dir
def visualize(
    run: Path,
    image: Path | None,
    invert: bool,
    out: Path | None,
    open_page: bool,
    overwrite: bool,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Draw what a run has learned, as PNG and one page.

    Filters, feature maps, top-activating patches, receptive fields, mistakes.
    """
    from kerascnn.workflows.visualize import visualize as draw

    with shown_progress() as progress:
        result = draw(
            run,
            image=image,
            out=out,
            invert=invert,
            data_dir=data_dir,
            overwrite=overwrite,
            progress=progress,
        )
    display(result, as_json=as_json)
    if open_page:
        show([result.page])
