"""How a study was made, in full: settings, runs and their time, environment, hashes, the command."""

from collections.abc import Iterator, Sequence
from typing import Any

from kerascnn.analysis.evaluation.metrics import Accuracy
from kerascnn.figures.captioned import Chapter
from kerascnn.figures.page import Cell, Section, Table
from kerascnn.foundation.text.wording import DASH
from kerascnn.studies.results.evidence import Group
from kerascnn.studies.results.study import Study
from kerascnn.training.run import Run

RUNS = ("head", "run", "seed", "begun", "epochs", "epoch kept", "time in s", "float accuracy")


def making(study: Study) -> Iterator[Chapter]:
    """Say how the study was made and how it is repeated."""
    runs = [(group, run) for group in study.groups for run in group.runs]
    table = Table(RUNS, [_row(group, run) for group, run in runs]) if runs else None
    yield Chapter(Section("Settings", "Where heads differ, each is named.", facts(study.settings.to_dict())))
    yield Chapter(Section("Runs", _times([run for _, run in runs]), table=table))
    yield Chapter(Section("Environment", facts=environment(study)))
    repeat = "With the data of the hashes above:"
    yield Chapter(Section("How to repeat it", repeat, code=study.settings.command))


def facts(settings: dict[str, Any]) -> dict[str, str]:
    """Return every setting that there is but the command, in words."""
    return {
        name.replace("_", " "): _told(value)
        for name, value in settings.items()
        if name != "command" and not _is_blank(value)
    }


def environment(study: Study) -> dict[str, str]:
    """Return machine, versions and the hashes of the data, in words."""
    found = dict(study.environment)
    versions = {name: number for name, number in found.pop("versions").items() if number}
    hashes = {
        f"SHA-256 of the {split} images and labels": digest
        for split, digest in found.pop("data_sha256").items()
    }
    machine = [
        f"{value}{' processors' if name == 'processors' else ''}" for name, value in study.machine.items()
    ]
    measured = {"latency measured on": ", ".join(machine)}
    return facts(found) | measured | versions | hashes


def _told(value: Any) -> str:
    """Return a setting in words: nothing is left blank."""
    if _is_blank(value):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_told(each)}" for name, each in value.items())
    return ", ".join(map(_told, value)) if isinstance(value, list) else str(value)


def _is_blank(value: Any) -> bool:
    return value is None or value in ([], {}, "")


def _row(group: Group, run: Run) -> list[Cell]:
    record = run.record
    begun = Cell(f"{record.created:%Y-%m-%d %H:%M} UTC", record.created.timestamp())
    told = [Cell(group.name), Cell(run.path.name), Cell(str(record.seed), record.seed), begun]
    if not run.has_metrics:
        return [*told, *[Cell(DASH)] * (len(RUNS) - len(told))]
    found = run.metrics()
    accuracy = Accuracy.from_dict(found["test"])
    return [
        *told,
        Cell(str(found["epochs"]), found["epochs"]),
        Cell(str(found["kept_epoch"]), found["kept_epoch"]),
        Cell(f"{found['seconds']:.1f}", found["seconds"]),
        Cell(str(accuracy), accuracy.accuracy),
    ]


def _times(runs: Sequence[Run]) -> str:
    """Return the time of all trainings together."""
    if not runs:
        return "The runs are not known."
    known = [run.metrics()["seconds"] for run in runs if run.has_metrics]
    of = f" of {len(runs)}" if len(known) < len(runs) else ""
    return f"{len(known)}{of} trainings, {sum(known):,.0f} s in all for the epochs and their validation."
