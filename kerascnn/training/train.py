"""``train`` and ``resume``: from a configuration to a run folder."""

import shutil
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras

from kerascnn.analysis.evaluation.evaluation import (
    Evaluation,
    baseline_of,
    evaluate_classifier,
    keras_classifier,
)
from kerascnn.data.bad_files import load_checked
from kerascnn.data.dataset import Dataset
from kerascnn.figures.plots import confusion, learning_curves, save_figure
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import write_json
from kerascnn.foundation.progress import Progress, silent
from kerascnn.models.keras_file import save_model
from kerascnn.training.backend.distribution import ALONE, Team
from kerascnn.training.backend.machine import Device, choose_device, configure
from kerascnn.training.backend.sharding import alone
from kerascnn.training.config import ResolvedConfig, TrainingConfig
from kerascnn.training.framework import use_framework
from kerascnn.training.interventions import Intervention
from kerascnn.training.loop.fit import Fit, fit
from kerascnn.training.loop.observer import NOBODY, Observer
from kerascnn.training.loop.tensorboard import TensorBoard
from kerascnn.training.prepare import Prepared, prepare, settled
from kerascnn.training.records.card import write_card
from kerascnn.training.records.checkpoint import Checkpoints
from kerascnn.training.records.environment import environment, record_resumption, warn_of_other_versions
from kerascnn.training.records.history import HISTORY, write_history
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run, RunRecord
from kerascnn.training.run_folder import continued_run, free_name, named_folder, new_run


def train(
    config: TrainingConfig,
    *,
    progress: Progress = silent,
    dataset: Dataset | None = None,
    listed: Dataset | None = None,
    team: Team = ALONE,
    observer: Observer = NOBODY,
) -> Run:
    """Train a model and write its run folder.

    Ctrl-C ends the training early: the run then holds the best model so far, its state is ``interrupted``,
    and ``resume`` continues it.

    Args:
        config: Settings of the training.
        progress: Called with the status of the training.
        dataset: The source's images, where the caller has loaded and checked them already.
        listed: The same, where it has loaded them only.
        team: The processes that train it together, see ``kerascnn.training.distributed``.
        observer: Watches it, and may intervene.

    Raises:
        UsageError: A setting makes no sense.
        MissingError: The backend is not installed, or the GPU is not there.
        KerasCnnError: The data cannot be read, or the run cannot be written. What was trained by then can be
            resumed; without a finished epoch nothing stays behind.
        KeyboardInterrupt: Ctrl-C came before the first epoch ended; nothing stays behind.
    """
    use_framework(config.backend)
    asked = config.resolved()
    device = _machine(asked, team)
    dataset = dataset or _loaded(asked, listed, team, progress)
    settings = settled(asked, dataset).model_copy(update={"backend": keras.backend.backend()})
    record = RunRecord(
        created=datetime.now(UTC).replace(microsecond=0),
        architecture=settings.architecture,
        source=settings.source.name,
        seed=settings.seed,
    )
    made_with = environment(dataset, device, team)
    team.check_same("settings or data", settings.same_everywhere() + repr(made_with["data_sha256"]))

    def begin(folder: Path) -> None:
        settings.write(folder / "config.toml")
        write_json(folder / "environment.json", made_with)

    stem = None
    if settings.name is None:
        stem = f"{settings.model}-{settings.head}-{record.source}"
        folder = free_name(settings.runs_dir, stem)
    else:
        folder = named_folder(settings.runs_dir, settings.name)
    with new_run(folder, record, overwrite=settings.overwrite, begin=begin, stem=stem) as run:
        return _train_into(run, settings, dataset, device, progress, team, observer)


def resume(
    run: Run | Path | str,
    *,
    data_dir: Path | str | None = None,
    progress: Progress = silent,
    team: Team = ALONE,
    observer: Observer = NOBODY,
    **same: Any,
) -> Run:
    """Resume a run that was killed or interrupted; the result is the same as without the interruption.

    Args:
        run: The run, or its folder.
        data_dir: New place of the data; ``None``: unchanged.
        progress: Called with the status of the training.
        team: The processes that train it together.
        observer: Watches it, and may intervene.
        **same: Settings of ``TrainingConfig`` that the run must have.

    Raises:
        UsageError: The run was made with other settings, or is done.
        MissingError: Its backend is not installed, or its GPU is not there.
        KerasCnnError: It is not a run, its data have changed, or another process is training it.
        KeyboardInterrupt: Ctrl-C came before the first epoch ended.
    """
    run = Run.of(run)
    settings = ResolvedConfig.read(run.path / "config.toml")
    settings.require_same(run.path, **same)
    use_framework(settings.backend)
    device = _machine(settings, team)
    warn_of_other_versions(run)
    with continued_run(run) as going_on:
        record_resumption(run, device)
        dataset = load_trained_data(run, data_dir)
        return _train_into(going_on, settings, dataset, device, progress, team, observer)


def _loaded(settings: ResolvedConfig, listed: Dataset | None, team: Team, progress: Progress) -> Dataset:
    """Return the data; note assumptions and augmentations that were not chosen explicitly."""
    dataset = load_checked(
        settings.data,
        settings.data_dir,
        skip_bad_files=settings.skip_bad_files,
        progress=progress,
        listed=listed,
    )
    if team.is_writer:
        dataset.tell()
        if isinstance(settings.augment, bool):
            dataset.augmentation.part(settings.augment).tell()
    return dataset


def _machine(settings: ResolvedConfig, team: Team) -> Device:
    """Set threads and device before anything is computed."""
    if team.devices > 1 and settings.device != "auto":
        raise UsageError(f"--distribute takes all devices. Received: device={settings.device}")
    configure(settings.threads, deterministic=settings.deterministic)
    return choose_device(settings.device, settings.jit)


def _train_into(
    run: Run,
    config: ResolvedConfig,
    dataset: Dataset,
    device: Device,
    progress: Progress,
    team: Team,
    observer: Observer,
) -> Run:
    """Train, test, and write the results.

    Raises:
        KerasCnnError: The loss is not finite any more; the best model so far is in the run.
    """
    checkpoints = Checkpoints(run.path / "checkpoints")
    with keras.device(device.name) if team.devices == 1 else nullcontext():
        prepared = prepare(config, dataset, begun=checkpoints.any)
        board = (
            TensorBoard(run.path / "tensorboard", prepared.finished, prepared.data)
            if config.tensorboard
            else None
        )

        def epoch_ended(done: Fit) -> None:
            write_history(run.path / HISTORY, done.epochs)
            if board:
                board.epoch(done.epochs)

        def intervened(changes: tuple[Intervention, ...]) -> None:
            config.model_copy(update={"interventions": changes}).write(run.path / "config.toml")

        done = fit(
            prepared.trained,
            prepared.data,
            config,
            checkpoints,
            progress=progress,
            jit=device.jit,
            epoch_ended=epoch_ended,
            team=team,
            of=f"{config.architecture}, on {config.source.name}: {run.path}",
            observer=observer,
            intervened=intervened,
        )
        if done.kept_epoch:
            _write_results(run, prepared, done)
            if board:
                board.figures(done.kept_epoch)
    if done.ended == "not finite":
        write_card(run.marked("interrupted"))
        raise KerasCnnError(_not_finite(run, done))
    if not done.kept_epoch:
        raise KeyboardInterrupt
    run = run.marked("interrupted" if done.ended == "interrupted" else "done")
    write_card(run)
    if run.record.state == "done":
        checkpoints.remove()
    observer.end(run)
    return run


def _not_finite(run: Run, done: Fit) -> str:
    kept = f" The best model so far, that of epoch {done.best_epoch}, is kept in {run.path}."
    return (
        f"The loss of epoch {len(done.epochs) + 1} is not finite.{kept if done.best_epoch else ''} "
        "Use a lower --learning-rate, or --clip-norm 1."
    )


def _write_results(run: Run, prepared: Prepared, done: Fit) -> None:
    """Save the model first, then test it and write metrics and figures."""
    description, data = prepared.description, prepared.data
    model = prepared.finished()
    shutil.rmtree(
        run.tflite_dir, ignore_errors=True
    )  # made from an earlier model, when the run was interrupted
    with alone():
        save_model(model, description, run.model_path)
        write_json(run.path / "model.json", description.model_dump(mode="json"))
        tested = evaluate_classifier(
            keras_classifier(model), data.test, data.classes, model=str(run.path), data=data.source
        )
    write_json(run.path / "metrics.json", _metrics(prepared, done, tested))
    save_figure(learning_curves(done.epochs), run.path / "plots" / "learning_curves.png")
    save_figure(confusion(tested.confusion, tested.classes), run.path / "plots" / "confusion.png")


def _beside(data: Dataset, tested: Evaluation) -> dict[str, Any]:
    """Return the baseline accuracy and, for unequal classes, the recall of each."""
    found: dict[str, Any] = {"baseline": baseline_of(data).to_dict()}
    if data.is_unequal:
        accuracies = zip(data.classes, tested.class_accuracies(), strict=True)
        found["recall"] = {name: each.to_dict() if each else None for name, each in accuracies}
    return found


def _metrics(prepared: Prepared, done: Fit, tested: Evaluation) -> dict[str, Any]:
    description = prepared.description
    return {
        **description.architecture.model_dump(),
        "parameters": description.parameters,
        "parameters_fixed": description.parameters_fixed,
        "data": {"source": prepared.data.source, **prepared.data.counts()},
        "test": tested.accuracy.to_dict(),
        **_beside(prepared.data, tested),
        "confusion": tested.confusion.tolist(),
        "validation_accuracy": done.epochs[done.kept_epoch - 1]["val_accuracy"],
        "kept_epoch": done.kept_epoch,
        "epochs": len(done.epochs),
        "ended": done.ended,
        "seconds": round(done.seconds, 2),
    }
