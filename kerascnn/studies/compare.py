"""``compare``: a grid of heads and seeds trained under equal conditions, or runs that exist."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerascnn.analysis.evaluation.significance import MARGIN, require_margin
from kerascnn.data.bad_files import load_checked
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.progress import Telling, teller
from kerascnn.models.network import Network
from kerascnn.studies.grid.cell import cell_folder, is_done, kept_predictions
from kerascnn.studies.grid.folder import study_folder
from kerascnn.studies.grid.make import make_cells
from kerascnn.studies.grid.plan import plan
from kerascnn.studies.grid.record import began_on, begin_or_go_on, is_study, require_planned
from kerascnn.studies.report.formats import FORMATS, require_formats
from kerascnn.studies.results.evidence import Group
from kerascnn.studies.results.study import Study
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.run import RECORD, Run

NETWORK = [name for name in Network.model_fields if name not in ("model", "head")]


def compare(
    model: str = "lenet5",
    *,
    heads: Sequence[str] = ("fc", "conv1x1"),
    data: str = "digits",
    data_dir: Path | str | None = None,
    skip_bad_files: bool = False,
    seeds: int = 1,
    epochs: int | None = None,
    batch_size: int | None = None,
    augment: bool | Sequence[str] | str | None = None,
    precision: str | None = None,
    margin: float = MARGIN,
    jobs: int = 1,
    out: Path | str | None = None,
    formats: Sequence[str] = FORMATS,
    progress: Telling = None,
    **network: Any,
) -> Study:
    """Train each head with each seed, quantize it, and compare.

    A study that was interrupted or killed goes on where it stopped when it is asked for again with its folder
    as ``out``: what is done is never done again.

    Args:
        model: A family or its alias.
        heads: At least two.
        data: The source; ``data_dir`` the folder with its files.
        skip_bad_files: Whether image files that cannot be decoded are left out instead of ending it.
        seeds: How many; they are 1 to ``seeds``.
        epochs: For every head; ``None``: the largest of the heads' defaults.
        batch_size: For every head; ``None``: the recipe's. ``precision``, likewise, of the training: the
            models that come of it are float32.
        augment: For every head, see :class:`TrainingConfig`.
        margin: Percentage points within which two accuracies count as equal.
        jobs: Trainings at once, each in a process of its own. Each has as many threads as one alone: another
            number would give other weights.
        out: The study's folder; ``None``: ``studies/<model>-<source>-<n>``.
        formats: Of the reports: ``html``, ``md``, ``csv``, ``tex``, ``json``.
        progress: Told about the whole grid.
        **network: Of ``Network``; ``head_units`` is for heads that have some.

    Raises:
        UsageError: A name is unknown or a setting makes no sense.
        TargetError: The normalization cannot become int8.
        KerasCnnError: The folder holds something else, or a training failed.
        KeyboardInterrupt: Ctrl-C; the message says what is kept.
    """
    progress = teller(progress)
    require_margin(margin)
    require_formats(formats)
    _require_a_model(model)
    if jobs < 1:
        raise UsageError(f"jobs must be at least 1. Received: jobs={jobs}")
    if unknown := network.keys() - set(NETWORK):
        raise UsageError(
            f"compare takes the network settings {', '.join(NETWORK)}. Received: {', '.join(sorted(unknown))}"
        )
    grid = plan(
        model,
        heads,
        seeds,
        data=data,
        data_dir=None if data_dir is None else Path(data_dir),
        skip_bad_files=skip_bad_files,
        epochs=epochs,
        batch_size=batch_size,
        augment=augment,
        precision=precision,
        **network,
    )
    first = grid.configs[0]
    dataset = load_checked(first.data, data_dir, skip_bad_files=skip_bad_files, progress=progress)
    dataset.tell()
    dataset.augmentation.part(first.augment).tell()
    grid = grid.settled(dataset, batch_size)
    from kerascnn.studies.conclude import conclude  # and with it all that reports are made of

    with study_folder(out, grid.name, may_go_on=True) as folder:
        grid = grid.on_threads(began_on(folder) or first.threads)
        settings, cells = grid.settings(margin), grid.cells(folder)
        try:
            environment = begin_or_go_on(folder, settings, dataset)
            for cell in cells:
                require_planned(cell, environment)
            make_cells(cells, dataset, jobs, progress)
            groups = [
                _group(config.head, [cell_folder(cell) for cell in cells if cell.head == config.head])
                for config in grid.configs
            ]
            return conclude(
                folder,
                settings,
                environment,
                groups,
                dataset,
                margin=margin,
                formats=formats,
                progress=progress,
            )
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(_way_on(folder, cells)) from error


def _require_a_model(model: str) -> None:
    """Refuse a folder where a model's name is expected, and say what it is good for."""
    if is_study(Path(model)):
        raise UsageError(f"{model} is a study: write its reports again with `kerascnn report`.")
    if (Path(model) / RECORD).is_file():
        raise UsageError(
            f"{model} is a run: give a second run, or report on it alone with `kerascnn report`."
        )


def _group(head: str, folders: Sequence[Path]) -> Group:
    runs = [Run.open(folder) for folder in folders]
    return Group(head, runs, [kept_predictions(run) for run in runs])


def _way_on(folder: Path, cells: Sequence[ResolvedConfig]) -> str:
    if not any(cell_folder(cell).exists() for cell in cells):
        return ""
    done = sum(map(is_done, cells))
    return f"{done} of {len(cells)} trainings are done; resume with the same command and --out {folder}"
