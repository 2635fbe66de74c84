"""``kerascnn report``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun, studies
from kerascnn.cli.terminal.browser import require_page, show
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress


@click.command(cls=Command, example="kerascnn report studies/lenet-mnist-1 --attach pi.json")
@click.argument("what", metavar="RUN_OR_STUDY...", nargs=-1, required=True, type=ExistingRun(studies))
@options.formats
@click.option(
    "--attach",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Output of kerascnn benchmark --json, or of a bundle's run.py --benchmark --json; repeatable.",
)
@options.open_page
@options.overwrite_files
@options.data_dir
def report(
    what: tuple[Path, ...],
    formats: list[str],
    attach: tuple[Path, ...],
    open_page: bool,
    overwrite: bool,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Write reports of runs, or those of studies again.

    Add measurements from devices with --attach. A study's reports are written to its folder, a run's to its
    folder `report`.
    """
    require_page(open_page, formats)
    from kerascnn.studies.report_on import report_on

    with shown_progress() as progress:
        studies = report_on(
            what, formats=formats, attach=attach, data_dir=data_dir, overwrite=overwrite, progress=progress
        )
    display(studies, as_json=as_json)
    if open_page:
        show(page for study in studies for page in study.reports)
