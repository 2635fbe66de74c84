"""``kerascnn evaluate``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun, NamedOption
from kerascnn.cli.terminal.display import display


@click.command(cls=Command, example="kerascnn evaluate runs/lenet-fc-digits-1")
@click.argument("model", metavar="RUN_OR_MODEL", type=ExistingRun())
@click.option(
    "--data",
    cls=NamedOption,
    type=options.SOURCE,
    metavar="SOURCE",
    help="NAMES, or a folder.  [default: what the model was trained on]",
)
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
    """Measure the accuracy of a run or a model on test images.

    The model is a .keras or a .tflite file. Shows each class and the confusion matrix, too.
    """
    from kerascnn.workflows.evaluate import evaluate as evaluate_model

    evaluation = evaluate_model(model, data=data, data_dir=data_dir, input_range=input_range, labels=labels)
    display(evaluation, as_json=as_json)
