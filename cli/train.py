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
@click.argument("model", required=False)
@options.network
@options.training
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings as in a run's config.toml; options win over it.",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="One setting, as in the file; repeatable.",
)
@click.option(
    "--resume",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Go on with a run that was killed or interrupted.",
)
def train(
    as_json: bool, config: Path | None, assignments: tuple[str, ...], resume: Path | None, **settings: Any
) -> None:
    """Train MODEL and write a run folder.

    What is not given comes from the model's recipe for the source. Ctrl-C keeps the best model so far; the
    run can be resumed after it, and after a crash or a kill.
    """
    given = options.given(settings)
    run = _resume(resume, config, assignments, given) if resume else _train(config, assignments, given)
    display(run, as_json=as_json, text=_text)
    if run.record.state == "interrupted":
        best = run.metrics()["kept_epoch"]
        raise KeyboardInterrupt(
            f"the best model so far, that of epoch {best}, is kept in {run.path}; "
            f"kerascnn train --resume {quote(str(run.path))} goes on"
        )


def _train(config: Path | None, assignments: tuple[str, ...], given: dict[str, Any]) -> "Run":
    from kerascnn.training.config import TrainingConfig
    from kerascnn.training.framework import use_framework

    if config is None and "model" not in given:
        raise click.UsageError("Missing argument 'MODEL': for instance lenet or alexnet.")
    settings = TrainingConfig.load(config, assignments, **given)
    settings.resolved()  # before Keras is loaded: a typing error answers at once
    use_framework(settings.backend or "tensorflow")
    from kerascnn.training.trainer import train as run_training

    with shown_progress() as progress:
        return run_training(settings, progress=progress)


def _resume(folder: Path, config: Path | None, assignments: tuple[str, ...], given: dict[str, Any]) -> "Run":
    from kerascnn.run import Run
    from kerascnn.training.config import ResolvedConfig, TrainingConfig
    from kerascnn.training.framework import use_framework

    data_dir = given.pop("data_dir", None)
    same = TrainingConfig.load(config, assignments, **given).model_dump(exclude_unset=True)
    stored = ResolvedConfig.read(Run.open(folder).path / "config.toml")
    stored.require_same(folder, **same)
    use_framework(stored.backend)
    from kerascnn.training.trainer import resume as resume_training

    with shown_progress() as progress:
        return resume_training(folder, data_dir=data_dir, progress=progress)


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
