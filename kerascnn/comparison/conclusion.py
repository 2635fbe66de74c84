"""From the answers of all cells to a study: rows, verdicts, what the test images can show, reports."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.comparison.cells import int8_file
from kerascnn.data.dataset import Dataset
from kerascnn.model_file import load_model
from kerascnn.profile import profile
from kerascnn.report.evidence import Evidence, Group
from kerascnn.report.writing import report_files, write_reports
from kerascnn.results import Latency
from kerascnn.statistics import holm, paired_difference
from kerascnn.study import EdgeTpu, HeadResult, SeedAccuracies, Study, Verdict
from kerascnn.tflite import latency
from kerascnn.tflite.edgetpu.check import check
from kerascnn.tflite.interpreter import LiteRTClassifier


def conclude(
    folder: Path,
    settings: dict[str, Any],
    environment: dict[str, Any],
    groups: Sequence[Group],
    dataset: Dataset,
    *,
    margin: float,
) -> Study:
    """Compare groups that answered to the same test images, and write the reports.

    Args:
        folder: Of the reports.
        settings: What was asked for, resolved.
        environment: As in a run.
        groups: At least two, with the same seeds.
        dataset: With the test images.
        margin: Percentage points within which two accuracies count as equal.
    """
    times = _latencies([int8_file(group.runs[0]) for group in groups])  # now, with nothing else running
    rows = tuple(
        _row(group, dataset.test.labels, time, margin) for group, time in zip(groups, times, strict=True)
    )
    study = Study(
        path=folder,
        settings=settings | {"margin_points": margin},
        environment=environment,
        heads=rows,
        verdicts=_verdicts(rows, margin),
        reports=report_files(folder),
    )
    write_reports(study, Evidence(dataset.classes, dataset.test, groups))
    return study


def _row(group: Group, labels: NDArray[np.int32], time: Latency, margin: float) -> HeadResult:
    """Put a group's runs together; sizes are those of the first seed."""
    run, path = group.runs[0], int8_file(group.runs[0])
    floating, int8 = (answers.argmax(axis=2) == labels for answers in (group.floating, group.int8))
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
