"""``kerascnn train``."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import Name, RunFolder
from kerascnn.cli.terminal.browser import visit
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress
from kerascnn.cli.terminal.starting import started
from kerascnn.foundation.text.escapes import printable

if TYPE_CHECKING:
    from kerascnn.training.backend.distribution import Distribution
    from kerascnn.training.loop.observer import Observer

NAMED = 10  # classes


@click.command(cls=Command, example="kerascnn train lenet --head conv1x1 --data mnist")
@click.argument("model", type=Name(options.MODELS), required=False)
@options.network
@options.training
@options.together
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Settings as in a run's config.toml; command-line options override it.",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="One setting, as in that file; repeatable.",
)
@click.option(
    "--resume",
    type=RunFolder(),
    metavar="RUN",
    help="Resume a run that was killed or interrupted.",
)
@click.option(
    "--live", is_flag=True, help="Serve a page on this machine that shows the training and takes changes."
)
@click.option(
    "--live-port",
    type=click.IntRange(1, 65535),
    metavar="N",
    help="Port of that page.  [default: a free one]",
)
@options.open_page
def train(
    as_json: bool,
    config: Path | None,
    assignments: tuple[str, ...],
    resume: Path | None,
    distribute: bool,
    coordinator: str | None,
    processes: int | None,
    process_index: int | None,
    live: bool,
    live_port: int | None,
    open_page: bool,
    **settings: Any,
) -> None:
    """Train a model and write a run folder.

    MODEL is NAMES. Options that are not given come from
    the model's recipe for the source. Ctrl-C keeps the best
    model so far; the run can be resumed after it, and after a crash or a kill.
    """
    from kerascnn.training.config import TrainingConfig
    from kerascnn.workflows.train import folder_of
    from kerascnn.workflows.train import resume as go_on
    from kerascnn.workflows.train import train as run_training

    given = options.given(settings)
    data_dir = given.pop("data_dir", None) if resume else None
    asked = TrainingConfig.load(config, assignments, **given)
    if resume is None and "model" not in asked.model_fields_set:
        raise click.UsageError(
            "Missing argument 'MODEL': for instance lenet. `kerascnn train --help` names them all."
        )
    others = _others(distribute, coordinator=coordinator, processes=processes, process_index=process_index)
    together: dict[str, Any] = {"distribution": others, "lost": _lost}
    with _watched(live, live_port, open_page=open_page) as observer, shown_progress() as progress:
        together["observer"] = observer
        if resume:
            same = asked.model_dump(exclude_unset=True)
            run = go_on(resume, data_dir=data_dir, progress=progress, **together, **same)
        else:
            complete = asked.resolved()
            if listed := folder_of(complete):
                started()
                click.echo(printable(_classes(listed.classes)), err=True)
            run = run_training(complete, listed=listed, progress=progress, **together)
    if run is None:
        click.echo("This process has finished; process 0 has written the run.", err=True)
        if as_json:
            click.echo("null")
        return
    display(run, as_json=as_json)
    if run.record.state == "interrupted":
        from kerascnn.training.run_folder import way_on

        best = run.metrics()["kept_epoch"]
        raise KeyboardInterrupt(
            f"the best model so far (epoch {best}) is saved in {run.path}. Resume: {way_on(run)}"
        )


@contextmanager
def _watched(live: bool, port: int | None, *, open_page: bool) -> "Iterator[Observer]":
    """Yield the observer of the training; with ``--live`` its page is served while the block runs."""
    from kerascnn.training.loop.observer import NOBODY

    if not live:
        if port is not None or open_page:
            raise click.UsageError("--live-port and --open need --live.")
        yield NOBODY
        return
    from kerascnn.workflows.live.live import live as served

    def tell(address: str) -> None:
        started()
        click.echo(f"Live: {address}", err=True)
        if open_page:
            visit(address)

    with served(tell, port) as observer:
        yield observer


def _others(distribute: bool, **place: Any) -> "Distribution | None":
    if distribute:
        from kerascnn.training.backend.distribution import Distribution

        return Distribution.of(**place)
    if any(value is not None for value in place.values()):
        raise click.UsageError("--coordinator, --processes and --process-index need --distribute.")
    return None


def _classes(names: tuple[str, ...]) -> str:
    more = f", … and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{len(names):,} classes: {', '.join(names[:NAMED])}{more}"


def _lost(message: str) -> None:
    """End this process at once, before the native library aborts it with pages of text."""
    click.echo(f"Error: {message}", file=sys.stderr)
    os._exit(1)
