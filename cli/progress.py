"""Progress on stderr: a bar with the time left on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from kerascnn.progress import Progress

LINE_EVERY = 5.0  # seconds, where there is no terminal


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Yield what a library function takes as ``progress``."""
    if sys.stderr.isatty():
        with _bars() as tell:
            yield tell
    else:
        yield _Lines()


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}"),
        console=Console(file=sys.stderr),
    )
    tasks: dict[str, TaskID] = {}

    def tell(stage: str, done: int, total: int, detail: str) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(stage, detail="")
        bars.update(tasks[stage], completed=done, total=total, detail=detail)

    with bars:
        yield tell


class _Lines:
    """One line when a stage begins or ends and every few seconds between."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self._last = 0.0

    def __call__(self, stage: str, done: int, total: int, detail: str) -> None:
        now = time.monotonic()
        began = self._began.setdefault(stage, now)
        if 0 < done < total and now - self._last < LINE_EVERY:
            return
        self._last = now
        left = f", {(now - began) * (total - done) / done:.0f} s left" if 0 < done < total else ""
        click.echo(f"{stage}: {done}/{total}{left}  {detail}".rstrip(), err=True)
