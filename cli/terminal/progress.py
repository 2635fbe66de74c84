"""Progress on stderr: live on a terminal, single lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kerascnn.foundation.progress import Lines, Progress


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Yield the ``progress`` argument for a library function."""
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
