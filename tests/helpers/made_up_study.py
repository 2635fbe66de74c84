"""A study of any heads and classes, without a training."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

import numpy as np

from kerascnn.analysis.evaluation.metrics import Latency
from kerascnn.analysis.evaluation.significance import paired_difference
from kerascnn.analysis.profiling.profile import LayerProfile, Profile
from kerascnn.data.dataset import Split
from kerascnn.models.architecture import Architecture
from kerascnn.studies.results.evidence import Evidence, Group
from kerascnn.studies.results.predictions import Predictions
from kerascnn.studies.results.settings import StudySettings
from kerascnn.studies.results.study import EdgeTpu, HeadResult, Int8Figures, SeedAccuracies, Study
from kerascnn.studies.results.verdict import Verdict
from kerascnn.tflite.debugging.layer_errors import LayerError
from kerascnn.training.run import Run, RunRecord

BEGUN = datetime(2026, 1, 2, tzinfo=UTC)


def made_up_layer():
    shares = {"saturation": 0.0, "steps_used": 0.5, "range_used": 0.9, "activations": None, "weights": None}
    return LayerError("conv1", "CONV_2D", 1, "conv1/out", "INT8", 40.0, 38.5, 0.99, **shares)


def made_up_head(name, correct):
    table = Profile((LayerProfile("conv1", "Conv2D", (8, 8, 1), (6, 6, 4), parameters=40),))
    network = Architecture(model="lenet5", variant="modern", norm="none", head=name)
    runs = [
        Run(
            Path(f"{name}-{seed}"), RunRecord(created=BEGUN, architecture=network, source="photos", seed=seed)
        )
        for seed in range(1, len(correct) + 1)
    ]
    return HeadResult(
        group=Group(name, runs, []),
        architecture=network,
        layers=Profile((*table.layers, LayerProfile("fc1", "Dense", (144,), (3,), parameters=435))),
        accuracy=SeedAccuracies(correct),
        int8=SeedAccuracies(correct),
        quantization=paired_difference(correct, correct),
        agreement=1.0,
        bytes=1000,
        figures=Int8Figures(Latency(10.0, 12.0, 15.0, 100), (made_up_layer(),), 100),
        edgetpu=EdgeTpu("maps", 0, 0.1),
    )


def made_up_study(*names):
    """Return a study of heads with these names, without any training."""
    correct = np.random.default_rng(0).random((len(names), 2, 50)) < 0.9
    heads = [made_up_head(name, each) for name, each in zip(names, correct, strict=True)]
    settings = StudySettings(
        **{"model": "lenet", "data": "photos", "margin_points": 0.2, "seeds": [1, 2], "differing": {}},
        heads=names,
        **{"variant": "modern", "norm": "none", "image_size": 32, "channels": None, "epochs": 2},
        **{"batch_size": 64, "learning_rate": 0.1, "weight_decay": 0.0, "command": "kerascnn compare lenet"},
    )
    environment = {
        **{"python": "3.11", "platform": "Linux", "processors": 2, "git": None},
        **{"versions": {"keras": "3"}, "data_sha256": {"test": "ab"}},
    }
    verdicts = tuple(_verdict(*pair) for pair in combinations(heads, 2))
    machine = {"machine": "x86_64", "system": "Linux", "processors": 2}
    study = Study(Path("study"), settings, environment, machine, tuple(heads), verdicts, (), evidence=None)
    return answered(study, ("x", "y", "z"))


def _verdict(a, b):
    difference = paired_difference(a.accuracy.correct, b.accuracy.correct)
    return Verdict(a, b, difference, difference)


def answered(study, classes):
    """Return a made-up study with answers of these classes, the next class where a head is wrong."""
    images, count = study.heads[0].accuracy.correct.shape[1], len(classes)
    labels = (np.arange(images) % count).astype(np.int32)

    def with_answers(head):
        answers = np.where(head.accuracy.correct, labels, (labels + 1) % count)
        shares = 0.7 * np.eye(count, dtype=np.float32)[answers] + np.float32(0.3 / count)
        return replace(head, group=replace(head.group, answers=[Predictions(seed, seed) for seed in shares]))

    heads = {head.name: with_answers(head) for head in study.heads}
    verdicts = [replace(each, a=heads[each.a.name], b=heads[each.b.name]) for each in study.verdicts]
    pixels = np.random.default_rng(0).integers(0, 255, (images, 8, 8, 1), np.uint8)
    evidence = Evidence(classes, Split(pixels, labels))
    return replace(study, heads=tuple(heads.values()), verdicts=tuple(verdicts), evidence=evidence)
