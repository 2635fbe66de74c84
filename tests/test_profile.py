"""The layer table against the papers, the notes, arithmetic written out, and TensorFlow's own counter."""

import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from kerascnn.arithmetic import exact_output_side
from kerascnn.errors import KerasCnnError
from kerascnn.models.family import build
from kerascnn.models.heads import is_head_layer
from kerascnn.profile import profile


@functools.cache
def table(name, **network):
    return profile(build(name, **network))


def rows(name, **network):
    return {row.name: row for row in table(name, **network).layers}


def alexnet(variant, head="fc"):
    return table("alexnet", variant=variant, norm="none", head=head)


# The networks as published. Every count stands as the arithmetic that gives it and as the number in print.


@pytest.mark.parametrize(
    ("layer", "output", "parameters", "connections"),
    [
        ("C1", (28, 28, 6), (5 * 5 * 6 + 6, 156), (28 * 28 * 6 * (5 * 5 + 1), 122_304)),
        ("S2", (14, 14, 6), (6 + 6, 12), (14 * 14 * 6 * (2 * 2 + 1), 5_880)),
        (
            "C3",
            (10, 10, 16),
            (5 * 5 * (6 * 3 + 9 * 4 + 6) + 16, 1_516),
            (10 * 10 * (5 * 5 * (6 * 3 + 9 * 4 + 6) + 16), 151_600),
        ),
        ("S4", (5, 5, 16), (16 + 16, 32), (5 * 5 * 16 * (2 * 2 + 1), 2_000)),
        ("C5", (1, 1, 120), (5 * 5 * 16 * 120 + 120, 48_120), ((5 * 5 * 16 + 1) * 120, 48_120)),
        ("F6", (84,), (120 * 84 + 84, 10_164), ((120 + 1) * 84, 10_164)),
        ("RBF", (10,), (0, 0), (84 * 10, 840)),
    ],
)
def test_lenet5_of_1998(layer, output, parameters, connections):
    row = rows("lenet5", variant="paper")[layer]
    assert row.output == output
    assert (row.parameters, row.parameters) == parameters
    assert (row.connections, row.connections) == connections


def test_lenet5_of_1998_as_a_whole():
    found = table("lenet5", variant="paper")
    assert found.parameters == 156 + 12 + 1_516 + 32 + 48_120 + 10_164 == 60_000
    assert found.connections == 122_304 + 5_880 + 151_600 + 2_000 + 48_120 + 10_164 + 840 == 340_908


HALVES = {  # of both halves together: weights of the notes, biases, multiply-adds of the paper's network
    "conv1": ((11 * 11 * 3 * 48 * 2, 34_848), 96, (55 * 55 * 11 * 11 * 3 * 96, 105_415_200)),
    "conv2": ((5 * 5 * 48 * 128 * 2, 307_200), 256, (27 * 27 * 5 * 5 * 48 * 256, 223_948_800)),
    "conv3": ((3 * 3 * 128 * 2 * 192 * 2, 884_736), 384, (13 * 13 * 3 * 3 * 256 * 384, 149_520_384)),
    "conv4": ((3 * 3 * 192 * 192 * 2, 663_552), 384, (13 * 13 * 3 * 3 * 192 * 384, 112_140_288)),
    "conv5": ((3 * 3 * 192 * 128 * 2, 442_368), 256, (13 * 13 * 3 * 3 * 192 * 256, 74_760_192)),
    "fc1": ((6 * 6 * 256 * 4_096, 37_748_736), 4_096, (9_216 * 4_096, 37_748_736)),
    "fc2": ((2_048 * 2 * 2_048 * 2, 16_777_216), 4_096, (4_096 * 4_096, 16_777_216)),
    "logits": ((2_048 * 2 * 1_000, 4_096_000), 1_000, (4_096 * 1_000, 4_096_000)),
}


@pytest.mark.parametrize("layer", HALVES)
def test_alexnet_in_two_halves(layer):
    weights, biases, multiply_adds = HALVES[layer]
    halves = [
        row for row in alexnet("two_towers").layers if row.name.removesuffix("a").removesuffix("b") == layer
    ]
    assert len(halves) == (2 if layer.startswith("conv") else 1)
    bare = sum(row.parameters_without_bias for row in halves)
    assert (bare, bare) == weights
    assert sum(row.parameters for row in halves) == bare + biases
    assert (sum(row.multiply_adds for row in halves),) * 2 == multiply_adds


def test_alexnet_in_print():
    """Parameters with biases, of the halves and of one tower."""
    printed = [34_944, 307_456, 885_120, 663_936, 442_624, 37_752_832, 16_781_312, 4_097_000]
    assert [weights[1] + biases for weights, biases, _ in HALVES.values()] == printed
    assert alexnet("two_towers").parameters == sum(printed) == 60_965_224
    assert alexnet("two_towers").multiply_adds == sum(one[2][1] for one in HALVES.values()) == 724_406_816
    tower = {row.name: row.parameters for row in alexnet("one_tower").layers if row.parameters}
    assert tower == {
        "conv1": 34_944,
        "conv2": 614_656,
        "conv3": 885_120,
        "conv4": 1_327_488,
        "conv5": 884_992,
        "fc1": 37_752_832,
        "fc2": 16_781_312,
        "logits": 4_097_000,
    }
    assert tower["conv2"] == (5 * 5 * 96 + 1) * 256
    assert tower["conv4"] == (3 * 3 * 384 + 1) * 384
    assert tower["conv5"] == (3 * 3 * 384 + 1) * 256
    assert alexnet("one_tower").parameters == sum(tower.values()) == 62_378_344


def test_the_volumes_of_the_notes():
    lenet = rows("lenet5")
    assert [lenet[name].output for name in ("conv1", "pool1")] == [(28, 28, 6), (14, 14, 6)]
    found = {row.name: row for row in alexnet("one_tower").layers}
    assert found["pixels"].output == (227, 227, 3)
    assert (found["conv1"].output, found["pool1"].output) == ((55, 55, 96), (27, 27, 96))
    assert (found["pool5"].output, found["pool1"].parameters) == ((6, 6, 256), 0)
    assert [exact_output_side(side, 11, 4) for side in (227, 224, 244)] == ["55", "54.25", "59.25"]
    assert exact_output_side(224, 11, 4, padding=2) == "55.25"


LENET_TRUNK = (5 * 5 * 1 * 6 + 6) + (5 * 5 * 6 * 16 + 16)
LENET_TRUNK_MULTIPLY_ADDS = 28 * 28 * 6 * 5 * 5 + 10 * 10 * 16 * 5 * 5 * 6
ONE_TOWER = 34_944 + 614_656 + 885_120 + 1_327_488 + 884_992
TWO_HALVES = 34_944 + 307_456 + 885_120 + 663_936 + 442_624
HIDDEN_1X1 = 6 * 6 * (256 * 4_096 + 4_096 * 4_096 + 4_096 * 1_000)


@pytest.mark.parametrize(
    ("network", "head_parameters", "parameters", "head_multiply_adds", "multiply_adds"),
    [
        (
            ("lenet5", "modern", "fc"),
            (400 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10, 59_134),
            (LENET_TRUNK + 59_134, 61_706),
            (400 * 120 + 120 * 84 + 84 * 10, 58_920),
            (LENET_TRUNK_MULTIPLY_ADDS + 58_920, 416_520),
        ),
        (
            ("lenet5", "modern", "conv1x1"),
            (16 * 120 + 120 + 120 * 84 + 84 + 84 * 10 + 10, 13_054),
            (LENET_TRUNK + 13_054, 15_626),
            (5 * 5 * (16 * 120 + 120 * 84 + 84 * 10), 321_000),
            (LENET_TRUNK_MULTIPLY_ADDS + 321_000, 678_600),
        ),
        (
            ("lenet5", "modern", "nin"),
            (16 * 10 + 10, 170),
            (LENET_TRUNK + 170, 2_742),
            (5 * 5 * 16 * 10, 4_000),
            (LENET_TRUNK_MULTIPLY_ADDS + 4_000, 361_600),
        ),
        (
            ("alexnet", "one_tower", "fc"),
            (37_752_832 + 16_781_312 + 4_097_000, 58_631_144),
            (ONE_TOWER + 58_631_144, 62_378_344),
            (9_216 * 4_096 + 4_096 * 4_096 + 4_096 * 1_000, 58_621_952),
            (1_076_634_144 + 58_621_952, 1_135_256_096),
        ),
        (
            ("alexnet", "one_tower", "conv1x1"),
            ((256 + 1) * 4_096 + (4_096 + 1) * 4_096 + (4_096 + 1) * 1_000, 21_930_984),
            (ONE_TOWER + 21_930_984, 25_678_184),
            (HIDDEN_1X1, 789_184_512),
            (1_076_634_144 + HIDDEN_1X1, 1_865_818_656),
        ),
        (
            ("alexnet", "one_tower", "nin"),
            ((256 + 1) * 1_000, 257_000),
            (ONE_TOWER + 257_000, 4_004_200),
            (6 * 6 * 256 * 1_000, 9_216_000),
            (1_076_634_144 + 9_216_000, 1_085_850_144),
        ),
        (
            ("alexnet", "two_towers", "conv1x1"),
            ((256 + 1) * 4_096 + (4_096 + 1) * 4_096 + (4_096 + 1) * 1_000, 21_930_984),
            (TWO_HALVES + 21_930_984, 24_265_064),
            (HIDDEN_1X1, 789_184_512),
            (665_784_864 + HIDDEN_1X1, 1_454_969_376),
        ),
        (
            ("alexnet", "two_towers", "nin"),
            ((256 + 1) * 1_000, 257_000),
            (TWO_HALVES + 257_000, 2_591_080),
            (6 * 6 * 256 * 1_000, 9_216_000),
            (665_784_864 + 9_216_000, 675_000_864),
        ),
    ],
)
def test_what_each_head_costs(network, head_parameters, parameters, head_multiply_adds, multiply_adds):
    name, variant, head = network
    found = table(name, variant=variant, norm="none", head=head)
    own = [row for row in found.layers if is_head_layer(row.name)]
    assert (sum(row.parameters for row in own),) * 2 == head_parameters
    assert (found.parameters,) * 2 == parameters
    assert (sum(row.multiply_adds for row in own),) * 2 == head_multiply_adds
    assert (found.multiply_adds,) * 2 == multiply_adds


def test_the_conv1x1_head_saves_parameters_and_costs_multiply_adds():
    def against(figure, variant):
        small, full = (getattr(alexnet(variant, head), figure) for head in ("conv1x1", "fc"))
        return round(100 * (small / full - 1))

    assert [against("parameters", variant) for variant in ("one_tower", "two_towers")] == [-59, -60]
    assert [against("multiply_adds", variant) for variant in ("one_tower", "two_towers")] == [64, 101]


def test_batch_normalization_adds_two_trained_and_two_counted_numbers_a_filter():
    found = table("alexnet", head="nin")
    filters = 96 + 256 + 384 + 384 + 256
    assert (found.parameters, found.parameters_fixed) == (4_004_200 + 2 * filters, 2 * filters)
    assert found.int8_weight_bytes == alexnet("one_tower", "nin").int8_weight_bytes  # it melts in


def test_other_networks_called_lenet5():
    assert (
        table("lenet5", image_size=28).parameters
        == 156 + 2_416 + (4 * 4 * 16 + 1) * 120 + 10_164 + 850
        == 44_426
    )
    assert table("lenet5", channels=3).parameters == (5 * 5 * 3 + 1) * 6 + 61_706 - 156 == 62_006


def test_torchvisions_alexnet_is_another_network():
    """64, 192, 384, 256, 256 filters, 224 pixels with padding 2: 55.25, rounded down."""
    model = keras.Sequential(
        [
            keras.Input((224, 224, 3)),
            layers.ZeroPadding2D(2),
            layers.Conv2D(64, 11, 4),
            layers.MaxPooling2D(3, 2),
            layers.Conv2D(192, 5, padding="same"),
            layers.MaxPooling2D(3, 2),
            layers.Conv2D(384, 3, padding="same"),
            layers.Conv2D(256, 3, padding="same"),
            layers.Conv2D(256, 3, padding="same"),
            layers.MaxPooling2D(3, 2),
            layers.Flatten(),
            *(layers.Dense(units) for units in (4096, 4096, 1000)),
        ]
    )
    found = profile(model)
    assert found.parameters == 61_100_840
    assert round(found.multiply_adds / 1e9, 3) == 0.714


# An independent counter.


def counted_by_tensorflow(model):
    """Return the multiply-adds of convolutions and matrix products in the model's graph, for one image.

    Not those of grouped convolutions, which Keras compiles on their own.
    """
    image = tf.TensorSpec((1, *model.input.shape[1:]))
    graph = tf.function(lambda images: model(images, training=False)).get_concrete_function(image).graph
    builder = tf.compat.v1.profiler.ProfileOptionBuilder
    options = builder(builder.float_operation()).with_empty_output().build()
    kinds = [tf.compat.v1.profiler.profile(graph, cmd="op", options=options)]
    operations = 0
    while kinds:
        kind = kinds.pop()
        kinds += kind.children
        if kind.name in ("Conv2D", "DepthwiseConv2dNative", "MatMul"):
            operations += kind.float_ops
    return operations // 2


def small_resnet():
    pixels = keras.Input((32, 32, 3))
    maps = layers.Conv2D(8, 7, 2, padding="same", use_bias=False)(pixels)
    maps = layers.MaxPooling2D(3, 2, padding="same")(layers.ReLU()(layers.BatchNormalization()(maps)))
    inside = layers.Conv2D(8, 3, padding="same", use_bias=False)(maps)
    inside = layers.BatchNormalization()(inside)
    inside = layers.Conv2D(8, 3, padding="same")(layers.ReLU()(inside))
    maps = layers.ReLU()(inside + maps)
    short = layers.Conv2D(16, 1, 2)(maps)
    inside = layers.SeparableConv2D(16, 3, strides=2, padding="same", depth_multiplier=2)(maps)
    inside = layers.Conv2D(16, 3, padding="same", dilation_rate=2)(inside)
    maps = layers.Add()([short, layers.DepthwiseConv2D((3, 5), padding="same")(inside)])
    return keras.Model(pixels, layers.Dense(10, use_bias=False)(layers.GlobalMaxPooling2D()(maps)))


@pytest.mark.parametrize(
    "make",
    [
        *(
            pytest.param(lambda head=head: build("lenet5", head=head), id=head)
            for head in ("fc", "conv1x1", "nin")
        ),
        pytest.param(lambda: build("alexnet", variant="small_stem", head_units=(64, 32)), id="small_stem"),
        pytest.param(lambda: build("alexnet", variant="two_towers", head="nin"), id="two_towers"),
        pytest.param(small_resnet, id="resnet"),
        pytest.param(
            lambda: keras.applications.MobileNetV2((32, 32, 3), weights=None, classes=10), id="mobilenet_v2"
        ),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorflow_counts_the_same(make):
    model = make()
    found = profile(model)
    assert found.multiply_adds == counted_by_tensorflow(model)
    assert found.parameters + found.parameters_fixed == model.count_params()


# Receptive fields, against the pixels that change one value.


def pixels_seen(tensor, model):
    """Return the side of the square of pixels that the middle value of a map depends on."""
    part = keras.Model(model.inputs, tensor)
    for weight in part.trainable_weights:
        weight.assign(np.ones(weight.shape))
    image = tf.ones((1, *model.inputs[0].shape[1:]))
    with tf.GradientTape() as tape:
        tape.watch(image)
        maps = part(image, training=False)
        middle = maps[0, maps.shape[1] // 2, maps.shape[2] // 2]
    _, across, _ = np.nonzero(tape.gradient(middle, image)[0].numpy())
    return np.ptp(across) + 1


def test_receptive_fields_of_streams_that_meet():
    pixels = keras.Input((61, 61, 1))
    left = layers.Cropping2D(((4, 0), (4, 0)))(layers.Conv2D(1, 3)(pixels))  # sees 3 to the right below
    right = layers.ZeroPadding2D(((0, 0), (0, 0)))(layers.Conv2D(1, 7)(pixels))
    maps = layers.Add(name="met")([left, right])
    maps = layers.Conv2D(2, 3, 2, padding="same", name="strided")(maps)
    maps = layers.Conv2D(2, 3, dilation_rate=2, name="dilated")(maps)
    short = layers.AveragePooling2D(3, 2, padding="same", name="short")(maps)
    maps = layers.Concatenate(name="both")([short, layers.Conv2D(2, 5, 2, padding="same", name="long")(maps)])
    model = keras.Model(pixels, layers.AveragePooling2D(2, name="last")(maps))
    for row in profile(model).layers[1:]:
        assert row.receptive_field == pixels_seen(model.get_layer(row.name).output, model), row.name


def test_lenet5_receptive_fields():
    found = {
        name: row.receptive_field for name, row in rows("lenet5").items() if row.kernel or name == "logits"
    }
    assert found == {"conv1": 5, "pool1": 6, "conv2": 14, "pool2": 16, "logits": 32}


# Models of others: what is not known is None, never a wrong figure and never a traceback.


def test_an_unknown_layer_is_a_dash_not_a_guess():
    pixels = keras.Input((8, 8, 3))
    maps = layers.Conv2DTranspose(3, 3, name="unknown")(pixels)
    found = profile(keras.Model(pixels, layers.Conv2D(4, 1, name="after")(maps)))
    unknown, after = found.layers[1:]
    assert (unknown.parameters, unknown.multiply_adds) == (3 * 3 * 3 * 3 + 3, None)
    assert unknown.int8_weight_bytes is unknown.connections is unknown.receptive_field is None
    assert (after.multiply_adds, after.receptive_field) == (10 * 10 * 4 * 3, None)
    assert found.multiply_adds is found.connections is found.int8_weight_bytes is None
    assert found.parameters == 3 * 3 * 3 * 3 + 3 + 3 * 4 + 4


@pytest.mark.parametrize(
    ("layer", "multiply_adds", "connections", "int8_bytes"),
    [
        (layers.Conv2D(8, 3, groups=2), 36 * 8 * 9 * 2, 36 * 8 * (9 * 2 + 1), 9 * 2 * 8 + 4 * 8),
        (layers.Conv2D(8, 3, use_bias=False), 36 * 8 * 9 * 4, 36 * 8 * 9 * 4, 9 * 4 * 8 + 4 * 8),
        (layers.DepthwiseConv2D(3), 36 * 4 * 9, 36 * 4 * (9 + 1), 9 * 4 + 4 * 4),
        (layers.DepthwiseConv2D(3, depth_multiplier=2), 36 * 8 * 9, 36 * 8 * (9 + 1), 9 * 8 + 4 * 8),
        (
            layers.SeparableConv2D(5, 3, depth_multiplier=2),
            36 * (9 * 8 + 8 * 5),
            36 * (9 * 8 + (8 + 1) * 5),
            9 * 8 + 4 * 8 + 8 * 5 + 4 * 5,
        ),
        (layers.Dense(5), 64 * 5 * 4, 64 * 5 * (4 + 1), 4 * 5 + 4 * 5),
        (layers.Dense(5, use_bias=False), 64 * 5 * 4, 64 * 5 * 4, 4 * 5),
        (layers.MaxPooling2D(2), 0, 4 * 4 * 4 * 4, 0),
        (layers.GlobalMaxPooling2D(), 0, 8 * 8 * 4, 0),
        (layers.GlobalAveragePooling2D(keepdims=True), 0, 8 * 8 * 4, 0),
        (layers.ZeroPadding2D(1), 0, 0, 0),
        (layers.LayerNormalization(), 0, 0, None),
        (layers.Reshape((256,)), 0, 0, 0),
    ],
)
def test_kinds_of_layers(layer, multiply_adds, connections, int8_bytes):
    pixels = keras.Input((8, 8, 4))
    row = profile(keras.Model(pixels, type(layer).from_config(layer.get_config())(pixels))).layers[1]
    assert (row.multiply_adds, row.connections, row.int8_weight_bytes) == (
        multiply_adds,
        connections,
        int8_bytes,
    )


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(4, 3, data_format="channels_first"),
        layers.Conv2DTranspose(4, 3),
        layers.PReLU(),
        layers.UnitNormalization(),
    ],
)
def test_kinds_of_which_nothing_is_said(layer):
    pixels = keras.Input((8, 8, 4))
    model = keras.Model(pixels, type(layer).from_config(layer.get_config())(pixels))
    row = profile(model).layers[1]
    assert row.multiply_adds is row.connections is row.int8_weight_bytes is row.receptive_field is None
    assert row.parameters == model.count_params()


def test_a_dense_layer_with_further_weights_is_unknown():
    values = keras.Input((8,))
    layer = layers.Dense(3)
    model = keras.Model(values, layer(values))
    layer.enable_lora(2)
    row = profile(model).layers[1]
    assert (row.multiply_adds, row.parameters + row.parameters_fixed) == (None, model.count_params())


def test_an_activation_with_weights_is_unknown():
    pixels = keras.Input((8, 8, 4))
    model = keras.Model(pixels, layers.Activation(layers.PReLU())(pixels))
    model(np.zeros((1, 8, 8, 4)))  # now the activation has its weights
    row = profile(model).layers[1]
    assert (row.multiply_adds, row.parameters) == (None, 8 * 8 * 4)


def test_padding_is_shown_where_one_number_says_it():
    pixels = keras.Input((32, 32, 3))
    even = layers.Conv2D(10, 5, padding="same")(pixels)
    uneven = layers.Conv2D(10, 3, 2, padding="same")(even)
    assert [row.padding for row in profile(keras.Model(pixels, uneven)).layers] == [None, 2, None]


def test_what_one_side_cannot_say_is_left_out():
    pixels = keras.Input((32, 32, 3))
    maps = layers.Conv2D(4, (3, 5), name="oblong")(pixels)
    maps = layers.Conv2D(4, 3, dilation_rate=2, name="dilated")(maps)
    _, oblong, dilated = profile(keras.Model(pixels, maps)).layers
    assert oblong.multiply_adds == 30 * 28 * 4 * (3 * 5 * 3)
    assert dilated.multiply_adds == 26 * 24 * 4 * (3 * 3 * 4)
    assert {oblong.kernel, dilated.kernel, oblong.receptive_field, dilated.receptive_field} == {None}


def test_a_shared_layer_computes_at_each_use_and_holds_its_weights_once():
    pixels = keras.Input((32, 32, 1))
    shared = layers.Conv2D(1, 3, padding="same", name="shared")
    found = profile(keras.Model(pixels, shared(shared(pixels))))
    _, first, second = found.layers
    assert (first.name, second.name) == ("shared", "shared:2")
    assert (first.parameters, second.parameters, second.int8_weight_bytes) == (3 * 3 + 1, 0, 0)
    assert first.multiply_adds == second.multiply_adds == 32 * 32 * 3 * 3
    assert (first.receptive_field, second.receptive_field) == (3, 5)


def test_a_layer_with_several_outputs_is_unknown():
    rows = keras.Input((32, 32))
    sequence, *_ = layers.LSTM(3, return_state=True, name="lstm")(rows)
    lstm = profile(keras.Model(rows, sequence)).layers[1]
    assert (lstm.multiply_adds, lstm.parameters) == (None, 4 * (32 + 3 + 1) * 3)
    assert lstm.activation_bytes == 3 * 3 * 4


def test_a_model_inside_a_model_shows_its_layers():
    patch = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3, name="conv")], name="base")
    pixels, others = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    maps = layers.Subtract()([patch(pixels), patch(others)])
    model = keras.Model([pixels, others], layers.Dense(1)(layers.Flatten()(maps)))
    found = profile(model)
    names = [row.name for row in found.layers if row.kind == "Conv2D"]
    assert names == ["base/conv", "base:2/conv"]
    assert found.multiply_adds == 2 * 6 * 6 * 4 * 9 * 3 + 6 * 6 * 4
    assert found.parameters == model.count_params()
    assert found.layers[-1].receptive_field == 8


def test_flexible_sizes_leave_out_what_depends_on_them():
    pixels = keras.Input((None, None, 3))
    maps = layers.Conv2D(4, 3)(pixels)
    logits = layers.Dense(2)(layers.GlobalMaxPooling2D()(layers.MaxPooling2D(2)(maps)))
    found = profile(keras.Model(pixels, logits))
    conv, dense = found.layers[1], found.layers[-1]
    assert (conv.parameters, conv.kernel, conv.receptive_field, conv.int8_weight_bytes) == (112, 3, 3, 124)
    assert conv.multiply_adds is conv.connections is conv.activation_bytes is None
    assert (dense.multiply_adds, dense.connections) == (8, 10)
    assert found.multiply_adds is None


@pytest.mark.parametrize(
    "mix",
    [
        lambda maps: ops.reshape(maps, (-1, 16)),
        lambda maps: ops.transpose(maps, (1, 0, 2, 3)),
        lambda maps: ops.concatenate([maps, maps], axis=0),
        lambda maps: ops.mean(maps, axis=(0, 1)),
    ],
)
def test_behind_an_operation_that_mixes_images_nothing_is_known_of_one_image(mix):
    pixels = keras.Input((8, 8, 4))
    dense = profile(keras.Model(pixels, layers.Dense(2)(mix(pixels)))).layers[-1]
    assert dense.multiply_adds is dense.connections is dense.activation_bytes is None
    assert dense.parameters == dense.input[-1] * 2 + 2


def test_operations_that_keep_images_apart():
    pixels = keras.Input((8, 8, 3))
    values = ops.reshape(ops.relu(pixels) * pixels + 1, (-1, 192))
    found = profile(keras.Model(pixels, layers.Dense(2)(values)))
    assert (found.multiply_adds, found.parameters) == (192 * 2, 192 * 2 + 2)
    assert profile(keras.Model(pixels, ops.max(pixels, axis=(1, 2)))).multiply_adds is None


def test_streams_of_different_sizes_have_no_common_field():
    pixels, numbers = keras.Input((8, 8, 3)), keras.Input((5,))
    gate = layers.Conv2D(3, 1)(layers.GlobalAveragePooling2D(keepdims=True)(pixels))
    values = layers.Concatenate()([layers.Flatten()(layers.Multiply()([pixels, gate])), numbers])
    found = profile(keras.Model([pixels, numbers], layers.Dense(2)(values)))
    assert found.multiply_adds == 3 * 3 + (8 * 8 * 3 + 5) * 2
    assert {row.kind for row in found.layers if row.receptive_field is None} == {
        *("Multiply", "Flatten", "InputLayer", "Concatenate", "Dense")
    }


def test_streams_of_different_steps_have_no_common_field():
    pixels = keras.Input((8, 8, 3))
    maps = layers.Add(name="met")([layers.Conv2D(2, 2, 2)(pixels), layers.Conv2D(2, 5)(pixels)])
    met = profile(keras.Model(pixels, maps)).layers[-1]
    assert (met.output, met.receptive_field, met.step) == ((4, 4, 2), None, None)


def test_batch_normalization_that_does_not_melt_has_unknown_bytes():
    pixels = keras.Input((8, 8, 3))
    conv = layers.Conv2D(3, 1, use_bias=False)(pixels)
    melts = layers.BatchNormalization(name="melts")(conv)
    behind = layers.BatchNormalization(name="behind_relu")(layers.ReLU()(melts))
    values = layers.Dense(4, use_bias=False)(layers.Flatten()(behind))
    logits = layers.BatchNormalization(name="biases")(values)
    found = {row.name: row.int8_weight_bytes for row in profile(keras.Model(pixels, logits)).layers}
    assert (found["melts"], found["behind_relu"], found["biases"]) == (0, None, 4 * 4)
    both = keras.Model(pixels, layers.Add()([conv, layers.BatchNormalization(name="read_twice")(conv)]))
    assert {row.name: row.int8_weight_bytes for row in profile(both).layers}["read_twice"] is None


@pytest.mark.parametrize("model", [keras.Sequential([layers.Dense(3)]), keras.Model()])
def test_a_model_without_a_graph_is_refused(model):
    with pytest.raises(KerasCnnError, match="has no layer table"):
        profile(model)


def test_a_frozen_layer_has_fixed_parameters():
    pixels = keras.Input((8, 8, 3))
    conv = layers.Conv2D(3, 3)
    model = keras.Model(pixels, conv(pixels))
    conv.trainable = False
    found = profile(model)
    assert (found.parameters, found.parameters_fixed) == (0, math.prod((3, 3, 3, 3)) + 3)
    assert found.multiply_adds == 6 * 6 * 3 * 27
