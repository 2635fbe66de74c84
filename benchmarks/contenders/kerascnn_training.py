"""Training as ``kerascnn train`` does it, without what it does before and after its epochs."""

import tempfile
from pathlib import Path
from typing import Any

from kerascnn.data.dataset import Dataset
from kerascnn.foundation.progress import silent
from kerascnn.training.backend.machine import choose_device, configure
from kerascnn.training.config import TrainingConfig
from kerascnn.training.loop.fit import fit
from kerascnn.training.prepare import prepare, settled
from kerascnn.training.records.checkpoint import Checkpoints
from kerascnn.training.records.history import Epoch


def trained_epochs(dataset: Dataset, **settings: Any) -> list[Epoch]:
    """Train and return a row an epoch; its seconds are those of the training alone, without validation.

    Args:
        dataset: What is trained on.
        **settings: Those of ``TrainingConfig`` that are not to be the recipe's.
    """
    config = settled(TrainingConfig(**settings), dataset)
    configure(config.threads, deterministic=False)
    prepared = prepare(config, dataset)
    with tempfile.TemporaryDirectory() as folder:
        done = fit(
            prepared.trained,
            prepared.data,
            config,
            Checkpoints(Path(folder)),
            progress=silent,
            jit=choose_device(config.device, config.jit).jit,
            epoch_ended=lambda _: None,
        )
    return done.epochs


def rate(dataset: Dataset, epochs: int, **settings: Any) -> float:
    """Return images per second of some epochs after a first one that is not counted."""
    rows = trained_epochs(dataset, epochs=epochs + 1, **settings)
    return epochs * len(dataset.train) / sum(row["seconds"] for row in rows[1:])
