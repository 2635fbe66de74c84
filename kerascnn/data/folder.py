"""A folder of class folders as a source.

``DIR/class/*.jpg``, or the same below ``train/``, ``validation/`` and ``test/``.
"""

from pathlib import Path

from kerascnn.data.augmentation import PHOTOS
from kerascnn.data.dataset import Dataset
from kerascnn.data.image_files import FileSplit
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.data.split import split_off
from kerascnn.errors import KerasCnnError

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif"}
SPLITS = {"train", "validation", "test"}
PART = 10  # one in ten images is set aside for a split that has no folder
_UNPREPARED = Preprocessing(height=1, width=1, channels=3, fit="crop")


def load_folder(folder: Path) -> Dataset:
    """Return a folder's pictures in three splits; none is decoded yet.

    Without ``test/`` a stratified tenth of the training images, always the same, is the test set; without
    ``validation/`` another tenth validates. A folder without ``train/`` is split 80/10/10.

    Raises:
        KerasCnnError: It has fewer than two classes, or a class too few images to be split.
    """
    top = _training_folder(folder)
    classes = tuple(_subfolders(top))
    train = whole = _read_all(top, classes)
    test, validation = (
        _read(folder / name, classes) if top != folder and (folder / name).is_dir() else None
        for name in ("test", "validation")
    )
    if test is None:  # before anything else is drawn, so that the test set stays the same
        train, test = split_off(train, len(whole) // PART)
    if validation is None:
        train, validation = split_off(train, len(whole) // PART)
    return Dataset(folder.name, classes, train, validation, test, channels=3, fit="crop", augmentation=PHOTOS)


def _training_folder(folder: Path) -> Path:
    """Return ``folder/train``, or the folder itself where the classes stand in it."""
    found = _subfolders(folder)
    if "train" not in found:
        if SPLITS & set(found):
            raise KerasCnnError(
                f"{folder} holds {', '.join(sorted(SPLITS & set(found)))} but no train folder."
            )
        return folder
    strange = sorted(set(found) - SPLITS)
    if strange:
        raise KerasCnnError(
            f"{folder / strange[0]} is none of train, validation and test; rename or move it."
        )
    return folder / "train"


def _subfolders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _read(folder: Path, classes: tuple[str, ...]) -> FileSplit:
    strange = sorted(set(_subfolders(folder)) - set(classes))
    if strange:
        raise KerasCnnError(f"{folder / strange[0]} is a class that the training images do not have.")
    found = [(path, label) for label, name in enumerate(classes) for path in _images(folder / name)]
    if not found:
        raise KerasCnnError(f"{folder} holds no image ({', '.join(sorted(SUFFIXES))}).")
    return FileSplit.of([path for path, _ in found], [label for _, label in found], _UNPREPARED)


def _read_all(folder: Path, classes: tuple[str, ...]) -> FileSplit:
    """Read the training images: at least two classes, each with an image."""
    if len(classes) < 2:
        raise KerasCnnError(
            f"{folder} must hold a folder of images for each of two classes or more, it holds {len(classes)}."
        )
    split = _read(folder, classes)
    empty = sorted(set(range(len(classes))) - set(split.labels.tolist()))
    if empty:
        raise KerasCnnError(f"{folder / classes[empty[0]]} holds no image ({', '.join(sorted(SUFFIXES))}).")
    return split


def _images(folder: Path) -> list[Path]:
    """Return the image files below a class's folder in a fixed order; hidden ones are left out."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return sorted(
        path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
