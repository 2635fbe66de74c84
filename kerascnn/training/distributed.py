"""Distributed training on several devices or hosts; process 0 writes the run."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kerascnn.data.dataset import Dataset
from kerascnn.foundation.progress import Progress, silent
from kerascnn.training.backend.distribution import Distribution, joined
from kerascnn.training.backend.lost_process import Lost
from kerascnn.training.backend.machine import configure
from kerascnn.training.config import ResolvedConfig, TrainingConfig
from kerascnn.training.framework import use_framework
from kerascnn.training.run import Run
from kerascnn.training.train import resume, train


def train_together(
    config: TrainingConfig,
    asked: Distribution,
    *,
    listed: Dataset | None = None,
    progress: Progress = silent,
    lost: Lost | None = None,
) -> Run | None:
    """Train as :func:`kerascnn.train` does, with each batch divided over all devices.

    Args:
        config: The same in every process.
        asked: The requested distribution.
        listed: The source's images, where the caller has loaded them already.
        progress: Called in process 0.
        lost: See :func:`kerascnn.training.backend.distribution.joined`.

    Returns:
        The run in process 0, ``None`` in the others: what they write is thrown away.

    Raises:
        UsageError: Keras does not run on JAX, or there is one device only.
        KerasCnnError: The others did not come, one was lost, or has other settings or data.
    """
    use_framework(config.backend or "jax")
    configure(config.resolved().threads, deterministic=config.deterministic)
    with joined(asked, lost=lost) as team:
        if team.is_writer:
            return train(config, listed=listed, progress=progress, team=team)
        with TemporaryDirectory() as folder:
            train(config.model_copy(update={"runs_dir": Path(folder)}), listed=listed, team=team)
        return None


def resume_together(
    run: Path, asked: Distribution, *, progress: Progress = silent, lost: Lost | None = None, **options: Any
) -> Run | None:
    """Resume a run as :func:`kerascnn.resume` does; every process must be able to read its folder.

    Returns:
        The run in process 0, ``None`` in the others.

    Raises:
        KerasCnnError: As :func:`train_together` and :func:`kerascnn.resume`.
    """
    settings = ResolvedConfig.read(Run.open(run).path / "config.toml")
    use_framework(settings.backend)
    configure(settings.threads, deterministic=settings.deterministic)
    with TemporaryDirectory() as folder:
        copy = shutil.copytree(run, Path(folder) / "run")  # before process 0 changes it
        with joined(asked, lost=lost) as team:
            if team.is_writer:
                return resume(run, progress=progress, team=team, **options)
            resume(copy, team=team, **options)
            return None
