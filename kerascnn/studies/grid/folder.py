"""Where a study stands."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.lock import held
from kerascnn.studies.grid.record import is_study


@contextmanager
def study_folder(folder: Path, *, may_go_on: bool) -> Iterator[None]:
    """Make the folder of a study and hold it; a new one that comes to nothing is removed.

    Args:
        folder: The place.
        may_go_on: Whether one that holds a begun study will do.

    Raises:
        KerasCnnError: There is something else, another process has it, or it cannot be made.
    """
    is_new = _make(folder)
    if not is_new and not may_go_on:
        raise KerasCnnError(f"{folder} exists. Name another with --out.")
    if not is_new and not folder.is_dir():
        raise KerasCnnError(f"{folder} is no folder. Name another with --out.")
    with held(folder):
        if not is_new and not is_study(folder):
            raise KerasCnnError(f"{folder} exists and is no study to go on with. Name another with --out.")
        try:
            yield
        except BaseException:
            if is_new and not any(folder.glob("runs/*")):  # no training has begun to keep anything
                shutil.rmtree(folder, ignore_errors=True)
            raise


def _make(folder: Path) -> bool:
    """Make a folder and return whether it was not there."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise KerasCnnError(
            f"{folder} could not be created: {error.strerror}. Name another with --out."
        ) from error
    return True
