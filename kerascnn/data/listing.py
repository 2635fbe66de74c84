"""List a folder without the files that systems, file servers and archives put there."""

import os
import unicodedata
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError, first_line

#: Folders at any level. Hidden ones, whose names begin with a dot, are passed over besides.
SYSTEM_FOLDERS = {
    "@eadir",  # Synology's thumbnails
    "@__thumb",  # QNAP's
    "@recycle",
    "@tmp",
    "#recycle",
    "#snapshot",
    "$recycle.bin",
    "recycler",
    "system volume information",
    "lost+found",
    "__macosx",  # in archives that macOS has made
    "__pycache__",
    "thumbnails",
}
#: Folders below a class, where they cannot be a class themselves.
SMALL_COPIES = {"thumbs", "thumb", "_thumbs", "_thumbnails", "thumbnail"}
SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini", "picasa.ini", "icon\r"}


def folded(name: str) -> str:
    """Normalize a name as Windows and macOS compare it: case and accents."""
    return unicodedata.normalize("NFC", name).casefold()


def visible(folder: Path) -> list[tuple[Path, bool]]:
    """Return the visible entries of a folder in a fixed order, each with whether it is a folder.

    Raises:
        KerasCnnError: It cannot be read.
    """
    try:
        return sorted((path, path.is_dir()) for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise _unreadable(folder, error) from error


def subfolders(folder: Path) -> list[str]:
    """Return the names of the folders that may be splits or classes, in a fixed order.

    Raises:
        KerasCnnError: It cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".") and _is_folder(entry)]
    except OSError as error:
        raise _unreadable(folder, error) from error
    return sorted(name for name in names if folded(name) not in SYSTEM_FOLDERS)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    if entry.is_symlink():
        return Path(entry.path).is_dir()  # no folder where it leads nowhere or to itself
    return entry.is_dir()


def _unreadable(folder: Path, error: OSError) -> KerasCnnError:
    return KerasCnnError(f"{folder} cannot be read: {error.strerror or first_line(error)}.")
