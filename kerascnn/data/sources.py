"""Where images come from: a registered source, or a folder of class folders.

A module of this folder joins by adding its loader to ``sources``.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kerascnn.data.dataset import Dataset
from kerascnn.data.folder import load_folder
from kerascnn.errors import UsageError
from kerascnn.registry import Registry, discover

Loader = Callable[[Path | None], Dataset]

sources: Registry[Loader] = Registry("data source")


def known_sources() -> Registry[Loader]:
    """Return every source of this folder's modules."""
    discover("kerascnn.data")
    return sources


def canonical_source(data: str) -> str:
    """Return a registered name, or the absolute path of a folder.

    Raises:
        UsageError: It is neither a known name nor a folder.
    """
    known = known_sources()
    if data in known:
        return known.canonical(data)
    with suppress(RuntimeError):  # ~somebody who is not there
        folder = Path(data).expanduser()
        if data.strip() and folder.is_dir():
            return str(folder.resolve())
    if "/" in data or "\\" in data or not data.strip():
        raise UsageError(f"{data!r} is neither a source ({', '.join(known)}) nor a folder.")
    try:
        return known.canonical(data)  # names the nearest
    except UsageError as error:
        raise UsageError(f"{error} Nor is it a folder.") from None


def is_folder(source: str) -> bool:
    """Whether a canonical source is a folder."""
    return source not in known_sources()


def source_name(source: str) -> str:
    """Return how a canonical source is called: its registered name, or the folder's own."""
    return (Path(source).name or "folder") if is_folder(source) else source


def load(source: str, data_dir: Path | str | None = None) -> Dataset:
    """Load a source.

    Args:
        source: A registered name, for instance ``digits``, or a folder.
        data_dir: The folder with the source's original files, where it takes one.

    Raises:
        UsageError: The name is unknown, or a folder has ``data_dir`` besides.
        KerasCnnError: The files are missing, damaged or cannot be downloaded.
    """
    source = canonical_source(source)
    if not is_folder(source):
        return sources[source](None if data_dir is None else Path(data_dir))
    if data_dir is not None:
        raise UsageError("--data names the folder already: --data-dir is for mnist and its like.")
    return load_folder(Path(source))
