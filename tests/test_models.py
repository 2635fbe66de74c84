"""Every registered model and head: exact counts, one contract, an independent forward pass."""

import keras
import numpy as np
import pytest

from kerascnn.errors import UsageError
from kerascnn.models.family import build, families, family
from kerascnn.models.heads import heads
from kerascnn.models.lenet5 import lenet5
from kerascnn.registry import discover

discover("kerascnn.models")
TRUNK = (5 * 5 * 1 + 1) * 6 + (5 * 5 * 6 + 1) * 16
EVERY = [
    (name, variant, head)
    for name in families
    for variant, form in family(name).variants.items()
    for head in form.heads
]


@pytest.mark.parametrize(
    ("head", "parameters"),
    [
        ("fc", TRUNK + (5 * 5 * 16 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10),
        ("conv1x1", TRUNK + (16 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10),
        ("nin", TRUNK + (16 + 1) * 10),
    ],
)
def test_lenet5_parameters(head, parameters):
    assert parameters == {"fc": 61_706, "conv1x1": 15_626, "nin": 2_742}[head]
    assert build("lenet", head=head).count_params() == parameters


@pytest.mark.parametrize(("name", "variant", "head"), EVERY)
def test_contract(name, variant, head, tmp_path):
    keras.utils.set_random_seed(0)
    model = build(name, variant=variant, head=head, classes=7)
    side, channels = family(name).image_size, family(name).channels
    assert model.input_shape == (None, side, side, channels)
    assert model.output_shape == (None, 7)
    assert model.count_params() == sum(np.prod(weight.shape) for weight in model.trainable_weights)

    images = np.random.default_rng(0).integers(0, 256, (14, side, side, channels)).astype("float32")
    logits = model.predict(images, verbose=0)
    twin = keras.Model.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin.predict(images, verbose=0), logits)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), logits)

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
    labels = np.arange(14) % 7
    before = model.evaluate(images, labels, verbose=0)
    model.fit(images, labels, batch_size=14, epochs=1, verbose=0)
    assert model.evaluate(images, labels, verbose=0) < before


def _convolve(maps, kernel, bias):
    side = kernel.shape[0]
    windows = np.lib.stride_tricks.sliding_window_view(maps, (side, side), axis=(1, 2))
    return np.einsum("nhwcij,ijck->nhwk", windows, kernel) + bias


def _forward(head, weights, images):
    """LeNet-5 in plain NumPy, written from its definition."""
    maps = images / 255
    for number in (0, 2):
        maps = np.maximum(_convolve(maps, weights[number], weights[number + 1]), 0)
        n, side, _, depth = maps.shape
        maps = maps.reshape(n, side // 2, 2, side // 2, 2, depth).max(axis=(2, 4))
    features = maps.reshape(len(maps), -1) if head == "fc" else maps
    for number in range(4, len(weights), 2):
        kernel = weights[number].reshape(weights[number].shape[-2:])
        features = features @ kernel + weights[number + 1]
        if number < len(weights) - 2:
            features = np.maximum(features, 0)
    return features if head == "fc" else features.mean(axis=(1, 2))


@pytest.mark.parametrize("head", list(heads))
def test_lenet5_equals_plain_numpy(head):
    keras.utils.set_random_seed(1)
    model = build("lenet5", head=head)
    weights = [np.random.default_rng(2).normal(0, 0.2, weight.shape) for weight in model.get_weights()]
    model.set_weights(weights)
    images = np.random.default_rng(3).integers(0, 256, (5, 32, 32, 1))
    expected = _forward(head, weights, images)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(model.predict(images, verbose=0), expected, atol=1e-4)


def test_standardisation_is_the_first_layer():
    model = build("lenet5", pixel_mean=25.0, pixel_std=80.0)
    rescaling = keras.Model(model.input, model.get_layer("rescaling").output)
    pixels = np.full((1, 32, 32, 1), 105.0)
    np.testing.assert_allclose(rescaling.predict(pixels, verbose=0), 1.0, atol=1e-6)


@pytest.mark.parametrize("size", [12, 18, 33])
def test_a_size_that_does_not_fit_is_refused(size):
    with pytest.raises(UsageError, match="multiple of 4 from 16"):
        build("lenet5", image_size=size)


def test_the_same_seed_gives_every_head_the_same_trunk():
    trunks = []
    for head in heads:
        keras.utils.set_random_seed(4)
        trunks.append(build("lenet5", head=head).get_layer("conv2").get_weights()[0])
    np.testing.assert_array_equal(trunks[0], trunks[1])
    np.testing.assert_array_equal(trunks[0], trunks[2])


def test_an_unknown_variant_is_refused():
    with pytest.raises(UsageError, match="Unknown variant 'ancient' of lenet5"):
        build("lenet5", variant="ancient")
    with pytest.raises(UsageError, match="Unknown variant 'ancient' of lenet5"):
        lenet5(variant="ancient")
