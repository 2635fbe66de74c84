"""Registry of sources: named data sets, and folders with one folder per class.

Sources are known by name; the module of one is imported when its images are asked for.
"""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from kerascnn.data.sources.loader import Loader
from kerascnn.data.sources.source import Source
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.registry import Registry

if TYPE_CHECKING:
    from kerascnn.data.dataset import Dataset


sources: Registry[Loader] = Registry("data source", "kerascnn.sources", of=Loader)
sources.refer("digits", "kerascnn.data.sources.digits:SOURCE")
sources.refer("mnist", "kerascnn.data.sources.mnist:SOURCE")
sources.refer("fashion_mnist", "kerascnn.data.sources.fashion_mnist:SOURCE")
sources.refer("cifar10", "kerascnn.data.sources.cifar:SOURCE_10")
sources.refer("cifar100", "kerascnn.data.sources.cifar:SOURCE_100")


def source_of(data: str) -> Source:
    """Return the source that somebody names: by a registered name, an alias, or the path of a folder.

    Raises:
        UsageError: It is neither a known name nor a folder.
    """
    if data in sources:
        return Source(sources.canonical(data))
    with suppress(RuntimeError):  # ~somebody who is not there
        folder = Path(data).expanduser()
        if data.strip() and folder.is_dir():
            return Source.of_folder(folder.resolve())
    if "/" in data or "\\" in data or not data.strip():
        raise UsageError(f"{data!r} is neither a source ({', '.join(sources)}) nor a folder.")
    try:
        return Source(sources.canonical(data))  # names the nearest
    except UsageError as error:
        raise UsageError(f"{error} Nor is it a folder.") from None


def load(data: str, data_dir: Path | str | None = None) -> "Dataset":
    """Load the data set of a source.

    Args:
        data: A registered name, for instance ``digits``, or a folder.
        data_dir: The folder with the source's original files, where it takes one.

    Raises:
        UsageError: The name is unknown, or a folder has ``data_dir`` besides.
        KerasCnnError: The files are missing, damaged or cannot be downloaded.
    """
    source = source_of(data)
    if source.folder is None:
        files = None if data_dir is None else Path(data_dir)
        return _of_that_name(source.name, sources[source.name].load(files))
    if data_dir is not None:
        raise UsageError("--data names the folder already: --data-dir is for mnist and its like.")
    from kerascnn.data.sources.folder import load_folder

    try:
        return load_folder(source.folder)
    except KerasCnnError as error:
        found = [name for name in sources.own if sources[name].is_in(source.folder)]
        if not found:
            raise
        raise KerasCnnError(
            f"{source.folder} holds the original files of {' or '.join(found)}, not folders of images: use "
            f"--data {found[0]} --data-dir {quote(source.place)}."
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
