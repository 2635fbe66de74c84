"""``train`` and ``resume``, in one or several processes, with early checks of the settings."""

from pathlib import Path
from typing import Any, overload

from kerascnn.data.dataset import Dataset
from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.progress import Progress, Telling, teller
from kerascnn.training.backend.distribution import Distribution
from kerascnn.training.backend.lost_process import Lost
from kerascnn.training.config import ResolvedConfig, TrainingConfig
from kerascnn.training.framework import use_framework
from kerascnn.training.loop.observer import NOBODY, Observer
from kerascnn.training.run import Run
from kerascnn.training.run_folder import named_folder, require_replaceable, require_unfinished


@overload
def train(
    config: TrainingConfig | str,
    *,
    distribution: None = None,
    listed: Dataset | None = None,
    progress: Telling = None,
    lost: Lost | None = None,
    observer: Observer = NOBODY,
    **settings: Any,
) -> Run: ...
@overload
def train(
    config: TrainingConfig | str,
    *,
    distribution: Distribution,
    listed: Dataset | None = None,
    progress: Telling = None,
    lost: Lost | None = None,
    observer: Observer = NOBODY,
    **settings: Any,
) -> Run | None: ...
def train(
    config: TrainingConfig | str,
    *,
    distribution: Distribution | None = None,
    listed: Dataset | None = None,
    progress: Telling = None,
    lost: Lost | None = None,
    observer: Observer = NOBODY,
    **settings: Any,
) -> Run | None:
    """Train a model and write its run folder.

    Ctrl-C ends the training early: the run then holds the best model so far, its state is ``interrupted``,
    and ``resume`` continues it.

    Args:
        config: Settings of the training, or the name of a model: ``lenet`` or ``alexnet``.
        distribution: Address and ranks of a distributed training; every process calls this function.
        listed: The images of a folder, where the caller has listed them already.
        progress: Called with the status; ``True``: lines on stderr; ``None``: shown in notebooks.
        lost: Called when another of these processes is lost, instead of this one's abort.
        observer: Watches the training and may intervene; not with a distribution.
        **settings: Those of ``TrainingConfig``; they win over ``config``.

    Returns:
        The run; with a distribution ``None`` in all processes but the first.

    Raises:
        UsageError: A setting is unknown or makes no sense.
        MissingError: The backend is not installed, or the GPU is not there.
        KerasCnnError: The data cannot be read, or the run cannot be written. What was trained by then can be
            resumed; without a finished epoch nothing stays behind.
        KeyboardInterrupt: Ctrl-C came before the first epoch ended; nothing stays behind.
    """
    _require_alone(distribution, observer)
    asked = _asked(config, settings).resolved()
    if distribution:
        distribution.require_place()
    elif asked.name is not None:  # else another process may have made the folder already
        folder = named_folder(asked.runs_dir, asked.name)
        require_replaceable(folder, overwrite=asked.overwrite)
    if listed is None:
        listed = folder_of(asked)
    use_framework(asked.backend or ("jax" if distribution else None))  # before Keras is imported
    if distribution:
        from kerascnn.training.distributed import train_together

        return train_together(asked, distribution, listed=listed, progress=teller(progress), lost=lost)
    from kerascnn.training.train import train as train_alone

    return train_alone(asked, listed=listed, progress=teller(progress), observer=observer)


@overload
def resume(
    run: Run | Path | str,
    *,
    data_dir: Path | str | None = None,
    distribution: None = None,
    progress: Telling = None,
    lost: Lost | None = None,
    observer: Observer = NOBODY,
    **same: Any,
) -> Run: ...
@overload
def resume(
    run: Run | Path | str,
    *,
    data_dir: Path | str | None = None,
    distribution: Distribution,
    progress: Telling = None,
    lost: Lost | None = None,
    observer: Observer = NOBODY,
    **same: Any,
) -> Run | None: ...
def resume(
    run: Run | Path | str,
    *,
    data_dir: Path | str | None = None,
    distribution: Distribution | None = None,
    progress: Telling = None,
    lost: Lost | None = None,
    observer: Observer = NOBODY,
    **same: Any,
) -> Run | None:
    """Resume a run that was killed or interrupted; the result is the same as without the interruption.

    Args:
        run: The run, or its folder; with a distribution readable in every process.
        data_dir: New place of the data; ``None``: unchanged.
        distribution: As for ``train``, and so are ``progress``, ``lost`` and ``observer``.
        **same: Settings of ``TrainingConfig`` that the run must have.

    Returns:
        The run; with a distribution ``None`` in all processes but the first.

    Raises:
        UsageError: The run was made with other settings, or is done.
        MissingError: Its backend is not installed, or its GPU is not there.
        KerasCnnError: It is not a run, its data have changed, or another process is training it.
        KeyboardInterrupt: Ctrl-C came before the first epoch ended.
    """
    _require_alone(distribution, observer)
    run = Run.of(run)
    require_unfinished(run)
    stored = ResolvedConfig.read(run.path / "config.toml")
    stored.require_same(run.path, **same)
    use_framework(stored.backend)
    told: Progress = teller(progress)
    if distribution:
        from kerascnn.training.distributed import resume_together

        return resume_together(run.path, distribution, data_dir=data_dir, progress=told, lost=lost)
    from kerascnn.training.train import resume as resume_alone

    return resume_alone(run, data_dir=data_dir, progress=told, observer=observer)


def _require_alone(distribution: Distribution | None, observer: Observer) -> None:
    if distribution and observer is not NOBODY:
        raise UsageError("A distributed training cannot be watched live: its processes would not agree.")


def _asked(config: TrainingConfig | str, settings: dict[str, Any]) -> TrainingConfig:
    if isinstance(config, str):
        return TrainingConfig(**{"model": config} | settings)
    return TrainingConfig(**config.model_dump(exclude_unset=True) | settings) if settings else config


def folder_of(asked: ResolvedConfig) -> Dataset | None:
    """Return the listing of the requested folder of images; ``None`` for another source.

    Raises:
        UsageError: It is a folder, and has ``data_dir`` besides.
        KerasCnnError: The folder does not hold classes of images.
    """
    return load(asked.data, asked.data_dir) if asked.source.folder else None
