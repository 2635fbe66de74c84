"""Label files: class names, one per line, in the order of the probabilities."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.files import whole_file
from kerascnn.foundation.text.escapes import printable

LABELS = "labels.txt"
LARGEST_LIST = 2**24  # bytes; the longest lists name some ten thousand classes


def lines(classes: Sequence[str]) -> bytes:
    """Return the names as UTF-8, one per line; a line break inside a name becomes a space."""
    return "".join(" ".join(name.splitlines()) + "\n" for name in classes).encode()


def names(content: bytes) -> tuple[str, ...]:
    """Return the names in a label file of this or another project."""
    text = content.decode(errors="replace").removesuffix("\n")
    return tuple(line.removesuffix("\r") for line in text.split("\n"))


def read_labels(path: Path) -> tuple[str, ...]:
    """Return the names in a label file, without leading line numbers.

    Raises:
        KerasCnnError: It cannot be read, or is larger than any label file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_LIST + 1)
    except OSError as error:
        raise KerasCnnError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > LARGEST_LIST:
        raise KerasCnnError(f"{path} is not a label file: it is larger than {LARGEST_LIST:,} bytes.")
    try:
        text = content.decode("utf-16" if content[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise KerasCnnError(f"{path} is not a label file: its text is not UTF-8.") from error
    found = tuple(printable(name.strip()) for name in text.splitlines() if name.strip())
    if not found:
        raise KerasCnnError(f"{path} is not a label file: it is empty.")
    numbered = [re.fullmatch(r"(\d+)[\s:,]+(\S.*)", name) for name in found]
    if all(match and int(match[1]) == position for position, match in enumerate(numbered)):
        return tuple(match[2] for match in numbered if match)
    return found


def write_labels(path: Path, classes: Sequence[str]) -> None:
    """Write a label file whole.

    Raises:
        KerasCnnError: The file system refused.
    """
    with whole_file(path) as aside:
        aside.write_bytes(lines(classes))
