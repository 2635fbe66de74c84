"""``kerascnn compare``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.display import display, table
from kerascnn.cli.progress import shown_progress

if TYPE_CHECKING:
    from kerascnn.study import Study


@click.command(cls=Command, example="kerascnn compare lenet --data mnist --seeds 3")
@click.argument("model")
@click.option("--heads", default="fc,conv1x1", show_default=True, help="At least two, separated by commas.")
@options.network
@options.data
@options.data_dir
@options.skip_bad_files
@click.option("--seeds", type=int, default=1, show_default=True, metavar="N", help="Trainings of each head.")
@click.option("--epochs", type=int, metavar="N", help="Of every head.  [default: the largest of their own]")
@click.option("--batch-size", type=int, metavar="N", help="Of every head.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the study.  [default: studies/<model>-<source>-<n>]",
)
def compare(
    model: str,
    heads: str,
    data: str,
    data_dir: Path | None,
    skip_bad_files: bool,
    seeds: int,
    epochs: int | None,
    batch_size: int | None,
    out: Path | None,
    as_json: bool,
    **network: Any,
) -> None:
    """Train MODEL with each head under equal conditions, quantize, and print one table."""
    from kerascnn.comparison import compare as compare_heads

    with shown_progress() as progress:
        study = compare_heads(
            model,
            heads=heads.split(","),
            data=data,
            data_dir=data_dir,
            skip_bad_files=skip_bad_files,
            seeds=seeds,
            epochs=epochs,
            batch_size=batch_size,
            out=out,
            progress=progress,
            **network,
        )
    display(study, as_json=as_json, text=_text)


def _text(study: "Study") -> str:
    from kerascnn.report.markdown import figures

    header = [
        "head",
        "parameters",
        "multiply-adds",
        "float accuracy %",
        "int8 accuracy %",
        "int8 bytes",
        "latency",
    ]
    return "\n".join(
        [
            table(header, [[head.head, *figures(head)] for head in study.heads]),
            "",
            *[verdict.sentence for verdict in study.verdicts],
            f"report  {study.reports[0]}",
        ]
    )
