"""The result of a comparison: one row a head, one verdict a pair."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.metrics import Baseline, Latency, wilson
from kerascnn.analysis.evaluation.significance import MARGIN, PairedDifference, images_for_equivalence
from kerascnn.analysis.profiling.profile import Profile
from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.foundation.text.tables import Table
from kerascnn.foundation.text.wording import counted
from kerascnn.models.architecture import Architecture
from kerascnn.models.heads import is_head_layer
from kerascnn.studies.results.by_class import ClassDifference, differences_by_class
from kerascnn.studies.results.evidence import Evidence, Group
from kerascnn.studies.results.scope import Scope
from kerascnn.studies.results.settings import StudySettings
from kerascnn.studies.results.verdict import (
    Verdict,
    conclusion,
    difference_in_words,
    difference_to_dict,
    prospect_in_words,
    ruled_out,
)
from kerascnn.tflite.accelerators.check import Check
from kerascnn.tflite.debugging.layer_errors import LayerNoise


@dataclass(frozen=True)
class SeedAccuracies:
    """Accuracy of the same network trained with several seeds, on the same test images.

    Attributes:
        correct: bool, shape (seeds, images).
    """

    correct: NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(self.correct.mean())

    @property
    def sd(self) -> float | None:
        """Standard deviation over the seeds, ``None`` for a single one."""
        return float(self.correct.mean(axis=1).std(ddof=1)) if len(self.correct) > 1 else None

    @property
    def counts(self) -> tuple[str, str]:
        """On how many images and on how many seeds it rests, in words."""
        seeds, images = self.correct.shape
        return counted(images, "test image"), counted(seeds, "seed")

    @property
    def basis(self) -> str:
        """On what it rests, in words."""
        return ", ".join(self.counts)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the mean for the number of images: seeds do not multiply them."""
        return wilson(self.mean, self.correct.shape[1])

    def to_dict(self) -> dict[str, Any]:
        """Return mean, sd, low, high, n (images), seeds."""
        low, high = self.interval
        seeds, images = self.correct.shape
        return {"mean": self.mean, "sd": self.sd, "low": low, "high": high, "n": images, "seeds": seeds}


@dataclass(frozen=True)
class EdgeTpu:
    """What ``check`` says of the int8 file; an estimate.

    Attributes:
        verdict: As ``check`` names it; ``maps``: all of it runs there.
        streamed_bytes: Parameters that do not fit the chip and travel at each inference.
        milliseconds: Of one inference over USB 3, without computation; ``None``: it does not map.
    """

    verdict: str
    streamed_bytes: int | None
    milliseconds: float | None

    @classmethod
    def of(cls, found: Check) -> "EdgeTpu":
        """Return the short form of a check."""
        cost = found.cost
        return cls(found.verdict, cost.streamed_bytes if cost else None, cost.milliseconds if cost else None)


@dataclass(frozen=True)
class Int8Figures:
    """What is measured of an int8 file when a study ends.

    Attributes:
        latency: One inference on one thread.
        layers: What quantization did to each operator, in the order of the file.
        images: Validation images on which that was seen.
    """

    latency: Latency
    layers: tuple[LayerNoise, ...]
    images: int


@dataclass(frozen=True)
class Measurement:
    """How fast one of a study's files is on a device, measured there and attached.

    Attributes:
        name: What the network is called in the study whose file it is; ``seed`` of its training.
        file: Its name.
        device: What it ran on, in words; ``delegate`` is ``cpu`` or ``edgetpu``.
        threads: Of the processor.
        runs: Inferences that were timed.
        median_us: Microseconds of one of them; ``p95_us`` and ``p99_us`` likewise.
        first_us: Of the first one; ``init_ms`` milliseconds to open the file.
        memory_mib: What it needed at most; ``None``: not known.
    """

    name: str
    seed: int
    file: str
    device: str
    delegate: str
    threads: int
    runs: int
    median_us: float
    p95_us: float
    p99_us: float
    first_us: float
    init_ms: float
    memory_mib: float | None


@dataclass(frozen=True)
class HeadResult:
    """One head of a study; sizes and times are those of the int8 file of the first seed.

    Attributes:
        group: Its runs, what they answered, and its name in the study.
        architecture: Which network it is, as the model file of the first seed says.
        layers: Its layer table.
        accuracy: Of the Keras models.
        int8: Of the int8 files.
        quantization: The int8 files against the Keras models.
        agreement: Share of the test images to which both give the same class; the mean over the seeds.
        bytes: Of the int8 file.
        figures: Of the int8 file: latency and the error of each layer.
        edgetpu: Of the int8 file.
    """

    group: Group
    architecture: Architecture
    layers: Profile
    accuracy: SeedAccuracies
    int8: SeedAccuracies
    quantization: PairedDifference
    agreement: float
    bytes: int
    figures: Int8Figures
    edgetpu: EdgeTpu

    @property
    def name(self) -> str:
        """What it is called in the study: its head, or the run where several have one head."""
        return self.group.name

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of its trainings, in the order of the answers."""
        return self.group.seeds

    @property
    def latency(self) -> Latency:
        """Of the int8 file, one inference on one thread."""
        return self.figures.latency

    @property
    def sentence(self) -> str:
        """One sentence on what int8 costs, no stronger than its numbers."""
        found, prefix = self.quantization, f"{self.name} in int8 ({self.accuracy.basis}): the same answer "
        if self.agreement == 1:
            ending = conclusion(found, "float", "int8")
            return f"{prefix}as in float to every image, {ruled_out(found)}, {ending}."
        words = difference_in_words(found, "float", "int8")
        return f"{prefix}to {100 * self.agreement:.2f} % of the images, accuracy {words}."

    @property
    def remarks(self) -> tuple[str, ...]:
        """What would decide what int8 costs, where that is inconclusive."""
        words = prospect_in_words(self.quantization)
        return (f"{self.name} in int8: {words}.",) if words else ()

    @property
    def parameters(self) -> int:
        """Trainable ones of the whole network."""
        return self.layers.parameters

    @property
    def head_parameters(self) -> int:
        """Trainable ones of the head alone."""
        return sum(row.parameters for row in self.layers.layers if is_head_layer(row.name))

    @property
    def share(self) -> float:
        """The head's share of the parameters, 0 to 1."""
        return self.head_parameters / self.parameters

    @property
    def multiply_adds(self) -> int | None:
        """Of one image; ``None``: not known."""
        return self.layers.multiply_adds

    def to_dict(self) -> dict[str, Any]:
        """Return name, model, variant, norm, head, parameters, accuracy, int8, layers and more."""
        return {
            "name": self.name,
            **self.architecture.model_dump(),
            "parameters": self.parameters,
            "head_parameters": self.head_parameters,
            "multiply_adds": self.multiply_adds,
            "accuracy": self.accuracy.to_dict(),
            "int8": self.int8.to_dict(),
            "quantization": difference_to_dict(self.quantization),
            "agreement": self.agreement,
            "bytes": self.bytes,
            "latency_us": self.latency.to_dict(),
            "edgetpu": asdict(self.edgetpu),
            "layers": self.layers.to_dict()["layers"],
            "int8_layers": [layer.to_dict() for layer in self.figures.layers],
        }


@dataclass(frozen=True)
class Study(Shown):
    """A finished comparison.

    Attributes:
        settings: What was asked for, resolved.
        environment: As in a run.
        machine: What the latencies were measured on.
        heads: At least one; a run alone is a study of one, without a verdict.
        verdicts: One a pair.
        reports: The files written.
        evidence: The runs, what they answered, the test images.
        measurements: From other devices, attached.
        baseline: What needs no network: always the most frequent class of the training images.
        scope: Which trainings it is about.
    """

    path: Path
    settings: StudySettings
    environment: dict[str, Any]
    machine: dict[str, Any]
    heads: tuple[HeadResult, ...]
    verdicts: tuple[Verdict, ...]
    reports: tuple[Path, ...]
    evidence: Evidence
    measurements: tuple[Measurement, ...] = ()
    baseline: Baseline | None = None
    scope: Scope = field(default_factory=Scope)

    @property
    def margin(self) -> float:
        """Points within which two accuracies count as equal."""
        return self.settings.margin_points or MARGIN

    @cached_property
    def by_class(self) -> tuple[tuple[str, str, tuple[ClassDifference, ...]], ...]:
        """Class by class, with their names: the pairs of heads, or a head alone and its int8 file."""
        pairs = [((each.a.name, each.a.accuracy), (each.b.name, each.b.accuracy)) for each in self.verdicts]
        pairs = pairs or [(("float", head.accuracy), ("int8", head.int8)) for head in self.heads]
        labels, classes = self.evidence.test.labels, self.evidence.classes
        return tuple(
            (a, b, differences_by_class(of_a.correct, of_b.correct, labels, classes))
            for (a, of_a), (b, of_b) in pairs
        )

    @property
    def groups(self) -> tuple[Group, ...]:
        """The runs of each head and what they answered, in the order of the heads."""
        return tuple(head.group for head in self.heads)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What the study shows, a sentence each: of every pair, or of a head alone what int8 costs it."""
        return tuple(each.sentence for each in self.verdicts or self.heads)

    @property
    def notes(self) -> tuple[str, ...]:
        """How the intervals hold, what would decide, and what the study cannot show, a sentence each."""
        return self.remarks + self.caveats

    @property
    def _family(self) -> PairedDifference:
        """One of the differences that answer the study's question."""
        return self.verdicts[0].floating if self.verdicts else self.heads[0].quantization

    @property
    def remarks(self) -> tuple[str, ...]:
        """The sources of uncertainty, what would decide, what the intervals cover, one sentence each."""
        family = self._family
        told = [each for found in self.verdicts or self.heads for each in found.remarks]
        told += [each for each in (self._held_together(family),) if each]
        return tuple(told)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the study cannot show, one sentence each."""
        seeds, images = self.heads[0].accuracy.correct.shape
        margin, told = self.margin, list(self.scope.notes(seeds))
        needed = images_for_equivalence(margin, self._family.level)
        if images < needed:
            told.append(
                f"{images:,} test images are too few to show that two are equivalent within ±{margin:g} "
                f"points: that takes at least {needed:,}, and one image is {100 / images:.2f} points."
            )
        if seeds == 1:
            told.append(
                "One seed: how much another one would change is not known, and no interval here covers it."
            )
        if seeds == 2:
            told.append("Two seeds say little about a third: an interval over seeds is wide for it.")
        if self.baseline:
            told.append(f"Without any network: {self.baseline}.")
        told += [f"{run}: {words}." for run, words in self.settings.interrupted.items()]
        for name, values in self.settings.differing.items():
            told.append(f"Not equal conditions: {name} is {_by_value(values)}.")
        return tuple(told)

    def _held_together(self, family: PairedDifference) -> str:
        """Return in words for what beside a single pair the intervals hold at once; empty: for nothing."""
        pairs, most = family.comparisons, self.settings.max_seeds
        what = [
            f"the {pairs} pairs (Bonferroni, as for the p-values)" if pairs > 1 else "",
            f"all looks with 2 to {most} seeds (repeated confidence intervals)" if most else "",
        ]
        together = " and ".join(filter(None, what))
        if not together:
            return ""
        return (
            f"The 95 % are those of {together} at once: each interval alone has {100 * family.level:.2f} %."
        )

    @property
    def conclusion(self) -> str:
        """What the study shows and what it cannot, and where its report is."""
        return "\n".join([*self.sentences, *self.notes, f"report  {self.reports[0]}"])

    def blocks(self) -> list[Block]:
        """Return a row for each head, and what the difference is worth."""
        from kerascnn.studies.results.overview import HEADER, cells

        return [Table(HEADER, [cells(head) for head in self.heads]), self.conclusion]

    def to_dict(self) -> dict[str, Any]:
        """Return study, settings, heads, verdicts, choices, notes, baseline, measurements and more."""
        from kerascnn.studies.results.choices import choices
        from kerascnn.studies.results.details import head_details

        return {
            "study": str(self.path),
            "settings": self.settings.to_dict(),
            "heads": [head.to_dict() | head_details(head, self.evidence) for head in self.heads],
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "choices": [each.to_dict() for each in choices(self)],
            "by_class": [
                {"a": a, "b": b, "classes": [each.to_dict() for each in found]}
                for a, b, found in self.by_class
            ],
            "notes": list(self.notes),
            "scope": self.scope.model_dump(mode="json"),
            "baseline": self.baseline.to_dict() if self.baseline else None,
            "measurements": [asdict(each) for each in self.measurements],
            "reports": [str(report) for report in self.reports],
            "environment": self.environment,
            "machine": self.machine,
        }


def _by_value(values: Mapping[str, Any]) -> str:
    """Return the values that runs have, each with its runs."""
    runs: dict[str, list[str]] = {}
    for run, value in values.items():
        runs.setdefault("none" if value in (None, [], ()) else str(value), []).append(run)
    return "; ".join(f"{value} ({', '.join(named)})" for value, named in runs.items())
