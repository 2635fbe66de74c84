"""Where a study stands."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kerascnn.comparison.plan import RECORD
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
    is_new = not (may_go_on and (folder / RECORD).is_file())
    if is_new:
        _make(folder)
    try:
        yield
    finally:
        if is_new:
            _remove_if_nothing_is_made(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise KerasCnnError(
            f"{folder} exists and is no study to go on with. Name another with --out."
        ) from error
    except OSError as error:
        raise KerasCnnError(f"{folder} could not be created: {error.strerror}.") from error


def _remove_if_nothing_is_made(folder: Path) -> None:
    """Remove a study of which no training has begun to keep anything."""
    runs = folder / "runs"
    if runs.is_dir() and any(runs.iterdir()):
        return
    with suppress(OSError):
        (folder / RECORD).unlink(missing_ok=True)
        if runs.is_dir():
            runs.rmdir()
        folder.rmdir()
