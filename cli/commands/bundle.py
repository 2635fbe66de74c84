"""``kerascnn bundle``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun, Name, NamedOption, registered, studies
from kerascnn.cli.terminal.browser import show
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress
from kerascnn.foundation.errors import UsageError


@click.command(cls=Command, example="kerascnn bundle runs/lenet-fc-digits-1 --target raspberrypi")
@click.argument("what", metavar="RUN_OR_STUDY...", nargs=-1, required=True, type=ExistingRun(studies))
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
    help="Folder to write, an archive NAME.zip, or for the web a page NAME.html.  [default: RUN-TARGET in "
    "the current folder]",
)
@options.open_page
@options.data_dir
def bundle(
    what: tuple[Path, ...],
    target: str,
    scheme: str | None,
    out: Path | None,
    open_page: bool,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Write a folder that runs a model on a device, or a page.

    The device does not need kerascnn; the bundle tests itself there. With --target web it is one page that
    shows the networks of runs, or of the heads of a study, at work in a browser.
    """
    from kerascnn.studies.bundle import bundle as make

    if open_page and target != "web":
        raise UsageError("--open needs --target web.")
    with shown_progress() as progress:
        result = make(what, target=target, scheme=scheme, out=out, data_dir=data_dir, progress=progress)
    display(result, as_json=as_json)
    if open_page:
        show([result.path])
