"""All reports of a study, written into its folder."""

from pathlib import Path

from kerascnn.files import write_json, write_text
from kerascnn.report.html import html
from kerascnn.report.latex import latex
from kerascnn.report.markdown import markdown
from kerascnn.report.table import comma_separated
from kerascnn.study import Study

FORMS = {"html": html, "md": markdown, "csv": comma_separated, "tex": latex}


def report_files(folder: Path) -> tuple[Path, ...]:
    """Return the files that :func:`write_reports` writes, the page first."""
    return tuple(folder / f"report.{form}" for form in (*FORMS, "json"))


def write_reports(study: Study) -> None:
    """Write the study in every form, from the same figures."""
    for form, written in FORMS.items():
        write_text(study.path / f"report.{form}", written(study))
    write_json(study.path / "report.json", study.to_dict())
