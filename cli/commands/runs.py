"""``kerascnn runs``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display


@click.command(cls=Command, example="kerascnn runs")
@options.runs_dir
def runs(runs_dir: Path, as_json: bool) -> None:
    """List the runs: model, head, data, accuracy, files, age."""
    from kerascnn.training.run import list_runs

    found = list_runs(runs_dir)
    if not found and not as_json:
        click.echo(f"No runs in {runs_dir}. Begin with: kerascnn train lenet", err=True)
        return
    display(found, as_json=as_json)
