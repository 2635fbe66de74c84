"""``kerascnn benchmark``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress


@click.command(cls=Command, example="kerascnn benchmark runs/lenet-fc-digits-1 --threads 1,2")
@click.argument("models", metavar="RUN_OR_MODEL...", type=ExistingRun(), nargs=-1, required=True)
@click.option(
    "--threads",
    type=options.Numbers(),
    default="1",
    show_default=True,
    metavar="N,N",
    help="Numbers of CPU threads, separated by commas.",
)
@click.option(
    "--runs", type=int, metavar="N", help="Inferences to time.  [default: 1,000, or as many as fit in 20 s]"
)
def benchmark(models: tuple[Path, ...], threads: tuple[int, ...], runs: int | None, as_json: bool) -> None:
    """Time .keras and .tflite files on this processor side by side.

    For a run, times all its files. Close other programs first. `kerascnn quantize RUN --all` creates the
    float files to compare with.
    """
    from kerascnn.tflite.runtime.benchmark import benchmark as measure

    with shown_progress() as progress:
        result = measure(models, threads=threads, runs=runs, progress=progress)
    display(result, as_json=as_json)
