"""Test images on which two networks, or a network and its int8 file, do not agree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerascnn.analysis.interpretability.class_activation import CLASS_MAP, ClassMap, class_maps
from kerascnn.data.bad_files import image_of
from kerascnn.figures.captioned import Chapter
from kerascnn.figures.page import Picture, Section
from kerascnn.models.description import ModelDescription
from kerascnn.models.keras_file import load_model
from kerascnn.studies.report.heatmap import enlarged, heated, side_by_side
from kerascnn.studies.results.evidence import Evidence, Group
from kerascnn.studies.results.predictions import Probabilities
from kerascnn.studies.results.study import Study

SHOWN = 12  # images of a gallery at most


@dataclass(frozen=True)
class _Side:
    """One of the two that do not agree: what it is called, and what it answered to every test image.

    ``group`` is the network of whose maps of class scores its answers are shown.
    """

    name: str
    answers: Probabilities
    group: Group

    def told(self, number: int, evidence: Evidence) -> str:
        """Return the answer to one image in words."""
        label = self.label(number)
        mark = "✓" if self.is_right(number, evidence) else "✗"
        return f"{mark} {self.name}: {evidence.classes[label]} ({100 * self.answers[number, label]:.1f} %)"

    def is_right(self, number: int, evidence: Evidence) -> bool:
        """Whether the answer to one image is its class."""
        return self.label(number) == int(evidence.test.labels[number])

    def label(self, number: int) -> int:
        """Return the class of the answer to one image."""
        return int(self.answers[number].argmax())


class _Maps:
    """Maps of class scores of the first seed's networks; each network that has some is opened once."""

    def __init__(self, study: Study) -> None:
        self._mapped = {
            head.name for head in study.heads if any(row.name == CLASS_MAP for row in head.layers.layers)
        }
        self._opened: dict[str, tuple[Any, ModelDescription]] = {}

    def of(self, group: Group, pictures: Sequence[Image.Image]) -> list[ClassMap]:
        """Return the maps over some pictures; none where the head has no such map."""
        if group.name not in self._mapped or not group.runs:
            return []
        if group.name not in self._opened:
            self._opened[group.name] = load_model(group.runs[0].require_model())
        return class_maps(*self._opened[group.name], pictures)


def galleries(study: Study) -> Iterator[Chapter]:
    """Show where the first seed's pairs of heads disagree, and each head with its int8 file."""
    evidence, maps = study.evidence, _Maps(study)
    for verdict in study.verdicts:
        pair = [
            _Side(head.name, head.group.answers[0].floating, head.group) for head in (verdict.a, verdict.b)
        ]
        title = f"Where {pair[0].name} and {pair[1].name} disagree"
        yield Chapter(_gallery(title, pair, evidence, maps))
    for group in study.groups:
        first = group.answers[0]
        pair = [
            _Side(f"{group.name} float", first.floating, group),
            _Side(f"{group.name} int8", first.int8, group),
        ]
        title = f"Where {group.name} and its int8 file disagree"
        yield Chapter(_gallery(title, pair, evidence, maps))


def _gallery(title: str, pair: Sequence[_Side], evidence: Evidence, maps: _Maps) -> Section:
    apart = disagreements(pair[0].answers, pair[1].answers)
    total = f"{len(apart):,} of {len(evidence.test):,} test images (first seed)"
    if not len(apart):
        return Section(title, f"Nowhere: {total} are answered differently.")
    shown = apart[:SHOWN]
    some = f" The {SHOWN} on which both are surest are shown." if len(apart) > SHOWN else ""
    pictures = [image_of(evidence.test, int(number)) for number in shown]
    found = {side.group.name: maps.of(side.group, pictures) for side in pair}
    mapped = [name for name, each in found.items() if each]
    text = f"{total} are answered differently: {_who_is_right(apart, pair, evidence)}.{some}"
    if mapped:
        text += (
            f" Beside each picture stands where {' and '.join(mapped)} saw the answer: the class activation "
            "map of the float network, bright is high, on the part of the picture that it covers."
        )
    cards = [
        _card(
            int(number),
            picture,
            [(side, found[side.group.name][place : place + 1]) for side in pair],
            evidence,
        )
        for place, (number, picture) in enumerate(zip(shown, pictures, strict=True))
    ]
    return Section(title, text, gallery=cards)


def _who_is_right(apart: NDArray[np.intp], pair: Sequence[_Side], evidence: Evidence) -> str:
    """Return on how many images which of the two is right."""
    right = [sum(side.is_right(int(number), evidence) for number in apart) for side in pair]
    told = [f"{side.name} is right on {count:,}" for side, count in zip(pair, right, strict=True)]
    return ", ".join([*told, f"neither on {len(apart) - sum(right):,}"])


def disagreements(a: Probabilities, b: Probabilities) -> NDArray[np.intp]:
    """Return the images that two answer differently, those first on which both are sure.

    Args:
        a: Probabilities, shape (images, classes); ``b`` likewise.
    """
    apart = np.flatnonzero(a.argmax(axis=1) != b.argmax(axis=1))
    sure = np.minimum(a.max(axis=1), b.max(axis=1))[apart]
    return apart[np.argsort(-sure, kind="stable")]


def _card(
    number: int,
    picture: Image.Image,
    pair: Sequence[tuple[_Side, Sequence[ClassMap]]],
    evidence: Evidence,
) -> Picture:
    """Show one image with the two answers to it, and the maps that there are, at most one a side."""
    classes = evidence.classes
    pictures, seen = [enlarged(picture)], []
    for side, maps in pair:
        label = side.label(number)
        pictures += [heated(each, label) for each in maps]
        seen += [f"{side.group.name} for {classes[label]}" for _ in maps]
    right = [side.name for side, _ in pair if side.is_right(number, evidence)]
    heading = f"{right[0] if right else 'neither'} is right"
    lines = [
        f"test image {number + 1:,}, true: {classes[evidence.test.labels[number]]}",
        *(side.told(number, evidence) for side, _ in pair),
        *([f"maps: {'; '.join(seen)}"] if seen else []),
    ]
    return Picture(side_by_side(pictures), "; ".join([heading, *lines]), "\n".join(lines), heading=heading)
