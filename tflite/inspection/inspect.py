"""``inspect``: describe the operators, inputs and outputs of a ``.tflite`` file."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.models.description import ModelDescription
from kerascnn.tflite.file_format.graph import ModelGraph, Operator, Subgraph, Tensor, read_graph
from kerascnn.tflite.inspection.tensor_words import inputs_in_words, outputs_in_words


@dataclass(frozen=True)
class Inspection(Shown):
    """Result of ``inspect``: a file's graph, inputs and outputs.

    Attributes:
        graph: Its operators and tensors.
        inputs: Description of each input.
        outputs: Description of each output.
        description: The description kerascnn wrote into the file; ``None`` for files of other programs.
        damage: Why a description cannot be read that is there.
    """

    graph: ModelGraph
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    description: ModelDescription | None
    damage: str | None

    @property
    def constant_bytes(self) -> int:
        """Bytes of all constants, shared ones counted once."""
        return _stored(tensor for subgraph in self.graph.subgraphs for tensor in subgraph.tensors)

    def blocks(self) -> list[Block]:
        """Return every operator, and the inputs and outputs."""
        from kerascnn.tflite.inspection.inspect_text import blocks

        return blocks(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the file, its inputs and outputs in words, and each subgraph; tensors are indices."""
        main = self.graph.subgraphs[0]
        return {
            "file": str(self.graph.path),
            "bytes": self.graph.bytes,
            "constant_bytes": self.constant_bytes,
            "description": self.graph.description,
            "inputs": _ends(main, main.inputs, self.inputs),
            "outputs": _ends(main, main.outputs, self.outputs),
            "subgraphs": [_subgraph(subgraph) for subgraph in self.graph.subgraphs],
            "metadata": list(self.graph.metadata),
            "signatures": list(self.graph.signatures),
            "kerascnn": self.description.model_dump(mode="json") if self.description else None,
            "kerascnn_damage": self.damage,
        }


def inspect(path: Path | str) -> Inspection:
    """Read any ``.tflite`` file.

    Raises:
        KerasCnnError: There is no such file, or it is not a sound one.
    """
    path = Path(path)
    graph = read_graph(path)
    description, damage = None, None
    try:
        description = ModelDescription.embedded(path)
    except (KerasCnnError, OSError) as error:  # the network is sound: say it, and go on
        damage = " ".join(str(error).split())
    main = graph.subgraphs[0]
    return Inspection(graph, inputs_in_words(main, description), outputs_in_words(main), description, damage)


def held_bytes(operator: Operator, subgraph: Subgraph) -> int:
    """Return an operator's bytes in the file: its constants and, if custom, its options."""
    carried: int = operator.options.get("custom_options_bytes", 0)
    return carried + _stored(_constants(operator, subgraph))


def weights(operator: Operator, subgraph: Subgraph) -> Tensor | None:
    """Return an operator's largest constant that is not a shape, an axis or the like."""
    found = [tensor for tensor in _constants(operator, subgraph) if _is_weight(tensor)]
    return max(found, key=lambda tensor: tensor.bytes, default=None)


def _constants(operator: Operator, subgraph: Subgraph) -> list[Tensor]:
    inputs = (subgraph.tensors[index] for index in operator.inputs if index >= 0)
    return [tensor for tensor in inputs if tensor.constant]


def _stored(tensors: Iterable[Tensor]) -> int:
    """Return the bytes of constants, shared ones counted once."""
    return sum({tensor.start: tensor.bytes for tensor in tensors}.values())


def _is_weight(tensor: Tensor) -> bool:
    scaled = tensor.quantization is not None or tensor.blockwise
    return scaled or tensor.type not in ("INT32", "INT64", "BOOL", "STRING")


def _ends(subgraph: Subgraph, indices: tuple[int, ...], meanings: tuple[str, ...]) -> list[dict[str, Any]]:
    tensors = [subgraph.tensors[index] for index in indices]
    return [
        {
            "tensor": tensor.index,
            "name": tensor.name,
            "type": tensor.type,
            "shape": list(tensor.signature or tensor.shape),
            "meaning": meaning,
        }
        for tensor, meaning in zip(tensors, meanings, strict=True)
    ]


def _subgraph(subgraph: Subgraph) -> dict[str, Any]:
    return {
        "name": subgraph.name,
        "inputs": list(subgraph.inputs),
        "outputs": list(subgraph.outputs),
        "operators": [_operator(operator, subgraph) for operator in subgraph.operators],
        "tensors": [_tensor(tensor) for tensor in subgraph.tensors],
    }


def _operator(operator: Operator, subgraph: Subgraph) -> dict[str, Any]:
    weight = weights(operator, subgraph)
    return {
        "index": operator.index,
        "name": operator.name,
        "custom": operator.custom,
        "version": operator.version,
        "inputs": list(operator.inputs),
        "outputs": list(operator.outputs),
        "activation": operator.activation,
        "options": {name: _plain(value) for name, value in operator.options.items()},
        "weights": weight.index if weight else None,
        "per_channel": weight.quantization.per_channel if weight and weight.quantization else None,
        "bytes": held_bytes(operator, subgraph),
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    scaling = tensor.quantization
    return {
        "index": tensor.index,
        "name": tensor.name,
        "type": tensor.type,
        "shape": list(tensor.shape),
        "signature": list(tensor.signature) if tensor.signature else None,
        "quantization": {
            "scales": list(scaling.scales),
            "zero_points": list(scaling.zero_points),
            "dimension": scaling.dimension,
            "per_channel": scaling.per_channel,
        }
        if scaling
        else None,
        "constant": tensor.constant,
        "bytes": tensor.bytes,
        "sparse": tensor.sparse,
        "blockwise": tensor.blockwise,
    }


def _plain(value: Any) -> Any:
    """Return an option as a JSON value, which cannot be infinite."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
