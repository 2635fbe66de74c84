"""How the heads learned and what they answer: curves, confusion, classes, reliability."""

import numpy as np

from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.analysis.evaluation.reliability import Reliability
from kerascnn.analysis.evaluation.significance import PairedDifference, paired_difference
from kerascnn.figures.captioned import CaptionedFigure, Chapter
from kerascnn.figures.page import Cell, Section, Table
from kerascnn.figures.plots import confusion
from kerascnn.foundation.text.wording import DASH
from kerascnn.studies.report import charts
from kerascnn.studies.report.wording import basis
from kerascnn.studies.results.evidence import Evidence, Group
from kerascnn.studies.results.study import SeedAccuracies, Study
from kerascnn.training.records.history import read_history

DRAWN = 30  # classes at most of one figure; of more the table names the largest
LARGEST = 15  # confusions of one head in that table


def curves(evidence: Evidence) -> Chapter:
    """Draw how loss and accuracy went over the epochs."""
    title = "Learning curves"
    histories = {group.name: [read_history(run) for run in group.runs] for group in evidence.groups}
    known = {name: seeds for name, seeds in histories.items() if seeds and all(seeds)}
    lacking = [name for name in histories if name not in known]
    text = f"No history of the training is kept of {', '.join(lacking)}." if lacking else ""
    if not known:
        return Chapter(Section(title, text))
    seeds = len(next(iter(known.values())))
    caption = (
        f"The mean over {seeds} seeds, and a band from the least to the greatest."
        if seeds > 1
        else "One seed: how much another one would differ is not known."
    )
    caption += " Figures of the training images are running averages over the epoch."
    first = next(group.runs[0] for group in evidence.groups if group.name in known)
    if first.has_metrics:
        images = first.metrics()["data"]
        caption += f" n = {images['train']:,} training and {images['validation']:,} validation images."
    alt = f"Loss and accuracy over the epochs of {', '.join(known)}, training and validation images"
    return Chapter(
        Section(title, text), [CaptionedFigure("learning-curves", charts.curves(known), alt, caption)]
    )


def confusions(study: Study, evidence: Evidence) -> Chapter:
    """Draw which class is taken for which; of very many classes tabulate the largest confusions."""
    title, labels = "Confusion", evidence.test.labels
    if len(evidence.classes) > DRAWN:
        text = (
            f"Of {len(evidence.classes)} classes the {LARGEST} largest confusions of each head, float; "
            f"counts are means over the seeds. {basis(study)}."
        )
        columns = ("head", "truth", "taken for", "images", "of")
        rows = [row for group in evidence.groups for row in _largest(group, evidence)]
        return Chapter(Section(title, text, table=Table(columns, rows)))
    text = "Rows are the truth, columns the answers of the float networks; the shade is the share of the row."
    figures = [
        CaptionedFigure(
            f"confusion-{number}",
            confusion(group.confusion(labels), evidence.classes, group.name),
            f"The confusion matrix of {group.name}. {_most_often(group, evidence)}",
            f"{group.name}, {basis(study)}; counts are means over the seeds. {_most_often(group, evidence)}",
        )
        for number, group in enumerate(evidence.groups, start=1)
    ]
    return Chapter(Section(title, text), figures)


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
            Cell(f"{counts[truth, answer]:.1f}", float(counts[truth, answer])),
            Cell(f"{images[truth]:.0f}", float(images[truth])),
        ]
        for truth, answer in pairs
    ]


def _most_often(group: Group, evidence: Evidence) -> str:
    rows = _largest(group, evidence)
    if not rows:
        return "No test image is answered wrong."
    _, truth, answer, count, of = (cell.text for cell in rows[0])
    return f"Most often {truth} is taken for {answer}: {count} of {of} times."


def classes(study: Study, evidence: Evidence) -> Chapter:
    """Draw the difference on each class alone."""
    text = (
        f"Of each class the difference of {'the float networks' if study.verdicts else 'int8 and float'} on "
        "its own test images, with a paired bootstrap "
        "over seeds and images. Each interval holds for its class alone: about 1 in 20 will miss by chance."
    )
    empty = len(evidence.classes) - len(np.unique(evidence.test.labels))
    if empty:
        text += f" {empty} of {len(evidence.classes)} classes have no test image."
    return Chapter(
        Section("Class by class", text, table=_recalls(evidence) if evidence.unequal else None),
        [_differences(*pair, evidence, number) for number, pair in enumerate(_pairs(study), start=1)],
    )


def _recalls(evidence: Evidence) -> Table:
    """Return the accuracy of each float network on each class, means over the seeds, with how many images."""
    labels = evidence.test.labels
    columns = ("class", "training images", "test images", *(group.name for group in evidence.groups))
    right = [(group.floating.argmax(axis=2) == labels).mean(axis=0) for group in evidence.groups]
    rows = []
    for label, name in enumerate(evidence.classes):
        mine = labels == label
        counts = (evidence.unequal[label], int(mine.sum()))
        shares = [float(each[mine].mean()) if mine.any() else None for each in right]
        found = [Cell(DASH) if share is None else Cell(percent(share), share) for share in shares]
        rows.append([Cell(name), *(Cell(f"{count:,}", count) for count in counts), *found])
    return Table(columns, rows)


def _pairs(study: Study) -> list[tuple[tuple[str, SeedAccuracies], tuple[str, SeedAccuracies]]]:
    """Return what is compared class by class: the pairs of heads, or a head alone and its int8 file."""
    pairs = [((each.a.head, each.a.accuracy), (each.b.head, each.b.accuracy)) for each in study.verdicts]
    return pairs or [(("float", head.accuracy), ("int8", head.int8)) for head in study.heads]


def _differences(
    a: tuple[str, SeedAccuracies], b: tuple[str, SeedAccuracies], evidence: Evidence, number: int
) -> CaptionedFigure:
    rows = [
        (
            evidence.classes[label],
            int(mine.sum()),
            paired_difference(a[1].correct[:, mine], b[1].correct[:, mine]),
        )
        for label in range(len(evidence.classes))
        if (mine := evidence.test.labels == label).any()
    ]
    shown, names = rows, f"{b[0]} minus {a[0]}"
    caption = f"{names}, {len(rows)} classes, n is the number of their test images."
    if len(rows) > DRAWN:
        shown = sorted(rows, key=_images_apart, reverse=True)[:DRAWN]
        caption = (
            f"{names}, the {DRAWN} of {len(rows)} classes that differ in most images; n is the number of "
            "their test images."
        )
    name, _, most = max(rows, key=_images_apart)
    alt = f"Differences of accuracy, {names}; the largest is {most.points:+.1f} points on {name}"
    return CaptionedFigure(
        f"classes-{number}", charts.differences_of_classes(shown, a[0], b[0]), alt, caption
    )


def _images_apart(row: tuple[str, int, PairedDifference]) -> float:
    """Return by how many images a class differs: one image of a class of one would be 100 points."""
    _, images, found = row
    return abs(found.points) * images


def reliability(study: Study, evidence: Evidence) -> Chapter:
    """Draw whether the probabilities hold what they say."""
    labels = evidence.test.labels
    found = [
        (group.name, Reliability.of(group.floating, labels), Reliability.of(group.int8, labels))
        for group in evidence.groups
    ]
    errors = "; ".join(
        f"{name}: float {100 * floating.error:.1f}, int8 {100 * quantized.error:.1f} points "
        f"(n = {floating.n:,} answers)"
        for name, floating, quantized in found
    )
    text = (
        "Of the answers given with a probability, how many are right: on the diagonal the probabilities hold "
        "what they say, below it they promise too much. Empty bins are omitted."
    )
    caption = (
        f"Expected calibration error, {basis(study)}: {errors}. Bars are 95 % Wilson intervals for the "
        "answers of one seed."
    )
    alt = f"Right answers against stated probabilities. {errors}"
    return Chapter(
        Section("Reliability of the probabilities", text),
        [CaptionedFigure("reliability", charts.reliability(found), alt, caption)],
    )
