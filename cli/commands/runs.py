"""``kerascnn runs``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.terminal.browser import show
from kerascnn.cli.terminal.display import display
from kerascnn.foundation.errors import UsageError


@click.command(cls=Command, example="kerascnn runs")
@options.runs_dir
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    metavar="FILE.html",
    help="Write one page of runs and studies instead: curves, accuracies, links to their own pages.",
)
@click.option(
    "--studies-dir",
    type=click.Path(path_type=Path),
    default=Path("studies"),
    show_default=True,
    metavar="DIR",
    help="Folder that holds the studies, for --html.",
)
@options.open_page
@options.overwrite_files
def runs(
    runs_dir: Path, html: Path | None, studies_dir: Path, open_page: bool, overwrite: bool, as_json: bool
) -> None:
    """List the runs: model, head, data, accuracy, files, age."""
    if open_page and html is None:
        raise UsageError("--open needs --html.")
    if html is not None:
        from kerascnn.studies.index_page import index_page

        written = index_page(html, runs_dir=runs_dir, studies_dir=studies_dir, overwrite=overwrite)
        display(written, as_json=as_json)
        if open_page:
            show([written.path])
        return
    from kerascnn.training.run import list_runs

    found = list_runs(runs_dir)
    if not found and not as_json:
        click.echo(f"No runs in {runs_dir}. Begin with: kerascnn train lenet", err=True)
        return
    display(found, as_json=as_json)
