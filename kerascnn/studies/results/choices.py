"""Which head for what: the smallest that keeps the best accuracy, the fastest, the most accurate."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import NamedTuple

from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.studies.results.study import HeadResult, Study
from kerascnn.studies.results.verdict import signed

KEPT = ("equivalent", "negligible")  # outcomes of which the interval lies within the margin
ALIKE = 5  # percent: latencies nearer to each other differ from one measurement to the next


class _Behind(NamedTuple):
    """Int8 accuracy minus that of the best: points, the upper end, whether it lies within the margin."""

    points: float
    high: float
    is_kept: bool


@dataclass(frozen=True)
class Choice:
    """A head, what it is the one for, and how sure that is."""

    purpose: str
    head: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return purpose, head, reason."""
        return asdict(self)


def choices(study: Study) -> tuple[Choice, ...]:
    """Return which head of a study is the one for what, by its int8 files; none where there is one only."""
    if not study.verdicts:
        return ()
    best = max(study.heads, key=lambda head: (head.int8.mean, -head.bytes))
    behind = dict(_against(best, study))
    return (_smallest(study, best, behind), _fastest(study, best, behind), _most_accurate(best, behind))


def _against(best: HeadResult, study: Study) -> Iterator[tuple[str, _Behind]]:
    """Yield each other head with the int8 accuracy of it minus that of the best."""
    for verdict in study.verdicts:
        found = verdict.int8
        if verdict.a is best:
            yield verdict.b.name, _Behind(found.points, found.high, found.outcome in KEPT)
        elif verdict.b is best:
            yield verdict.a.name, _Behind(-found.points, -found.low, found.outcome in KEPT)


def _smallest(study: Study, best: HeadResult, behind: dict[str, _Behind]) -> Choice:
    kept = [best, *(head for head in study.heads if head is not best and behind[head.name].is_kept)]
    found, margin = min(kept, key=lambda head: head.bytes), study.margin
    size = f"{found.bytes / 1000:,.1f} kB"
    if found is not best:
        reason = f"{size}; its int8 accuracy is equivalent to that of {best.name} within ±{margin:g} points"
    elif all(head.bytes >= best.bytes for head in study.heads):
        reason = f"{size}; it is the smallest of all"
    else:
        reason = f"{size}; no smaller one is shown to be equivalent to it within ±{margin:g} points"
    return Choice("smallest that keeps the best accuracy", found.name, reason)


def _fastest(study: Study, best: HeadResult, behind: dict[str, _Behind]) -> Choice:
    least = min(head.latency.median for head in study.heads)
    alike = [head for head in study.heads if head.latency.median <= least / (1 - ALIKE / 100)]
    found = max(alike, key=lambda head: (head.int8.mean, -head.latency.median))
    reason = f"{found.latency.median:,.1f} µs on the machine of the study"
    others = [head for head in alike if head is not found]
    if others:
        names = " and ".join(head.name for head in others)
        reason += f", within {ALIKE} % of {names}; of these it has the highest int8 accuracy"
    else:
        second = min(head.latency.median for head in study.heads if head is not found)
        reason += f", {100 * (1 - found.latency.median / second):.1f} % less than the next"
    if found is not best:
        lost = behind[found.name]
        reason += f"; {signed(lost.points)} points of int8 accuracy against {best.name}"
    return Choice("fastest", found.name, reason)


def _most_accurate(best: HeadResult, behind: dict[str, _Behind]) -> Choice:
    unsure = [name for name, found in behind.items() if found.high >= 0]
    reason = f"{percent(best.int8.mean)} in int8; "
    reason += f"not shown to be better than {' and '.join(unsure)}" if unsure else "better than every other"
    return Choice("most accurate", best.name, reason)
