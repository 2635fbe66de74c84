"""Where a study stands."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.lock import held
from kerascnn.studies.grid.record import is_study
from kerascnn.training.run_folder import free_name


@contextmanager
def study_folder(out: Path | str | None, stem: str, *, may_go_on: bool) -> Iterator[Path]:
    """Make the folder of a study, hold it and yield it; a new one that comes to nothing is removed.

    Args:
        out: The place; ``None``: ``studies/<stem>-<n>`` with the first number that no other process has.
        stem: The name without its number.
        may_go_on: Whether a place that holds a begun study will do.

    Raises:
        KerasCnnError: There is something else, another process has it, or it cannot be made.
    """
    folder = _numbered(stem) if out is None else Path(out)
    is_new = out is None or _make(folder)
    if not is_new and not may_go_on:
        raise KerasCnnError(f"{folder} exists. Choose another with --out.")
    if not is_new and not folder.is_dir():
        raise KerasCnnError(f"{folder} is not a folder. Choose another with --out.")
    with held(folder):
        if not is_new and not is_study(folder):
            raise KerasCnnError(
                f"{folder} exists and is not a study that can be resumed. Choose another with --out."
            )
        try:
            yield folder
        except BaseException:
            if is_new and not any(folder.glob("runs/*")):  # no training has begun to keep anything
                shutil.rmtree(folder, ignore_errors=True)
            raise


def _numbered(stem: str) -> Path:
    """Make a folder with a number of its own."""
    while not _make(folder := free_name(Path("studies"), stem)):
        pass  # another process was quicker
    return folder


def _make(folder: Path) -> bool:
    """Make a folder and return whether it was not there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise KerasCnnError(
            f"{folder} could not be created: {error.strerror}. Choose another with --out."
        ) from error
    return True
