"""Transfer learning: start from another run's backbone with a new head."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.foundation.errors import UsageError
from kerascnn.models.heads import is_head_layer
from kerascnn.models.keras_file import load_model
from kerascnn.training.run import Run


@dataclass(frozen=True)
class Pretrained:
    """A trained model to start from.

    Attributes:
        run: The run's folder.
        model: The ``keras.Model``.
    """

    run: Path
    model: Any

    @classmethod
    def open(cls, run: Path, norm: str) -> "Pretrained":
        """Open a run for a network with a normalization.

        Raises:
            UsageError: The run has another normalization.
            KerasCnnError: It is not a run, or is incomplete.
        """
        model, description = load_model(Run.open(run).require_model())
        trained = description.architecture.norm
        if trained != norm:
            raise UsageError(f"{run} was trained with --norm {trained}. Received: norm={norm}")
        return cls(run, model)

    @property
    def pixels(self) -> tuple[float, float]:
        """Mean and standard deviation of the pixels that the backbone was trained with."""
        first = self.model.get_layer("rescaling")
        return -first.offset / first.scale, 1 / first.scale

    def load_into(self, model: Any) -> None:
        """Copy the backbone's weights into a new model, and the head's if all its layers match.

        Raises:
            UsageError: The backbones differ: a layer has other shapes, or stands in one of them only.
        """
        (here, head), (there, their_head) = _weighted_layers(model), _weighted_layers(self.model)
        for name in [*here, *there]:
            misfit = _misfit(name, _shapes(here.get(name)), _shapes(there.get(name)))
            if misfit:
                raise UsageError(f"The weights of {self.run} do not fit this network: {misfit}.")
        same_head = all(_shapes(layer) == _shapes(their_head.get(name)) for name, layer in head.items())
        for name, layer in (here | (head if same_head else {})).items():
            layer.set_weights(self.model.get_layer(name).get_weights())


def _weighted_layers(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the layers with weights by name: backbone and head."""
    layers = {layer.name: layer for layer in model.layers if layer.weights}
    head = {name: layer for name, layer in layers.items() if is_head_layer(name)}
    return {name: layer for name, layer in layers.items() if name not in head}, head


def _misfit(name: str, needed: list[tuple[int, ...]], found: list[tuple[int, ...]]) -> str | None:
    if needed == found:
        return None
    if not needed:
        return f"their layer {name} does not exist in this network"
    there = f"has the shapes {_text(found)} there" if found else "is not there"
    return f"layer {name} needs {_text(needed)}, it {there}"


def _shapes(layer: Any | None) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights] if layer else []


def _text(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join("×".join(map(str, shape)) for shape in shapes)
