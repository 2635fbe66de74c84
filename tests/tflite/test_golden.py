"""What the self-test of a bundle lets pass: what rounding can do, and nothing else."""

import itertools
import json
import shutil

import numpy as np
import pytest
from bundles import on_device, resummed

from kerascnn.tflite.bundle.golden import ARRAYS
from kerascnn.tflite.file_format.graph import read_graph
from kerascnn.tflite.inspection.inspect import weights
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.runtime.rounding import carried, largest_difference


def _softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


def test_a_step_of_the_logits_carries_each_probability_as_far_as_trying_all_moves_says():
    logits, step = np.array([1.5, -0.25, 0.5, 0.0]), 0.125
    moved = [_softmax(logits + step * np.array(signs)) for signs in itertools.product((-1, 0, 1), repeat=4)]
    lowest, highest = carried(logits[np.newaxis], step)
    np.testing.assert_allclose(lowest[0], np.min(moved, axis=0))
    np.testing.assert_allclose(highest[0], np.max(moved, axis=0))


def test_logits_that_are_not_quantized_carry_nothing_and_large_ones_do_not_overflow():
    logits = np.array([[900.0, 0.0]])
    assert [end.tolist() for end in carried(logits, 0.0)] == [[[1.0, 0.0]]] * 2
    assert np.isfinite(carried(logits, 0.5)).all()


def test_what_rounding_explains_is_the_farthest_that_any_probability_is_carried(pi_bundle):
    (graph,) = read_graph(pi_bundle / "model.tflite").subgraphs
    softmax = next(operator for operator in graph.operators if operator.name == "SOFTMAX")
    (step,) = graph.tensors[softmax.inputs[0]].quantization.scales
    logits = np.stack([np.linspace(-9, 9, 10_001), np.zeros(10_001)], axis=1)
    lowest, highest = carried(logits, step / 2)  # half a step up against half a step down: one step apart
    assert largest_difference(pi_bundle / "model.tflite") == pytest.approx((highest - lowest).max() + 1 / 256)


def test_golden_outputs_are_those_of_the_reference_kernels(pi_bundle):
    inputs, outputs, lowest, highest, logits = (np.load(pi_bundle / f"golden/{name}.npy") for name in ARRAYS)
    reference = LiteRTClassifier(pi_bundle / "model.tflite", reference=True)
    np.testing.assert_array_equal(outputs, [reference.invoke(image[np.newaxis]) for image in inputs])
    assert (lowest <= outputs).all()
    assert (outputs <= highest).all()
    assert np.median(highest.astype(int) - lowest) <= 2  # of classes that are out of the question
    assert (logits.argmax(axis=1) == outputs.argmax(axis=1)).all()


def _largest_weights(model):
    """The place in the file of each layer's weight of the largest magnitude."""
    graph = read_graph(model)
    (subgraph,) = graph.subgraphs
    for operator in subgraph.operators:
        tensor = weights(operator, subgraph)
        if tensor is not None and tensor.type == "INT8":
            stored = np.frombuffer(model.read_bytes(), np.int8, tensor.bytes, tensor.start)
            scales = np.array(tensor.quantization.scales)
            sides = [1] * len(tensor.shape)
            sides[tensor.quantization.dimension] = -1
            real = stored.reshape(tensor.shape) * scales.reshape(sides)
            yield operator.index, tensor.start + int(np.abs(real).argmax())


def test_one_changed_weight_fails_the_selftest(pi_bundle, tmp_path):
    places = dict(_largest_weights(pi_bundle / "model.tflite"))
    assert len(places) == 5  # two convolutions and three dense layers
    for place in places.values():
        folder = shutil.copytree(pi_bundle, tmp_path / str(place))
        content = bytearray((folder / "model.tflite").read_bytes())
        content[place] = -content[place] % 256  # int8 with the other sign
        (folder / "model.tflite").write_bytes(content)
        resummed(folder)
        told = json.loads(on_device(folder, "--selftest", "--json").stdout)
        assert (told["verdict"], told["passed"]) == ("wrong", False)
        assert told["outputs_wrong"] + told["logits_wrong"] > 0
