"""What layers cost, against TensorFlow's own counter, gradients and arithmetic: any functional model."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from kerascnn.analysis.profiling.kinds import LAYERS, OPERATIONS
from kerascnn.analysis.profiling.profile import profile
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.models.network import build

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
        row.name: row.receptive_field
        for row in profile(build("lenet5")).layers
        if row.kernel or row.name == "logits"
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


def test_every_kind_of_layer_is_a_class():
    """A name without a class would leave the layer that is meant unknown."""
    from keras.src.ops import nn, numpy

    from kerascnn.models import layers as own

    assert [name for name in LAYERS if not hasattr(layers, name) and not hasattr(own, name)] == []
    assert [name for name in OPERATIONS if not hasattr(numpy, name) and not hasattr(nn, name)] == []
