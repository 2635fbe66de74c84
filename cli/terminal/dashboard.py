"""Live progress in a terminal: a panel for training, a bar for any other stage."""

import math
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress import Progress, Task
from rich.progress_bar import ProgressBar
from rich.style import Style
from rich.table import Table
from rich.text import Text

from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.cli.terminal.starting import started
from kerascnn.foundation.text.wording import duration
from kerascnn.training.loop.status import TrainingFigures

REFRESHES = 4  # a second, by a thread of rich's: a step of the training only leaves its figures
WIDEST = 80  # columns
FIXED = 39  # columns of the panel that are not curves
BLOCKS, ASCII = "▁▂▃▄▅▆▇█", "_.-:=+*#"  # from low to high
# The colours of figures.py, which would load Matplotlib; legible on light and on dark.
TRAINING, VALIDATION, REST = Style(color="#0072B2"), Style(color="#D55E00"), Style(color="#999999")


class Dashboard:
    """Shows the running stage; a finished stage leaves one line. Called as ``progress``.

    Args:
        console: A terminal that can move its cursor.
    """

    def __init__(self, console: Console) -> None:
        self._stages = Progress(console=console, auto_refresh=False)  # never started: it keeps the times
        self._live = Live(console=console, get_renderable=self._drawn, refresh_per_second=REFRESHES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, stage: str, done: int, total: int, detail: object) -> None:
        """Take the latest status; the next refresh shows it."""
        if not self._live.is_started:  # what is refused before any work leaves no trace
            started()
            self._live.start()
        before = self._stages.tasks[-1:]
        if not before or before[0].description != stage:
            for ended in before:
                self._live.console.print(_ended(ended), markup=False, highlight=False)
            self._stages.add_task(stage, total=total, completed=done, detail=detail)
        self._stages.update(self._stages.task_ids[-1], completed=done, detail=detail)

    def _drawn(self) -> RenderableType:
        stages = self._stages.tasks[-1:]
        if stages and isinstance(stages[0].fields["detail"], TrainingFigures):
            return training_panel(stages[0], self._live.console)
        return Group(*[_bar(stage, stage.description, str(stage.fields["detail"])) for stage in stages])


def _ended(stage: Task) -> str:
    """Return the line for a finished stage."""
    figures = stage.fields["detail"]
    known = [_best(figures)] if isinstance(figures, TrainingFigures) else []
    return "  ".join([stage.description, duration(_passed(stage)), *known])


def training_panel(stage: Task, console: Console) -> Panel:
    """Return the status panel of a training, eight lines high.

    Args:
        stage: Its detail is a :class:`TrainingFigures`.
        console: Decides the width, and whether there are blocks to draw with.
    """
    now: TrainingFigures = stage.fields["detail"]
    width = min(console.width, WIDEST)
    cells = max((width - FIXED) // 2, 1)
    first = max(len(now.curve("loss")) - cells, 0)
    rate = "" if now.images_per_second is None else f"{now.images_per_second:,.0f} images/s"
    shown = f"curves from epoch {first + 1}" if first else ""
    content = Group(
        _ends(f"epoch {now.epoch}/{now.epochs}  step {now.step:,}/{now.steps:,}", rate),
        _bar(stage, f"{stage.percentage:.0f} %"),
        _curves(now, first, ASCII if console.options.ascii_only else BLOCKS),
        _ends(_best(now), shown),
    )
    title = Text(f"{stage.description} {now.of}".strip(), overflow="ellipsis")
    return Panel(content, title=title, title_align="left", width=width)


def _ends(left: str, right: str) -> Table:
    line = Table.grid(padding=(0, 1), expand=True)
    line.add_column(no_wrap=True)
    line.add_column(no_wrap=True, justify="right")
    line.add_row(Text(left), Text(right))
    return line


def _bar(stage: Task, before: str = "", after: str = "") -> Table:
    left = stage.time_remaining
    cells: list[RenderableType] = [
        Text(before),
        ProgressBar(stage.total, stage.completed, None, False, REST, TRAINING, TRAINING),
        Text(duration(_passed(stage)) + (f", {duration(left)} left" if left else "")),
        *([Text(after)] if after else []),
    ]
    line = Table.grid(padding=(0, 1), expand=True)
    for cell in cells:
        line.add_column(no_wrap=True, ratio=1 if isinstance(cell, ProgressBar) else None)
    line.add_row(*cells)
    return line


def _passed(stage: Task) -> float:
    """Return the seconds from its first update to its last, or until now."""
    return stage.finished_time or stage.elapsed or 0.0


def _best(now: TrainingFigures) -> str:
    if not now.best:
        return "best validation: known after an epoch"
    return f"best validation {percent(now.best['val_accuracy'])} in epoch {now.best['epoch']}"


def _curves(now: TrainingFigures, first: int, levels: str) -> Table:
    """Return the latest metrics with sparklines since an epoch, counted from 0."""
    lines = Table.grid(padding=(0, 2))
    lines.add_column()
    for _ in ("loss", "accuracy"):
        lines.add_column(justify="right", no_wrap=True)
        lines.add_column(no_wrap=True)
    lines.add_row("", "loss", "", "accuracy", "")
    for name, prefix, style in (("training", "", TRAINING), ("validation", "val_", VALIDATION)):
        loss, accuracy = now.curve(f"{prefix}loss"), now.curve(f"{prefix}accuracy")
        lines.add_row(
            name,
            f"{loss[-1]:.4f}" if loss else "",
            Text(sparkline(loss[first:], levels), style),
            percent(accuracy[-1]) if accuracy else "",
            Text(sparkline(accuracy[first:], levels), style),
        )
    return lines


def sparkline(values: Sequence[float], levels: str = BLOCKS) -> str:
    """Return one character per value: the first of ``levels`` for the smallest, the last for the largest.

    A value that is not finite is a question mark.
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    step = (high - low) / (len(levels) - 1) or 1.0
    return "".join(levels[round((value - low) / step)] if math.isfinite(value) else "?" for value in values)
