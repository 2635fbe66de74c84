"""A folder of class folders as a source.

``DIR/class/*.jpg``, or the same below ``train/``, ``validation/`` and ``test/``, however they are called.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kerascnn.data.augmentation import PHOTOS
from kerascnn.data.dataset import Dataset
from kerascnn.data.image_files import FileSplit
from kerascnn.data.image_search import LeftOut, images_below, look_beside
from kerascnn.data.layout import layout_of
from kerascnn.data.listing import folded, subfolders
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.data.split import can_be_split, split_off
from kerascnn.foundation.errors import KerasCnnError

PART = 10  # one in ten images is set aside for a split that has no folder
_UNPREPARED = Preprocessing(height=1, width=1, channels=3, fit="crop")


def load_folder(folder: Path) -> Dataset:
    """Load a folder of photos as three splits; none is decoded yet.

    Without ``test/`` a stratified tenth of the training images, always the same, is the test set; without
    ``validation/`` another tenth validates. A folder without ``train/`` is split 80/10/10. A class may lack
    images in ``validation/`` and ``test/``: its accuracy is then unknown.

    Raises:
        KerasCnnError: It has fewer than two classes, two of one name, a class too few images to be split, a
            class that training does not have, a link to a folder above itself, or a folder that cannot
            be read; or splits and classes cannot be distinguished.
    """
    layout, left_out = layout_of(folder), LeftOut()
    classes = layout.classes
    train = whole = _read_all(layout.splits["train"], classes, left_out)
    test, validation = (
        _read_known(layout.splits[name], classes, left_out) if name in layout.splits else None
        for name in ("test", "validation")
    )
    aside = (test is None) + (validation is None)
    for place in sorted({folder, *(path.parent for path in layout.splits.values()), *layout.splits.values()}):
        if place.is_relative_to(folder):
            look_beside(place, left_out)
    if test is None:  # before anything else is drawn, so that the test set stays the same
        train, test = _set_aside(folder, train, whole, classes, aside)
    if validation is None:
        train, validation = _set_aside(folder, train, whole, classes, aside)
    return Dataset(
        folder.name,
        classes,
        train,
        validation,
        test,
        channels=3,
        fit="crop",
        augmentation=PHOTOS,
        passed_over=left_out.paths(),
        notes=(*layout.notes, *left_out.notes(folder)),
    )


def _set_aside(
    folder: Path, rest: FileSplit, whole: FileSplit, classes: tuple[str, ...], parts: int
) -> tuple[FileSplit, FileSplit]:
    """Split off a tenth of the training images; return (rest, part).

    Args:
        folder: The source's.
        rest: The remaining ones.
        whole: All of them.
        classes: Their names.
        parts: How many splits are set aside in all.

    Raises:
        KerasCnnError: They, or those of a class, are too few.
    """
    size = len(whole) // PART
    if can_be_split(rest, size):
        return split_off(rest, size)
    counts = np.bincount(whole.labels, minlength=len(classes))
    smallest, fewest = classes[int(counts.argmin())], int(counts.min())
    if fewest <= parts:
        held = "1 image" if fewest == 1 else f"{fewest} images"
        raise KerasCnnError(
            f"The class {smallest} in {folder} has {held} to train on, each class needs {parts + 1} or more: "
            "add some, or remove the class."
        )
    raise KerasCnnError(
        f"{folder} holds {len(whole):,} images of {len(classes)} classes to train on: to set a tenth of them "
        f"aside, {PART * len(classes):,} are needed."
    )


def _read_known(folder: Path, classes: tuple[str, ...], left_out: LeftOut) -> FileSplit:
    """List the images of a split, of the training classes only."""
    strange = sorted(set(subfolders(folder)) - set(classes))
    if strange:
        alike = [name for name in classes if folded(name) == folded(strange[0])]
        raise KerasCnnError(
            f"{folder / strange[0]} is a class that the training split does not have"
            f"{f', they have {alike[0]}' if alike else ''}."
        )
    return _read(folder, classes, left_out)


def _read(folder: Path, classes: tuple[str, ...], left_out: LeftOut) -> FileSplit:
    found = [
        (path, label)
        for label, name in enumerate(classes)
        if (folder / name).is_dir()
        for path in images_below(folder / name, left_out)
    ]
    if not found:
        raise KerasCnnError(f"{folder} holds no image that Pillow can open.")
    return FileSplit.of([path for path, _ in found], [label for _, label in found], _UNPREPARED)


def _read_all(folder: Path, classes: tuple[str, ...], left_out: LeftOut) -> FileSplit:
    """List the training images: at least two classes, each with an image."""
    if len(classes) < 2:
        raise KerasCnnError(
            f"{folder} must hold a folder of images for each of two classes or more, it holds {len(classes)}."
        )
    _require_names(folder, classes)
    split = _read(folder, classes, left_out)
    empty = sorted(set(range(len(classes))) - set(split.labels.tolist()))
    if empty:
        raise KerasCnnError(f"{folder / classes[empty[0]]} holds no image that Pillow can open.")
    return split


def _require_names(folder: Path, classes: Iterable[str]) -> None:
    """Refuse class names that are not text, or that some file systems do not distinguish."""
    seen: dict[str, str] = {}
    for name in classes:
        if not _is_text(name):
            raise KerasCnnError(f"{folder} holds a folder whose name is not UTF-8, {name!a}: rename it.")
        if not name.isprintable():
            raise KerasCnnError(
                f"{folder} holds a folder with control characters in its name, {name!a}: rename it."
            )
        other = seen.setdefault(folded(name), name)
        if other != name:
            raise KerasCnnError(
                f"{folder} holds {other} and {name}, the same name in two ways: put their images together."
            )


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes of another encoding, which Python keeps as lone surrogates
        return False
    return True
