"""All reports of a study, written into its folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kerascnn.exhibits import Exhibit
from kerascnn.figures import save_figure
from kerascnn.files import write_json, write_text
from kerascnn.report.chapters import chapters
from kerascnn.report.evidence import Evidence
from kerascnn.report.html import html
from kerascnn.report.latex import latex
from kerascnn.report.markdown import markdown
from kerascnn.report.page import Picture, Section
from kerascnn.report.table import comma_separated
from kerascnn.study import Study

FIGURES = "figures"
FORMS = ("html", "md", "csv", "tex", "json")


def report_files(folder: Path) -> tuple[Path, ...]:
    """Return the files that :func:`write_reports` writes beside the figures, the page first."""
    return tuple(folder / f"report.{form}" for form in FORMS)


def write_reports(study: Study, evidence: Evidence) -> None:
    """Write the study in every form, from the same figures, and each figure as SVG and PNG."""
    folder = study.path / FIGURES
    sections: list[Section] = []
    exhibits: list[Exhibit] = []
    for section, drawn in chapters(study, evidence):
        sections.append(_illustrated(section, drawn, folder))
        exhibits += drawn
    write_text(study.path / "report.html", html(study, sections))
    write_text(
        study.path / "report.md", markdown(study, {f"{FIGURES}/{each.name}.png": each for each in exhibits})
    )
    write_text(study.path / "report.csv", comma_separated(study))
    write_text(study.path / "report.tex", latex(study))
    write_json(study.path / "report.json", study.to_dict())


def _illustrated(section: Section, exhibits: Sequence[Exhibit], folder: Path) -> Section:
    """Write the figures of a section and put them into it."""
    for exhibit in exhibits:
        for form in ("svg", "png"):
            save_figure(exhibit.figure, folder / f"{exhibit.name}.{form}")
    pictures = [
        Picture((folder / f"{each.name}.svg").read_bytes(), each.alt, each.caption, "svg+xml")
        for each in exhibits
    ]
    return replace(section, pictures=pictures)
