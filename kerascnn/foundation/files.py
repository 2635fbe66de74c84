"""Write files whole or not at all: under a temporary name, then renamed."""

import glob
import hashlib
import json
import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kerascnn.foundation.errors import KerasCnnError, first_line

DAY = 86_400  # seconds


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path, which becomes ``path`` when the block succeeds and is deleted otherwise.

    The temporary file keeps the suffix, because Keras chooses the format by it.

    Raises:
        KerasCnnError: The file system refused (full disk, no permission). An earlier ``path`` is untouched.
    """
    aside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")  # two processes write one each
    try:
        aside.unlink(missing_ok=True)  # what stands there could be a link
        for left in path.parent.glob(f".{glob.escape(path.stem)}.*.part{glob.escape(path.suffix)}"):
            with suppress(FileNotFoundError):  # another process removes it, too
                if time.time() - left.stat().st_mtime > DAY:  # what wrote it was killed
                    left.unlink()
        yield aside
        with aside.open("r+b") as written:  # Windows flushes only what is open for writing
            os.fsync(written.fileno())
        aside.replace(path)
    except OSError as error:
        raise KerasCnnError(
            f"{path} could not be written: {error.strerror or first_line(error)}. "
            "Free some space or choose another folder."
        ) from error
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def replaced_together(folder: Path) -> Iterator[Path]:
    """Yield an empty folder whose files replace those of another one together, when the block ends well.

    Nothing is replaced before all files are written; a file that has no successor stays.

    Args:
        folder: Held by this process: what a killed one left aside is removed.

    Raises:
        KerasCnnError: The file system refuses. All earlier files are untouched.
    """
    require_writable(folder)
    for left in folder.glob(".together-*.part"):
        shutil.rmtree(left, ignore_errors=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".together-", suffix=".part") as name:
            aside = Path(name)
            yield aside
            for file in sorted(path for path in aside.rglob("*") if path.is_file()):
                place = folder / file.relative_to(aside)
                place.parent.mkdir(parents=True, exist_ok=True)
                file.replace(place)
    except OSError as error:
        raise KerasCnnError(f"{folder} cannot be written to: {error.strerror}.") from error


def require_writable(folder: Path) -> None:
    """Create a folder if it is missing, and check before long work that files can be written there.

    Raises:
        KerasCnnError: The file system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise KerasCnnError(f"{folder} cannot be written to: {error.strerror}.") from error


@contextmanager
def half_written_noted(folder: Path) -> Iterator[None]:
    """On Ctrl-C, report that some of several files may be new and others old.

    Raises:
        KeyboardInterrupt: Ctrl-C, with that message.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt(
            f"some files in {folder} are new, others old or missing; the same command writes them all."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole; characters that UTF-8 cannot hold become "?"."""
    with whole_file(path) as aside:
        aside.write_text(text, encoding="utf-8", errors="replace")


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file whole, indented."""
    write_text(path, json_text(document, indent=2, ensure_ascii=False) + "\n")


def json_text(document: Any, **form: Any) -> str:
    """Return a document as standard JSON: infinity and NaN become ``null``.

    Args:
        document: Of plain values; signs that no text can hold, as in names that are no UTF-8, become "?".
        **form: See ``json.dumps``.
    """
    return json.dumps(_plain(document), allow_nan=False, **form)


def _plain(document: Any) -> Any:
    match document:
        case float():
            return document if math.isfinite(document) else None
        case str():
            return document.encode("utf-8", "replace").decode("utf-8")
        case dict():
            return {_plain(name): _plain(value) for name, value in document.items()}
        case list() | tuple():
            return [_plain(value) for value in document]
    return document


def read_json(path: Path) -> Any:
    """Read a JSON file and refuse infinity and NaN in it.

    Raises:
        KerasCnnError: The file is missing or is not JSON.
    """
    try:
        document = json.loads(path.read_bytes())
        if place := _without_number(document):
            raise ValueError(f"{'.'.join(place)} is not a number")
    except FileNotFoundError as error:
        raise KerasCnnError(f"{path} is missing.") from error
    except (OSError, ValueError, RecursionError) as error:  # the last of arrays within arrays
        raise KerasCnnError(f"{path} cannot be read as JSON: {error}.") from error
    return document


def _without_number(document: Any, *place: str) -> tuple[str, ...]:
    """Return the path to the first number in a document that is not finite, empty if there is none."""
    within: Iterable[tuple[Any, Any]]
    match document:
        case float() if not math.isfinite(document):
            return place or ("it",)
        case dict():
            within = document.items()
        case list():
            within = enumerate(document)
        case _:
            return ()
    found = (_without_number(value, *place, str(name)) for name, value in within)
    return next((where for where in found if where), ())


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
