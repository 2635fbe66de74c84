"""``kerascnn runs``."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display, table

if TYPE_CHECKING:
    from kerascnn.training.run import Run


@click.command(cls=Command, example="kerascnn runs")
@options.runs_dir
def runs(runs_dir: Path, as_json: bool) -> None:
    """List the runs: model, head, data, accuracy, files, age."""
    from kerascnn.training.run import list_runs

    found = list_runs(runs_dir)
    if not found and not as_json:
        click.echo(f"No runs in {runs_dir}. Begin with: kerascnn train lenet", err=True)
        return
    display(found, as_json=as_json, text=_text)


def _text(found: "list[Run]") -> str:
    header = ["run", "model", "head", "data", "state", "test accuracy", "files", "age"]
    return table(header, [_row(run) for run in found], left=5)


def _row(run: "Run") -> list[str]:
    from kerascnn.analysis.evaluation.metrics import percent

    record, known = run.record, run.to_dict()
    accuracy = percent(known["test"]["accuracy"]) if "test" in known else "–"
    return [
        str(run.path),
        f"{known['model']} ({record.variant})",
        record.head,
        record.source,
        known["state"],
        accuracy,
        ", ".join(Path(file).name for file in known["files"]) or "–",
        _age(record.created),
    ]


def _age(created: datetime) -> str:
    seconds = int((datetime.now(UTC) - created).total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
