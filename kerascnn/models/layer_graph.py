"""The graph of a Keras model as a list: each call of a layer, in the order of computation."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from kerascnn.foundation.errors import KerasCnnError

Shape = tuple[int, ...]  # of a volume without the batch: (height, width, depth) or (units,)


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer; the second call of the same layer has the name ``layer:2``.

    Attributes:
        name: Name of the layer; ``inner/layer`` inside a nested model.
        layer: The Keras layer or operation.
        inputs: The Keras tensors that come in, ``reads`` a number for each: that of the call which made it.
        outputs: The Keras tensors that go out, ``writes`` a number for each.
        behind: The layer whose values come in, if they go nowhere else.
    """

    name: str
    layer: Any
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    behind: Any

    @property
    def input_shape(self) -> Shape:
        """Volume of the first input; of an input layer, that of its output. A flexible side is ``None``."""
        return _shape(self.inputs) or _shape(self.outputs)

    @property
    def output_shape(self) -> Shape:
        """Volume of the first output. A flexible side is ``None``."""
        return _shape(self.outputs)


def is_built_in(layer: Any) -> bool:
    """Whether Keras or kerascnn defines a layer or operation, so that its name says what it computes."""
    return type(layer).__module__.partition(".")[0] in ("keras", "kerascnn")


def layer_calls(model: Any) -> Iterator[LayerCall]:
    """Yield every call of a layer, those of models inside the model included.

    Raises:
        KerasCnnError: The model has no graph: it was never built, or it is a class of its own.
    """
    graph = _graph(model)
    if graph is None:
        raise KerasCnnError(
            f"{model.name!r} has no layer table: it is neither functional nor sequential with an input shape."
        )
    return _calls(graph, {}, "", count())


def _graph(layer: Any) -> Any:
    """Return the object with the graph of a model's layers, ``None`` for other layers."""
    import keras

    graph = layer._functional if isinstance(layer, keras.Sequential) else layer
    return graph if isinstance(layer, keras.Model) and hasattr(graph, "_nodes_by_depth") else None


def _calls(graph: Any, numbers: dict[int, int], prefix: str, fresh: Iterator[int]) -> Iterator[LayerCall]:
    """Yield the calls of one graph; ``numbers`` are those of its tensors, by id, and grow."""
    nodes = _in_order(graph)
    readers = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    readers.update(id(tensor) for tensor in graph.outputs)
    times: Counter[int] = Counter()
    for node in nodes:
        if all(id(tensor) in numbers for tensor in node.outputs):
            continue  # an input of a model inside the model
        times[id(node.operation)] += 1
        again = times[id(node.operation)]
        name = f"{prefix}{node.operation.name}{f':{again}' if again > 1 else ''}"
        reads = [numbers[id(tensor)] for tensor in node.input_tensors]
        inner = _graph(node.operation)
        if inner is not None and len(inner.inputs) == len(reads):
            inside = dict(zip(map(id, inner.inputs), reads, strict=True))
            yield from _calls(inner, inside, f"{name}/", fresh)
            writes = [inside[id(tensor)] for tensor in inner.outputs]
        else:
            writes = [next(fresh) for _ in node.outputs]
            yield _call(name, node, reads, writes, readers)
        numbers |= dict(zip(map(id, node.outputs), writes, strict=True))


def _in_order(graph: Any) -> list[Any]:
    """Return the nodes sorted so that each follows its inputs, otherwise in Keras' order."""
    rank = {id(layer): number for number, layer in enumerate(graph.operations)}
    levels = sorted(graph._nodes_by_depth.items(), reverse=True)
    return [node for _, level in levels for node in sorted(level, key=lambda node: rank[id(node.operation)])]


def _call(name: str, node: Any, reads: list[int], writes: list[int], readers: Counter[int]) -> LayerCall:
    sources = node.parent_nodes
    alone = len(sources) == 1 and readers[id(node.input_tensors[0])] == 1
    return LayerCall(
        name=name,
        layer=node.operation,
        inputs=tuple(node.input_tensors),
        outputs=tuple(node.outputs),
        reads=tuple(reads),
        writes=tuple(writes),
        behind=sources[0].operation if alone else None,
    )


def _shape(tensors: Sequence[Any]) -> Shape:
    """Return the volume of the first tensor, without the batch."""
    return tuple(tensors[0].shape[1:]) if tensors else ()
