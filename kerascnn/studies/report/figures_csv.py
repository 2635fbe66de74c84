"""``report.csv`` and ``report-verdicts.csv``: a study as tidy tables, units in the names of the columns."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from kerascnn.analysis.evaluation.significance import PairedDifference
from kerascnn.foundation.text.escapes import in_csv
from kerascnn.studies.results.study import HeadResult, Study

Row = Mapping[str, str | int | float | None]
Side = tuple[str, str]  # a head and its precision


def figures_csv(study: Study) -> str:
    """Return a row a head, seed and precision; what is not known or not measured is empty.

    Of the int8 files those of the first seed were measured.
    """
    return _written([row for head in study.heads for row in _of_head(head)])


def verdicts_csv(study: Study) -> str:
    """Return a row a difference: of every pair of heads in each precision, and of int8 against float."""
    rows: list[Row] = []
    for each in study.verdicts:
        for precision, found in (("float32", each.floating), ("int8", each.int8)):
            pair = (each.a.name, precision), (each.b.name, precision)
            rows.append(_difference(*pair, found))
    for head in study.heads:
        pair = (head.name, "float32"), (head.name, "int8")
        rows.append(_difference(*pair, head.quantization))
    return _written(rows)


def _of_head(head: HeadResult) -> Iterator[Row]:
    for precision, found in (("float32", head.accuracy), ("int8", head.int8)):
        for seed, right in zip(head.seeds, found.correct, strict=True):
            measured = precision == "int8" and seed == head.seeds[0]
            yield {
                "name": head.name,
                "head": head.architecture.head,
                "seed": seed,
                "precision": precision,
                "accuracy_percent": 100 * float(right.mean()),
                "correct_images": int(right.sum()),
                "test_images": len(right),
                "parameters": head.parameters,
                "head_parameters": head.head_parameters,
                "multiply_adds": head.multiply_adds,
                **{name: figure if measured else None for name, figure in _measured(head).items()},
            }


def _measured(head: HeadResult) -> Row:
    """Return what is known of the int8 file of the first seed."""
    return {
        "file_bytes": head.bytes,
        "latency_median_us": head.latency.median,
        "latency_p95_us": head.latency.p95,
        "latency_p99_us": head.latency.p99,
        "edgetpu": head.edgetpu.verdict,
        "edgetpu_streamed_bytes": head.edgetpu.streamed_bytes,
        "edgetpu_ms": head.edgetpu.milliseconds,
    }


def _difference(a: Side, b: Side, found: PairedDifference) -> Row:
    return {
        "a": a[0],
        "a_precision": a[1],
        "b": b[0],
        "b_precision": b[1],
        "outcome": found.outcome,
        "difference_points": found.points,
        "low_points": found.low,
        "high_points": found.high,
        "margin_points": found.margin,
        "level": found.level,
        "comparisons": found.comparisons,
        "discordant_answers": found.discordant,
        "seeds": found.seeds,
        "test_images": found.images,
    }


def _written(rows: Sequence[Row]) -> str:
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: in_csv(cell) if isinstance(cell, str) else cell for name, cell in row.items()})
    return written.getvalue()
