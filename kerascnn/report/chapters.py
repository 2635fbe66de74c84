"""What a report shows of a study: figures and tables, with the words that they need."""

from collections.abc import Iterator, Sequence

import numpy as np

from kerascnn.exhibits import Exhibit
from kerascnn.explanation import explain
from kerascnn.figures import confusion
from kerascnn.formulas import volume
from kerascnn.reliability import Reliability
from kerascnn.report import charts
from kerascnn.report.evidence import Evidence, Group
from kerascnn.report.gallery import galleries
from kerascnn.report.making import making
from kerascnn.report.page import Cell, Section, Table
from kerascnn.report.table import UNKNOWN
from kerascnn.report.words import basis
from kerascnn.statistics import PairedDifference, paired_difference
from kerascnn.study import HeadResult, Study, Verdict
from kerascnn.training.history import read_history

DRAWN = 30  # classes at most of one figure; of more the table names the largest
LARGEST = 15  # confusions of one head in that table

Chapter = tuple[Section, Sequence[Exhibit]]


def chapters(study: Study, evidence: Evidence) -> Iterator[Chapter]:
    """Draw one part of the report after another."""
    yield _parameters(study)
    yield from map(_arithmetic, study.heads)
    yield _costs(study)
    yield _curves(evidence)
    yield _confusions(study, evidence)
    yield _classes(study, evidence)
    yield _reliability(study, evidence)
    yield from ((section, []) for section in galleries(study, evidence))
    yield from ((section, []) for section in making(study, evidence))


def _parameters(study: Study) -> Chapter:
    figure = charts.parameters_of_layers({head.head: head.layers for head in study.heads})
    told = "; ".join(
        f"{head.head}: {head.head_parameters:,} of {head.parameters:,} in the head ({100 * head.share:.1f} %)"
        for head in study.heads
    )
    exhibit = Exhibit("parameters", figure, f"Bars of the parameters of each layer. {told}", f"{told}.")
    return Section("Where the parameters are"), [exhibit]


def _arithmetic(head: HeadResult) -> Chapter:
    """Tabulate volumes and formulas of a head's network."""
    columns = ("layer", "kind", "in", "out", "parameters", "multiply-adds", "arithmetic")
    rows = [
        [
            Cell(row.name),
            Cell(row.kind),
            Cell(volume(row.input)),
            Cell(volume(row.output)),
            _count(row.parameters),
            _count(row.multiply_adds),
            Cell("; ".join(f"{name}: {text}" for name, text in told.formulas.items()) or UNKNOWN),
        ]
        for row, told in zip(head.layers.layers, explain(head.layers.layers, {}), strict=True)
    ]
    text = (
        "Volumes are height×width×depth. N is a side of the input, F of the filter, D the depth, K the "
        "number of filters, S the stride, P the padding. Multiply-adds are for one image."
    )
    return Section(f"Layers with {head.head}", text, table=Table(columns, rows)), []


def _count(number: int | None) -> Cell:
    return Cell(UNKNOWN) if number is None else Cell(f"{number:,}", number)


def _costs(study: Study) -> Chapter:
    figure = charts.accuracy_against_cost(study.heads)
    caption = (
        f"The int8 files: {basis(study)}; bars are 95 % Wilson intervals for the number of images. Latency "
        f"is one inference on one thread, {study.heads[0].latency.runs:,} measured. The grey line joins "
        "those to which no smaller or faster one is superior (Pareto)."
    )
    alt = "Points of accuracy against bytes and against latency: " + "; ".join(
        f"{head.head} {100 * head.int8.mean:.2f} %, {head.bytes:,} bytes, {head.latency.median:.1f} µs"
        for head in study.heads
    )
    return Section("Accuracy against size and latency"), [Exhibit("costs", figure, alt, caption)]


def _curves(evidence: Evidence) -> Chapter:
    title = "Learning curves"
    histories = {group.name: [read_history(run) for run in group.runs] for group in evidence.groups}
    known = {name: seeds for name, seeds in histories.items() if seeds and all(seeds)}
    lacking = [name for name in histories if name not in known]
    text = f"No history of the training is kept of {', '.join(lacking)}." if lacking else ""
    if not known:
        return Section(title, text), []
    seeds = len(next(iter(known.values())))
    caption = (
        f"The mean over {seeds} seeds, and a band from the least to the greatest."
        if seeds > 1
        else "One seed: how much another one would differ is not known."
    )
    caption += " Figures of the training images are means over the epoch while the weights still moved."
    first = next(group.runs[0] for group in evidence.groups if group.name in known)
    if first.has_metrics:
        images = first.metrics()["data"]
        caption += f" n = {images['train']:,} training and {images['validation']:,} validation images."
    alt = f"Loss and accuracy over the epochs of {', '.join(known)}, training and validation images"
    return Section(title, text), [Exhibit("learning-curves", charts.curves(known), alt, caption)]


def _confusions(study: Study, evidence: Evidence) -> Chapter:
    title, labels = "Confusion", evidence.test.labels
    if len(evidence.classes) > DRAWN:
        text = (
            f"Of {len(evidence.classes)} classes the {LARGEST} largest confusions of each head, float; "
            f"counts are means over the seeds. {basis(study)}."
        )
        columns = ("head", "truth", "taken for", "images", "of")
        rows = [row for group in evidence.groups for row in _largest(group, evidence)]
        return Section(title, text, table=Table(columns, rows)), []
    text = "Rows are the truth, columns the answers of the float networks; the shade is the share of the row."
    exhibits = [
        Exhibit(
            f"confusion-{number}",
            confusion(group.confusion(labels), evidence.classes),
            f"The confusion matrix of {group.name}. {_most_often(group, evidence)}",
            f"{group.name}, {basis(study)}; counts are means over the seeds. {_most_often(group, evidence)}",
        )
        for number, group in enumerate(evidence.groups, start=1)
    ]
    return Section(title, text), exhibits


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


def _classes(study: Study, evidence: Evidence) -> Chapter:
    text = (
        "Of each class the difference of the float networks on its own test images, with a paired bootstrap "
        "over seeds and images. Each interval holds for its class alone: of twenty one may miss by chance."
    )
    empty = len(evidence.classes) - len(np.unique(evidence.test.labels))
    if empty:
        text += f" {empty} of {len(evidence.classes)} classes have no test image."
    return Section("Class by class", text), [
        _differences(verdict, evidence, number) for number, verdict in enumerate(study.verdicts, start=1)
    ]


def _differences(verdict: Verdict, evidence: Evidence, number: int) -> Exhibit:
    rows = [
        (evidence.classes[label], int(mine.sum()), _on(verdict, mine))
        for label in range(len(evidence.classes))
        if (mine := evidence.test.labels == label).any()
    ]
    shown, a, b = rows, verdict.a.head, verdict.b.head
    caption = f"{b} minus {a}, {len(rows)} classes, n is the number of their test images."
    if len(rows) > DRAWN:
        shown = sorted(rows, key=lambda row: -abs(row[2].points))[:DRAWN]
        caption = f"{b} minus {a}, the {DRAWN} of {len(rows)} classes that differ most."
    name, _, most = max(rows, key=lambda row: abs(row[2].points))
    alt = f"Differences of accuracy, {b} minus {a}; the largest is {most.points:+.1f} points on {name}"
    return Exhibit(f"classes-{number}", charts.differences_of_classes(shown, a, b), alt, caption)


def _on(verdict: Verdict, mine: np.ndarray) -> PairedDifference:
    """Compare the two heads of a verdict on some of the images, bool (images,)."""
    return paired_difference(verdict.a.accuracy.correct[:, mine], verdict.b.accuracy.correct[:, mine])


def _reliability(study: Study, evidence: Evidence) -> Chapter:
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
        "what they say, below it they promise too much. Tenths without an answer are left out."
    )
    caption = f"Expected calibration error, {basis(study)}: {errors}. Bars are 95 % Wilson intervals."
    alt = f"Right answers against stated probabilities. {errors}"
    return Section("Reliability of the probabilities", text), [
        Exhibit("reliability", charts.reliability(found), alt, caption)
    ]
