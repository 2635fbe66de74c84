"""The registry of sources. A module of this folder joins by adding its loader to ``sources``."""

from collections.abc import Callable
from pathlib import Path

from kerascnn.data.dataset import Dataset
from kerascnn.registry import Registry, discover

Loader = Callable[[Path | None], Dataset]

sources: Registry[Loader] = Registry("data source")


def load(source: str, data_dir: Path | str | None = None) -> Dataset:
    """Load a source by name.

    Args:
        source: A registered name, for instance ``digits``.
        data_dir: The folder with the source's original files, where it takes one.

    Raises:
        UsageError: The name is unknown.
        KerasCnnError: The files are missing, damaged or cannot be downloaded.
    """
    discover("kerascnn.data")
    return sources[source](None if data_dir is None else Path(data_dir))
