"""Class names as a file: one a line, in the order of the probabilities."""

from collections.abc import Sequence
from pathlib import Path

from kerascnn.files import whole_file

LABELS = "labels.txt"


def lines(classes: Sequence[str]) -> bytes:
    """Return the names as UTF-8; a line break inside a name becomes a blank, so that the lines keep count."""
    return "".join(" ".join(name.splitlines()) + "\n" for name in classes).encode()


def names(content: bytes) -> tuple[str, ...]:
    """Return the names in a label file, this project's or another's."""
    text = content.decode(errors="replace").removesuffix("\n")
    return tuple(line.removesuffix("\r") for line in text.split("\n"))


def write_labels(path: Path, classes: Sequence[str]) -> None:
    """Write a label file whole.

    Raises:
        KerasCnnError: The file system refused.
    """
    with whole_file(path) as aside:
        aside.write_bytes(lines(classes))
