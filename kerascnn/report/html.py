"""``report.html`` of a study."""

from collections.abc import Sequence
from typing import Any

from kerascnn.report.page import Cell, Section, Table, page
from kerascnn.report.table import HEADER, cells, orders
from kerascnn.report.words import how_to_read, title
from kerascnn.study import HeadResult, Study


def html(study: Study, sections: Sequence[Section]) -> str:
    """Return the study as one page: verdict and table, the given sections, how it was made."""
    return page(title(study), [_verdict(study), _table(study), *sections, *_made(study)])


def _verdict(study: Study) -> Section:
    sentences = [verdict.sentence for verdict in study.verdicts]
    return Section("Verdict", lead=sentences, notes=study.notes)


def _table(study: Study) -> Section:
    return Section("The heads", how_to_read(study), table=Table(HEADER, [_row(head) for head in study.heads]))


def _row(head: HeadResult) -> list[Cell]:
    return [Cell(text, order) for text, order in zip(cells(head), orders(head), strict=True)]


def _made(study: Study) -> list[Section]:
    settings, environment = dict(study.settings), dict(study.environment)
    command, versions = settings.pop("command"), environment.pop("versions")
    hashes = {f"SHA-256, {split} images": each for split, each in environment.pop("data_sha256").items()}
    return [
        Section("Settings", "The same for every head where nothing else is said.", _facts(settings)),
        Section("Environment", "", _facts(environment | versions | hashes)),
        Section("Again", "This repeats the study:", code=command),
    ]


def _facts(values: dict[str, Any]) -> dict[str, str]:
    return {name.replace("_", " "): _told(value) for name, value in values.items()}


def _told(value: Any) -> str:
    """Return a setting in words: nothing is left blank."""
    if value is None or value in ([], {}, ""):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_told(each)}" for name, each in value.items())
    return ", ".join(map(_told, value)) if isinstance(value, list) else str(value)
