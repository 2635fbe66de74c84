"""A run: the folder of one training with its settings, model and results.

The folder has its final name from the first second; its state stands in ``run.json``.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field

from kerascnn.foundation.calls import checked
from kerascnn.foundation.errors import KerasCnnError, KerasCnnWarning, UsageError
from kerascnn.foundation.files import read_json, write_json
from kerascnn.foundation.lock import is_held
from kerascnn.foundation.text.shown import Block, Facts, Shown, ShownList
from kerascnn.foundation.text.tables import Table
from kerascnn.models.architecture import ArchitectureRecord
from kerascnn.models.keras_file import load_model
from kerascnn.training.run_schema import read_record

#: Raised when a change to the folder's content would mislead an older kerascnn.
FORMAT = 1
RECORD = "run.json"
#: What a list of runs tells of the folder and its record, whatever ``metrics.json`` says.
OF_RUN = ("run", "state", "created", "seed", "files")


class RunRecord(ArchitectureRecord):
    """The content of ``run.json``. ``created`` is a time with its zone."""

    format: int = FORMAT
    state: Literal["running", "interrupted", "done"] = "running"
    created: AwareDatetime
    source: str
    seed: int = Field(ge=0)

    def write(self, path: Path) -> None:
        """Write the record as JSON."""
        write_json(path, self.model_dump(mode="json"))


@dataclass(frozen=True)
class Run(Shown):
    """A run folder and its record."""

    path: Path
    record: RunRecord

    def __fspath__(self) -> str:
        return str(self.path)

    @classmethod
    def around(cls, path: Path) -> Self | None:
        """Return the run for a run folder or a model file inside one, ``None`` for a file elsewhere."""
        path = path.resolve()
        folders = [folder for folder in (path, *path.parents[:2]) if (folder / RECORD).is_file()]
        return cls.open(folders[0]) if folders else None

    @classmethod
    def of(cls, run: "Run | Path | str") -> "Run":
        """Return a run given as a ``Run`` or as its folder, see :meth:`open`."""
        return run if isinstance(run, Run) else cls.open(run)

    @classmethod
    @checked
    def open(cls, path: Path | str) -> Self:
        """Open a run folder.

        Raises:
            KerasCnnError: There is no such folder, it is not a run, or a newer kerascnn wrote it.
        """
        path = Path(path)
        if path.is_file():
            raise KerasCnnError(f"{path} is a file, not a run's folder. `kerascnn runs` lists the runs.")
        if not path.is_dir():
            raise KerasCnnError(f"{path} does not exist. `kerascnn runs` lists the runs.")
        if not (path / RECORD).is_file():
            raise KerasCnnError(f"{path} is not a run: it has no {RECORD}. `kerascnn runs` lists the runs.")
        document = read_json(path / RECORD)
        written = document.get("format") if isinstance(document, dict) else None
        if not isinstance(written, int):
            raise KerasCnnError(f"{path / RECORD} is not a run's record: it has no format.")
        if written > FORMAT:
            raise KerasCnnError(
                f"{path} has format {written}, newer than this kerascnn's {FORMAT}. Upgrade kerascnn."
            )
        try:
            return cls(path, RunRecord(**document))
        except UsageError as error:
            raise KerasCnnError(f"{path / RECORD} is damaged: {error}.") from error

    @property
    def model_path(self) -> Path:
        """The trained Keras model."""
        return self.path / "model.keras"

    @property
    def tflite_dir(self) -> Path:
        """The folder of the quantized files and their records."""
        return self.path / "tflite"

    @property
    def has_metrics(self) -> bool:
        """Whether the training finished with test results."""
        return (self.path / "metrics.json").is_file()

    @property
    def can_go_on(self) -> bool:
        """Whether there is a model or a checkpoint to resume from."""
        return self.model_path.is_file() or any(self.path.glob("checkpoints/epoch-*.npz"))

    @property
    def files(self) -> list[str]:
        """The existing model files, relative to the run."""
        found = [
            self.model_path,
            *sorted(self.tflite_dir.glob("[!.]*.tflite")),
        ]  # not what a kill left unfinished
        return [path.relative_to(self.path).as_posix() for path in found if path.is_file()]

    def blocks(self) -> list[Block]:
        """Return the results of the training; if unfinished, its row in the list of runs."""
        from kerascnn.training.run_text import trained

        return [Facts(trained(self.path, self.metrics()))] if self._is_whole else Runs([self]).blocks()

    def to_dict(self) -> dict[str, Any]:
        """Return run, state, created, seed, files, and all of ``metrics.json`` if trained."""
        record = self.record.model_dump(mode="json", exclude={"format", "source"})
        if self.record.state == "running" and not is_held(self.path):  # it was killed
            record["state"] = "interrupted"
        try:
            trained = self.metrics() if self.has_metrics else {}
            trained = {name: value for name, value in trained.items() if name not in OF_RUN}
        except KerasCnnError as error:  # one damaged run must not hide the others in a list
            warnings.warn(str(error), KerasCnnWarning, stacklevel=2)
            trained = {"state": "damaged"}
        known = {"run": str(self.path), "data": {"source": self.record.source}, "files": self.files}
        return record | known | trained

    @property
    def _is_whole(self) -> bool:
        try:
            return bool(self.metrics())
        except KerasCnnError:
            return False

    def load_model(self) -> Any:
        """Return the trained ``keras.Model``; it takes raw pixels, 0 to 255, and gives logits.

        Raises:
            KerasCnnError: The training never got so far, or the file is damaged.
        """
        return load_model(self.require_model())[0]

    def metrics(self) -> dict[str, Any]:
        """Return the content of ``metrics.json``.

        Raises:
            KerasCnnError: It is missing or damaged.
        """
        return self.read("metrics.json")

    def read(self, name: str) -> dict[str, Any]:
        """Read one of the run's JSON files, see :func:`kerascnn.training.run_schema.read_record`.

        Raises:
            KerasCnnError: It is missing or damaged.
        """
        return read_record(self.path, name)

    @property
    def results(self) -> list[str]:
        """The records of the quantized files, relative to the run."""
        return [f"tflite/{path.name}" for path in sorted(self.tflite_dir.glob("*.result.json"))]

    def require_records(self, *results: str) -> None:
        """Check before long work that the run's JSON files can be read.

        Args:
            *results: Those of its ``results`` that the work needs.

        Raises:
            KerasCnnError: One is missing or damaged.
        """
        trained = ("metrics.json", "model.json") if self.has_metrics else ()
        for name in ("environment.json", *trained, *results):
            self.read(name)

    def require_model(self) -> Path:
        """Return the path of the trained model.

        Raises:
            KerasCnnError: The training never got so far.
        """
        if not self.model_path.is_file():
            raise KerasCnnError(
                f"{self.path} is incomplete (state {self.record.state}): it has no model.keras. Wait for its "
                f"training, or resume it: kerascnn train --resume "
                f"{quote(str(self.path))}"
            )
        return self.model_path

    def marked(self, state: Literal["running", "interrupted", "done"]) -> "Run":
        """Record a new state and return the updated run."""
        record = self.record.model_copy(update={"state": state})
        record.write(self.path / RECORD)
        return Run(self.path, record)


class Runs(ShownList[Run]):
    """The runs in a folder."""

    def blocks(self) -> list[Block]:
        """Return a row for each."""
        from kerascnn.training.run_text import HEADER, WORDS, row

        rows = [row(run.to_dict(), run.record.source, run.record.created) for run in self]
        return [Table(HEADER, rows, left=WORDS)]


def list_runs(runs_dir: Path | str = "runs") -> Runs:
    """Return the runs in a folder, oldest first; other folders are ignored, damaged runs are named."""
    runs_dir = Path(runs_dir)
    if not runs_dir.is_dir():
        return Runs()
    found = [_open_or_none(path) for path in runs_dir.iterdir() if not path.name.startswith(".")]
    return Runs(sorted((run for run in found if run), key=lambda run: run.record.created))


def _open_or_none(path: Path) -> Run | None:
    try:
        return Run.open(path)
    except KerasCnnError as error:
        if (path / RECORD).is_file():
            warnings.warn(str(error), KerasCnnWarning, stacklevel=3)
        return None
