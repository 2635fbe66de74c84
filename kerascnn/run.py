"""A run: one training, one folder with everything it read, chose and produced.

The folder has its final name from the first second; its state stands in ``run.json``.
"""

import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from shlex import quote
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field

from kerascnn.errors import KerasCnnError, UsageError
from kerascnn.files import read_json, write_json
from kerascnn.settings import Settings

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

#: Raised when a change to the folder's content would mislead an older kerascnn.
FORMAT = 1
RECORD = "run.json"
METRICS = ("model", "variant", "head", "parameters", "data", "test", "epochs", "kept_epoch", "seconds")


class RunRecord(Settings):
    """The content of ``run.json``. ``model`` is the name as typed, ``created`` a time with its zone."""

    format: int = FORMAT
    state: Literal["running", "interrupted", "done"] = "running"
    created: AwareDatetime
    model: str
    variant: str
    head: str
    source: str
    seed: int = Field(ge=0)

    def write(self, path: Path) -> None:
        """Write the record as JSON."""
        write_json(path, self.model_dump(mode="json"))


@dataclass(frozen=True)
class Run:
    """A run folder and its record."""

    path: Path
    record: RunRecord

    def __fspath__(self) -> str:
        return str(self.path)

    @classmethod
    def around(cls, path: Path) -> Self | None:
        """Return the run that a folder is or a model file lies in, None for a file elsewhere."""
        path = path.resolve()
        folders = [folder for folder in (path, *path.parents[:2]) if (folder / RECORD).is_file()]
        return cls.open(folders[0]) if folders else None

    @classmethod
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
            raise KerasCnnError(f"{path / RECORD} is not a run's record: it names no format.")
        if written > FORMAT:
            raise KerasCnnError(
                f"{path} is of format {written}, newer than this kerascnn's {FORMAT}. Upgrade kerascnn."
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
        """Whether the training got as far as its test."""
        return (self.path / "metrics.json").is_file()

    @property
    def can_go_on(self) -> bool:
        """Whether it holds what a training has learned: a model, or a checkpoint."""
        return self.model_path.is_file() or any(self.path.glob("checkpoints/epoch-*.npz"))

    @property
    def files(self) -> list[str]:
        """The model files there are, relative to the run."""
        found = [self.model_path, *sorted(self.tflite_dir.glob("*.tflite"))]
        return [path.relative_to(self.path).as_posix() for path in found if path.is_file()]

    def to_dict(self) -> dict[str, Any]:
        """Return run, state, created, seed, files, and all of ``metrics.json`` once trained."""
        record = self.record.model_dump(mode="json", exclude={"format", "source"})
        try:
            trained = self.metrics() if self.has_metrics else {}
        except KerasCnnError:  # one damaged run must not hide the others in a list
            trained = {"state": "damaged"}
        known = {"run": str(self.path), "data": {"source": self.record.source}, "files": self.files}
        return record | known | trained

    def metrics(self) -> dict[str, Any]:
        """Return the content of ``metrics.json``.

        Raises:
            KerasCnnError: It is missing or damaged.
        """
        return self.read("metrics.json", *METRICS)

    def read(self, name: str, *keys: str) -> dict[str, Any]:
        """Read one of the run's JSON files, which must have the keys.

        Raises:
            KerasCnnError: It is missing or damaged.
        """
        document = read_json(self.path / name)
        lacking = [key for key in keys if not isinstance(document, dict) or key not in document]
        if lacking or not isinstance(document, dict):
            raise KerasCnnError(
                f"{self.path / name} is damaged: it lacks {', '.join(lacking) or 'an object'}."
            )
        return document

    def require_model(self) -> Path:
        """Return the path of the trained model.

        Raises:
            KerasCnnError: The training never got so far.
        """
        if not self.model_path.is_file():
            raise KerasCnnError(
                f"{self.path} is incomplete (state {self.record.state}): it has no model.keras. Train again."
            )
        return self.model_path

    def marked(self, state: Literal["running", "interrupted", "done"]) -> "Run":
        """Record a new state and return the run with it."""
        record = self.record.model_copy(update={"state": state})
        record.write(self.path / RECORD)
        return Run(self.path, record)


@contextmanager
def new_run(
    folder: Path,
    record: RunRecord,
    *,
    overwrite: bool = False,
    begin: Callable[[Path], None] = lambda folder: None,
    stem: str | None = None,
) -> Iterator[Run]:
    """Create a run folder that stays only if the block ends well, or has something to go on with by then.

    Args:
        folder: Where it is to stand.
        record: What ``run.json`` says.
        overwrite: Whether a run of that name may be replaced. It is removed once the new one is done; if that
            stays unfinished, it is kept beside it.
        begin: Writes the files that a run has from the first second, so that one can always be resumed.
        stem: Where another process takes the name first, the run becomes ``stem-n``; ``None``: it fails.

    Raises:
        KerasCnnError: The folder exists, is being trained in, or cannot be created.
        KeyboardInterrupt: Ctrl-C; the message says what is kept.
    """
    replaced = _aside(folder)
    if replaced.exists() and not folder.exists():
        replaced.rename(folder)  # a process was killed between setting aside and beginning
    if folder.exists():
        _set_aside(folder, overwrite=overwrite)
    try:
        folder = _make_folder(folder, record, begin, stem)
    except BaseException:
        if replaced.exists():
            replaced.rename(folder)
        raise
    run = Run(folder, record)
    with _alone(folder), _kept_if_it_can_go_on(run, replaced):
        yield run
    if Run.open(folder).record.state == "done":
        _remove(replaced)
    else:
        _keep_beside(folder, replaced)


@contextmanager
def _kept_if_it_can_go_on(run: Run, replaced: Path) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if run.can_go_on:
            _interrupted(run)
            _keep_beside(run.path, replaced)
            _say_the_way_on(error, run)
            raise
        _remove(run.path)
        if replaced.exists():
            replaced.rename(run.path)
        raise


@contextmanager
def continued_run(run: Run) -> Iterator[Run]:
    """Go on with a run that was killed or interrupted; it stays whatever happens.

    Raises:
        UsageError: It is done.
        KerasCnnError: Another process is training it.
        KeyboardInterrupt: Ctrl-C; the message says that it is kept.
    """
    if run.record.state == "done":
        raise UsageError(f"{run.path} is done: there is nothing to resume.")
    with _alone(run.path):
        try:
            yield run.marked("running")
        except BaseException as error:
            _interrupted(run)
            _say_the_way_on(error, run)
            raise
    if Run.open(run.path).record.state == "done":
        _remove(_aside(run.path))


def _interrupted(run: Run) -> None:
    with suppress(KerasCnnError):  # a full disk: `running` without a process says the same
        run.marked("interrupted")


def _say_the_way_on(error: BaseException, run: Run) -> None:
    if isinstance(error, KeyboardInterrupt) and not error.args:
        error.args = (f"{run.path} is kept; {way_on(run)} goes on",)


def way_on(run: Run) -> str:
    """Return the command that resumes a run."""
    return f"kerascnn train --resume {quote(str(run.path))}"


def _keep_beside(folder: Path, replaced: Path) -> None:
    """Give the run that was to be replaced a name of its own: the new one is not whole."""
    if replaced.exists():
        kept = free_name(folder.parent, folder.name)
        replaced.rename(kept)
        log.warning("%s is not done: the run it was to replace is now %s.", folder, kept)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder against other processes; the system lets go of it however this one ends.

    Raises:
        KerasCnnError: Another process holds it.
    """
    if not fcntl:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise KerasCnnError(f"{folder} is being trained by another process.") from error
    try:
        yield
    finally:
        os.close(descriptor)


def _make_folder(folder: Path, record: RunRecord, begin: Callable[[Path], None], stem: str | None) -> Path:
    """Make a run's folder with its first files, whole, and return its path."""
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    try:
        aside.mkdir(parents=True)
        record.write(aside / RECORD)
        begin(aside)
        while True:
            try:
                return aside.rename(folder)
            except OSError as error:
                if stem is None or error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                folder = free_name(folder.parent, stem)  # another process was quicker
    except OSError as error:
        raise KerasCnnError(f"{folder} could not be created: {error.strerror}.") from error
    finally:
        _remove(aside)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _aside(folder: Path) -> Path:
    """Return where a run waits while another takes its name."""
    folder = folder.resolve()
    return folder.with_name(f".{folder.name}.replaced")


def _set_aside(folder: Path, *, overwrite: bool) -> None:
    """Rename a run out of the way."""
    if not overwrite:
        raise KerasCnnError(
            f"{folder} exists. Add --overwrite to replace it, or choose another name "
            f"(free: {free_name(folder.parent, folder.name).name})."
        )
    if not (folder / RECORD).is_file():
        raise KerasCnnError(f"{folder} is not a run (no {RECORD}); it is not overwritten.")
    replaced = _aside(folder)
    with _alone(folder):
        if replaced.exists() and Run.open(folder).record.state != "done":
            _remove(folder)  # an earlier overwrite was killed: what it had set aside is the whole run
        else:
            _remove(replaced)
            folder.rename(replaced)


def run_folder(runs_dir: Path, name: str) -> Path:
    """Return ``runs_dir/name``.

    Raises:
        UsageError: The name is not that of a folder.
    """
    if not name.isprintable() or name.startswith(".") or {"/", "\\"} & set(name) or not name:
        raise UsageError(f"A run's name must be a plain folder name. Received: name={name!r}")
    return runs_dir / name


def free_name(folder: Path, stem: str) -> Path:
    """Return ``folder/stem-n`` with the first free number n from 1."""
    return next(path for n in count(1) if not (path := folder / f"{stem}-{n}").exists())


def list_runs(runs_dir: Path | str = "runs") -> list[Run]:
    """Return the runs below a folder, oldest first; what is not a run of this version is passed over."""
    runs_dir = Path(runs_dir)
    if not runs_dir.is_dir():
        return []
    found = [_open_or_none(path) for path in runs_dir.iterdir() if not path.name.startswith(".")]
    return sorted((run for run in found if run), key=lambda run: run.record.created)


def _open_or_none(path: Path) -> Run | None:
    try:
        return Run.open(path)
    except KerasCnnError:
        return None
