"""Chapters on the learned features of a network: figures with captions and alt texts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerascnn.analysis.evaluation.evaluation import Evaluation
from kerascnn.analysis.interpretability.class_activation import class_map
from kerascnn.analysis.interpretability.conv_blocks import conv_blocks, convolutions, ends_of_backbone
from kerascnn.analysis.interpretability.feature_maps import (
    activation_maps,
    filters,
    middle_squares,
    mistakes,
    receptive_fields,
)
from kerascnn.analysis.interpretability.top_patches import TopActivations, patches
from kerascnn.data.dataset import Split
from kerascnn.figures.captioned import CaptionedFigure, Chapter
from kerascnn.figures.image_grid import TILES
from kerascnn.figures.page import Section
from kerascnn.figures.plots import confusion, heatmaps
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.progress import Progress, silent
from kerascnn.models.description import ModelDescription

LIKELIEST = 3  # classes whose map is drawn
SMALL_PATCH = 16  # pixels; of larger ones fewer filters are drawn, so that the page stays small
LARGE_PATCHED = 24  # filters


@dataclass(frozen=True)
class Subject:
    """A network and the image shown to it.

    Attributes:
        model: The ``keras.Model``, from raw pixels; ``description`` what its file says.
        test: The test images, brought to the model's input; ``evaluation`` how it does on them.
        top_activations: The top activations of its filters among them, by the convolution's name.
        image: One image; ``label`` its class, empty where that is not known.
        pixels: The image at the model's input, shape (height, width, channels).
        shares: The probabilities of its classes, shape (classes,).
    """

    model: Any
    description: ModelDescription
    test: Split
    evaluation: Evaluation
    top_activations: Mapping[str, TopActivations]
    image: Image.Image
    label: str
    pixels: NDArray[np.uint8]
    shares: NDArray[np.float32]

    @property
    def likeliest(self) -> list[int]:
        """The classes sorted by probability, the likeliest first."""
        return [int(label) for label in np.argsort(-self.shares, kind="stable")]


def chapters(subject: Subject, progress: Progress = silent) -> Iterator[Chapter]:
    """Yield the chapters; each is drawn when it is requested.

    Raises:
        KerasCnnError: The model has no convolution, or a test image cannot be read.
    """
    drawn = (_filters, _maps, _top_patches, _class_maps, _fields, _confusion, _mistakes)
    for number, chapter in enumerate(drawn):
        progress("drawing", number, len(drawn), "")
        yield chapter(subject)
    progress("drawing", len(drawn), len(drawn), "")


def _filters(subject: Subject) -> Chapter:
    first = convolutions(subject.model)[0].name
    caption = "Weights of the first convolution: the pattern that each filter responds to."
    figure = CaptionedFigure("filters", filters(subject.model), f"The filters of {first}", caption)
    return Chapter(Section("First filters"), [figure])


def _maps(subject: Subject) -> Chapter:
    drawn = activation_maps(subject.model, subject.pixels, subject.label)
    known = {stage.name: stage for stage in conv_blocks(subject.model)}
    image = drawn.pop("picture")
    figures = [CaptionedFigure("picture", image, "The input image", "The image as it enters the network.")]
    for name, figure in drawn.items():
        (rows, columns, count), called = known[name].shape, known[name].nonlinearity
        when = f"before (left) and after {called} (right)" if called else "no nonlinearity follows"
        some = f", the first {TILES} are drawn" if count > TILES else ""
        caption = f"{name}, {when}: {count} maps of {rows}×{columns}{some}; red is positive, blue negative."
        figures.append(CaptionedFigure(f"maps-{name}", figure, f"The maps of {name}", caption))
    return Chapter(Section("Activation maps", "The output of each convolution for this image."), figures)


def _top_patches(subject: Subject) -> Chapter:
    title, text = "Top-activating patches", "For the first and the last convolution before the head."
    images, ends = subject.test.images, ends_of_backbone(subject.model)
    if hidden := [name for name in ends if name not in subject.top_activations]:
        text = f"The receptive field of {', '.join(hidden)} is unknown."
    figures = []
    for name, found in subject.top_activations.items():
        (count, total), field = found.places.values.shape, found.sight.field
        limit = TILES if field <= SMALL_PATCH else LARGE_PATCHED
        some = f"the first {limit} of {total}" if total > limit else f"{total}"
        caption = (
            f"{name}, {some} filters: the {count} of {len(images):,} test images with the strongest "
            f"activation, cropped to its receptive field of {field}×{field} pixels. Pale blue is outside the "
            "image."
        )
        figure = patches(name, found, images, filters=limit)
        alt = f"The top-activating patches of {name}"
        figures.append(CaptionedFigure(f"patches-{name}", figure, alt, caption))
    return Chapter(Section(title, text), figures)


def _class_maps(subject: Subject) -> Chapter:
    title, classes = "Class activation maps", subject.evaluation.classes
    try:
        found = class_map(subject.model, subject.description, subject.image)
    except UsageError as error:
        return Chapter(Section(title, str(error)))
    shown = subject.likeliest[:LIKELIEST]
    if subject.label and (truth := classes.index(subject.label)) not in shown:
        shown.append(truth)
    drawn = [(classes[each], float(subject.shares[each]), found.scores[..., each]) for each in shown]
    caption = (
        "Scores of each class across the image, before they are averaged: "
        f"{', '.join(f'{name} ({100 * share:.1f} %)' for name, share, _ in drawn)}. One scale for all."
    )
    figure = heatmaps(found.pixels, found.extent, drawn)
    return Chapter(
        Section(title),
        [CaptionedFigure("class-maps", figure, "Class activation maps over the image", caption)],
    )


def _fields(subject: Subject) -> Chapter:
    title, figure = "Receptive fields", receptive_fields(subject.model, subject.pixels)
    if figure is None:
        return Chapter(Section(title, "The receptive fields of the convolutions are unknown."))
    largest = max(side for _, _, side in middle_squares(subject.model))
    caption = (
        "The receptive field of the middle value of each convolution's map; outside the image are the zeros "
        f"of the padding. The largest is {largest}×{largest} pixels."
    )
    return Chapter(
        Section(title),
        [CaptionedFigure("receptive-fields", figure, "Receptive fields drawn on the image", caption)],
    )


def _confusion(subject: Subject) -> Chapter:
    evaluation = subject.evaluation
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    truth, answer = np.unravel_index(wrong.argmax(), wrong.shape)
    caption = "Rows are true classes, columns predicted classes; the shade is the share of the row."
    if count := int(wrong[truth, answer]):
        names, of = evaluation.classes, int(evaluation.confusion[truth].sum())
        caption += f" Most often {names[truth]} is taken for {names[answer]}: {count:,} of {of:,} times."
    figure = confusion(evaluation.confusion, evaluation.classes)
    shown = CaptionedFigure("confusion", figure, "The confusion matrix", caption)
    return Chapter(Section("Confusion matrix", f"Test accuracy {evaluation.accuracy}."), [shown])


def _mistakes(subject: Subject) -> Chapter:
    found, split = subject.evaluation, subject.test
    title, figure = (
        "Most confident mistakes",
        mistakes(split.images, split.labels, found.probabilities, found.classes),
    )
    if figure is None:
        return Chapter(Section(title, f"None: all {len(split):,} test images are classified correctly."))
    caption = "Wrong predictions, the most confident first."
    return Chapter(Section(title), [CaptionedFigure("mistakes", figure, "Misclassified images", caption)])
