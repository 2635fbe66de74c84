"""The result of ``benchmark`` as text and tables."""

from typing import TYPE_CHECKING

from kerascnn.foundation.text.shown import Block, Prose
from kerascnn.foundation.text.tables import Table
from kerascnn.foundation.text.wording import DASH

if TYPE_CHECKING:
    from kerascnn.tflite.runtime.benchmark import Benchmark, Speed

TIMES = ["", "threads", "first", "median", "p95", "p99", "mean ± sd"]
COSTS = ["", "threads", "to open, ms", "memory, MiB", "images/s", "many at once, images/s"]


def blocks(result: "Benchmark") -> list[Block]:
    """Return times, costs and their explanation."""
    runs = sorted({speed.runs for speed in result.models})
    counted = f"{runs[0]:,}" if len(runs) == 1 else f"{runs[0]:,} to {runs[-1]:,}"
    note = (
        f"Times are microseconds of one inference, over {counted} of them, files in turns, without the first "
        "call and the warm-up. Memory is the peak of a file in a separate process, "
        "without the libraries. Images/s: one at a time, from an image in the input's size. Many at "
        "once: several per batch or one per thread, from pixels to probabilities."
    )
    return [
        Table(TIMES, [[*_named(speed), *_times(speed)] for speed in result.models]),
        Table(COSTS, [[*_named(speed), *_costs(speed)] for speed in result.models]),
        Prose(note),
        f"{result.device['system']}, {result.device['processors']} processors\n"
        + ", ".join(f"{name} {version}" for name, version in result.versions.items()),
    ]


def _named(speed: "Speed") -> list[str]:
    return [speed.path, str(speed.threads)]


def _times(speed: "Speed") -> list[str]:
    each = (speed.first_us, speed.median_us, speed.p95_us, speed.p99_us)
    return [*(f"{time:,.1f}" for time in each), f"{speed.mean_us:,.1f} ± {speed.sd_us:,.1f}"]


def _costs(speed: "Speed") -> list[str]:
    return [
        f"{speed.init_ms:,.1f}",
        DASH if speed.memory_mib is None else f"{speed.memory_mib:,.1f}",
        f"{speed.images_per_second:,.0f}",
        f"{speed.many_images_per_second:,.0f}",
    ]
