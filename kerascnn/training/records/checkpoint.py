"""Checkpoints: the complete state of a training, to resume it exactly."""

import json
import logging
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.files import whole_file
from kerascnn.training.records.history import Epoch

KEPT = 2  # the newest, and the one before in case it is damaged

#: Begins the names of the optimizer's variables that follow from the settings: they are no state.
FROM_SETTINGS = "steered"

_EPOCH = frozenset(Epoch.__annotations__)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training at the end of an epoch, without random state, which follows from the seed.

    Attributes:
        state: Weights, moving statistics, dropout's seeds and all of the optimizer, in Keras' order.
        epochs: The history so far.
        best_epoch: The epoch of the highest validation accuracy, and its ``best_weights``.
        seconds: Seconds of training so far.
    """

    state: list[NDArray[Any]]
    epochs: list[Epoch]
    best_epoch: int
    best_weights: list[NDArray[np.float32]]
    seconds: float

    def restore(self, trainer: Any, folder: Path) -> None:
        """Restore this state into a compiled model; ``folder`` is for the message.

        Raises:
            KerasCnnError: It is another network's.
        """
        try:
            for variable, value in zip(_variables(trainer), self.state, strict=True):
                variable.assign(value)
            for weight, value in zip(trainer.get_weights(), self.best_weights, strict=True):
                if weight.shape != value.shape:
                    raise ValueError("the best weights have different shapes")
        except ValueError as error:
            raise KerasCnnError(
                f"The checkpoints in {folder} do not fit this network or this version of Keras. "
                "Delete them to start again."
            ) from error


def state_of(trainer: Any) -> list[NDArray[Any]]:
    """Return the values of all variables of a compiled model."""
    return [keras.ops.convert_to_numpy(variable) for variable in _variables(trainer)]


def _variables(trainer: Any) -> list[Any]:
    optimizer = [each for each in trainer.optimizer.variables if not each.name.startswith(FROM_SETTINGS)]
    return [*trainer.variables, *optimizer]  # the model's: with dropout's seeds


@dataclass(frozen=True)
class Checkpoints:
    """The folder ``checkpoints/`` of a run."""

    folder: Path

    def save(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint atomically and keep the last two.

        Raises:
            KerasCnnError: The file system refused; the earlier ones are untouched.
        """
        self.folder.mkdir(exist_ok=True)
        record = {
            "epochs": checkpoint.epochs,
            "best_epoch": checkpoint.best_epoch,
            "seconds": checkpoint.seconds,
        }
        arrays: dict[str, Any] = {f"state {n}": array for n, array in enumerate(checkpoint.state)}
        arrays |= {f"best {n}": array for n, array in enumerate(checkpoint.best_weights)}
        with whole_file(self.folder / f"epoch-{len(checkpoint.epochs):06}.npz") as aside:
            np.savez(aside, allow_pickle=False, record=np.array(json.dumps(record)), **arrays)
        for path in self._files()[KEPT:]:
            path.unlink()

    def newest(self) -> Checkpoint | None:
        """Return the newest readable checkpoint, ``None`` if there is none."""
        damaged = []
        for path in self._files():
            try:
                stored = _read(path)
            # A damaged archive raises whatever the reader of its damaged member meets.
            except Exception:
                damaged.append(path)
                continue
            if damaged:
                log.warning("%s is damaged: training resumes from %s.", damaged[0], path.name)
            return stored
        if damaged:
            log.warning("%s is damaged and there is no earlier one: training starts again.", damaged[0])
        return None

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self._files())

    def remove(self) -> None:
        """Remove the folder of a finished training."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _files(self) -> list[Path]:
        """Return the checkpoints, the newest first."""
        return sorted(self.folder.glob("epoch-*.npz"), reverse=True)


def _read(path: Path) -> Checkpoint:
    # np.load leaves a damaged file open that it opened itself; reading a member to its end checks its CRC.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = dict(stored)
    record = json.loads(str(arrays.pop("record")))
    found = Checkpoint(_numbered(arrays, "state"), best_weights=_numbered(arrays, "best"), **record)
    _require_sound(found)
    return found


def _require_sound(found: Checkpoint) -> None:
    """Check that a checkpoint's history matches its epoch.

    Raises:
        ValueError: It does not.
    """
    for array in (*found.state, *found.best_weights):
        if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise ValueError("a value is not a number")
    told: list[Any] = [value for epoch in found.epochs for value in epoch.values()]
    names = {frozenset(epoch) for epoch in found.epochs}
    numbers = [value for value in [found.seconds, *told] if isinstance(value, int | float)]
    if len(numbers) <= len(told) or not all(map(math.isfinite, numbers)) or names != {_EPOCH}:
        raise ValueError("a metric of an epoch is missing or not a number")
    if [epoch["epoch"] for epoch in found.epochs] != list(range(1, len(found.epochs) + 1)):
        raise ValueError("an epoch is missing")
    if found.best_epoch not in range(1, len(found.epochs) + 1):
        raise ValueError("its best epoch is not one of its epochs")


def _numbered(arrays: dict[str, NDArray[Any]], kind: str) -> list[NDArray[Any]]:
    count = sum(name.startswith(f"{kind} ") for name in arrays)
    return [arrays[f"{kind} {n}"] for n in range(count)]
