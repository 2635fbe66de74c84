"""Where images come from, as settings and model files name it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

FOLDER = "folder "  # before a folder's name in a model file: it may be called like a registered source


@dataclass(frozen=True)
class Source:
    """A registered source, or a folder of class folders.

    Attributes:
        name: Its registered name, or the folder's own.
        folder: The folder; of a model file, which does not tell where it was, its name alone.
    """

    name: str
    folder: Path | None = None

    @classmethod
    def of_folder(cls, folder: Path) -> Self:
        """Return a folder as a source."""
        return cls(folder.name or "folder", folder)

    @classmethod
    def of_settings(cls, place: str) -> Self:
        """Return the source that complete settings name, see ``place``."""
        is_folder = "/" in place or "\\" in place  # wherever it was trained
        return cls.of_folder(Path(place)) if is_folder else cls(place)

    @classmethod
    def of_file(cls, text: str) -> Self:
        """Return the source that a model file names, see ``str``."""
        name = text.removeprefix(FOLDER)
        return cls(text) if name == text else cls(name, Path(name))

    @property
    def place(self) -> str:
        """What settings hold: the registered name, or the folder's absolute path."""
        return self.name if self.folder is None else str(self.folder)

    @property
    def kind(self) -> str:
        """What a recipe knows it by: one name for all folders."""
        return self.name if self.folder is None else "folder"

    def __str__(self) -> str:
        return self.name if self.folder is None else f"{FOLDER}{self.name}"
