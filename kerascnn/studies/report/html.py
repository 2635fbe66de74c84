"""``report.html`` of a study."""

from collections.abc import Sequence

from kerascnn.figures.page import Cell, Section, Table, page
from kerascnn.studies.report.table import orders
from kerascnn.studies.report.wording import how_to_read, title
from kerascnn.studies.results.overview import HEADER, cells
from kerascnn.studies.results.study import HeadResult, Study


def html(study: Study, sections: Sequence[Section]) -> str:
    """Return the study as one page: verdict, table, and the given sections."""
    return page(title(study), [_verdict(study), _table(study), *sections])


def _verdict(study: Study) -> Section:
    return Section("Verdict", lead=study.sentences, notes=study.notes)


def _table(study: Study) -> Section:
    return Section("The heads", how_to_read(study), table=Table(HEADER, [_row(head) for head in study.heads]))


def _row(head: HeadResult) -> list[Cell]:
    return [Cell(text, order) for text, order in zip(cells(head), orders(head), strict=True)]
