"""Progress on stderr: a display that redraws itself on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from kerascnn.foundation.escapes import printable
from kerascnn.foundation.progress import Progress
from kerascnn.foundation.wording import duration

LINE_EVERY = 5.0  # seconds, where there is no terminal


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Yield what a library function takes as ``progress``."""
    if not sys.stderr.isatty():  # asked first, because it loads nothing
        yield _Lines()
        return
    from rich.console import Console

    console = Console(file=sys.stderr)
    if console.is_interactive:
        from kerascnn.cli.terminal.dashboard import Dashboard

        with Dashboard(console) as dashboard:
            yield dashboard
    else:  # a terminal that cannot move its cursor
        yield _Lines()


class _Lines:
    """One line when a stage begins or ends and every few seconds between."""

    def __init__(self) -> None:
        self._began: dict[str, tuple[float, int]] = {}
        self._last = 0.0

    def __call__(self, stage: str, done: int, total: int, detail: object) -> None:
        now = time.monotonic()
        starts = stage not in self._began
        began, before = self._began.setdefault(stage, (now, done))
        if not starts and done < total and now - self._last < LINE_EVERY:
            return
        self._last = now
        left = ""
        if before < done < total:
            left = f", {duration((now - began) * (total - done) / (done - before))} left"
        click.echo(printable(f"{stage}: {done}/{total}{left}  {detail}".rstrip()), err=True)
