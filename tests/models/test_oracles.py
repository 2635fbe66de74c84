"""Every network against itself in plain NumPy and in PyTorch: the same weights in, the same logits out."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy_networks as oracle
import pytest

from kerascnn.models.family import families, family
from kerascnn.models.heads import heads
from kerascnn.models.network import build

# The smallest maps of at least 2×2 before the head: the order in which it flattens them matters.
SIZES = {"modern": 20, "paper": 32, "one_tower": 99, "two_towers": 99, "small_stem": 16}
MEAN, STD = 100.0, 50.0
TOLERANCE = 1e-4  # of logits near 1: a few hundred roundings of float32


@dataclass(frozen=True)
class Case:
    """A network with drawn weights, images, and what Keras makes of them.

    Attributes:
        network: Family, variant, norm, head.
        pixels: The images as the first layer hands them on, float64.
    """

    network: tuple[str, str, str, str]
    model: Any
    weights: dict[str, list[np.ndarray]]
    pixels: np.ndarray
    logits: np.ndarray


#: Every norm and every head with the narrow backbones, each once with the wide ones, a second a network.
WIDE, ONCE = ("one_tower", "two_towers"), (("batch", "fc"), ("lrn", "conv1x1"), ("none", "nin"))


def _marks(variant, *norm_and_head):
    return pytest.mark.long if variant in WIDE and norm_and_head not in ONCE else ()


EVERY = [
    pytest.param((name, variant, norm, head), marks=_marks(variant, norm, head))
    for name in families
    for variant, form in family(name).variants.items()
    for norm in form.norms
    for head in form.heads
]


@pytest.fixture(scope="module", params=EVERY, ids="-".join)
def case(request):
    name, variant, norm, head = request.param
    form = family(name).variants[variant]
    # Pixels stay large where responses are normalized: k + α·Σ a² must be far from k.
    mean, std = form.pixels or (MEAN, 1.0 if norm == "lrn" else STD)
    widths = (12, 8) if form.units and heads[head].has_units else None
    asked = {"variant": variant, "norm": norm, "head": head, "image_size": SIZES[variant]}
    model = build(name, pixel_mean=mean, pixel_std=std, classes=10, head_units=widths, **asked)
    images = np.random.default_rng(3).integers(0, 256, (2, *model.input_shape[1:]))
    weights = oracle.draw_weights(model)
    if norm == "lrn":  # logits of the same size as without it
        last = model.get_layer("logits" if head == "fc" else "class_map")
        last.set_weights([weight / 10 for weight in last.get_weights()])
        weights[last.name] = last.get_weights()
    logits = model.predict_on_batch(images)
    return Case(request.param, model, weights, (images - mean) / std, logits)


def test_plain_numpy(case):
    name, variant, norm, head = case.network
    expected = oracle.NETWORKS[name, variant](case.weights, case.pixels, variant, norm, head)
    assert np.ptp(expected, axis=0).mean() > 500 * TOLERANCE  # the logits tell the images apart
    np.testing.assert_allclose(case.logits, expected, rtol=0, atol=TOLERANCE)


def test_pytorch(case):
    torch = pytest.importorskip("torch")
    import torch_networks

    name, variant, norm, head = case.network
    pixels = torch.from_numpy(case.pixels.astype(np.float32).transpose(0, 3, 1, 2))
    found = torch_networks.NETWORKS[name, variant](case.weights, pixels, variant, norm, head)
    np.testing.assert_allclose(case.logits, found.numpy(), rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("case", [("alexnet", "one_tower", "lrn", "nin")], indirect=True, ids="-".join)
def test_the_normalized_responses_are_large_enough_to_prove_it(case):
    """With maps of another layer's sum, or with PyTorch's alpha, the logits would be others."""
    for wrong in ({"alpha": 0.0}, {"alpha": 1e-4 / 5}, {"n": 3}, {"n": 7}, {"beta": 0.5}, {"k": 1.0}):
        normalize = partial(oracle.normalize_responses, **wrong)
        found = oracle.alexnet(case.weights, case.pixels, *case.network[1:], normalize_responses=normalize)
        assert np.abs(found - case.logits).max() > 50 * TOLERANCE, wrong


@pytest.fixture(scope="module")
def two_towers():
    model = build("alexnet", variant="two_towers", norm="none", head="nin", image_size=99, classes=10)
    return model, oracle.draw_weights(model)


@pytest.mark.parametrize(
    ("number", "stride", "padding", "groups", "shape"),
    [  # the filters of both towers; each sees all maps, or its tower's half of them
        (1, 4, 0, 1, (11, 11, 3, 2 * 48)),
        (2, 1, 2, 2, (5, 5, 96 // 2, 2 * 128)),
        (3, 1, 1, 1, (3, 3, 256, 2 * 192)),
        (4, 1, 1, 2, (3, 3, 384 // 2, 2 * 192)),
        (5, 1, 1, 2, (3, 3, 384 // 2, 2 * 128)),
    ],
)
def test_two_streams_are_one_convolution(two_towers, number, stride, padding, groups, shape):
    model, weights = two_towers
    towers = [model.get_layer(f"conv{number}{tower}") for tower in "ab"]
    tensors = [towers[0].input, towers[1].input, towers[0].output, towers[1].output]
    assert (tensors[0] is tensors[1]) == (groups == 1)
    pixels = np.random.default_rng(5).integers(0, 256, (2, 99, 99, 3))
    *inputs, left, right = keras.Model(model.input, tensors).predict_on_batch(pixels)
    maps = inputs[0] if groups == 1 else np.concatenate(inputs, axis=3)
    kernel, bias = oracle.joined(weights, f"conv{number}")
    assert kernel.shape == shape
    expected = oracle.convolve(maps, kernel, bias, stride, padding, groups)
    np.testing.assert_allclose(np.concatenate([left, right], axis=3), expected, atol=TOLERANCE)


def test_the_towers_meet_twice_and_nothing_is_split(two_towers):
    model, _ = two_towers
    kinds = [type(layer).__name__ for layer in model.layers]
    assert set(kinds) == {
        *("InputLayer", "Rescaling", "Conv2D", "ReLU", "MaxPooling2D", "Concatenate"),
        *("Dropout", "GlobalAveragePooling2D"),
    }
    assert {layer.groups for layer in model.layers if isinstance(layer, keras.layers.Conv2D)} == {1}
    assert kinds.count("Concatenate") == 2
    assert model.get_layer("both2").output is model.get_layer("conv3a").input
    assert model.get_layer("both5").output is model.get_layer("dropout1").input
