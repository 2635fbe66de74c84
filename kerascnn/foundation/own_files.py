"""Overwrite protection: only files that kerascnn wrote, recognized by content, are replaced by default."""

from collections.abc import Iterable
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError

MAKER = "kerascnn"
#: What stands in each kind of file that this program writes where a user may keep files, too; one is enough.
MARKS = {
    ".png": (f"Software\0{MAKER}",),
    ".svg": (f"<dc:title>{MAKER}</dc:title>",),
    ".html": (f'<meta name="generator" content="{MAKER}">',),
    ".md": ("\n## How it was made\n",),
    # of a report, one of earlier versions, and its verdicts
    ".csv": ("head,seed,precision,", "head,parameters,head_parameters,multiply_adds,", "a,a_precision,b,"),
    ".tex": ("% needs \\usepackage{booktabs}\n",),
    ".tflite": ("kerascnn.json",),
    ".log": ("Edge TPU Compiler version ",),
    # a report, the errors of layers, and those for Model Explorer
    ".json": ('\n  "verdicts": [', '\n      "own_sqnr_db": ', '\n    "gradient": ['),
}


def require_own(files: Iterable[Path], *, overwrite: bool = False) -> None:
    """Refuse to overwrite files that kerascnn did not write.

    Args:
        files: Those that exist are looked into.
        overwrite: Whether any may be replaced.

    Raises:
        KerasCnnError: This program did not make one of them, or it is a link.
    """
    for file in () if overwrite else files:
        if file.is_symlink() or (file.is_file() and not is_own(file)):
            raise KerasCnnError(
                f"{file} was not made by kerascnn. Add --overwrite to replace it, or move it elsewhere."
            )


def is_own(file: Path) -> bool:
    """Return whether kerascnn wrote a file."""
    content = file.read_bytes()
    return any(mark.encode() in content for mark in MARKS.get(file.suffix.lower(), ()))
