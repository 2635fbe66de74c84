"""Progress on stderr: a display that redraws itself on a terminal, a line now and then elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kerascnn.foundation.progress import Lines, Progress


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Yield what a library function takes as ``progress``."""
    if not sys.stderr.isatty():  # asked first, because it loads nothing
        yield Lines()
        return
    from rich.console import Console

    console = Console(file=sys.stderr)
    if console.is_interactive:
        from kerascnn.cli.terminal.dashboard import Dashboard

        with Dashboard(console) as dashboard:
            yield dashboard
    else:  # a terminal that cannot move its cursor
        yield Lines()
