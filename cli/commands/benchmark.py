"""``kerascnn benchmark``."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun
from kerascnn.cli.terminal.display import display, table
from kerascnn.cli.terminal.formats import DASH, WIDTH
from kerascnn.cli.terminal.progress import shown_progress

if TYPE_CHECKING:
    from kerascnn.tflite.runtime.benchmark import Benchmark, Speed

TIMES = ["", "threads", "first", "median", "p95", "p99", "mean ± sd"]
COSTS = ["", "threads", "to open, ms", "memory, MiB", "images/s", "many at once, images/s"]


@click.command(cls=Command, example="kerascnn benchmark runs/lenet-fc-digits-1 --threads 1,2")
@click.argument("models", metavar="RUN_OR_MODEL...", type=ExistingRun(), nargs=-1, required=True)
@click.option(
    "--threads",
    type=options.Numbers(),
    default="1",
    show_default=True,
    metavar="N,N",
    help="Numbers of threads.",
)
@click.option("--runs", type=int, metavar="N", help="Inferences to time.  [default: 1,000 or 20 s of them]")
def benchmark(models: tuple[Path, ...], threads: tuple[int, ...], runs: int | None, as_json: bool) -> None:
    """Time .keras and .tflite files on this processor side by side.

    A run is all of its files. Run it with nothing else at work. `kerascnn quantize RUN --all` makes the
    float files to compare with.
    """
    from kerascnn.tflite.runtime.benchmark import benchmark as measure

    with shown_progress() as progress:
        result = measure(models, threads=threads, runs=runs, progress=progress)
    display(result, as_json=as_json, text=_text)


def _text(result: "Benchmark") -> str:
    runs = sorted({speed.runs for speed in result.models})
    counted = f"{runs[0]:,}" if len(runs) == 1 else f"{runs[0]:,} to {runs[-1]:,}"
    note = (
        f"Times are microseconds of one inference, over {counted} of them, files in turns; the first call "
        "and the warm-up are not among them. Memory is the most that a file needed in a process of its own, "
        "the libraries not counted. Images/s: one at a time, from an image as the input takes it. Many at "
        "once: several per batch or one for each thread, from pixels to probabilities."
    )
    return "\n\n".join(
        [
            table(TIMES, [[*_named(speed), *_times(speed)] for speed in result.models]),
            table(COSTS, [[*_named(speed), *_costs(speed)] for speed in result.models]),
            textwrap.fill(note, WIDTH),
            f"{result.device['system']}, {result.device['processors']} processors\n"
            + ", ".join(f"{name} {version}" for name, version in result.versions.items()),
        ]
    )


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
