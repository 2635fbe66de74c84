"""The layer table against arithmetic written out by hand."""

import keras
import pytest

from kerascnn.models.family import build
from kerascnn.profile import profile

CONV = 28 * 28 * 6 * (5 * 5 * 1) + 10 * 10 * 16 * (5 * 5 * 6)


@pytest.mark.parametrize(
    ("head", "multiply_adds"),
    [
        ("fc", CONV + 400 * 120 + 120 * 84 + 84 * 10),
        ("conv1x1", CONV + 5 * 5 * (16 * 120 + 120 * 84 + 84 * 10)),
        ("nin", CONV + 5 * 5 * 16 * 10),
    ],
)
def test_lenet5_multiply_adds(head, multiply_adds):
    table = profile(build("lenet5", head=head))
    assert table.multiply_adds == multiply_adds
    assert round(multiply_adds / 1e6, 2) == {"fc": 0.42, "conv1x1": 0.68, "nin": 0.36}[head]


def test_lenet5_layers():
    rows = {row.name: row for row in profile(build("lenet5")).layers}
    assert rows["conv1"].output == (28, 28, 6)
    assert rows["conv1"].connections == 122_304
    assert (rows["conv2"].parameters, rows["conv2"].kernel, rows["conv2"].padding) == (2_416, 5, 0)
    assert rows["pool2"].output == (5, 5, 16)
    fields = {name: rows[name].receptive_field for name in ("conv1", "pool1", "conv2", "pool2", "logits")}
    assert fields == {"conv1": 5, "pool1": 6, "conv2": 14, "pool2": 16, "logits": 32}


def test_an_unknown_layer_is_a_dash_not_a_guess():
    pixels = keras.Input((8, 8, 3))
    maps = keras.layers.SeparableConv2D(3, 3, name="unknown")(pixels)
    table = profile(keras.Model(pixels, keras.layers.Conv2D(4, 1, name="after")(maps)))
    unknown, after = table.layers[1:]
    assert (unknown.parameters, unknown.multiply_adds) == (3 * 3 * 3 + 3 * 3 + 3, None)
    assert (after.multiply_adds, after.receptive_field) == (6 * 6 * 4 * 3, None)
    assert table.multiply_adds is None
    assert table.parameters == 3 * 3 * 3 + 3 * 3 + 3 + 3 * 4 + 4


def test_same_padding_is_shown():
    pixels = keras.Input((32, 32, 3))
    model = keras.Model(pixels, keras.layers.Conv2D(10, 5, padding="same")(pixels))
    assert profile(model).layers[1].padding == 2


def test_what_one_side_cannot_say_is_left_out():
    pixels = keras.Input((32, 32, 3))
    maps = keras.layers.Conv2D(4, (3, 5), name="oblong")(pixels)
    maps = keras.layers.Conv2D(4, 3, dilation_rate=2, name="dilated")(maps)
    _, oblong, dilated = profile(keras.Model(pixels, maps)).layers
    assert oblong.multiply_adds == 30 * 28 * 4 * (3 * 5 * 3)
    assert dilated.multiply_adds == 26 * 24 * 4 * (3 * 3 * 4)
    assert {oblong.kernel, dilated.kernel, oblong.receptive_field, dilated.receptive_field} == {None}


def test_shared_and_many_output_layers_are_dashes():
    pixels = keras.Input((32, 32, 1))
    shared = keras.layers.Conv2D(1, 3, padding="same", name="shared")
    rows = keras.layers.Reshape((32, 32))(shared(shared(pixels)))
    sequence, *_ = keras.layers.LSTM(3, return_state=True, name="lstm")(rows)
    table = {row.name: row for row in profile(keras.Model(pixels, sequence)).layers}
    assert table["shared"].parameters == 3 * 3 + 1
    assert table["shared"].multiply_adds is table["lstm"].multiply_adds is None
