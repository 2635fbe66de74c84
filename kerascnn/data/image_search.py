"""Find the image files below a folder, by suffix or by Pillow's look at their first bytes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageFile

from kerascnn.data.listing import SMALL_COPIES, SYSTEM_FILES, SYSTEM_FOLDERS, folded, visible
from kerascnn.data.pixels import formats
from kerascnn.foundation.errors import KerasCnnError

#: Taken for images unseen, since whoever has a hundred thousand of them waits for each that is opened.
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif"}
NAMED = 5  # suffixes of what is left out


@dataclass
class LeftOut:
    """The files below a source's folder that are in no split.

    Attributes:
        others: Files that are no images.
        loose: Images that lie beside class folders, in none.
        system: Folders that a system keeps for itself.
    """

    others: list[Path] = field(default_factory=list)
    loose: list[Path] = field(default_factory=list)
    system: list[Path] = field(default_factory=list)

    def paths(self) -> tuple[Path, ...]:
        """Return all paths in a fixed order."""
        return tuple(sorted([*self.others, *self.loose, *self.system]))

    def notes(self, top: Path) -> list[str]:
        """Return the notes on omitted files, one sentence per kind.

        Args:
            top: The source's folder, below which paths are named.
        """
        notes = []
        if self.others:
            suffixes = Counter(folded(path.suffix) for path in self.others).most_common()
            kinds = [f"{n:,} {suffix or 'without suffix'}" for suffix, n in suffixes[:NAMED]]
            rest = sum(n for _, n in suffixes[NAMED:])
            kinds += [f"{rest:,} others"] if rest else []
            what = (
                "1 file is not an image"
                if len(self.others) == 1
                else f"{len(self.others):,} files are not images"
            )
            first = min(self.others).relative_to(top)
            notes.append(f"{what} that Pillow can open: {', '.join(kinds)} (first: {first}).")
        if self.loose:
            what = "1 image is" if len(self.loose) == 1 else f"{len(self.loose):,} images are"
            notes.append(f"{what} in no class's folder (first: {min(self.loose).relative_to(top)}).")
        if self.system:
            names = Counter(path.name for path in self.system).most_common()
            kinds = [f"{n:,} {name}" for name, n in names]
            notes.append(f"Folders of thumbnails and system files are skipped: {', '.join(kinds)}.")
        return notes


def images_below(folder: Path, left_out: LeftOut) -> list[Path]:
    """Find the image files of a class in a fixed order; links are followed, each folder once.

    Args:
        folder: The class's.
        left_out: Receives the files that are not images.

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
        entries = visible(place)
        for path, is_folder in entries:
            if is_folder:
                mine = folded(path.name) in SYSTEM_FOLDERS | SMALL_COPIES
                (left_out.system if mine else waiting).append(path)
        _sort((path for path, is_folder in entries if not is_folder), found, left_out.others)
    return sorted(found)


def look_beside(folder: Path, left_out: LeftOut) -> None:
    """Record the files beside the folders of classes or splits."""
    entries = visible(folder)
    left_out.system += [
        path for path, is_folder in entries if is_folder and folded(path.name) in SYSTEM_FOLDERS
    ]
    _sort((path for path, is_folder in entries if not is_folder), left_out.loose, [])


def _sort(files: Iterable[Path], images: list[Path], others: list[Path]) -> None:
    for path in files:
        if folded(path.name) in SYSTEM_FILES:
            continue
        is_file = path.is_file()
        if path.suffix.lower() in SUFFIXES and (is_file or path.is_symlink()):
            images.append(path)  # a link that leads nowhere is a file that cannot be read
        elif is_file:
            (images if _opens(path) else others).append(path)


def _opens(path: Path) -> bool:
    """Whether Pillow has a decoder for a file's content; nothing is decoded."""
    try:
        with Image.open(path, formats=formats()) as opened:
            return opened.format != "MPEG" and not isinstance(opened, ImageFile.StubImageFile)
    except Image.DecompressionBombError:
        return True  # refused later, by its name
    except Exception:  # whatever a format's code meets in bytes that are something else
        return False
