"""``data``: inspect every image of a source before training on it."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.bad_files import files_of
from kerascnn.data.dataset import BadFile, Dataset, Split
from kerascnn.data.image_files import ImageFile, read_each
from kerascnn.data.images import full_size
from kerascnn.data.pixels import ENOUGH
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.data.sources.registry import load, source_of
from kerascnn.data.sources.source import Source
from kerascnn.figures.plots import contact_sheet, save_figure
from kerascnn.foundation.errors import ImageError, UsageError
from kerascnn.foundation.own_files import require_own
from kerascnn.foundation.progress import Telling, teller
from kerascnn.foundation.text.shown import Block, Shown

ON_SHEET = 10  # images a class
ROWS = 100  # classes on the contact sheet: an image of 10,000 pixels can be opened everywhere
SHEET_SIDE = 96  # pixels of a photo on the contact sheet

Size = tuple[int, int]


@dataclass(frozen=True)
class Place:
    """The place of an image: its file below the source's folder, or its index in the split."""

    split: str
    label: str
    image: str

    def to_dict(self) -> dict[str, str]:
        """Return split, class and image."""
        return {"split": self.split, "class": self.label, "image": self.image}


@dataclass(frozen=True)
class Copies:
    """Places of images with the same pixels."""

    places: tuple[Place, ...]

    @property
    def across(self) -> bool:
        """Whether they are in several splits, so that the test is not independent."""
        return len({place.split for place in self.places}) > 1

    @property
    def contradict(self) -> bool:
        """Whether they are labelled differently."""
        return len({place.label for place in self.places}) > 1

    def to_dict(self) -> dict[str, Any]:
        """Return the places, and whether splits or classes differ."""
        return {
            "across_splits": self.across,
            "different_classes": self.contradict,
            "pictures": [place.to_dict() for place in self.places],
        }


@dataclass(frozen=True)
class DataDescription(Shown):
    """Result of ``data``: the content of a source.

    Attributes:
        source: Its name; ``folder`` its place, where it is a folder of images.
        classes: Their names, in the order of the labels; ``channels`` 1 for grey images, 3 for colour.
        counts: Images of each class, by split.
        sizes: Smallest, median (of widths and of heights) and largest (width, height) in pixels.
        kinds: How many files there are of each format and mode.
        copies: Images that occur more than once; those in several splits first.
        unreadable: Files that cannot be decoded.
        left_out: Other files and folders of it that are in no split, below the source's folder.
        notes: Assumptions and omissions in reading it, one sentence each.
        contact_sheet: The PNG with some training images of each class.
        on_sheet: How many classes are on it, evenly spread; all of them up to 100.
    """

    source: str
    folder: Path | None
    classes: tuple[str, ...]
    channels: int
    counts: dict[str, tuple[int, ...]]
    sizes: dict[str, Size]
    kinds: dict[str, int]
    copies: tuple[Copies, ...]
    unreadable: tuple[BadFile, ...]
    left_out: tuple[Path, ...]
    notes: tuple[str, ...]
    contact_sheet: Path
    on_sheet: int

    @property
    def imbalance(self) -> float | None:
        """Training images of the largest class over those of the smallest; ``None`` if that has none."""
        smallest = min(self.counts["train"])
        return max(self.counts["train"]) / smallest if smallest else None

    def blocks(self) -> list[Block]:
        """Return the counts and the findings."""
        from kerascnn.workflows.data_text import blocks

        return blocks(self)

    def to_dict(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        return {
            "source": self.source,
            "folder": None if self.folder is None else str(self.folder),
            "classes": list(self.classes),
            "channels": self.channels,
            "splits": {
                split: {"n": sum(counts), "classes": dict(zip(self.classes, counts, strict=True))}
                for split, counts in self.counts.items()
            },
            "sizes": self.sizes,
            "kinds": self.kinds,
            "imbalance": self.imbalance,
            "copies": [copies.to_dict() for copies in self.copies],
            "unreadable": [file.to_dict() for file in self.unreadable],
            "left_out": [str(path) for path in self.left_out],
            "notes": list(self.notes),
            "contact_sheet": str(self.contact_sheet),
            "contact_sheet_classes": self.on_sheet,
        }


@dataclass(frozen=True)
class _Seen:
    """Facts on one image; ``content`` is the hash of its upright pixels."""

    size: Size
    kind: str
    content: bytes


def describe_data(
    source: Path | str,
    *,
    data_dir: Path | str | None = None,
    out: Path | str | None = None,
    overwrite: bool = False,
    progress: Telling = None,
) -> DataDescription:
    """Inspect every image of a source and draw a contact sheet.

    Args:
        source: A registered name, or a folder of class folders.
        data_dir: The folder with the source's original files, where it takes one.
        out: The contact sheet; without it ``<source>-contact-sheet.png`` in the current folder, numbered
            where there is one already.
        overwrite: Whether ``out`` may be a file that this program did not make.
        progress: Called with the number of images read.

    Raises:
        UsageError: The source is unknown, or ``out`` is no ``.png``.
        KerasCnnError: The data cannot be read, or the sheet cannot be written or would replace a file of
            others.
    """
    progress = teller(progress)
    named = source_of(str(source))
    sheet = _sheet_path(named, out)
    require_own([sheet], overwrite=overwrite)
    dataset, folder = load(named.place, data_dir), named.folder
    seen: dict[str, list[_Seen | BadFile]] = {name: [] for name in dataset.splits()}
    done, total = 0, sum(dataset.counts().values())
    for name, split in dataset.splits().items():
        for one in _look(split):
            progress("reading images", done, total, "")
            seen[name].append(one)
            done += 1
    progress("reading images", total, total, "")
    shown = _evenly(len(dataset.classes), ROWS)
    rows = _rows(dataset, seen["train"], shown)
    save_figure(contact_sheet(rows, [dataset.classes[label] for label in shown]), sheet)
    readable = [one for one in chain(*seen.values()) if isinstance(one, _Seen)]
    return DataDescription(
        source=named.name,
        folder=folder,
        classes=dataset.classes,
        channels=dataset.channels,
        counts={
            name: tuple(np.bincount(split.labels, minlength=len(dataset.classes)).tolist())
            for name, split in dataset.splits().items()
        },
        sizes=_sizes(readable),
        kinds=dict(Counter(one.kind for one in readable if one.kind).most_common()),
        copies=_copies(dataset, seen, folder),
        unreadable=tuple(
            replace(one, path=_below(folder, one.path))
            for one in chain(*seen.values())
            if isinstance(one, BadFile)
        ),
        left_out=tuple(_below(folder, path) for path in dataset.passed_over),
        notes=dataset.notes,
        contact_sheet=sheet,
        on_sheet=len(shown),
    )


def _sheet_path(source: Source, out: Path | str | None) -> Path:
    if out is None:
        names = chain([""], (f"-{number}" for number in count(2)))
        paths = (Path(f"{source.name}-contact-sheet{end}.png") for end in names)
        return next(path for path in paths if not (path.exists() or path.is_symlink()))
    if Path(out).suffix.lower() != ".png":
        raise UsageError(f"The contact sheet is a PNG file. Received: out={str(out)!r}")
    return Path(out)


def _look(split: Split) -> Iterator[_Seen | BadFile]:
    """Yield facts on each image without keeping the images."""
    if files := files_of(split):
        yield from read_each(files, _look_at)
        return
    images = split.images[:]
    height, width = images.shape[1:3]
    for image in images:
        yield _Seen((width, height), "", hashlib.sha256(image.tobytes()).digest())


def _look_at(file: ImageFile) -> _Seen | BadFile:
    try:
        decoded = file.decoded()
    except ImageError as error:
        return BadFile(error.path, error.reason)
    size = decoded.image.size
    if min(size) >= ENOUGH:
        size = full_size(file.path)
    content = hashlib.sha256(repr(size).encode())
    content.update(decoded.image.convert("RGB").tobytes())  # grey may be stored as colour
    return _Seen(size, decoded.kind, content.digest())


def _sizes(readable: list[_Seen]) -> dict[str, Size]:
    if not readable:
        return {}
    sizes = sorted((one.size for one in readable), key=lambda size: size[0] * size[1])
    width, height = np.median(np.array(sizes), axis=0)
    return {"smallest": sizes[0], "median": (round(width), round(height)), "largest": sizes[-1]}


def _copies(
    dataset: Dataset, seen: dict[str, list[_Seen | BadFile]], folder: Path | None
) -> tuple[Copies, ...]:
    """Return the groups of duplicate images, those across splits first."""
    places: dict[bytes, list[Place]] = defaultdict(list)
    for name, split in dataset.splits().items():
        files = files_of(split)
        for number, one in enumerate(seen[name]):
            if isinstance(one, _Seen):
                image = str(_below(folder, files[number].path)) if files else str(number)
                places[one.content].append(Place(name, dataset.classes[split.labels[number]], image))
    groups = [Copies(tuple(group)) for group in places.values() if len(group) > 1]
    return tuple(sorted(groups, key=lambda group: not group.across))


def _evenly(count: int, most: int) -> NDArray[np.intp]:
    """Return up to a maximum of evenly spread indices."""
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.intp)


def _rows(dataset: Dataset, seen: list[_Seen | BadFile], labels: NDArray[np.intp]) -> list[NDArray[np.uint8]]:
    """Return readable training images of some classes, evenly spread: (n, height, width, c)."""
    split, rows = dataset.train, []
    if files_of(split):
        side, channels = SHEET_SIDE, dataset.channels
        rule = Preprocessing.model_validate(
            {"height": side, "width": side, "channels": channels, "fit": dataset.fit}
        )
        split = split.prepared(rule)
    readable = np.array([isinstance(one, _Seen) for one in seen])
    for label in labels:
        numbers = np.flatnonzero((split.labels == label) & readable)
        rows.append(split.images[numbers[_evenly(len(numbers), ON_SHEET)]])
    return rows


def _below(folder: Path | None, path: Path) -> Path:
    return path.relative_to(folder) if folder else path
