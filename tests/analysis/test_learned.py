"""The figures of what a network has learned, against values worked out here."""

import keras
import numpy as np
import pytest

from kerascnn.analysis.interpretability.feature_maps import activation_maps, filters, mistakes
from kerascnn.models.network import build


def _drawn(figure, panel=0):
    """Return title, pixels and colour limits of one of a figure's images."""
    axes = figure.axes[panel]
    (image,) = axes.images
    return axes.get_title(), np.ma.filled(image.get_array(), np.nan), image.get_clim()


def test_filters_stand_in_rows_on_one_scale_around_zero():
    model = build("lenet")
    kernel = model.get_layer("conv1").kernel.numpy()
    title, pixels, (low, high) = _drawn(filters(model))
    assert title == "conv1: 6 filters of 5×5×1"
    assert pixels.shape == (5 + 1 + 5, 5 + 1 + 5 + 1 + 5)  # two rows of three, a gap of one
    assert np.array_equal(pixels[:5, 6:11], kernel[:, :, 0, 1])
    assert np.array_equal(pixels[6:, :5], kernel[:, :, 0, 3])
    assert np.isnan(pixels[5]).all()
    assert (low, high) == (-np.abs(kernel).max(), np.abs(kernel).max())


def test_filters_over_colour_are_colours_of_both_towers():
    model = build("alexnet", variant="two_towers", head="nin", classes=3)
    kernels = [model.get_layer(name).kernel for name in ("conv1a", "conv1b")]
    for kernel, value in zip(kernels, (0.5, -0.25), strict=True):
        kernel.assign(np.broadcast_to(np.array([[value], [0], [-value]]), (11, 11, 3, 48)))
    title, pixels, _ = _drawn(filters(model))
    assert title == "conv1a, conv1b: 96 filters of 11×11×3; weights −0.5 to 0.5, grey is 0"
    assert pixels.shape == (10 * 11 + 9, 10 * 11 + 9, 3)
    assert pixels[0, 0].tolist() == [1.0, 0.5, 0.0]
    assert pixels[9 * 12, 5 * 12].tolist() == [0.25, 0.5, 0.75]  # number 96, the last
    assert pixels[-1, -1].tolist() == [1.0, 1.0, 1.0]  # no filter


def test_activation_maps_are_those_before_and_behind_the_nonlinearity():
    model = build("lenet", pixel_mean=100.0, pixel_std=50.0)
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 1)).astype(np.uint8)
    figures = activation_maps(model, picture, "seven")
    assert _drawn(figures.pop("picture"))[0] == "image of 32×32, is seven"
    titles = [figure.get_suptitle() for figure in figures.values()]
    assert titles == ["conv1: 6 maps of 28×28", "conv2: 16 maps of 10×10"]
    kernel, bias = model.get_layer("conv1").get_weights()
    patch = (picture[3:8, 4:9, 0].astype(float) - 100) / 50
    expected = np.array([(patch * kernel[:, :, 0, number]).sum() + bias[number] for number in range(6)])
    for panel, values in enumerate((expected, np.maximum(expected, 0))):
        title, pixels, (low, high) = _drawn(figures["conv1"], panel)
        assert title == ("before ReLU", "after ReLU")[panel]
        found = [pixels[29 * (number // 3) + 3, 29 * (number % 3) + 4] for number in range(6)]
        assert found == pytest.approx(values, rel=1e-4, abs=1e-5)
        assert -low == high == np.nanmax(np.abs(_drawn(figures["conv1"])[1]))
    assert max(expected) > 0 > min(expected)


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ({"model": "lenet", "variant": "paper"}, ["C1", "C3"]),  # C5 is one cell
        (
            {"model": "alexnet", "variant": "small_stem", "head": "nin", "image_size": 32, "classes": 3},
            ["conv1", "conv2", "conv3", "conv4", "conv5", "class_map"],
        ),
    ],
)
def test_every_convolution_with_a_map_is_shown(network, names):
    model = build(**network)
    image, *figures = activation_maps(model, np.full(model.input_shape[1:], 90, np.uint8), "").items()
    assert image[0] == "picture"
    assert [name for name, _ in figures] == names
    if names[0] == "conv1":
        class_map = dict(figures).pop("class_map")
        assert [axes.get_title() for axes in class_map.axes if axes.images] == [""]  # no nonlinearity
        for _, figure in figures[:-1]:
            before, after = (_drawn(figure, panel)[1] for panel in (0, 1))
            assert np.nanmin(before) < 0  # behind batch normalization
            np.testing.assert_array_equal(after, np.maximum(before, 0))


def test_a_single_convolution_without_a_nonlinearity():
    pixels = keras.Input((8, 8, 1))
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, name="alone")(pixels))
    model = keras.Model(pixels, keras.layers.Dense(3)(pooled))
    figures = activation_maps(model, np.full((8, 8, 1), 9, np.uint8), "")
    assert _drawn(figures["picture"])[0] == "image of 8×8"
    assert figures["alone"].get_suptitle() == "alone: 4 maps of 6×6"


def test_the_most_confident_mistake_comes_first_and_no_panel_is_empty():
    pictures = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1) * np.ones((1, 4, 4, 1), np.uint8)
    shares = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.95, 0.05], [0.3, 0.7]], np.float32)
    labels = np.array([0, 1, 0, 1, 1], np.int32)
    figure = mistakes(pictures, labels, shares, ("cat", "dog"))
    assert figure.get_suptitle() == "3 of 5 images wrong"
    shown = [(axes.get_title(), int(axes.images[0].get_array()[0, 0, 0])) for axes in figure.axes]
    assert shown == [
        ("true dog\npredicted cat, 95 %", 3),
        ("true cat\npredicted dog, 80 %", 2),
        ("true dog\npredicted cat, 60 %", 1),
    ]
    many = mistakes(
        np.repeat(pictures, 10, 0), np.repeat(labels, 10), np.repeat(shares, 10, 0), ("cat", "dog")
    )
    assert (many.get_suptitle(), len(many.axes)) == ("30 of 50 images wrong, the 12 most confident", 12)
    assert mistakes(pictures, shares.argmax(axis=1).astype(np.int32), shares, ("cat", "dog")) is None
