"""Create, resume and replace run folders atomically."""

import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path
from shlex import quote

from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.lock import held
from kerascnn.training.run import RECORD, Run, RunRecord

log = logging.getLogger(__name__)

#: What this program writes into a run's folder. A run that holds any other file is not replaced.
OWN = (
    *(
        "run.json",
        "config.toml",
        "environment.json",
        "history.csv",
        "metrics.json",
        "card.md",
        "surgery.json",
    ),
    *("model.keras", "model.json", "answers.npz", "checkpoints/*.npz", "plots/*.png"),
    *("tflite/*.tflite", "tflite/*.json", "tflite/labels.txt", "tflite/*.log", "tflite/debug-*/*.json"),
    *("tflite/debug-*/*.png", "tensorboard/*/events.*", "learned/*.png", "learned/index.html"),
    *("report/report.*", "report/figures/*.svg", "report/figures/*.png"),
    *(".*.part.*", "*/.*.part.*"),  # a file that a kill left unfinished
    *(".DS_Store", "*/.DS_Store", "Thumbs.db", "*/Thumbs.db", "desktop.ini", "*/desktop.ini"),
)


@contextmanager
def new_run(
    folder: Path,
    record: RunRecord,
    *,
    overwrite: bool = False,
    begin: Callable[[Path], None] = lambda folder: None,
    stem: str | None = None,
) -> Iterator[Run]:
    """Create a run folder that is kept if the block succeeds or leaves something to resume.

    Args:
        folder: The new run's folder.
        record: The content of ``run.json``.
        overwrite: Whether a run of that name may be replaced. It is removed once the new one is done; if that
            stays unfinished, it is kept beside it.
        begin: Writes the files that a run has from the first second, so that one can always be resumed.
        stem: If another process takes the name first, the run is named ``stem-n``; ``None``: it fails.

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
    with held(folder), _kept_if_it_can_go_on(run, replaced):
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
    """Resume a run that was killed or interrupted; it is kept in any case.

    Raises:
        UsageError: It is done.
        KerasCnnError: Another process is training it.
        KeyboardInterrupt: Ctrl-C; the message says that it is kept.
    """
    require_unfinished(run)
    with held(run.path):
        try:
            yield run.marked("running")
        except BaseException as error:
            _interrupted(run)
            _say_the_way_on(error, run)
            raise
    if Run.open(run.path).record.state == "done":
        _remove(_aside(run.path))
        _remove(_aside(run.path.resolve()))


def require_unfinished(run: Run) -> None:
    """Check that a run has something to resume.

    Raises:
        UsageError: It is done.
    """
    if run.record.state == "done":
        raise UsageError(f"{run.path} is complete: there is nothing to resume.")


def _interrupted(run: Run) -> None:
    with suppress(KerasCnnError):  # a full disk: `running` without a process says the same
        run.marked("interrupted")


def _say_the_way_on(error: BaseException, run: Run) -> None:
    if isinstance(error, KeyboardInterrupt) and not error.args:
        error.args = (f"{run.path} is kept. Resume: {way_on(run)}",)


def way_on(run: Run) -> str:
    """Return the command that resumes a run."""
    return f"kerascnn train --resume {quote(str(run.path))}"


def _keep_beside(folder: Path, replaced: Path) -> None:
    """Rename the run that should have been replaced, because the new one is incomplete."""
    if replaced.exists():
        kept = free_name(folder.parent, folder.name)
        replaced.rename(kept)
        log.warning("%s is not complete: the run it should replace is now %s.", folder, kept)


def _make_folder(folder: Path, record: RunRecord, begin: Callable[[Path], None], stem: str | None) -> Path:
    """Create a run's folder with its first files atomically and return its path."""
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    try:
        aside.mkdir(parents=True)
        record.write(aside / RECORD)
        begin(aside)
        while True:
            try:
                return aside.rename(folder)
            except OSError as error:
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                    raise
                if stem is None:
                    raise KerasCnnError(
                        f"{folder} could not be created: another process made it at the same time."
                    ) from error
                folder = free_name(folder.parent, stem)  # another process was quicker
    except OSError as error:
        raise KerasCnnError(f"{folder} could not be created: {error.strerror}.") from error
    finally:
        _remove(aside)


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _aside(folder: Path) -> Path:
    """Return the temporary name of a run that is being replaced."""
    folder = folder.absolute()  # a link to a run is replaced, not the run that it leads to
    return folder.with_name(f".{folder.name}.replaced")


def require_replaceable(folder: Path, *, overwrite: bool) -> None:
    """Check that a folder is free, or holds a run that may be replaced.

    Raises:
        KerasCnnError: It exists and may not be replaced, is no run, or holds files that are not a run's.
    """
    if not folder.exists():
        return
    if not overwrite:
        raise KerasCnnError(
            f"{folder} exists. Add --overwrite to replace it, or choose another name "
            f"(free: {free_name(folder.parent, folder.name).name})."
        )
    try:
        Run.open(folder)
    except KerasCnnError as error:
        raise KerasCnnError(f"{folder} is not overwritten: {error}") from error
    if not folder.is_symlink() and (foreign := _foreign(folder)):
        raise KerasCnnError(
            f"{folder} is not overwritten: {foreign} in it was not written by kerascnn. Move that file "
            "elsewhere, or choose another name."
        )


def _set_aside(folder: Path, *, overwrite: bool) -> None:
    """Rename a run to its temporary name."""
    require_replaceable(folder, overwrite=overwrite)
    replaced = _aside(folder)
    with held(folder):
        if replaced.exists() and Run.open(folder).record.state != "done":
            _remove(folder)  # an earlier overwrite was killed: what it had set aside is the whole run
        else:
            _remove(replaced)
            folder.rename(replaced)


def _foreign(folder: Path) -> str:
    """Return the first file in a run's folder that kerascnn did not write, or an empty string."""
    files = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if not path.is_dir())
    return next((file.as_posix() for file in files if not any(_fits(file, own) for own in OWN)), "")


def _fits(file: Path, pattern: str) -> bool:
    """Return whether a relative path matches a pattern, folder by folder."""
    parts = pattern.split("/")
    return len(file.parts) == len(parts) and all(map(fnmatchcase, file.parts, parts))


def named_folder(runs_dir: Path, name: str) -> Path:
    """Return ``runs_dir/name``.

    Raises:
        UsageError: The name is not that of a folder.
    """
    if not name.isprintable() or name.startswith(".") or {"/", "\\"} & set(name) or not name:
        raise UsageError(f"A run's name must be a plain folder name. Received: name={name!r}")
    return runs_dir / name


def free_name(folder: Path, stem: str) -> Path:
    """Return ``folder/stem-n`` with the first free number n from 1."""
    return next(path for n in count(1) if not os.path.lexists(path := folder / f"{stem}-{n}"))
