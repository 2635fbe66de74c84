"""Where a study stands."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kerascnn.comparison.record import is_study
from kerascnn.errors import KerasCnnError


@contextmanager
def study_folder(folder: Path, *, may_go_on: bool) -> Iterator[None]:
    """Make the folder of a study; a new one that comes to nothing is removed.

    Args:
        folder: The place.
        may_go_on: Whether one that holds a begun study will do.

    Raises:
        KerasCnnError: There is something else, or it cannot be made.
    """
    is_new = not (may_go_on and is_study(folder))
    if is_new:
        _make(folder, "exists and is no study to go on with" if may_go_on else "exists")
    try:
        yield
    except BaseException:
        if is_new and not any(folder.glob("runs/*")):  # no training has begun to keep anything
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _make(folder: Path, taken: str) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise KerasCnnError(f"{folder} {taken}. Name another with --out.") from error
    except OSError as error:
        raise KerasCnnError(
            f"{folder} could not be created: {error.strerror}. Name another with --out."
        ) from error
