"""One page that lists runs and studies: curves, accuracies, links to their own pages."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.figures.page import Cell, Picture, Section, Table, page
from kerascnn.figures.sparkline import sparkline
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import write_text
from kerascnn.foundation.own_files import require_own
from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.foundation.text.wording import DASH, counted
from kerascnn.studies.grid.record import Record, is_study
from kerascnn.training.records.history import read_history
from kerascnn.training.run import Run, list_runs

RUN_PAGES = ("report/report.html", "learned/index.html", "card.md")  # the first that there is
RUNS = ("run", "model", "head", "data", "state", "test accuracy", "validation accuracy by epoch", "created")
STUDIES = (
    *("study", "model", "data", "seeds", "head", "float accuracy", "int8 accuracy"),
    "validation accuracy by epoch, first seed",
)


@dataclass(frozen=True)
class IndexPage(Shown):
    """A page that lists runs and studies.

    Attributes:
        path: The page.
        runs: How many runs it lists, and how many ``studies``.
    """

    path: Path
    runs: int
    studies: int

    def blocks(self) -> list[Block]:
        """Return what it lists, and where it is."""
        found = f"{counted(self.runs, 'run')}, {counted(self.studies, 'study', 'studies')}"
        return [f"{self.path}: {found}"]

    def to_dict(self) -> dict[str, Any]:
        """Return page, runs and studies."""
        return {"page": str(self.path), "runs": self.runs, "studies": self.studies}


def index_page(
    out: Path | str = "index.html",
    *,
    runs_dir: Path | str = "runs",
    studies_dir: Path | str = "studies",
    overwrite: bool = False,
) -> IndexPage:
    """Write one page that lists runs and studies, with links to the pages that they have.

    Args:
        out: The page; an earlier one is replaced.
        runs_dir: Folder that holds the runs.
        studies_dir: Folder that holds the studies.
        overwrite: Whether a page may be replaced that this program did not make.

    Raises:
        UsageError: ``out`` is not a ``.html`` file.
        KerasCnnError: The page cannot be written, or somebody else made the one that stands there.
    """
    out, studies_dir = Path(out), Path(studies_dir)
    if out.suffix != ".html":
        raise UsageError(f"The page is an HTML file. Received: out={str(out)!r}")
    require_own([out], overwrite=overwrite)
    runs = list_runs(runs_dir)
    studies = sorted(path for path in studies_dir.glob("[!.]*") if is_study(path))
    sections = [
        Section(
            "Studies",
            "Each head as the mean of its seeds; what the differences are worth says the study's own page.",
            table=Table(STUDIES, [row for study in studies for row in _study(study, out.parent)]),
        ),
        Section("Runs", table=Table(RUNS, [_run(run, out.parent) for run in reversed(runs)])),
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, page("Runs and studies", [each for each in sections if each.table and each.table.rows]))
    return IndexPage(out, len(runs), len(studies))


def _run(run: Run, folder: Path) -> list[Cell]:
    known = run.to_dict()
    accuracy = known["test"]["accuracy"] if "test" in known else None
    pages = [run.path / name for name in RUN_PAGES if (run.path / name).is_file()]
    return [
        Cell(run.path.name, link=_link(pages[0] if pages else run.path, folder)),
        *(Cell(str(known[name])) for name in ("model", "head")),
        Cell(str(known["data"]["source"])),
        Cell(known["state"]),
        _accuracy(accuracy),
        _curve(run.path),
        Cell(str(known["created"])[:10]),
    ]


def _curve(folder: Path) -> Cell:
    """Return the curve of a run in a folder."""
    try:
        values = [epoch["val_accuracy"] for epoch in read_history(Run.open(folder))]
    except KerasCnnError:  # one damaged run must not hide the others
        values = []
    if not values:
        return Cell(DASH)
    words = f"{counted(len(values), 'epoch')}, best {percent(max(values))}"
    return Cell(words, picture=Picture(sparkline(values), words, "", "svg+xml"))


def _study(path: Path, folder: Path) -> list[list[Cell]]:
    """Return a row for each head of a study; one without figures where it is not done."""
    try:
        record = Record.read(path)
        told = json.loads((path / "report.json").read_text(encoding="utf-8"))
        heads = [
            (each["name" if "name" in each else "head"], each["accuracy"]["mean"], each["int8"]["mean"])
            for each in told["heads"]
        ]
    except (KerasCnnError, OSError, ValueError, LookupError, TypeError):
        return [[Cell(path.name, link=_link(path, folder)), *(Cell(DASH) for _ in STUDIES[1:])]]
    settings, ending = record.settings, record.ending
    seeds = str(len(settings.seeds))
    if ending and ending.scope.left_out:
        seeds += f", {counted(len(ending.scope.left_out), 'training')} left out"
    return [
        [
            Cell(path.name, link=_link(path / "report.html", folder)),
            *(Cell(str(getattr(settings, name))) for name in ("model", "data")),
            Cell(seeds, len(settings.seeds)),
            Cell(name),
            _accuracy(trained),
            _accuracy(quantized),
            _curve(path / ending.runs[name][0]) if ending and name in ending.runs else Cell(DASH),
        ]
        for name, trained, quantized in heads
    ]


def _accuracy(value: float | None) -> Cell:
    return Cell(DASH) if value is None else Cell(percent(value), value)


def _link(path: Path, folder: Path) -> str:
    """Return a path as an address in a page of that folder."""
    return quote(os.path.relpath(path, folder).replace(os.sep, "/"))
