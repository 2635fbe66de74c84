"""Find unreadable image files before training, and leave them out on request."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from kerascnn.data.dataset import BadFile, Dataset, Split
from kerascnn.data.image_files import FileSplit, ImageFile, read_each
from kerascnn.data.sources.registry import load, source_of
from kerascnn.foundation.errors import ImageError, KerasCnnError
from kerascnn.foundation.progress import Progress, silent

NAMED = 5  # bad files in a message


def load_checked(
    source: str,
    data_dir: Path | str | None,
    *,
    skip_bad_files: bool,
    progress: Progress = silent,
    listed: Dataset | None = None,
) -> Dataset:
    """Load a source and decode every one of its files once.

    Args:
        source: A registered name, or a folder.
        data_dir: The folder with the source's original files, where it takes one.
        skip_bad_files: Whether files that are no images are left out.
        progress: Receives the number of files checked.
        listed: The source, where the caller has loaded it already.

    Raises:
        KerasCnnError: There are such files, or what is left cannot be trained on.
    """
    dataset = listed or load(source, data_dir)
    bad = bad_files(dataset, progress)
    if bad and not skip_bad_files:
        named = "; ".join(str(file) for file in bad[:NAMED])
        more = f" … and {len(bad) - NAMED:,} more (`kerascnn data` lists them)" if len(bad) > NAMED else ""
        raise KerasCnnError(
            f"{named}{more}. Repair or delete {'it' if len(bad) == 1 else 'them'}, or leave such files out "
            "with --skip-bad-files."
        )
    if not bad:
        return dataset
    below = tuple(replace(file, path=file.path.relative_to(source_of(source).place)) for file in bad)
    return replace(without(dataset, [file.path for file in bad]), left_out=below)


def bad_files(dataset: Dataset, progress: Progress = silent) -> tuple[BadFile, ...]:
    """Decode every file of all three splits once and return those that are not images.

    Args:
        dataset: The data; images in memory have been read already.
        progress: Receives the number of files checked.

    Raises:
        KerasCnnError: A file has changed since its folder was read.
    """
    files = [file for split in dataset.splits().values() for file in files_of(split)]
    found = []
    for done, bad in enumerate(read_each(files, _bad)):
        progress("checking files", done, len(files), "")
        if bad is not None:
            found.append(bad)
    if files:
        progress("checking files", len(files), len(files), "")
    return tuple(found)


def without(dataset: Dataset, paths: Collection[Path]) -> Dataset:
    """Remove files from a data set; every other file stays in its split.

    A class may lose its validation or its test images: its accuracy is then unknown.

    Raises:
        KerasCnnError: A class has no training image left, or a split no image at all.
    """
    left_out = set(paths)
    train, validation, test = (_without(split, left_out) for split in dataset.splits().values())
    missing = sorted(set(dataset.train.labels.tolist()) - set(train.labels.tolist()))
    if missing:
        raise KerasCnnError(
            f"No training image of {dataset.classes[missing[0]]} in {dataset.source} can be read: repair its "
            "files or remove the class."
        )
    kept = replace(dataset, train=train, validation=validation, test=test)
    empty = [name for name, count in kept.counts().items() if not count]
    if empty:
        raise KerasCnnError(f"No {empty[0]} image of {dataset.source} can be read.")
    return kept


def files_of(split: Split) -> tuple[ImageFile, ...]:
    """Return a split's files, none for images in memory."""
    return split.images.files if isinstance(split, FileSplit) else ()


def image_of(split: Split, number: int) -> Image.Image:
    """Return one original image of a split, in mode L or RGB."""
    if files := files_of(split):
        return files[number].decoded().image
    pixels = split.images[number : number + 1][0]
    return Image.fromarray(pixels if pixels.shape[-1] == 3 else pixels[..., 0])


def _without(split: Split, left_out: set[Path]) -> Split:
    files = files_of(split)
    kept = [number for number, file in enumerate(files) if file.path not in left_out]
    return split if len(kept) == len(files) else split.take(np.array(kept, np.intp))


def _bad(file: ImageFile) -> BadFile | None:
    try:
        file.decoded()
    except ImageError as error:
        return BadFile(error.path, error.reason)
    return None
