"""From the answers of all runs to a study: rows, verdicts, what the test images can show, reports."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.evaluation import baseline_of
from kerascnn.analysis.evaluation.metrics import Latency
from kerascnn.analysis.evaluation.significance import PairedDifference, paired_difference
from kerascnn.analysis.profiling.profile import profile
from kerascnn.data.dataset import Dataset
from kerascnn.foundation.machine import machine
from kerascnn.foundation.progress import Progress
from kerascnn.models.keras_file import load_model
from kerascnn.studies.grid.record import Ending, Record
from kerascnn.studies.report.formats import FORMATS
from kerascnn.studies.report.write import report_files, write_reports
from kerascnn.studies.results.evidence import Evidence, Group
from kerascnn.studies.results.scope import Scope
from kerascnn.studies.results.settings import StudySettings
from kerascnn.studies.results.study import (
    EdgeTpu,
    HeadResult,
    Int8Figures,
    Measurement,
    SeedAccuracies,
    Study,
)
from kerascnn.studies.results.verdict import Verdict
from kerascnn.tflite.accelerators.check import check
from kerascnn.tflite.debugging.debug import chosen_images
from kerascnn.tflite.debugging.layer_errors import LayerError, measure_layers
from kerascnn.tflite.quantization.result import int8_file
from kerascnn.tflite.runtime import latency
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier

Differing = Callable[..., PairedDifference]


def conclude(
    folder: Path,
    settings: StudySettings,
    environment: dict[str, Any],
    groups: Sequence[Group],
    dataset: Dataset,
    *,
    margin: float,
    scope: Scope | None = None,
    formats: Sequence[str],
    progress: Progress,
) -> Study:
    """Compare groups that answered to the same test images, write the reports and what they were made of.

    Args:
        folder: Of the reports.
        settings: What was asked for, resolved.
        environment: As in a run.
        groups: At least two, with the same seeds.
        dataset: With the test images.
        margin: Points within which two accuracies count as equivalent.
        scope: Which trainings of a study these are; ``None``: all there are.
        formats: Of the reports.
        progress: Told about the images on which layers are compared.
    """
    ending = ending_of(folder, groups, dataset, margin, progress, scope)
    record = Record(settings=settings, environment=environment, ending=ending)
    study = reported(folder, record, groups, dataset, formats)
    for outdated in set(report_files(folder)) - set(study.reports):  # of an earlier end of the same study
        outdated.unlink(missing_ok=True)
    record.write(folder)
    return study


def ending_of(
    folder: Path,
    groups: Sequence[Group],
    dataset: Dataset,
    margin: float,
    progress: Progress,
    scope: Scope | None = None,
) -> Ending:
    """Measure what is measured once, latency first: nothing else runs now."""
    files = [int8_file(group.runs[0]) for group in groups]
    figures = {
        group.name: Int8Figures(time, *_layers(group, dataset, _part(progress, number, len(groups))))
        for number, (group, time) in enumerate(zip(groups, _latencies(files), strict=True))
    }
    return Ending.of(folder, groups, figures, machine(), margin, scope or Scope())


def _part(progress: Progress, number: int, parts: int) -> Progress:
    """Return the progress of one of several parts that are as long as each other."""
    return lambda stage, done, total, detail: progress(stage, number * total + done, parts * total, detail)


def reported(
    folder: Path,
    record: Record,
    groups: Sequence[Group],
    dataset: Dataset,
    forms: Sequence[str] = FORMATS,
    measurements: tuple[Measurement, ...] = (),
) -> Study:
    """Put a study together from a record with its end and what its groups answered; write its reports."""
    assert record.ending
    margin, int8 = record.ending.margin, record.ending.int8
    difference = partial(paired_difference, margin=margin, max_seeds=record.settings.max_seeds)
    rows = tuple(
        _row(group, dataset.test.labels, int8[group.name], partial(difference, comparisons=len(groups)))
        for group in groups
    )
    unequal = dataset.training_counts if dataset.is_unequal else ()
    study = Study(
        path=folder,
        settings=record.settings.model_copy(update={"margin_points": margin}),
        environment=record.environment,
        machine=record.ending.machine,
        heads=rows,
        verdicts=_verdicts(rows, difference),
        reports=report_files(folder, forms),
        evidence=Evidence(dataset.classes, dataset.test, unequal),
        measurements=measurements,
        baseline=baseline_of(dataset),
        scope=record.ending.scope,
    )
    write_reports(study, forms)
    return study


def _row(group: Group, labels: NDArray[np.int32], figures: Int8Figures, difference: Differing) -> HeadResult:
    """Put a group's runs together; sizes are those of the first seed."""
    run, path = group.runs[0], int8_file(group.runs[0])
    model, described = load_model(run.require_model())
    floating, int8 = (answers.argmax(axis=2) == labels for answers in (group.floating, group.int8))
    return HeadResult(
        group=group,
        architecture=described.architecture,
        layers=profile(model),
        accuracy=SeedAccuracies(floating),
        int8=SeedAccuracies(int8),
        quantization=difference(floating, int8),
        agreement=float(np.mean([one.agreement for one in group.answers])),
        bytes=path.stat().st_size,
        figures=figures,
        edgetpu=EdgeTpu.of(check(path)),
    )


def _verdicts(rows: Sequence[HeadResult], difference: Differing) -> tuple[Verdict, ...]:
    """Compare every pair, float and int8: each precision is a family of its own."""
    pairs = list(combinations(rows, 2))
    of_family = partial(difference, comparisons=len(pairs))
    return tuple(
        Verdict(
            a,
            b,
            of_family(a.accuracy.correct, b.accuracy.correct),
            of_family(a.int8.correct, b.int8.correct),
        )
        for a, b in pairs
    )


def _layers(group: Group, dataset: Dataset, progress: Progress) -> tuple[tuple[LayerError, ...], int]:
    """Return the quantization error of each layer for the first seed, and the number of images used."""
    run = group.runs[0]
    model, description = load_model(run.require_model())
    images = chosen_images(dataset.validation).prepared(description.preprocessing).images
    return measure_layers(int8_file(run), model, images, run=run.path, progress=progress), len(images)


def _latencies(files: Sequence[Path]) -> list[Latency]:
    def call(lite: LiteRTClassifier) -> Any:
        image = lite.encode(np.zeros((1, *lite.input_shape), np.uint8))
        return lambda: lite.invoke(image)

    return latency.measure([call(LiteRTClassifier(file)) for file in files])
