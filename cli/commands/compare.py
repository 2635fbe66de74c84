"""``kerascnn compare``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import Name, NamedOption, runs
from kerascnn.cli.terminal.browser import require_page, show
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress
from kerascnn.foundation.errors import QualityError, UsageError

if TYPE_CHECKING:
    from kerascnn.studies.planning.forecast import Forecast


@click.command(cls=Command, example="kerascnn compare lenet --data mnist --seeds 5 --out studies/mnist")
@click.argument(
    "what",
    metavar="MODEL | RUN RUN...",
    type=Name(options.MODELS, runs, otherwise="file"),
    nargs=-1,
    required=True,
)
@click.option(
    "--heads",
    cls=NamedOption,
    type=Name(options.HEADS, several=True),
    help="Two or more of NAMES, separated by commas.  [default: those of --out, else fc,conv1x1]",
)
@options.network
@options.data
@options.data_dir
@options.skip_bad_files
@click.option(
    "--seeds",
    type=int,
    metavar="N",
    help="Trainings per head, each with its own seed.  [default: those of --out, else 1]",
)
@click.option(
    "--until-decided",
    is_flag=True,
    help="Add seeds until every pair of heads is better, worse or equivalent; looking often is allowed for.",
)
@click.option("--plan", is_flag=True, help="Show what a number of seeds could decide, and train nothing.")
@click.option(
    "--pilot",
    type=click.Path(path_type=Path),
    metavar="STUDY",
    help="Finished study from which --plan takes the spread.",
)
@click.option(
    "--seed-sd",
    type=float,
    metavar="POINTS",
    help="Spread of a difference between seeds that --plan assumes.  [default: 0.3]",
)
@click.option(
    "--disagreement",
    type=float,
    metavar="PERCENT",
    help="Percentage of images only one head gets right, assumed by --plan.  [default: 2]",
)
@click.option("--max-seeds", type=int, metavar="N", help="Seeds at most with --until-decided.  [default: 10]")
@click.option("--max-hours", type=float, metavar="HOURS", help="Add no seed that would exceed this time.")
@click.option(
    "--epochs", type=int, metavar="N", help="Epochs for every head.  [default: the largest of their recipes]"
)
@click.option("--batch-size", type=int, metavar="N", help="Images per training step, for every head.")
@options.augment
@options.no_augment
@click.option("--precision", help="Precision of every training: float32, mixed_bfloat16 or mixed_float16.")
@click.option(
    "--jobs",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    help="Trainings to run at once; results do not depend on it.",
)
@click.option(
    "--margin",
    type=float,
    default=0.2,
    show_default=True,
    metavar="POINTS",
    help="Points within which accuracies count as equivalent.",
)
@click.option(
    "--fail-if",
    multiple=True,
    metavar="CONDITION",
    help='Exit with code 3 if this holds, like "int8_drop > 0.5" or "quantization is worse"; repeatable.',
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of the study; an unfinished study is resumed.  [default: studies/<model>-<source>-<n>]",
)
@options.formats
@options.open_page
def compare(
    what: tuple[str, ...],
    heads: str | None,
    margin: float,
    fail_if: tuple[str, ...],
    formats: list[str],
    open_page: bool,
    data_dir: Path | None,
    out: Path | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Compare heads trained under equal conditions, or runs.

    Trains MODEL with each head, quantizes it, and reports the differences with confidence intervals. MODEL is
    NAMES.

    With RUN RUN..., compares existing runs on the test images they have in common.
    """
    if settings.pop("plan"):
        others = {"out": out, "fail_if": fail_if, "formats": formats}
        display(_forecast(what, heads, data_dir, margin, settings | others), as_json=as_json)
        return
    _refuse_assumptions(settings)
    require_page(open_page, formats)
    from kerascnn.studies.gate import gate

    gates = [gate(text) for text in fail_if]
    from kerascnn.studies.compare import compare as compare_heads
    from kerascnn.studies.compare_runs import compare_runs

    shared: dict[str, Any] = {"data_dir": data_dir, "margin": margin, "out": out, "formats": formats}
    with shown_progress() as progress:
        if len(what) == 1:
            named = None if heads is None else heads.split(",")
            study = compare_heads(what[0], heads=named, progress=progress, **shared, **settings)
        else:
            _refuse_settings(settings | {"heads": heads})
            study = compare_runs([Path(run) for run in what], progress=progress, **shared)
    display(study, as_json=as_json)
    if open_page:
        show(study.reports)
    if failures := [failure for each in gates for failure in each.failures(study)]:
        raise QualityError(f"The study is not good enough: {'; '.join(failures)}.")


#: What --plan takes, the last three of them alone.
PLANNED = ("data", "skip_bad_files", "seeds", "pilot", "seed_sd", "disagreement")


def _forecast(
    what: tuple[str, ...], heads: str | None, data_dir: Path | None, margin: float, settings: dict[str, Any]
) -> "Forecast":
    """Return what a study could decide."""
    from kerascnn.studies.planning.forecast import forecast

    if len(what) > 1:
        raise UsageError("--plan is for a study to come: name one MODEL.")
    if ignored := [name for name in options.given(settings) if name not in PLANNED]:
        raise UsageError(f"--plan trains nothing and does not take {options.flags(ignored)}.")
    planned = {name: settings[name] for name in PLANNED}
    if heads is not None:
        planned["heads"] = heads.split(",")
    with shown_progress() as progress:
        return forecast(what[0], data_dir=data_dir, margin=margin, progress=progress, **planned)


def _refuse_assumptions(settings: dict[str, Any]) -> None:
    """Take what only --plan has from the settings, and refuse it where it is given."""
    if named := [name for name in PLANNED[3:] if settings.pop(name) is not None]:
        raise UsageError(f"{options.flags(named)} needs --plan.")


def _refuse_settings(settings: dict[str, Any]) -> None:
    if named := options.given(settings):
        raise UsageError(f"{options.flags(named)}: existing runs are compared as they are.")
