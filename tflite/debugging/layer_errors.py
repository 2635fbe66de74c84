"""Per-operator quantization error (SQNR, cosine, saturation): what each adds and what it inherits."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Images
from kerascnn.figures.plots import Spread
from kerascnn.foundation.errors import KerasCnnError, TargetError
from kerascnn.foundation.progress import Progress, silent
from kerascnn.tflite.debugging.isolated_operators import with_isolated_operators
from kerascnn.tflite.debugging.running_statistics import Comparison, RangeUsage, spread_of
from kerascnn.tflite.file_format.graph import ModelGraph, Operator, Tensor, read_graph
from kerascnn.tflite.inspection.layer_matching import Match, computed, layer_of, match_operators
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes
from kerascnn.tflite.runtime.intermediate_tensors import IntermediateTensors

READ_AT_ONCE = 16  # images; a split of files reads them only now
STEPS = ("INT8", "UINT8", "INT16")
ALIKE = 0.3  # cosine of weights: pruning and fine-tuning stay above it, another training is near 0
COMPARED = 100_000  # weights of a layer are enough to tell one training from another


@dataclass(frozen=True)
class LayerNoise:
    """The quantization error of one operator.

    Attributes:
        layer: The Keras layer that it computes, or computes a part of.
        operator: Its kind; ``index`` its number in the file; ``tensor`` and ``type`` what it gives.
        own_sqnr: Signal to quantization noise in dB that it adds itself: against the float operator on the
            very inputs it got. ``None``: it adds none.
        sqnr: The same with all that it inherited: against the float network. ``None``: there is none.
        cosine: Between its values and those of the float network.
        saturation: Share of its values at an end of the type that should be more than a step away from it
            (the zeros of a ReLU stand at an end by right); ``None`` for float values, as the next two.
        steps_used: Share of the type's steps that occur.
        range_used: Share of the representable range between the smallest value and the largest.
    """

    layer: str
    operator: str
    index: int
    tensor: str
    type: str
    own_sqnr: float | None
    sqnr: float | None
    cosine: float
    saturation: float | None
    steps_used: float | None
    range_used: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures; decibels are ``own_sqnr_db`` and ``sqnr_db``."""
        kept = {each.name: getattr(self, each.name) for each in fields(LayerNoise)}
        return {f"{name}_db" if name.endswith("sqnr") else name: value for name, value in kept.items()}


@dataclass(frozen=True)
class LayerError(LayerNoise):
    """The quantization error of one operator, with histograms.

    Attributes:
        activations: Its values, those of the float network and quantized; ``weights`` its weights likewise.
    """

    activations: Spread | None
    weights: Spread | None


def read_quantized(file: Path) -> ModelGraph:
    """Read a quantized file and check that its layers can be compared with a float network.

    Raises:
        TargetError: It is float.
        KerasCnnError: It cannot be read, has several subgraphs, or was compiled for a device.
    """
    found = read_graph(file)
    if len(found.subgraphs) != 1:
        raise KerasCnnError(f"{file} has {len(found.subgraphs)} subgraphs; an image classifier has one.")
    (graph,) = found.subgraphs
    custom = [operator.name for operator in graph.operators if operator.custom]
    if custom:
        raise KerasCnnError(
            f"{file} has the operator {custom[0]}, which runs on its device only. Give the file that it was "
            "compiled from."
        )
    if not any(tensor.quantization and "INT" in tensor.type for tensor in graph.tensors):
        raise TargetError(
            f"{file} is not quantized: none of its tensors is int8. Create a quantized file with "
            "`kerascnn quantize RUN`."
        )
    return found


def measure_layers(
    file: Path, model: Any, images: Images, *, run: Path, progress: Progress = silent
) -> tuple[LayerError, ...]:
    """Run a quantized file and the float network on the same images and compare every layer.

    Args:
        file: The quantized file.
        model: The Keras model from raw pixels that it was made from.
        images: That fit its input, uint8 (n, height, width, channels).
        run: The model's run, for messages.
        progress: Called after each image.

    Returns:
        One entry for each operator, in the order of the file.

    Raises:
        TargetError: The file is float.
        KerasCnnError: It cannot be read or run, is not the model's network, or is of another training.
    """
    (graph,) = read_quantized(file).subgraphs
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps a mapped file
        path = Path(folder) / "float32.tflite"
        path.write_bytes(with_isolated_operators(convert(model, schemes["float32"])))
        trained = IntermediateTensors(path, read_graph(path).subgraphs[0])
        layers = _layers(IntermediateTensors(file, graph), trained, model, file, run)
        for start in range(0, len(images), READ_AT_ONCE):
            for number, image in enumerate(images[start : start + READ_AT_ONCE], start):
                progress("comparing layers", number, len(images), f"image {number + 1}")
                _run_both(layers, image)
                for layer in layers:
                    layer.look()
        progress("comparing layers", len(images), len(images), f"{len(layers)} operators")
        return tuple(layer.error(file) for layer in layers)


def worst_first(errors: Sequence[LayerError]) -> tuple[LayerError, ...]:
    """Return the operators sorted by the noise that they add themselves, largest first."""
    return tuple(sorted(errors, key=lambda error: math.inf if error.own_sqnr is None else error.own_sqnr))


def operator_names(errors: Sequence[LayerNoise]) -> list[str]:
    """Return a name for each operator: its layer, and its kind if the layer has several."""
    times = Counter(error.layer for error in errors)
    return [error.layer if times[error.layer] == 1 else f"{error.layer} {error.operator}" for error in errors]


class _Layer:
    """An operator of the file, its partner in the float network, and the partner's isolated twin."""

    def __init__(
        self,
        name: str,
        match: Match,
        quantized: IntermediateTensors,
        trained: IntermediateTensors,
        twin: Operator,
    ) -> None:
        self.match, self.quantized, self.trained, self.twin = match, quantized, trained, twin
        self._name = name
        self._given = quantized.graph.tensors[match.operator.outputs[0]]
        self._whole, self._own = Comparison(), Comparison()
        self._usage = RangeUsage(self._given) if _has_steps(self._given) else None

    @property
    def _partner(self) -> Operator:
        return self.trained.graph.operators[self.match.number]

    def inputs_of_twin(self) -> dict[int, NDArray[np.float32]]:
        """Return the inputs of the file's operator, to be fed to its float twin."""
        wanted = computed(self.trained.graph, self.twin.inputs)
        return {
            number: self.quantized.real(read) for number, read in zip(wanted, self.match.reads, strict=True)
        }

    def look(self) -> None:
        """Add the values just computed by the file and by the float network to the statistics."""
        found = self.quantized.real(self._given.index)
        trained, alone = (self.trained.real(each.outputs[0]) for each in (self._partner, self.twin))
        self._whole.add(trained, found)
        self._own.add(alone, found)
        if self._usage:
            self._usage.add(self.quantized.stored(self._given.index), alone, trained)

    def error(self, file: Path) -> LayerError:
        """Return the accumulated error."""
        if not (math.isfinite(self._whole.cosine) and math.isfinite(self._own.cosine)):
            raise KerasCnnError(f"{file} or its run has values in {self._name} that are not finite numbers.")
        saturation, steps, span = self._usage.shares() if self._usage else (None, None, None)
        trained = self.trained.weights(self._partner)
        found = self.quantized.weights(self.match.operator)
        return LayerError(
            layer=self._name,
            operator=self.match.operator.name,
            index=self.match.operator.index,
            tensor=self._given.name,
            type=self._given.type,
            own_sqnr=self._own.sqnr,
            sqnr=self._whole.sqnr,
            cosine=self._whole.cosine,
            saturation=saturation,
            steps_used=steps,
            range_used=span,
            activations=self._usage.spread() if self._usage else None,
            weights=None if trained is None or found is None else spread_of(trained, found),
        )


def _layers(
    quantized: IntermediateTensors, trained: IntermediateTensors, model: Any, file: Path, run: Path
) -> list[_Layer]:
    """Match the operators of the file with those of the float network and their twins."""
    both = trained.graph.operators
    operators, twins = both[: len(both) // 2], both[len(both) // 2 :]
    once = replace(trained.graph, operators=operators, inputs=trained.graph.inputs[:1])

    def likeness(operator: Operator, partner: Operator) -> float:
        found, expected = quantized.weights(operator), trained.weights(partner)
        if found is None or expected is None or found.shape != expected.shape:
            return 1.0
        some = slice(None, None, 1 + expected.size // COMPARED)
        comparison = Comparison()
        comparison.add(expected.ravel()[some], found.ravel()[some])
        return comparison.cosine

    names = [layer.name for layer in model.layers]
    layers = []
    for match in match_operators(quantized.graph, once, likeness, file=file, run=run):
        given = trained.graph.tensors[operators[match.number].outputs[0]]
        name = layer_of(given.name, names) or match.operator.name.lower()
        if match.likeness < ALIKE:
            raise KerasCnnError(
                f"{file} has the network of {run}, but other weights in {name}, with a cosine of "
                f"{match.likeness:.2f}: it is from another training. Give the run the file was made from."
            )
        layers.append(_Layer(name, match, quantized, trained, twins[match.number]))
    return layers


def _run_both(layers: Sequence[_Layer], image: NDArray[np.uint8]) -> None:
    """Run the file on one image, then the float network with each twin on its partner's inputs."""
    quantized, trained = layers[0].quantized, layers[0].trained
    quantized.run({quantized.graph.inputs[0]: quantized.encoded(image)})
    fed = {trained.graph.inputs[0]: image[np.newaxis].astype(np.float32)}
    for layer in layers:
        fed |= layer.inputs_of_twin()
    trained.run(fed)


def _has_steps(tensor: Tensor) -> bool:
    found = tensor.quantization
    return found is not None and not found.per_channel and tensor.type in STEPS
