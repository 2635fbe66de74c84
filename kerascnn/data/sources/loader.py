"""How the images of a registered source are loaded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kerascnn.data.dataset import Dataset


def _in_no_folder(folder: Path) -> bool:
    return False


@dataclass(frozen=True)
class Loader:
    """What is registered under a source's name.

    Attributes:
        load: From the folder with its original files, or ``None``, to its images.
        is_in: Whether a folder holds its original files.
    """

    load: Callable[[Path | None], "Dataset"]
    is_in: Callable[[Path], bool] = _in_no_folder
