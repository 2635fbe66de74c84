"""``study.json``: what a study is, and what was measured once at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from kerascnn.data.dataset import Dataset
from kerascnn.errors import KerasCnnError
from kerascnn.files import read_json, write_json
from kerascnn.study import Int8Figures
from kerascnn.training.environment import environment

RECORD = "study.json"
FORMAT = 1
#: Of these another version may give other weights or other int8 files.
DECISIVE = ("kerascnn", "keras", "tensorflow", "ai-edge-litert", "numpy")


@dataclass(frozen=True)
class Ending:
    """What a finished study adds to its record: its reports can be made again, on any machine.

    Attributes:
        margin: Percentage points within which two accuracies count as equal.
        machine: That the latencies were measured on.
        runs: Of each group, by its name; paths from the study's folder, or absolute ones.
        figures: Of each group, of the int8 file of its first seed.
    """

    margin: float
    machine: dict[str, Any]
    runs: Mapping[str, Sequence[str]]
    figures: Mapping[str, Int8Figures]

    def to_dict(self) -> dict[str, Any]:
        """Return what :meth:`from_dict` reads."""
        return {
            "margin_points": self.margin,
            "machine": self.machine,
            "runs": {name: list(paths) for name, paths in self.runs.items()},
            "int8": {name: figures.to_dict() for name, figures in self.figures.items()},
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned."""
        figures = {name: Int8Figures.from_dict(found) for name, found in stored["int8"].items()}
        return cls(float(stored["margin_points"]), dict(stored["machine"]), dict(stored["runs"]), figures)


@dataclass(frozen=True)
class Record:
    """The content of ``study.json``; ``ending`` is ``None`` until the study is done."""

    settings: dict[str, Any]
    environment: dict[str, Any]
    ending: Ending | None = None

    def write(self, folder: Path) -> None:
        """Write it into the study's folder."""
        document = {"format": FORMAT, "settings": self.settings, "environment": self.environment}
        ending = {"ending": self.ending.to_dict()} if self.ending else {}
        write_json(folder / RECORD, document | ending)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it from the study's folder.

        Raises:
            KerasCnnError: It is missing, damaged or of another format.
        """
        path = folder / RECORD
        stored = read_json(path)
        try:
            if stored["format"] != FORMAT:
                raise KerasCnnError(f"{path} is of format {stored['format']}, this kerascnn's is {FORMAT}.")
            ending = Ending.from_dict(stored["ending"]) if "ending" in stored else None
            return cls(dict(stored["settings"]), dict(stored["environment"]), ending)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise KerasCnnError(f"{path} is damaged: it lacks or misspells {error}.") from error


def is_study(folder: Path) -> bool:
    """Whether a folder is one of a study, begun or done."""
    return (folder / RECORD).is_file()


def begin_or_go_on(folder: Path, settings: dict[str, Any], dataset: Dataset) -> dict[str, Any]:
    """Write the record of a new study, or make sure that a begun one is the same but for more or fewer seeds.

    Returns:
        The environment it was begun in.

    Raises:
        KerasCnnError: The folder holds something else, or a study of other settings, data or versions.
    """
    now = environment(dataset)
    began = _required_alike(folder, settings, now) if is_study(folder) else now
    Record(settings, began).write(folder)
    return began


def _required_alike(folder: Path, settings: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    try:
        stored = Record.read(folder)
        began = stored.environment
        differing = [
            *_differences(stored.settings, settings, settings.keys() - {"command", "seeds"}, "{}"),
            *_differences(began["versions"], now["versions"], DECISIVE, "{}'s version"),
            *_differences(
                began["data_sha256"], now["data_sha256"], now["data_sha256"], "the {} images' hash"
            ),
        ]
    except KerasCnnError as error:
        raise KerasCnnError(f"{error} Name another folder with --out.") from error
    except (KeyError, AttributeError) as error:
        raise KerasCnnError(
            f"{folder / RECORD} is damaged: it lacks {error}. Name another folder with --out."
        ) from error
    if differing:
        raise KerasCnnError(
            f"{folder} is a study made otherwise: {'; '.join(differing)}. Name another folder with --out."
        )
    return began


def _differences(was: dict[str, Any], now: dict[str, Any], names: Any, words: str) -> list[str]:
    return [
        f"{words.format(name)} was {was.get(name)}, is {now.get(name)}"
        for name in sorted(names)
        if was.get(name) != now.get(name)
    ]
