"""``study.json``: what a study is, and what was measured once at its end."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from kerascnn.data.dataset import Dataset
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import file_sha256, read_json, write_json
from kerascnn.foundation.settings import Settings
from kerascnn.models.family import family
from kerascnn.studies.grid.cell import ANSWERS, cell_folder, is_done, kept_predictions, predicting_files
from kerascnn.studies.grid.plan import FREE
from kerascnn.studies.results.evidence import Group
from kerascnn.studies.results.scope import Scope, Stopped
from kerascnn.studies.results.settings import StudySettings
from kerascnn.studies.results.study import Int8Figures
from kerascnn.training.config import PLACES, ResolvedConfig
from kerascnn.training.records.environment import environment
from kerascnn.training.run import Run

RECORD = "study.json"
#: Of these another version may give other weights or other int8 files.
DECISIVE = ("kerascnn", "keras", "tensorflow", "ai-edge-litert", "numpy")
MADE_WITH = ("versions", "data_sha256")  # of the environment: an object each
#: Settings in which two machines may differ, or that the data decide: not what a cell was asked to be.
LOCAL = PLACES | {"data", "data_dir", "threads", "cache_mb", "backend", "pixel_mean", "pixel_std"}


class Ending(Settings):
    """What a finished study adds to its record: its reports can be made again, on any machine.

    Attributes:
        margin: Points within which two accuracies count as equivalent.
        machine: That the latencies were measured on.
        runs: Of each group, by its name; paths from the study's folder, or absolute ones.
        sha256: Of each of these runs, its model and its full-int8 file.
        int8: Of each group, measured of the int8 file of its first seed.
        scope: Which trainings it is about.
    """

    margin: Annotated[float, Field(gt=0, le=100)]
    machine: Annotated[dict[str, Any], Field(min_length=1)]
    runs: Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=1)]
    sha256: dict[str, list[list[str]]]
    int8: dict[str, Int8Figures]
    scope: Scope = Field(default_factory=Scope)

    @classmethod
    def of(
        cls,
        folder: Path,
        groups: Sequence[Group],
        figures: Mapping[str, Int8Figures],
        machine: dict[str, Any],
        margin: float,
        scope: Scope,
    ) -> Self:
        """Return the end of a study of some groups."""
        return cls(
            margin=margin,
            machine=machine,
            runs={group.name: [_from(folder, run.path) for run in group.runs] for group in groups},
            sha256={group.name: [_hashes(run) for run in group.runs] for group in groups},
            int8=dict(figures),
            scope=scope,
        )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        groups = {frozenset(each) for each in (self.runs, self.sha256, self.int8)}
        counts = {len(each) for each in self.runs.values()} | {len(each) for each in self.sha256.values()}
        if len(groups) > 1 or len(counts) > 1:
            raise ValueError("have the same groups in runs, sha256 and int8, each with as many runs")
        if not all(each.layers for each in self.int8.values()):
            raise ValueError("tell of layers")
        return self

    def require_same_files(self, runs: Mapping[str, Sequence[Run]]) -> None:
        """Make sure that its runs, by their groups, still have the files that were measured.

        Raises:
            KerasCnnError: One was replaced since.
        """
        for name, of_group in runs.items():
            for run, hashes in zip(of_group, self.sha256[name], strict=True):
                if _hashes(run) != hashes:
                    raise KerasCnnError(
                        f"{run.path} was trained or quantized again after the comparison. Run compare again."
                    )


class Record(Settings):
    """The content of ``study.json``; ``ending`` is ``None`` until the study is done once."""

    format: Literal[1] = 1
    settings: StudySettings
    environment: dict[str, Any]
    ending: Ending | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        lacking = [name for name in MADE_WITH if not isinstance(self.environment.get(name), dict)]
        if lacking:
            raise ValueError(f"have {', '.join(lacking)}")
        return self

    def write(self, folder: Path) -> None:
        """Write it into the study's folder."""
        stored = self.model_dump(mode="json", exclude={"settings"} if self.ending else {"settings", "ending"})
        write_json(folder / RECORD, stored | {"settings": self.settings.to_dict()})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read it from the study's folder.

        Raises:
            KerasCnnError: It is missing, damaged or of another format.
        """
        path = folder / RECORD
        stored = read_json(path)
        if not isinstance(stored, dict):
            raise KerasCnnError(f"{path} is damaged: it is not a JSON object.")
        try:
            return cls(**stored)
        except UsageError as error:
            raise KerasCnnError(f"{path} is damaged or of another format: {error}.") from error


def require_planned(cell: ResolvedConfig, began: Mapping[str, Any]) -> None:
    """Make sure that what stands where a cell belongs was made as the study plans it.

    Args:
        cell: As it is planned.
        began: The environment that the study began in.

    Raises:
        KerasCnnError: It was made with other settings, data or versions, or its answers are damaged or not
            those of its files, which were replaced since.
    """
    folder = cell_folder(cell)
    if not (folder / "run.json").is_file():
        return
    made = ResolvedConfig.read(folder / "config.toml")
    environment = Run.open(folder).read("environment.json")
    was, planned = (
        config.model_dump(mode="json", exclude=LOCAL) | {"model": family(config.model).name}
        for config in (made, cell)
    )
    hashes = began["data_sha256"]
    differing = [
        *_differences(was, planned, planned, "{}"),
        *_differences(environment["data_sha256"], hashes, hashes, "the {} images' hash"),
    ]
    for each in (environment, *environment.get("resumed", [])):
        differing += _differences(each["versions"], began["versions"], DECISIVE, "{}'s version")
    if differing:
        raise KerasCnnError(
            f"{folder} does not match this study: {'; '.join(dict.fromkeys(differing))}. "
            "Delete it; the next run creates it again."
        )
    if is_done(cell):
        kept_predictions(Run.open(folder))  # now, not after hours of the other trainings


def is_study(folder: Path) -> bool:
    """Whether a folder is one of a study, begun or done."""
    return (folder / RECORD).is_file()


def begun(folder: Path) -> StudySettings | None:
    """Return the settings of a study; ``None`` where there is none that can be read."""
    try:
        return Record.read(folder).settings
    except KerasCnnError:
        return None


def scope_of(folder: Path, cells: Sequence[ResolvedConfig], stopped: Stopped | None) -> Scope:
    """Return which of the trainings in a study's folder a conclusion about some cells is about.

    Args:
        folder: Of the study.
        cells: Those of the conclusion.
        stopped: Why there are no more seeds.
    """
    planned = {cell_folder(cell).name for cell in cells}
    finished = {answers.parent.name for answers in folder.glob(f"runs/*/{ANSWERS}")}
    looks = {*_looks_before(folder), len({cell.seed for cell in cells})}
    return Scope(looks=tuple(sorted(looks)), stopped=stopped, left_out=tuple(sorted(finished - planned)))


def _looks_before(folder: Path) -> tuple[int, ...]:
    if not (ending := Record.read(folder).ending):
        return ()
    return ending.scope.looks or (len(next(iter(ending.runs.values()))),)


def begin_or_go_on(folder: Path, settings: StudySettings, dataset: Dataset) -> dict[str, Any]:
    """Write the record of a new study, or make sure that a begun one is the same but for heads and seeds.

    A finished study keeps its record until it is finished again.

    Returns:
        The environment it was begun in.

    Raises:
        KerasCnnError: It is a study of other settings, data or versions, or its record is damaged.
    """
    now = environment(dataset)
    if not is_study(folder):
        Record(settings=settings, environment=now).write(folder)
        return now
    try:
        stored = Record.read(folder)
    except KerasCnnError as error:
        raise KerasCnnError(f"{error} Choose another folder with --out.") from error
    began = stored.environment
    fixed = {"max_seeds"} if stored.settings.max_seeds else set()
    differing = [
        *stored.settings.differences(settings, FREE - fixed),
        *_differences(began["versions"], now["versions"], DECISIVE, "{}'s version"),
        *_differences(began["data_sha256"], now["data_sha256"], now["data_sha256"], "the {} images' hash"),
    ]
    if differing:
        raise KerasCnnError(
            f"{folder} has a study with other settings: {'; '.join(differing)}. Choose another folder with "
            "--out."
        )
    return began


def _differences(was: dict[str, Any], now: dict[str, Any], names: Any, words: str) -> list[str]:
    return [
        f"{words.format(name)} was {was.get(name)}, is {now.get(name)}"
        for name in sorted(names)
        if was.get(name) != now.get(name)
    ]


def _hashes(run: Run) -> list[str]:
    return [file_sha256(file) for file in predicting_files(run)]


def _from(folder: Path, run: Path) -> str:
    """Return a run's path from the study's folder where it lies in it: the study can be moved."""
    run, folder = run.resolve(), folder.resolve()
    return run.relative_to(folder).as_posix() if run.is_relative_to(folder) else str(run)
