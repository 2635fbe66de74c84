"""Test images on which two networks, or a network and its int8 file, do not agree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kerascnn.answers import Probabilities
from kerascnn.class_map import ClassMap, class_maps, has_class_map
from kerascnn.data.bad_files import picture_of
from kerascnn.model_file import load_model
from kerascnn.report.evidence import Evidence, Group
from kerascnn.report.heat import enlarged, heated, side_by_side
from kerascnn.report.page import Picture, Section
from kerascnn.study import Study

SHOWN = 12  # images of a gallery at most


@dataclass(frozen=True)
class _Side:
    """One of the two that do not agree: what it is called, and what it answered to every test image.

    ``group`` is the network of whose maps of class scores its answers are shown.
    """

    name: str
    answers: Probabilities
    group: Group

    def told(self, number: int, classes: Sequence[str]) -> str:
        """Return the answer to one image in words."""
        label = self.label(number)
        return f"{self.name}: {classes[label]} ({100 * self.answers[number, label]:.1f} %)"

    def label(self, number: int) -> int:
        """Return the class of the answer to one image."""
        return int(self.answers[number].argmax())


def galleries(study: Study, evidence: Evidence) -> Iterator[Section]:
    """Show where the first seed's pairs of heads disagree, and each head with its int8 file."""
    groups = {group.name: group for group in evidence.groups}
    for verdict in study.verdicts:
        pair = [
            _Side(name, groups[name].answers[0].floating, groups[name])
            for name in (verdict.a.head, verdict.b.head)
        ]
        yield _gallery(f"Where {pair[0].name} and {pair[1].name} disagree", pair, evidence)
    for group in evidence.groups:
        first = group.answers[0]
        pair = [
            _Side(f"{group.name} float", first.floating, group),
            _Side(f"{group.name} int8", first.int8, group),
        ]
        yield _gallery(f"Where {group.name} and its int8 file disagree", pair, evidence)


def _gallery(title: str, pair: Sequence[_Side], evidence: Evidence) -> Section:
    apart = disagreements(pair[0].answers, pair[1].answers)
    total = f"{len(apart):,} of {len(evidence.test):,} test images (first seed)"
    if not len(apart):
        return Section(title, f"Nowhere: {total} are answered differently.")
    shown = apart[:SHOWN]
    some = f" The {SHOWN} on which both are surest are shown." if len(apart) > SHOWN else ""
    maps = {side.group.name: _maps(side.group, evidence, shown) for side in pair}
    mapped = [name for name, found in maps.items() if found]
    text = f"{total} are answered differently.{some}"
    if mapped:
        text += (
            f" Behind the picture, where {' and '.join(mapped)} saw each answer (class activation map of the "
            "float network, bright is high)."
        )
    cards = [_card(place, number, pair, evidence, maps) for place, number in enumerate(map(int, shown))]
    return Section(title, text, gallery=cards)


def disagreements(a: Probabilities, b: Probabilities) -> NDArray[np.intp]:
    """Return the images that two answer differently, those first on which both are sure.

    Args:
        a: Probabilities, shape (images, classes); ``b`` likewise.
    """
    apart = np.flatnonzero(a.argmax(axis=1) != b.argmax(axis=1))
    sure = np.minimum(a.max(axis=1), b.max(axis=1))[apart]
    return apart[np.argsort(-sure, kind="stable")]


def _maps(group: Group, evidence: Evidence, shown: NDArray[np.intp]) -> list[ClassMap]:
    """Return the maps of class scores of a group's first run; none where its head has no such map."""
    if not group.runs:
        return []
    model, description = load_model(group.runs[0].require_model())
    if not has_class_map(model, description):
        return []
    return class_maps(model, description, [picture_of(evidence.test, int(number)) for number in shown])


def _card(
    place: int, number: int, pair: Sequence[_Side], evidence: Evidence, maps: dict[str, list[ClassMap]]
) -> Picture:
    """Show one image with the two answers to it, and the maps that there are."""
    classes = evidence.classes
    pictures, seen = [enlarged(picture_of(evidence.test, number))], []
    for side in pair:
        if found := maps[side.group.name]:
            label = side.label(number)
            pictures.append(heated(found[place], label))
            seen.append(f"{side.group.name} for {classes[label]}")
    lines = [
        f"test image {number + 1:,}, true: {classes[evidence.test.labels[number]]}",
        *(side.told(number, classes) for side in pair),
        *([f"maps: {'; '.join(seen)}"] if seen else []),
    ]
    return Picture(side_by_side(pictures), "; ".join(lines), "\n".join(lines))
