"""Registry of sources: named data sets, and folders with one folder per class.

Sources are known by name; the module of one is imported when its images are asked for.
"""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from kerascnn.data.sources.source import Source
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.registry import Registry

if TYPE_CHECKING:
    from kerascnn.data.dataset import Dataset


sources: Registry[Source] = Registry("data source", "kerascnn.sources", of=Source)
sources.refer("digits", "kerascnn.data.sources.digits:SOURCE")
sources.refer("mnist", "kerascnn.data.sources.mnist:SOURCE")
sources.refer("fashion_mnist", "kerascnn.data.sources.fashion_mnist:SOURCE")
sources.refer("cifar10", "kerascnn.data.sources.cifar:SOURCE_10")
sources.refer("cifar100", "kerascnn.data.sources.cifar:SOURCE_100")


def canonical_source(data: str) -> str:
    """Return a registered name, or the absolute path of a folder.

    Raises:
        UsageError: It is neither a known name nor a folder.
    """
    if data in sources:
        return sources.canonical(data)
    with suppress(RuntimeError):  # ~somebody who is not there
        folder = Path(data).expanduser()
        if data.strip() and folder.is_dir():
            return str(folder.resolve())
    if "/" in data or "\\" in data or not data.strip():
        raise UsageError(f"{data!r} is neither a source ({', '.join(sources)}) nor a folder.")
    try:
        return sources.canonical(data)  # names the nearest
    except UsageError as error:
        raise UsageError(f"{error} Nor is it a folder.") from None


def is_folder(source: str) -> bool:
    """Whether a canonical source is a folder."""
    return "/" in source or "\\" in source  # wherever it was trained


def source_name(source: str) -> str:
    """Return the short name of a canonical source: its registered name or its folder's."""
    return (Path(source).name or "folder") if is_folder(source) else source


def load(source: str, data_dir: Path | str | None = None) -> "Dataset":
    """Load the data set of a source.

    Args:
        source: A registered name, for instance ``digits``, or a folder.
        data_dir: The folder with the source's original files, where it takes one.

    Raises:
        UsageError: The name is unknown, or a folder has ``data_dir`` besides.
        KerasCnnError: The files are missing, damaged or cannot be downloaded.
    """
    source = canonical_source(source)
    if not is_folder(source):
        return _of_that_name(source, sources[source].load(None if data_dir is None else Path(data_dir)))
    if data_dir is not None:
        raise UsageError("--data names the folder already: --data-dir is for mnist and its like.")
    from kerascnn.data.sources.folder import load_folder

    try:
        return load_folder(Path(source))
    except KerasCnnError as error:
        found = [name for name in sources.own if sources[name].is_in(Path(source))]
        if not found:
            raise
        raise KerasCnnError(
            f"{source} holds the original files of {' or '.join(found)}, not folders of images: use --data "
            f"{found[0]} --data-dir {quote(source)}."
        ) from error


def _of_that_name(source: str, loaded: object) -> "Dataset":
    """Return a loaded data set under the name by which it is found again.

    Raises:
        KerasCnnError: It is no data set: the loader comes from another package.
    """
    from kerascnn.data.dataset import Dataset

    if not isinstance(loaded, Dataset):
        raise KerasCnnError(
            f"The data source {source!r} returns a {type(loaded).__name__}, not a Dataset of "
            "kerascnn.data.dataset. Repair the package that offers it."
        )
    return replace(loaded, source=source)
