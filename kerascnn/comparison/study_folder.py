"""Where a study stands."""

from contextlib import suppress
from pathlib import Path

from kerascnn.comparison.plan import RECORD
from kerascnn.errors import KerasCnnError


def make_folder(folder: Path, *, may_go_on: bool = False) -> None:
    """Make the folder of a study.

    Args:
        folder: The place.
        may_go_on: Whether one that holds a begun study will do.

    Raises:
        KerasCnnError: There is something else, or it cannot be made.
    """
    if may_go_on and (folder / RECORD).is_file():
        return
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        raise KerasCnnError(
            f"{folder} exists and is no study to go on with. Name another with --out."
        ) from error
    except OSError as error:
        raise KerasCnnError(f"{folder} could not be created: {error.strerror}.") from error


def remove_if_nothing_is_made(folder: Path) -> None:
    """Remove a study of which no training has begun to keep anything."""
    runs = folder / "runs"
    if runs.is_dir() and any(runs.iterdir()):
        return
    with suppress(OSError):
        (folder / RECORD).unlink()
        if runs.is_dir():
            runs.rmdir()
        folder.rmdir()
