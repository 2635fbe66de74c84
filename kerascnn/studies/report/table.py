"""What the cells of a study's tables are sorted by; and what devices measured, for people."""

from kerascnn.foundation.text.wording import DASH
from kerascnn.studies.results.study import HeadResult, Measurement

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
        *(found.name, str(found.seed), found.file, found.device, found.delegate, str(found.threads)),
        *(f"{time:,.1f}" for time in times),
        *(f"{found.init_ms:,.2f}", memory, f"{found.runs:,}"),
    ]


def device_orders(found: Measurement) -> list[float | None]:
    """Return what each cell of such a row is sorted by; ``None``: by its text."""
    numbers = (found.threads, found.median_us, found.p95_us, found.p99_us, found.first_us, found.init_ms)
    return [None, found.seed, None, None, None, *numbers, found.memory_mib, found.runs]
