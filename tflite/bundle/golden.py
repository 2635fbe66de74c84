"""The reference images of a bundle: expected outputs and their tolerance to rounding.

Each output has a range of its own, see ``rounding``, with one step more for the rounding of the probability
itself. Where a class is certain its probability hides what happens before it; a device therefore shows its
logits, too.
"""

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerascnn.data.dataset import Split
from kerascnn.data.image_files import FileSplit
from kerascnn.data.split import stratified_sample
from kerascnn.tflite.file_format.graph import Tensor, read_graph
from kerascnn.tflite.runtime.intermediate_tensors import IntermediateTensors
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.runtime.rounding import PROBABILITY_STEP, Logits, carried, step_of

IMAGES = 32
LONGEST = 512  # pixels of a golden image's longer side: photos of a phone would be hundreds of megabytes
#: Operators whose reference kernel is wrong: ai-edge-litert 2.3.0 gives −1 for every SUM of int8 values.
WRONG_REFERENCE = frozenset({"SUM"})


class Expected(NamedTuple):
    """Expected outputs with their ranges, each of shape (n, classes).

    Attributes:
        outputs: In the type of the file's output; ``lowest`` and ``highest`` the range of each.
        logits: Stored inputs of softmax.
    """

    outputs: NDArray[Any]
    lowest: NDArray[Any]
    highest: NDArray[Any]
    logits: NDArray[Any]


ARRAYS = ("inputs", *Expected._fields)


def golden(lite: LiteRTClassifier, test: Split) -> dict[str, bytes]:
    """Return test images of every class, their inputs, outputs and ranges, as files of a bundle."""
    chosen = chosen_images(test)
    images = [golden_image(test, number) for number in chosen]
    rule = lite.description.preprocessing
    inputs = lite.encode(np.stack([rule.image(image) for image in images]))
    classes = lite.description.classes
    names = (f"golden/{place:02}-{_plain(classes[test.labels[n]])}.png" for place, n in enumerate(chosen))
    arrays = dict(zip(ARRAYS, (inputs, *expected(lite.path, inputs)), strict=True))
    return {f"golden/{name}.npy": _npy(values) for name, values in arrays.items()} | dict(
        zip(names, map(_png, images), strict=True)
    )


def chosen_images(test: Split) -> list[int]:
    """Return the numbers of test images of every class."""
    return [int(number) for number in stratified_sample(test.labels, min(IMAGES, len(test)), seed=0)]


def logits_of(model: Path) -> dict[str, int] | None:
    """Return what ``model.json`` says of the logits."""
    (graph,) = read_graph(model).subgraphs
    return Logits.of(IntermediateTensors(model, graph)).to_dict()


def has_reference(model: Path) -> bool:
    """Return whether LiteRT's reference kernels support a file."""
    (graph,) = read_graph(model).subgraphs
    return WRONG_REFERENCE.isdisjoint(operator.name for operator in graph.operators)


def expected(model: Path, inputs: NDArray[Any]) -> Expected:
    """Return the outputs of the reference kernels, or of LiteRT's default ones where the former are wrong.

    Args:
        model: A file that ends in softmax.
        inputs: Encoded images, shape (n, height, width, channels).
    """
    (graph,) = read_graph(model).subgraphs
    values = IntermediateTensors(model, graph, reference=has_reference(model))
    logits = Logits.of(values)
    rows, stored, real = [], [], []
    for image in inputs:
        values.run({graph.inputs[0]: image[np.newaxis]})
        rows.append(values.stored(graph.outputs[0])[0])
        stored.append(values.stored(logits.tensor).reshape(-1))
        real.append(values.real(logits.tensor).reshape(-1))
    outputs = np.stack(rows)
    output = graph.tensors[graph.outputs[0]]
    ends = carried(np.stack(real), logits.reach)
    step = step_of(output) or PROBABILITY_STEP
    lowest, highest = (_encoded(share, output) for share in (ends[0] - step, ends[1] + step))
    return Expected(outputs, lowest.astype(outputs.dtype), highest.astype(outputs.dtype), np.stack(stored))


def _encoded(shares: NDArray[np.float64], output: Tensor) -> NDArray[np.float64]:
    """Return probabilities in the type and scale of the file's output."""
    if not output.quantization:
        return shares
    limits = np.iinfo(output.type.lower())
    steps = shares / output.quantization.scales[0] + output.quantization.zero_points[0]
    return np.round(steps).clip(limits.min, limits.max)


def golden_image(test: Split, number: int, longest: int = LONGEST) -> Image.Image:
    """Return a test image in its original size, large ones reduced."""
    if isinstance(test, FileSplit):
        image = test.images.files[number].decoded().image
        image.thumbnail((longest, longest))
        return image
    pixels = test.images[np.array([number])][0]
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def _plain(label: str) -> str:
    """Return a class name in characters that are valid in file names on every system."""
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in label)[:40]


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _npy(values: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()
