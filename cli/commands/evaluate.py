"""``kerascnn evaluate``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display


@click.command(cls=Command, example="kerascnn evaluate runs/lenet-fc-digits-1")
@click.argument("model", metavar="RUN_OR_MODEL", type=options.ExistingRun())
@click.option("--data", help="Source; without it the one the model was trained on.")
@options.data_dir
@options.foreign
def evaluate(
    model: Path,
    data: str | None,
    data_dir: Path | None,
    input_range: str | None,
    labels: Path | None,
    as_json: bool,
) -> None:
    """Evaluate a run, a .keras or a .tflite file on test images: accuracy, each class, confusion matrix."""
    from kerascnn.workflows.predict import evaluate as evaluate_model

    evaluation = evaluate_model(model, data=data, data_dir=data_dir, input_range=input_range, labels=labels)
    display(evaluation, as_json=as_json)
