"""All reports of a study, written into its folder."""

from collections.abc import Sequence
from pathlib import Path

from kerascnn.figures.captioned import CaptionedFigure
from kerascnn.figures.page import Section
from kerascnn.foundation.files import replaced_together, require_writable, write_json, write_text
from kerascnn.studies.report.chapters import chapters
from kerascnn.studies.report.formats import FORMATS
from kerascnn.studies.report.html import html
from kerascnn.studies.report.latex import latex
from kerascnn.studies.report.markdown import markdown
from kerascnn.studies.report.table import comma_separated
from kerascnn.studies.results.evidence import Evidence
from kerascnn.studies.results.study import Study

FIGURES = "figures"
DRAWN = {"html", "md"}  # forms with figures


def report_files(folder: Path, forms: Sequence[str] = FORMATS) -> tuple[Path, ...]:
    """Return the files that :func:`write_reports` writes beside the figures, the page first."""
    return tuple(folder / f"report.{form}" for form in FORMATS if form in forms)


def write_reports(study: Study, evidence: Evidence, forms: Sequence[str] = FORMATS) -> None:
    """Write the study in each form, from the same figures, and each figure as SVG and PNG.

    All of them replace those of an earlier conclusion together, when the last one is written.
    """
    if DRAWN.intersection(forms):
        require_writable(study.path / FIGURES)
    with replaced_together(study.path) as folder:
        _write(folder, study, evidence, forms)


def _write(folder: Path, study: Study, evidence: Evidence, forms: Sequence[str]) -> None:
    drawn = bool(DRAWN.intersection(forms))
    (folder / FIGURES).mkdir()
    sections: list[Section] = []
    figures: list[CaptionedFigure] = []
    for chapter in chapters(study, evidence) if drawn else ():
        sections.append(chapter.illustrated(folder / FIGURES, ("svg", "png")))
        figures += chapter.figures
    if "html" in forms:
        write_text(folder / "report.html", html(study, sections))
    if "md" in forms:
        placed = {f"{FIGURES}/{each.name}.png": each for each in figures}
        write_text(folder / "report.md", markdown(study, placed))
    if "csv" in forms:
        write_text(folder / "report.csv", comma_separated(study))
    if "tex" in forms:
        write_text(folder / "report.tex", latex(study))
    if "json" in forms:
        write_json(folder / "report.json", study.to_dict())
