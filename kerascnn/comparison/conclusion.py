"""From the answers of all cells to a study: rows, verdicts, what the test images can show, reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.answers import Answers
from kerascnn.comparison.cells import int8_file
from kerascnn.model_file import load_model
from kerascnn.profile import profile
from kerascnn.report.writing import report_files, write_reports
from kerascnn.results import Latency
from kerascnn.run import Run
from kerascnn.statistics import holm, paired_difference
from kerascnn.study import EdgeTpu, HeadResult, SeedAccuracies, Study, Verdict
from kerascnn.tflite import latency
from kerascnn.tflite.edgetpu.check import check
from kerascnn.tflite.interpreter import LiteRTClassifier


@dataclass(frozen=True)
class Group:
    """What is compared: one network, trained with some seeds.

    Attributes:
        name: Its head, or of runs that are no grid the run.
        runs: One a seed, in the order of the seeds.
        answers: Of each run to the same test images.
    """

    name: str
    runs: Sequence[Run]
    answers: Sequence[Answers]


def conclude(
    folder: Path,
    settings: dict[str, Any],
    environment: dict[str, Any],
    groups: Sequence[Group],
    labels: NDArray[np.int32],
    *,
    margin: float,
) -> Study:
    """Compare groups that answered to the same test images, and write the reports.

    Args:
        folder: Of the reports.
        settings: What was asked for, resolved.
        environment: As in a run.
        groups: At least two, with the same seeds.
        labels: Of the test images, shape (n,).
        margin: Percentage points within which two accuracies count as equal.
    """
    times = _latencies([int8_file(group.runs[0]) for group in groups])  # now, with nothing else running
    rows = tuple(_row(group, labels, time, margin) for group, time in zip(groups, times, strict=True))
    study = Study(
        path=folder,
        settings=settings | {"margin_points": margin},
        environment=environment,
        heads=rows,
        verdicts=_verdicts(rows, margin),
        reports=report_files(folder),
    )
    write_reports(study)
    return study


def _row(group: Group, labels: NDArray[np.int32], time: Latency, margin: float) -> HeadResult:
    """Put a group's runs together; sizes are those of the first seed."""
    run, path = group.runs[0], int8_file(group.runs[0])
    floating, int8 = (
        np.stack([getattr(one, kind).argmax(axis=1) == labels for one in group.answers])
        for kind in ("floating", "int8")
    )
    return HeadResult(
        head=group.name,
        layers=profile(load_model(run.require_model())[0]),
        accuracy=SeedAccuracies(floating),
        int8=SeedAccuracies(int8),
        quantization=paired_difference(floating, int8, margin=margin),
        agreement=float(np.mean([one.agreement for one in group.answers])),
        bytes=path.stat().st_size,
        latency=time,
        edgetpu=EdgeTpu.of(check(path)),
    )


def _verdicts(rows: Sequence[HeadResult], margin: float) -> tuple[Verdict, ...]:
    """Compare every pair; with several of them the p-values of each seed are corrected together."""
    pairs = list(combinations(rows, 2))
    found = [paired_difference(a.accuracy.correct, b.accuracy.correct, margin=margin) for a, b in pairs]
    by_seed = zip(*(each.p_values for each in found), strict=True)
    corrected = list(zip(*(holm(p_values) for p_values in by_seed), strict=True))
    return tuple(
        Verdict(a, b, difference, tuple(p_values))
        for (a, b), difference, p_values in zip(pairs, found, corrected, strict=True)
    )


def _latencies(files: Sequence[Path]) -> list[Latency]:
    def call(lite: LiteRTClassifier) -> Any:
        image = lite.encode(np.zeros((1, *lite.input_shape), np.uint8))
        return lambda: lite.invoke(image)

    return latency.measure([call(LiteRTClassifier(file)) for file in files])
