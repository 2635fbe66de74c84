"""``compare``: a grid of heads and seeds trained under equal conditions, or runs that exist."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from kerascnn.analysis.evaluation.significance import MARGIN, require_margin
from kerascnn.data.bad_files import load_checked
from kerascnn.data.dataset import Dataset
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.progress import Progress, Telling, teller
from kerascnn.models.network import Network
from kerascnn.studies.grid.cell import cell_folder, is_done, kept_predictions
from kerascnn.studies.grid.folder import study_folder
from kerascnn.studies.grid.make import make_cells
from kerascnn.studies.grid.plan import HEADS, Plan, plan
from kerascnn.studies.grid.record import begin_or_go_on, begun, is_study, require_planned, scope_of
from kerascnn.studies.planning.until_decided import Limits, make_until_decided
from kerascnn.studies.report.formats import FORMATS, require_formats
from kerascnn.studies.results.evidence import Group
from kerascnn.studies.results.scope import Stopped
from kerascnn.studies.results.study import Study
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.run import RECORD, Run

NETWORK = [name for name in Network.model_fields if name not in ("model", "head")]


def compare(
    model: str = "lenet5",
    *,
    heads: Sequence[str] | None = None,
    data: str = "digits",
    data_dir: Path | str | None = None,
    skip_bad_files: bool = False,
    seeds: int | None = None,
    until_decided: bool = False,
    max_seeds: int | None = None,
    max_hours: float | None = None,
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
    as ``out``: what is done is never done again. So does one with more seeds or other heads.

    Args:
        model: A family or its alias.
        heads: At least two; ``None``: those of the study in ``out``, else ``fc`` and ``conv1x1``.
        data: The source; ``data_dir`` the folder with its files.
        skip_bad_files: Whether image files that cannot be decoded are left out instead of ending it.
        seeds: How many; they are 1 to ``seeds``. ``None``: as many as the study in ``out`` has, else 1.
        until_decided: Whether seeds are added until every pair of heads is better, worse or equivalent.
        max_seeds: Then the most of them; ``None``: those of the study in ``out``, else 10.
        max_hours: Then the hours in which seeds are added, ``None``: any number.
        epochs: For every head; ``None``: those of the study in ``out``, else the largest of the heads'
            defaults.
        batch_size: For every head; ``None``: the recipe's. ``precision``, likewise, of the training: the
            models that come of it are float32.
        augment: For every head, see :class:`TrainingConfig`.
        margin: Points within which two accuracies count as equivalent.
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
    stored = None if out is None else begun(Path(out))
    if heads is None:
        heads = stored.heads if stored else HEADS
    if seeds is None:
        seeds = len(stored.seeds) if stored else 1
    if until_decided and max_seeds is None and stored:
        max_seeds = stored.max_seeds
    limits = Limits.of(until_decided, seeds, max_seeds, max_hours)
    grid = plan(
        model,
        heads,
        seeds,
        max_seeds=limits.max_seeds if limits else None,
        data=data,
        data_dir=None if data_dir is None else Path(data_dir),
        skip_bad_files=skip_bad_files,
        epochs=stored.epochs if stored and epochs is None else epochs,
        batch_size=batch_size,
        augment=augment,
        precision=precision,
        **network,
    )
    first = grid.configs[0]
    dataset = load_checked(first.data, data_dir, skip_bad_files=skip_bad_files, progress=progress)
    dataset.tell()
    dataset.augmentation.part(first.augment).tell()
    with study_folder(out, grid.name, may_go_on=True) as folder:
        grid = grid.settled(dataset).on_threads((stored and stored.threads) or first.threads)
        return _Making(folder, dataset, margin, jobs, progress).study(grid, limits, formats)


@dataclass(frozen=True)
class _Making:
    """The trainings of one study while they are made."""

    folder: Path
    dataset: Dataset
    margin: float
    jobs: int
    progress: Progress

    def study(self, grid: Plan, limits: Limits | None, formats: Sequence[str]) -> Study:
        """Make the grid, or as many seeds of it as decide, and conclude."""
        from kerascnn.studies.conclude import conclude  # and with it all that reports are made of

        environment = begin_or_go_on(self.folder, grid.settings(self.margin), self.dataset)
        stopped: Stopped | None = None
        make = partial(self._groups, environment)
        if limits is None:
            groups: Sequence[Group] = make(grid)
        else:
            grid, groups, stopped = make_until_decided(
                grid, self._whole_seeds(grid), make, self.dataset.test.labels, limits, self.margin
            )
        cells = grid.cells(self.folder)
        with self._way_on(cells):
            return conclude(
                self.folder,
                grid.settings(self.margin),
                environment,
                groups,
                self.dataset,
                margin=self.margin,
                scope=scope_of(self.folder, cells, stopped),
                formats=formats,
                progress=self.progress,
            )

    def _groups(self, environment: Mapping[str, Any], grid: Plan) -> list[Group]:
        """Train the missing cells of a grid and return the predictions of its runs, by head."""
        cells = grid.cells(self.folder)
        for cell in cells:
            require_planned(cell, environment)
        with self._way_on(cells):
            make_cells(cells, self.dataset, self.jobs, self.progress)
            return [
                _group(config.head, [cell_folder(cell) for cell in cells if cell.head == config.head])
                for config in grid.configs
            ]

    def _whole_seeds(self, grid: Plan) -> int:
        """Return how many seeds, from the first on, are made of every head."""
        cells = grid.with_seeds(grid.max_seeds or len(grid.seeds)).cells(self.folder)
        return min((cell.seed - 1 for cell in cells if not is_done(cell)), default=grid.max_seeds or 0)

    @contextmanager
    def _way_on(self, cells: Sequence[ResolvedConfig]) -> Iterator[None]:
        """On Ctrl-C, say what is kept and how to resume the study.

        Raises:
            KeyboardInterrupt: Ctrl-C, with that message.
        """
        try:
            yield
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(_way_on(self.folder, cells)) from error


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
