"""Starting from another run: its trunk is taken, another head begins fresh."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.errors import UsageError
from kerascnn.model_file import load_model
from kerascnn.models.heads import is_head_layer
from kerascnn.run import Run


@dataclass(frozen=True)
class Start:
    """A trained model to start from.

    Attributes:
        run: Where it stands.
        model: The ``keras.Model``.
        head: The name of its head.
    """

    run: Path
    model: Any
    head: str

    @classmethod
    def of(cls, run: Path) -> "Start":
        """Open a run.

        Raises:
            KerasCnnError: It is not a run, or is incomplete.
        """
        model, description = load_model(Run.open(run).require_model())
        return cls(run, model, description.head)

    @property
    def pixels(self) -> tuple[float, float]:
        """The (mean, deviation) of the pixels that the trunk was trained with."""
        first = self.model.get_layer("rescaling")
        return -first.offset / first.scale, 1 / first.scale

    def hand_over(self, model: Any) -> None:
        """Copy the trunk's weights into a new model, and the head's where every layer of it is the same.

        Raises:
            UsageError: A layer of the trunk is missing in the run or has other shapes there.
        """
        trunk = [layer for layer in model.layers if layer.weights and not is_head_layer(layer.name)]
        head = [layer for layer in model.layers if layer.weights and is_head_layer(layer.name)]
        for layer in trunk:
            if self._shapes(layer.name) != _shapes(layer):
                theirs = self._shapes(layer.name)
                found = f"has the shapes {_text(theirs)} there" if theirs else "is not there"
                raise UsageError(
                    f"The weights of {self.run} do not fit: layer {layer.name} needs "
                    f"{_text(_shapes(layer))}, it {found}."
                )
        same_head = all(self._shapes(layer.name) == _shapes(layer) for layer in head)
        for layer in [*trunk, *(head if same_head else [])]:
            layer.set_weights(self.model.get_layer(layer.name).get_weights())

    def _shapes(self, name: str) -> list[tuple[int, ...]]:
        return next((_shapes(layer) for layer in self.model.layers if layer.name == name), [])


def _shapes(layer: Any) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]


def _text(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join("×".join(map(str, shape)) for shape in shapes)
