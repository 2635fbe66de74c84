"""Starting from another run: the trunk is taken, another head begins fresh, what does not fit is refused."""

from pathlib import Path

import keras
import numpy as np
import pytest

from kerascnn.foundation.errors import UsageError
from kerascnn.models.family import families, family
from kerascnn.models.heads import fc_as_convolutions, heads, is_head_layer
from kerascnn.models.network import build
from kerascnn.training.transfer import Pretrained

SMALL = {"model": "alexnet", "variant": "small_stem", "image_size": 16, "classes": 3}
FC = {"head": "fc", "head_units": (8, 8)}
CONV1X1 = FC | {"head": "conv1x1"}
NIN = {"head": "nin"}
TRUNK = {f"{kind}{number}" for kind in ("conv", "norm") for number in range(1, 6)}


def _start(model):
    return Pretrained(Path("runs/before"), model)


def _hand_over(before, after):
    """Return for every layer with weights of the new model whether it has the old weights or its own."""
    given, own = _by_layer(before), _by_layer(after)
    _start(before).load_into(after)
    return {
        name: "taken" if _equal(weights, given.get(name)) else "fresh" if _equal(weights, own[name]) else "?"
        for name, weights in _by_layer(after).items()
    }


def _by_layer(model):
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def _equal(some, others):
    return others is not None and all(map(np.array_equal, some, others))


def _build(**settings):
    model = build(**SMALL | settings)
    for weight in model.weights:  # what both have fresh alike, zeros and ones, could not be told apart
        weight.assign_add(keras.random.uniform(weight.shape))
    return model


@pytest.mark.parametrize(
    ("before", "after", "fresh"),
    [
        (FC, CONV1X1, "conv1x1_1 conv1x1_2 class_map"),
        (NIN, FC, "fc1 fc2 logits"),
        (CONV1X1, NIN, "class_map"),  # of the same name, but 8 inputs instead of 256
        (FC, FC | {"head_units": (8, 9)}, "fc1 fc2 logits"),
        (NIN, NIN | {"classes": 4}, "class_map"),
    ],
)
def test_another_head_begins_fresh(before, after, fresh):
    taken = _hand_over(_build(**before), _build(**after))
    assert taken == dict.fromkeys(TRUNK, "taken") | dict.fromkeys(fresh.split(), "fresh")


@pytest.mark.parametrize("head", [NIN, FC], ids=["nin", "fc"])
def test_the_same_head_is_taken_whole(head):
    assert set(_hand_over(_build(**head), _build(**head)).values()) == {"taken"}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            {"channels": 1},
            {},
            "layer conv1 needs 3×3×3×96, 96, it has the shapes 3×3×1×96, 96 there.",
        ),
        ({"norm": "none"}, {"norm": "batch"}, "layer norm1 needs 96, 96, 96, 96, it is not there."),
        ({"norm": "batch"}, {"norm": "none"}, "their layer norm1 does not exist in this network."),
        (
            {},
            {"variant": "two_towers", "image_size": 67},
            "layer conv1a needs 11×11×3×48, 48, it is not there.",
        ),
        (
            {},
            {"variant": "one_tower", "image_size": 67},
            "layer conv1 needs 11×11×3×96, 96, it has the shapes 3×3×3×96, 96 there.",
        ),
    ],
)
def test_a_trunk_that_does_not_fit_is_refused_and_nothing_changed(before, after, message):
    model = _build(head="nin", **after)
    own = model.get_weights()
    with pytest.raises(UsageError) as refusal:
        _start(_build(head="nin", **before)).load_into(model)
    assert str(refusal.value) == f"The weights of runs/before do not fit this network: {message}"
    assert _equal(model.get_weights(), own)


def test_the_pixels_are_those_of_the_trunk():
    start = _start(build(**SMALL, head="nin", pixel_mean=30.0, pixel_std=60.0))
    np.testing.assert_allclose(start.pixels, (30, 60))


@pytest.mark.parametrize("head", [*(each.build for each in heads.values()), fc_as_convolutions])
def test_every_layer_of_a_head_is_known_by_its_name(head):
    features = keras.Input((2, 2, 5), name="features")
    model = keras.Model(features, head(features, (4, 3), 2, 0.5))
    assert len(model.layers) > 3
    assert [layer.name for layer in model.layers if not is_head_layer(layer.name)] == ["features"]


@pytest.mark.parametrize(
    ("name", "variant", "norm"),
    [
        (name, variant, norm)
        for name in families
        for variant, form in family(name).variants.items()
        for norm in form.norms
    ],
)
def test_no_layer_of_a_trunk_is_taken_for_a_head(name, variant, norm):
    head = list(family(name).variants[variant].heads)[-1]
    features = keras.Input((2, 2, 5))
    of_head = keras.Model(features, heads[head].build(features, (4, 3), 2, 0.5))
    model = build(name, variant=variant, norm=norm, head=head)
    trunk = {layer.name for layer in model.layers} - {layer.name for layer in of_head.layers}
    assert len(trunk) >= len(family(name).variants[variant].windows)
    assert not [layer for layer in trunk if is_head_layer(layer)]
