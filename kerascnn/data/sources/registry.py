"""Where images come from: a registered source, or a folder of class folders.

Sources are known by name; the module of one is imported when its images are asked for.
"""

from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.registry import Registry

if TYPE_CHECKING:
    from kerascnn.data.dataset import Dataset


@dataclass(frozen=True)
class Source:
    """A source, whose module is imported when it is asked.

    Attributes:
        module: Its module in this folder.
        loader: The name there of what loads it.
        finder: The name of what tells its original files; empty: it has none.
    """

    module: str
    loader: str
    finder: str = ""

    def load(self, data_dir: Path | None) -> "Dataset":
        """Return its images; ``data_dir`` is the folder with its original files, or ``None``."""
        loaded: Dataset = self._named(self.loader)(data_dir)
        return loaded

    def is_in(self, folder: Path) -> bool:
        """Whether a folder holds its original files."""
        return bool(self.finder) and bool(self._named(self.finder)(folder))

    def _named(self, name: str) -> Any:
        return attrgetter(name)(import_module(f"kerascnn.data.sources.{self.module}"))


sources: Registry[Source] = Registry("data source")
sources.add("digits", Source("digits", "load_digits"))
sources.add("mnist", Source("mnist", "MNIST.load", "MNIST.is_in"))
sources.add("fashion_mnist", Source("fashion_mnist", "FASHION_MNIST.load", "FASHION_MNIST.is_in"))
sources.add("cifar10", Source("cifar", "CIFAR10.load", "CIFAR10.is_in"))
sources.add("cifar100", Source("cifar", "CIFAR100.load", "CIFAR100.is_in"))


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
    return source not in sources


def source_name(source: str) -> str:
    """Return how a canonical source is called: its registered name, or the folder's own."""
    return (Path(source).name or "folder") if is_folder(source) else source


def load(source: str, data_dir: Path | str | None = None) -> "Dataset":
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
        return sources[source].load(None if data_dir is None else Path(data_dir))
    if data_dir is not None:
        raise UsageError("--data names the folder already: --data-dir is for mnist and its like.")
    from kerascnn.data.sources.folder import load_folder

    try:
        return load_folder(Path(source))
    except KerasCnnError as error:
        found = [name for name in sources if sources[name].is_in(Path(source))]
        if not found:
            raise
        raise KerasCnnError(
            f"{source} holds the original files of {' or '.join(found)}, not folders of images: use --data "
            f"{found[0]} --data-dir {quote(source)}."
        ) from error
