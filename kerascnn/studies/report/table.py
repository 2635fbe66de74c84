"""The heads of a study for programs, in plain numbers; and what devices measured, for people."""

import csv
import io

from kerascnn.foundation.text.escapes import in_csv
from kerascnn.foundation.text.wording import DASH
from kerascnn.studies.results.study import HeadResult, Measurement, Study

DEVICE_HEADER = (
    *("head", "seed", "file", "device", "delegate", "threads", "median in µs", "p95 in µs", "p99 in µs"),
    *("first in µs", "opening in ms", "memory in MiB", "inferences"),
)


def orders(head: HeadResult) -> list[float | None]:
    """Return what each cell is sorted by; ``None``: by its text."""
    return [
        None,
        head.parameters,
        head.share,
        head.multiply_adds,
        head.accuracy.mean,
        head.int8.mean,
        head.bytes,
        head.latency.median,
        None,
    ]


def device_cells(found: Measurement) -> list[str]:
    """Return the row of a measurement on a device."""
    memory = DASH if found.memory_mib is None else f"{found.memory_mib:,.1f}"
    times = (found.median_us, found.p95_us, found.p99_us, found.first_us)
    return [
        *(found.head, str(found.seed), found.file, found.device, found.delegate, str(found.threads)),
        *(f"{time:,.1f}" for time in times),
        *(f"{found.init_ms:,.2f}", memory, f"{found.runs:,}"),
    ]


def device_orders(found: Measurement) -> list[float | None]:
    """Return what each cell of such a row is sorted by; ``None``: by its text."""
    numbers = (found.threads, found.median_us, found.p95_us, found.p99_us, found.first_us, found.init_ms)
    return [None, found.seed, None, None, None, *numbers, found.memory_mib, found.runs]


def comma_separated(study: Study) -> str:
    """Return ``report.csv``: a row a head, every number as in ``report.json``, what is not known empty."""
    rows = [_numbers(head) for head in study.heads]
    written = io.StringIO()
    writer = csv.DictWriter(written, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | {"head": in_csv(str(row["head"]))} for row in rows)
    return written.getvalue()


def _numbers(head: HeadResult) -> dict[str, str | float | None]:
    document = head.to_dict()
    plain = ("head", "parameters", "head_parameters", "multiply_adds", "agreement", "bytes")
    groups = ("accuracy", "int8", "quantization", "latency_us", "edgetpu")
    return {name: document[name] for name in plain} | {
        f"{group}_{name}": value
        for group in groups
        for name, value in document[group].items()
        if not isinstance(value, list)
    }
