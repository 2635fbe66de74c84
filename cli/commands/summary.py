"""``kerascnn summary``."""

from pathlib import Path
from typing import Any

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import Name, NamedOption, runs
from kerascnn.cli.terminal.display import display
from kerascnn.foundation.text.sheet import FORMATS


@click.command(cls=Command, example="kerascnn summary lenet --head conv1x1 --explain")
@click.argument("model", metavar="MODEL_OR_RUN", type=Name(options.MODELS, runs, otherwise="file"))
@click.option(
    "--head",
    cls=NamedOption,
    type=Name(options.HEADS),
    help="For a model's name: NAMES.  [default: fc]",
)
@options.network
@click.option(
    "--explain", is_flag=True, help="Show the formula behind every number, and where lecture notes differ."
)
@click.option(
    "--format",
    "form",
    type=click.Choice([*FORMATS, "json"]),
    default="table",
    show_default=True,
    help="Output format: text, or one to copy into a document.",
)
@click.option(
    "--diagram",
    type=click.Path(path_type=Path),
    metavar="FILE.svg",
    help="Also draw the volumes as boxes, as the papers do.",
)
@options.overwrite_files
def summary(model: str, explain: bool, form: str, as_json: bool, **network: Any) -> None:
    """Show the layers of a model or a run, and what they cost.

    Lists volumes, filters, parameters and multiply-adds, also for a .keras file. A model is NAMES.
    """
    from kerascnn.workflows.summary import summary as summarize
    from kerascnn.workflows.summary_sheet import sheet

    found = summarize(model, explain=explain, **network)
    told = None if form in ("json", "table") else FORMATS[form](sheet(found, form))
    display(found, as_json=as_json or form == "json", text=told)
