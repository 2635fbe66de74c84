"""``kerascnn train``."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.display import display, facts
from kerascnn.cli.progress import shown_progress

if TYPE_CHECKING:
    from kerascnn.run import Run


@click.command(cls=Command, example="kerascnn train lenet --head conv1x1 --data mnist")
@click.argument("model")
@click.option("--head", default="fc", show_default=True, help="fc, conv1x1 or nin.")
@options.network
@options.data
@options.data_dir
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Start from this run's trunk, and from its head if it is the same.",
)
@click.option("--epochs", type=int, metavar="N", help="Passes over the training images.")
@click.option("--batch-size", type=int, metavar="N", help="Images of one optimizer step.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of everything that is drawn.")
@options.runs_dir
@click.option("--name", help="Name of the run's folder.")
@click.option("--overwrite", is_flag=True, help="Replace a run of that name once the new one is whole.")
def train(as_json: bool, **settings: Any) -> None:
    """Train MODEL and write a run folder.

    What is not given comes from the model's recipe for the source. Ctrl-C keeps the best model so far.
    """
    from kerascnn.training.config import TrainingConfig

    config = TrainingConfig(**settings)
    config.resolved()  # before Keras is loaded: a typing error answers at once
    from kerascnn.training.trainer import train as run_training

    with shown_progress() as progress:
        run = run_training(config, progress=progress)
    display(run, as_json=as_json, text=_text)
    if run.record.state == "interrupted":
        best = run.metrics()["kept_epoch"]
        raise KeyboardInterrupt(f"the best model so far, that of epoch {best}, is kept in {run.path}")


def _text(run: "Run") -> str:
    from kerascnn.results import Accuracy

    metrics = run.metrics()
    data, epochs = metrics["data"], metrics["epochs"]
    return facts(
        {
            "model": f"{metrics['model']} ({metrics['variant']}), head {metrics['head']}",
            "data": f"{data['source']}: {data['train']:,} training, {data['validation']:,} validation, "
            f"{data['test']:,} test images",
            "test accuracy": str(Accuracy.from_dict(metrics["test"])),
            "parameters": f"{metrics['parameters']:,}",
            "training": f"{metrics['seconds']:.1f} s, {epochs} epoch{'s' if epochs > 1 else ''}",
            "run": str(run.path),
            "next": f"kerascnn quantize {quote(str(run.path))}",
        }
    )
