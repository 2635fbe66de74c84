"""Report progress of long work: on stderr if requested, below the cell in a notebook."""

import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from kerascnn.foundation.text.escapes import printable
from kerascnn.foundation.text.wording import duration

#: Called as ``progress(stage, done, total, detail)``: the stage in words, finished and total steps of it,
#: and the latest figures, whose ``str()`` is one line of text. The first call of a stage has ``done=0`` (more
#: where earlier work is taken up again), the last ``done=total``.
Progress = Callable[[str, int, int, object], None]

#: What a public function takes as progress: what receives it; ``True``: lines on stderr; ``False``: nothing;
#: ``None``: nothing but in a notebook, which shows a line for each stage.
Telling = Progress | bool | None

LINE_EVERY = 5.0  # seconds, where lines stay
REDRAWN_EVERY = 0.2  # seconds, where a line is replaced


def silent(stage: str, done: int, total: int, detail: object) -> None:
    """Show nothing."""


def teller(asked: Telling) -> Progress:
    """Return the function that receives the progress."""
    if callable(asked):
        return asked
    if _in_notebook() and asked is not False:
        return NotebookLines()
    return Lines() if asked else silent


class Lines:
    """Progress on stderr: a line when a stage begins or ends, and every few seconds between."""

    every = LINE_EVERY

    def __init__(self) -> None:
        self._began: dict[str, tuple[float, int]] = {}
        self._last = 0.0

    def __call__(self, stage: str, done: int, total: int, detail: object) -> None:
        """Receive the latest progress."""
        now = time.monotonic()
        starts = stage not in self._began
        began, before = self._began.setdefault(stage, (now, done))
        if not starts and done < total and now - self._last < self.every:
            return
        self._last = now
        left = ""
        if before < done < total:
            left = f", {duration((now - began) * (total - done) / (done - before))} left"
        self.show(stage, printable(f"{stage}: {done}/{total}{left}  {detail}".rstrip()))

    def show(self, stage: str, line: str) -> None:
        """Write a line to stderr."""
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


class NotebookLines(Lines):
    """Progress below a notebook's cell: one line for each stage, updated in place."""

    every = REDRAWN_EVERY

    def __init__(self) -> None:
        super().__init__()
        self._display: Any = import_module("IPython.display")
        self._shown: dict[str, Any] = {}

    def show(self, stage: str, line: str) -> None:
        """Update the stage's line."""
        text = {"text/plain": line}
        if stage in self._shown:
            self._shown[stage].update(text, raw=True)
        else:
            self._shown[stage] = self._display.display(text, raw=True, display_id=True)


def _in_notebook() -> bool:
    """Whether this process is a notebook's kernel; IPython in a terminal is not."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")
