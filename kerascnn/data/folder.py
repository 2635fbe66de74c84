"""A folder of class folders as a source.

``DIR/class/*.jpg``, or the same below ``train/``, ``validation/`` and ``test/``.
"""

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from kerascnn.data.augmentation import PHOTOS
from kerascnn.data.dataset import Dataset
from kerascnn.data.image_files import FileSplit
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.data.split import split_off
from kerascnn.errors import KerasCnnError, first_line

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif"}
SPLITS = {"train", "validation", "test"}
LIKE_SPLITS = SPLITS | {"training", "val", "valid", "testing"}  # what else people call them
PART = 10  # one in ten images is set aside for a split that has no folder
_UNPREPARED = Preprocessing(height=1, width=1, channels=3, fit="crop")


def load_folder(folder: Path) -> Dataset:
    """Return a folder's pictures in three splits; none is decoded yet.

    Without ``test/`` a stratified tenth of the training images, always the same, is the test set; without
    ``validation/`` another tenth validates. A folder without ``train/`` is split 80/10/10. A class may lack
    images in ``validation/`` and ``test/``: its accuracy is then unknown.

    Raises:
        KerasCnnError: It has fewer than two classes, two of one name, a class too few images to be split, a
            class that training does not have, a link to a folder above itself, or a folder that cannot
            be read.
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
        if found and {name.casefold() for name in found} <= LIKE_SPLITS:
            raise KerasCnnError(
                f"{folder} holds {', '.join(found)}: call its splits train, validation and test."
            )
        return folder
    strange = sorted(set(found) - SPLITS)
    if strange:
        raise KerasCnnError(
            f"{folder / strange[0]} is none of train, validation and test; rename or move it."
        )
    return folder / "train"


def _subfolders(folder: Path) -> list[str]:
    return [path.name for path, is_folder in _visible(folder) if is_folder]


def _visible(folder: Path) -> list[tuple[Path, bool]]:
    """Return what is in a folder, in a fixed order, each with whether it is a folder; nothing hidden."""
    try:
        return sorted((path, path.is_dir()) for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise KerasCnnError(f"{folder} cannot be read: {error.strerror or first_line(error)}.") from error


def _read(folder: Path, classes: tuple[str, ...]) -> FileSplit:
    strange = sorted(set(_subfolders(folder)) - set(classes))
    if strange:
        alike = [name for name in classes if _folded(name) == _folded(strange[0])]
        raise KerasCnnError(
            f"{folder / strange[0]} is a class that the training images do not have"
            f"{f', they have {alike[0]}' if alike else ''}."
        )
    found = [
        (path, label)
        for label, name in enumerate(classes)
        if (folder / name).is_dir()
        for path in _images(folder / name)
    ]
    if not found:
        raise KerasCnnError(f"{folder} holds no image ({', '.join(sorted(SUFFIXES))}).")
    return FileSplit.of([path for path, _ in found], [label for _, label in found], _UNPREPARED)


def _read_all(folder: Path, classes: tuple[str, ...]) -> FileSplit:
    """Read the training images: at least two classes of different names, each with an image."""
    if len(classes) < 2:
        raise KerasCnnError(
            f"{folder} must hold a folder of images for each of two classes or more, it holds {len(classes)}."
        )
    _require_names(folder, classes)
    split = _read(folder, classes)
    empty = sorted(set(range(len(classes))) - set(split.labels.tolist()))
    if empty:
        raise KerasCnnError(f"{folder / classes[empty[0]]} holds no image ({', '.join(sorted(SUFFIXES))}).")
    return split


def _require_names(folder: Path, classes: Iterable[str]) -> None:
    """Refuse names that are no text, and those that some file systems cannot tell apart."""
    seen: dict[str, str] = {}
    for name in classes:
        if not _is_text(name):
            raise KerasCnnError(f"{folder} holds a folder whose name is not UTF-8, {name!a}: rename it.")
        if not name.isprintable():
            raise KerasCnnError(
                f"{folder} holds a folder with control characters in its name, {name!a}: rename it."
            )
        other = seen.setdefault(_folded(name), name)
        if other != name:
            raise KerasCnnError(
                f"{folder} holds {other} and {name}, the same name in two ways: put their images together."
            )


def _folded(name: str) -> str:
    """Return a name as Windows and macOS compare it: without case, accents written in one way."""
    return unicodedata.normalize("NFC", name).casefold()


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes of another encoding, which Python keeps as lone surrogates
        return False
    return True


def _images(folder: Path) -> list[Path]:
    """Return the image files below a class's folder in a fixed order; links are followed, each folder once.

    Raises:
        KerasCnnError: A link leads to a folder above itself: the images of other classes would be its own.
    """
    found: list[Path] = []
    seen: set[Path] = set()
    waiting = [folder]
    while waiting:
        place = waiting.pop(0)
        real = place.resolve()
        if place.is_symlink() and place.parent.resolve().is_relative_to(real):
            raise KerasCnnError(f"{place} is a link to {real}, a folder above it: remove the link.")
        if real in seen:
            continue
        seen.add(real)
        for path, is_folder in _visible(place):
            if is_folder:
                waiting.append(path)
            elif path.suffix.lower() in SUFFIXES and (path.is_file() or path.is_symlink()):
                found.append(path)  # a link that leads nowhere is a file that cannot be read
    return sorted(found)
