"""How the heads learned and what they answer: curves, confusion, classes, reliability."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.analysis.evaluation.reliability import Reliability
from kerascnn.figures.captioned import CaptionedFigure, Chapter
from kerascnn.figures.page import Cell, Section, Table
from kerascnn.figures.plots import confusion
from kerascnn.foundation.text.wording import DASH
from kerascnn.studies.report import charts
from kerascnn.studies.report.wording import basis
from kerascnn.studies.results.by_class import ClassDifference
from kerascnn.studies.results.evidence import Evidence, Group
from kerascnn.studies.results.study import Study
from kerascnn.training.records.history import read_history

DRAWN = 30  # classes at most of one figure; of more the table names the largest
LARGEST = 15  # confusions of one head in that table


def curves(study: Study) -> Iterator[Chapter]:
    """Draw how loss and accuracy went over the epochs."""
    title = "Learning curves"
    histories = {group.name: [read_history(run) for run in group.runs] for group in study.groups}
    known = {name: seeds for name, seeds in histories.items() if seeds and all(seeds)}
    lacking = [name for name in histories if name not in known]
    text = f"No history of the training is kept of {', '.join(lacking)}." if lacking else ""
    if not known:
        yield Chapter(Section(title, text))
        return
    seeds = len(next(iter(known.values())))
    caption = (
        f"The mean over {seeds} seeds, and a band from the least to the greatest."
        if seeds > 1
        else "One seed: how much another would differ is unknown."
    )
    caption += " Training loss and accuracy are running averages over the epoch."
    first = next(group.runs[0] for group in study.groups if group.name in known)
    if first.has_metrics:
        images = first.metrics()["data"]
        caption += f" n = {images['train']:,} training and {images['validation']:,} validation images."
    figures = [
        CaptionedFigure(
            f"learning-curves-{measure}",
            charts.curves(known, measure),
            f"{measure} over the epochs of {', '.join(known)}, training and validation images",
            caption,
        )
        for measure in ("loss", "accuracy")
    ]
    yield Chapter(Section(title, text), figures)


def confusions(study: Study) -> Iterator[Chapter]:
    """Draw which class is taken for which; of very many classes tabulate the largest confusions."""
    title, evidence = "Confusion", study.evidence
    if len(evidence.classes) > DRAWN:
        text = (
            f"Of {len(evidence.classes)} classes the {LARGEST} largest confusions of each head, float; "
            f"shares are means over the seeds. {basis(study)}."
        )
        columns = ("head", "truth", "taken for", "share of the class", "test images of the class")
        rows = [row for group in study.groups for row in _largest(group, evidence)]
        yield Chapter(Section(title, text, table=Table(columns, rows)))
        return
    one = len(study.heads[0].seeds) == 1
    cells = "the images" if one else "the share of the row in per cent, the mean over the seeds"
    text = (
        f"Rows are the truth, columns the answers of the float networks; a cell holds {cells} "
        f"({basis(study)})."
    )
    figures = [_confusion_of(group, evidence, number) for number, group in enumerate(study.groups, start=1)]
    yield Chapter(Section(title, text), figures)


def _confusion_of(group: Group, evidence: Evidence, number: int) -> CaptionedFigure:
    """Draw the confusion of one group: images of a single seed, shares of several."""
    counts = group.confusion(evidence.test.labels)
    shown = np.rint(counts).astype(np.int64) if len(group.answers) == 1 else counts
    told = f"{group.name}: {_most_often(group, evidence)}"
    figure = confusion(shown, evidence.classes, group.name)
    return CaptionedFigure(f"confusion-{number}", figure, f"The confusion matrix of {told}", told)


def _largest(group: Group, evidence: Evidence) -> list[list[Cell]]:
    """Return the largest confusions of a group as rows, the largest first."""
    counts = group.confusion(evidence.test.labels)
    images = counts.sum(axis=1)
    np.fill_diagonal(counts, 0)
    order = np.argsort(-counts, axis=None, kind="stable")[:LARGEST]
    pairs = [divmod(int(place), len(counts)) for place in order if counts.flat[place]]
    return [
        [
            Cell(group.name),
            Cell(evidence.classes[truth]),
            Cell(evidence.classes[answer]),
            Cell(
                percent(counts[truth, answer] / images[truth]), float(counts[truth, answer] / images[truth])
            ),
            Cell(f"{images[truth]:,.0f}", float(images[truth])),
        ]
        for truth, answer in pairs
    ]


def _most_often(group: Group, evidence: Evidence) -> str:
    rows = _largest(group, evidence)
    if not rows:
        return "no test image is answered wrong."
    _, truth, answer, share, of = (cell.text for cell in rows[0])
    return f"most often {truth} is taken for {answer}, {share} of {of} images."


def classes(study: Study) -> Iterator[Chapter]:
    """Draw the difference on each class alone."""
    evidence = study.evidence
    text = (
        f"Of each class the difference of {'the float networks' if study.verdicts else 'int8 and float'} on "
        "its own test images, with a paired bootstrap "
        "over seeds and images. Each interval holds for its class alone: about 1 in 20 will miss by chance."
    )
    empty = len(evidence.classes) - len(np.unique(evidence.test.labels))
    if empty:
        text += f" {empty} of {len(evidence.classes)} classes have no test image."
    yield Chapter(
        Section(
            "Differences on each class", text, table=_recalls(study, evidence) if evidence.unequal else None
        ),
        [_differences(*each, number) for number, each in enumerate(study.by_class, start=1)],
    )


def _recalls(study: Study, evidence: Evidence) -> Table:
    """Return the accuracy of each float network on each class, means over the seeds, with how many images."""
    labels = evidence.test.labels
    columns = ("class", "training images", "test images", *(group.name for group in study.groups))
    right = [(group.floating.argmax(axis=2) == labels).mean(axis=0) for group in study.groups]
    rows = []
    for label, name in enumerate(evidence.classes):
        mine = labels == label
        counts = (evidence.unequal[label], int(mine.sum()))
        shares = [float(each[mine].mean()) if mine.any() else None for each in right]
        found = [Cell(DASH) if share is None else Cell(percent(share), share) for share in shares]
        rows.append([Cell(name), *(Cell(f"{count:,}", count) for count in counts), *found])
    return Table(columns, rows)


def _differences(a: str, b: str, rows: Sequence[ClassDifference], number: int) -> CaptionedFigure:
    shown, names = rows, f"{b} minus {a}"
    caption = f"{names}, {len(rows)} classes, n is the number of their test images."
    if len(rows) > DRAWN:
        shown = sorted(rows, key=lambda each: each.images_apart, reverse=True)[:DRAWN]
        caption = (
            f"{names}, the {DRAWN} of {len(rows)} classes that differ in most images; n is the number of "
            "their test images."
        )
    most = max(rows, key=lambda each: each.images_apart)
    largest = f"{most.difference.points:+.1f} points on {most.name}"
    alt = f"Differences of accuracy, {names}; the largest is {largest}"
    return CaptionedFigure(f"classes-{number}", charts.differences_of_classes(shown, a, b), alt, caption)


def reliability(study: Study) -> Iterator[Chapter]:
    """Draw whether the probabilities hold what they say."""
    text = (
        "Of the answers given with a probability, how many are right: on the diagonal the probabilities hold "
        f"what they say, below it they promise too much. {basis(study)}; empty bins are omitted, bars are "
        "95 % Wilson intervals for the answers of one seed."
    )
    evidence = study.evidence
    figures = [
        _reliability_of(group, evidence.test.labels, number)
        for number, group in enumerate(study.groups, start=1)
    ]
    yield Chapter(Section("Reliability of the probabilities", text), figures)


def _reliability_of(group: Group, labels: NDArray[np.int32], number: int) -> CaptionedFigure:
    floating, int8 = Reliability.of(group.floating, labels), Reliability.of(group.int8, labels)
    caption = (
        f"Expected calibration error of {group.name}: float {100 * floating.error:.1f}, "
        f"int8 {100 * int8.error:.1f} points (n = {floating.n:,} answers)."
    )
    alt = f"Right answers against stated probabilities. {caption}"
    figure = charts.reliability(floating, int8, group.name)
    return CaptionedFigure(f"reliability-{number}", figure, alt, caption)
