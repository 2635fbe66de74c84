"""All reports of a study, written into its folder."""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from kerascnn.figures.captioned import Chapter
from kerascnn.figures.page import Part, page
from kerascnn.foundation.files import replaced_together, require_writable, write_json, write_text
from kerascnn.foundation.own_files import is_own
from kerascnn.studies.report.contents import FIRST, PARTS, Draw
from kerascnn.studies.report.figures_csv import figures_csv, verdicts_csv
from kerascnn.studies.report.formats import FORMATS
from kerascnn.studies.report.latex import latex
from kerascnn.studies.report.markdown import markdown
from kerascnn.studies.report.wording import title
from kerascnn.studies.results.study import Study

FIGURES = "figures"
DRAWN = {"html", "md"}  # forms with figures
FILES = {  # of each form
    **{form: (f"report.{form}",) for form in FORMATS},
    "csv": ("report.csv", "report-verdicts.csv"),
}


def report_files(folder: Path, forms: Sequence[str] = FORMATS) -> tuple[Path, ...]:
    """Return the files that :func:`write_reports` writes beside the figures, the page first."""
    return tuple(folder / name for form in FORMATS if form in forms for name in FILES[form])


def write_reports(study: Study, forms: Sequence[str] = FORMATS) -> None:
    """Write the study in each form, from the same figures, and each figure as SVG and PNG.

    All of them replace those of an earlier conclusion together, when the last one is written.
    """
    drawn = DRAWN.intersection(forms)
    if drawn:
        require_writable(study.path / FIGURES)
    with replaced_together(study.path) as folder:
        (folder / FIGURES).mkdir()
        if drawn:
            _write_drawn(folder, study, forms)
        _write_numbers(folder, study, forms)
        figures = {file.name for file in (folder / FIGURES).iterdir()}
    if drawn:
        _remove_others(study.path / FIGURES, figures)


def _remove_others(folder: Path, figures: set[str]) -> None:
    """Remove the figures of an earlier conclusion, which no report shows any longer."""
    for file in folder.iterdir():
        if file.name not in figures and file.is_file() and is_own(file):
            file.unlink()


def _write_numbers(folder: Path, study: Study, forms: Sequence[str]) -> None:
    if "csv" in forms:
        write_text(folder / "report.csv", figures_csv(study))
        write_text(folder / "report-verdicts.csv", verdicts_csv(study))
    if "tex" in forms:
        write_text(folder / "report.tex", latex(study))
    if "json" in forms:
        write_json(folder / "report.json", study.to_dict())


def _write_drawn(folder: Path, study: Study, forms: Sequence[str]) -> None:
    """Draw the chapters one after another and write the forms that show them."""
    first = _chapters(FIRST, study)
    parts = {name: _chapters(drawn, study) for name, drawn in PARTS.items()}
    seen = [chapter.illustrated(folder / FIGURES, ("svg", "png")) for chapter in first]
    folded = [
        Part(name, [chapter.illustrated(folder / FIGURES, ("svg", "png")) for chapter in chapters])
        for name, chapters in parts.items()
        if chapters
    ]
    if "html" in forms:
        write_text(folder / "report.html", page(title(study), seen, folded))
    if "md" in forms:
        drawn = {"The answer": first} | parts
        write_text(folder / "report.md", markdown(study, drawn, FIGURES))


def _chapters(drawn: Iterable[Draw], study: Study) -> list[Chapter]:
    return list(chain.from_iterable(draw(study) for draw in drawn))
