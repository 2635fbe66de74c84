"""``kerascnn train``."""

import os
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import Name, RunFolder
from kerascnn.cli.terminal.display import display, facts
from kerascnn.cli.terminal.progress import shown_progress
from kerascnn.foundation.escapes import printable

if TYPE_CHECKING:
    from kerascnn.data.dataset import Dataset
    from kerascnn.training.backend.distribution import Distribution
    from kerascnn.training.config import TrainingConfig
    from kerascnn.training.run import Run

NAMED = 10  # classes


@click.command(cls=Command, example="kerascnn train lenet --head conv1x1 --data mnist")
@click.argument("model", type=Name(options.MODELS), required=False)
@options.network
@options.training
@options.together
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
    type=RunFolder(),
    metavar="RUN",
    help="Go on with a run that was killed or interrupted.",
)
def train(
    as_json: bool,
    config: Path | None,
    assignments: tuple[str, ...],
    resume: Path | None,
    distribute: bool,
    coordinator: str | None,
    processes: int | None,
    process_index: int | None,
    **settings: Any,
) -> None:
    """Train a model and write a run folder.

    MODEL is NAMES. What is not given comes from the model's recipe for the source. Ctrl-C keeps the best
    model so far; the run can be resumed after it, and after a crash or a kill.
    """
    from kerascnn.training.config import TrainingConfig

    given = options.given(settings)
    data_dir = given.pop("data_dir", None) if resume else None
    asked = TrainingConfig.load(config, assignments, **given)
    if resume is None and "model" not in asked.model_fields_set:
        raise click.UsageError(
            "Missing argument 'MODEL': for instance lenet. `kerascnn train --help` names them all."
        )
    others = _others(distribute, coordinator=coordinator, processes=processes, process_index=process_index)
    run = _resumed(resume, asked, others, data_dir) if resume else _trained(asked, others)
    if run is None:
        click.echo("This process is done; process 0 has written the run.", err=True)
        if as_json:
            click.echo("null")
        return
    display(run, as_json=as_json, text=_text)
    if run.record.state == "interrupted":
        from kerascnn.training.run_folder import way_on

        best = run.metrics()["kept_epoch"]
        raise KeyboardInterrupt(
            f"the best model so far (epoch {best}) is saved in {run.path}. Resume: {way_on(run)}"
        )


def _others(distribute: bool, **place: Any) -> "Distribution | None":
    if distribute:
        from kerascnn.training.backend.distribution import Distribution

        return Distribution.of(**place)
    if any(value is not None for value in place.values()):
        raise click.UsageError("--coordinator, --processes and --process-index need --distribute.")
    return None


def _trained(asked: "TrainingConfig", others: "Distribution | None") -> "Run | None":
    from kerascnn.training.framework import use_framework

    listed = _looked_at(asked, alone=others is None)
    use_framework(asked.backend or ("jax" if others else "tensorflow"))
    with shown_progress() as progress:
        if others:
            from kerascnn.training.distributed import train_together

            return train_together(asked, others, listed=listed, progress=progress, lost=_lost)
        from kerascnn.training.train import train as run_training

        return run_training(asked, listed=listed, progress=progress)


def _looked_at(asked: "TrainingConfig", *, alone: bool) -> "Dataset | None":
    """Refuse before TensorFlow is loaded what can be seen without it; return a folder of photos, listed."""
    from kerascnn.data.sources.registry import is_folder, load
    from kerascnn.training.run_folder import named_folder, require_replaceable

    resolved = asked.resolved()
    if resolved.name is not None and alone:  # else another process may have made the folder already
        folder = named_folder(resolved.runs_dir, resolved.name)
        require_replaceable(folder, overwrite=resolved.overwrite)
    if not is_folder(resolved.data):
        return None
    listed = load(resolved.data, resolved.data_dir)
    click.echo(printable(_classes(listed.classes)), err=True)
    return listed


def _classes(names: tuple[str, ...]) -> str:
    more = f", … and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{len(names):,} classes: {', '.join(names[:NAMED])}{more}"


def _resumed(
    folder: Path, asked: "TrainingConfig", others: "Distribution | None", data_dir: Path | None
) -> "Run | None":
    from kerascnn.training.config import ResolvedConfig
    from kerascnn.training.framework import use_framework
    from kerascnn.training.run import Run
    from kerascnn.training.run_folder import require_unfinished

    same = asked.model_dump(exclude_unset=True)
    run = Run.open(folder)
    require_unfinished(run)
    stored = ResolvedConfig.read(run.path / "config.toml")
    stored.require_same(folder, **same)
    use_framework(stored.backend)
    with shown_progress() as progress:
        if others:
            from kerascnn.training.distributed import resume_together

            return resume_together(folder, others, data_dir=data_dir, progress=progress, lost=_lost)
        from kerascnn.training.train import resume as resume_training

        return resume_training(folder, data_dir=data_dir, progress=progress)


def _lost(message: str) -> None:
    """End this process at once: the native library is about to abort it with pages of text."""
    click.echo(f"Error: {message}", file=sys.stderr)
    os._exit(1)


def _text(run: "Run") -> str:
    from kerascnn.analysis.evaluation.metrics import Accuracy, beside_accuracy

    metrics = run.metrics()
    data, epochs = metrics["data"], metrics["epochs"]
    return facts(
        {
            "model": f"{metrics['model']} ({metrics['variant']}), head {metrics['head']}",
            "data": f"{data['source']}: {data['train']:,} training, {data['validation']:,} validation, "
            f"{data['test']:,} test images",
            "test accuracy": str(Accuracy.from_dict(metrics["test"])),
            **beside_accuracy(metrics),
            "parameters": f"{metrics['parameters']:,}",
            "training": f"{metrics['seconds']:.1f} s, {epochs} epoch{'s' if epochs > 1 else ''}",
            "run": str(run.path),
            "next": f"kerascnn quantize {quote(str(run.path))}",
        }
    )
