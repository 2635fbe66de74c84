"""``compare RUN RUN``: compare existing runs side by side."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerascnn.analysis.evaluation.significance import MARGIN, require_margin
from kerascnn.data.dataset import Dataset
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.progress import Progress, Telling, teller
from kerascnn.studies.conditions import settings_of
from kerascnn.studies.grid.cell import require_records
from kerascnn.studies.grid.folder import study_folder
from kerascnn.studies.report.formats import FORMATS, require_formats
from kerascnn.studies.results.evidence import Group
from kerascnn.studies.results.predictions import Predictions
from kerascnn.studies.results.study import Study
from kerascnn.tflite.quantization.result import int8_file
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run
from kerascnn.workflows.predictor import Predictor


def compare_runs(
    runs: Sequence[Run | Path | str],
    *,
    data_dir: Path | str | None = None,
    margin: float = MARGIN,
    out: Path | str | None = None,
    formats: Sequence[str] = FORMATS,
    progress: Telling = None,
) -> Study:
    """Compare runs on the test images that all of them have in common; their files stay as they are.

    Runs that are a grid, every head with the same seeds, are compared head by head; any others one by one.
    A run without a full-int8 file gets one.

    Args:
        runs: At least two.
        data_dir: Where their data are now, if not where they were.
        margin: Percentage points within which two accuracies count as equal.
        out: The folder of the reports; ``None``: ``studies/runs-<source>-<n>``.
        formats: Of the reports: ``html``, ``md``, ``csv``, ``tex``, ``json``.
        progress: Told about every run.

    Raises:
        UsageError: There are less than two different runs.
        KerasCnnError: A run is incomplete, they were tested on different images, or the folder exists.
    """
    progress = teller(progress)
    require_margin(margin)
    require_formats(formats)
    opened = [Run.of(run) for run in runs]
    if len({run.path.resolve() for run in opened}) < max(2, len(opened)):
        named = ", ".join(str(run.path) for run in opened)
        raise UsageError(f"compare takes at least two different runs. Received: {named}")
    for run in opened:
        run.require_model()
        require_records(run)
    from kerascnn.studies.conclude import conclude  # and with it all that reports are made of

    environments = [run.read("environment.json") for run in opened]
    _require_same_test_images(opened, environments)
    source = opened[0].record.source
    with study_folder(out, f"runs-{source}", may_go_on=False) as folder:
        dataset = load_trained_data(opened[0], data_dir)
        groups = _groups(opened, [predictions_of(run, dataset, data_dir, progress) for run in opened])
        given = [] if margin == MARGIN else ["--margin", f"{margin:g}"]
        command = shlex.join(["kerascnn", "compare", *(str(run.path) for run in opened), *given])
        settings = settings_of(opened, groups, command)
        return conclude(
            folder,
            settings,
            environments[0],
            groups,
            dataset,
            margin=margin,
            formats=formats,
            progress=progress,
        )


def _require_same_test_images(runs: Sequence[Run], environments: Sequence[dict[str, Any]]) -> None:
    (first, expected), *others = zip(runs, environments, strict=True)
    for run, found in others:
        was, now = (each["data_sha256"].get("test", "") for each in (expected, found))
        if was != now:
            raise KerasCnnError(
                f"{first.path} and {run.path} were tested on different images (SHA-256 {was[:8]}… of "
                f"{first.record.source} and {now[:8]}… of {run.record.source}): they cannot be compared."
            )


def predictions_of(
    run: Run, dataset: Dataset, data_dir: Path | str | None, progress: Progress
) -> Predictions:
    """Return what a run and its full-int8 file, which is made if it is missing, answer to the test images."""
    progress("asking", 0, 1, run.path.name)
    if not int8_file(run).is_file():
        from kerascnn.tflite.quantization.quantize import quantize

        quantize(run, accuracy_only=True, data_dir=data_dir, progress=progress)
    with Predictor.open(run.model_path) as floating, Predictor.open(int8_file(run)) as int8:
        images = dataset.test.prepared(floating.description.preprocessing).images
        answers = Predictions(floating.classify(images), int8.classify(images))
    progress("asking", 1, 1, run.path.name)
    return answers


def _groups(runs: Sequence[Run], answers: Sequence[Predictions]) -> list[Group]:
    """Group by heads where every head has the same seeds once, or else leave each run alone."""
    cells: dict[str, dict[int, tuple[Run, Predictions]]] = {}
    for run, answered in zip(runs, answers, strict=True):
        cells.setdefault(run.record.architecture.head, {})[run.record.seed] = (run, answered)
    seeds = {tuple(sorted(of_head)) for of_head in cells.values()}
    networks = {run.record.architecture.form for run in runs}
    is_grid = len(seeds) == 1 and len(networks) == 1 and len(cells) * len(*seeds) == len(runs)
    if len(cells) > 1 and is_grid:
        return [
            Group(head, *zip(*(of_head[seed] for seed in sorted(of_head)), strict=True))
            for head, of_head in cells.items()
        ]
    names = [run.path.name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run.path) for run in runs]
    return [Group(name, [run], [one]) for name, run, one in zip(names, runs, answers, strict=True)]
