"""McNemar's test of each seed apart, as a table."""

from collections.abc import Iterator

from kerascnn.analysis.evaluation.significance import only_one_right
from kerascnn.figures.captioned import Chapter
from kerascnn.figures.page import Cell, Section, Table
from kerascnn.foundation.text.wording import DASH
from kerascnn.studies.results.study import HeadResult, Study
from kerascnn.studies.results.verdict import Verdict

COLUMNS = ("a", "b", "seed", "only a right", "only b right", "p, McNemar", "p, Bonferroni")


def seed_by_seed(study: Study) -> Iterator[Chapter]:
    """Tabulate the test for each pair of heads, and for each head and its int8 file."""
    text = (
        "Each seed alone: on how many test images only one of the two is right, and the p-value of McNemar's "
        "exact test that both are right equally often. It is about the images only, and seeds are never "
        "pooled, because all of them answer to the same ones. Bonferroni's correction is for the pairs."
    )
    rows = [row for verdict in study.verdicts for row in _of_heads(verdict)]
    rows += [row for head in study.heads for row in _of_int8(head)]
    yield Chapter(Section("Seed by seed", text, table=Table(COLUMNS, rows)))


def _of_heads(verdict: Verdict) -> Iterator[list[Cell]]:
    a, b = verdict.a, verdict.b
    for number, seeds in enumerate(zip(a.seeds, b.seeds, strict=True)):
        only = only_one_right(a.accuracy.correct[number], b.accuracy.correct[number])
        p_values = (verdict.floating.p_values[number], verdict.floating.adjusted[number])
        seed = " and ".join(map(str, dict.fromkeys(seeds)))
        yield [Cell(a.name), Cell(b.name), Cell(seed, seeds[0]), *map(_count, only), *map(_share, p_values)]


def _of_int8(head: HeadResult) -> Iterator[list[Cell]]:
    for number, seed in enumerate(head.seeds):
        only = only_one_right(head.accuracy.correct[number], head.int8.correct[number])
        p_value = _share(head.quantization.p_values[number])
        names = [Cell(f"{head.name} float"), Cell(f"{head.name} int8"), Cell(str(seed), seed)]
        yield [*names, *map(_count, only), p_value, Cell(DASH)]


def _count(images: int) -> Cell:
    return Cell(f"{images:,}", images)


def _share(p_value: float) -> Cell:
    return Cell(f"{p_value:.2g}", p_value)
