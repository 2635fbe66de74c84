"""``check``: each rule has a file that breaks it, each trap of the Edge TPU a network that falls into it."""

import json

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from keras import layers
from refusals import refused
from small_tflite import Operator, Tensor, compiled, constant, options, packed, tflite

from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.models.heads import heads
from kerascnn.models.network import build
from kerascnn.tflite.accelerators.check import Check, check
from kerascnn.tflite.accelerators.edgetpu.cost import estimate, overhead_decides
from kerascnn.tflite.accelerators.edgetpu.rules import LIMITS, rules, table
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes

FAILED, USAGE, DOES_NOT_FIT = 1, 2, 4
MIB = 2**20


@pytest.fixture
def judged(tmp_path):
    """Return the check of a file's bytes."""

    def judge(content: bytes) -> Check:
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return check(path)

    return judge


def _conv(dilation=(1, 1), pixels=(1, 8, 8, 4), version=3, taps=(3, 3), **tensor):
    height, width = dilation
    chosen = options("Conv2D", dilationHFactor=height, dilationWFactor=width)
    inputs = [
        Tensor(pixels, **tensor),
        Tensor((4, *taps, 4), data=1),
        Tensor((4,), "INT32", data=0),
    ]
    return Operator("CONV_2D", inputs, [Tensor((pixels[0], 6, 6, 4))], version, chosen)


def _dense(weights_format=0, rows=1, weights=1):
    inputs = [Tensor((rows, 16)), Tensor((8, 16), data=weights), None]
    return Operator(
        "FULLY_CONNECTED",
        inputs,
        [Tensor((rows, 8))],
        4,
        options("FullyConnected", weightsFormat=weights_format),
    )


def _pool(activation):
    chosen = options("Pool2D", fusedActivationFunction=activation)
    return Operator("MAX_POOL_2D", [Tensor((1, 8, 8, 4))], [Tensor((1, 4, 4, 4))], 2, chosen)


def _join(*tensors):
    depth = 4 * len(tensors)
    return Operator("CONCATENATION", list(tensors), [Tensor((1, 8, 8, depth))], 2, options("Concatenation"))


def _filled(value):
    """Return a constant of which 3 stands for the real number 0."""
    return Tensor((1, 8, 8, 4), data=value, zero=3)


def _mean(axes, depth):
    return Operator("MEAN", [Tensor((1, 8, 8, depth)), constant(*axes)], [Tensor((1, depth))], 2)


def _softmax(shape):
    return Operator("SOFTMAX", [Tensor(shape)], [Tensor(shape)], 2)


def _pad(batch):
    pads = Tensor((4, 2), "INT32", [[batch, 0], [1, 1], [1, 1], [0, 0]], scale=None)
    return Operator("PAD", [Tensor((1, 8, 8, 4)), pads], [Tensor((1, 10, 10, 4))])


def _pack(axis):
    inputs = [Tensor((8, 4)), Tensor((8, 4))]
    return Operator("PACK", inputs, [Tensor((8, 2, 4))], 2, options("Pack", axis=axis, valuesCount=2))


def _split(axis):
    inputs = [constant(axis), Tensor((2, 8, 4))]
    return Operator("SPLIT", inputs, [Tensor((1, 8, 4)), Tensor((1, 8, 4))], 2, options("Split", numSplits=2))


def _squeeze(shape, sides):
    chosen = options("Squeeze", squeezeDims=sides)
    return Operator(
        "SQUEEZE", [Tensor(shape)], [Tensor(tuple(side for side in shape if side > 1))], 1, chosen
    )


def _slice(stride, new_axis=0):
    inputs = [Tensor((1, 8, 8, 4)), constant(0, 0, 0, 0), constant(1, 8, 8, 4), constant(1, stride, 1, 1)]
    return Operator(
        "STRIDED_SLICE", inputs, [Tensor((1, 8, 8, 4))], 2, options("StridedSlice", newAxisMask=new_axis)
    )


def _prelu(slopes):
    inputs = [Tensor((1, 8, 8, 4)), Tensor(slopes, data=1)]
    return Operator("PRELU", inputs, [Tensor((1, 8, 8, 4))])


def _resize(side):
    inputs = [Tensor((1, 33, 33, 4)), constant(side, side)]
    return Operator("RESIZE_BILINEAR", inputs, [Tensor((1, side, side, 4))], 3)


def _transpose(depth):
    inputs = [Tensor((1, 20, 20, depth)), constant(0, 3, 1, 2)]
    return Operator("TRANSPOSE", inputs, [Tensor((1, depth, 20, 20))], 2)


MAPS = Tensor((1, 8, 8, 4))

#: For each limit a file that keeps it, one that breaks it by a hair, and words of the reason.
CASES = [
    ("eight_bit", _conv(), _conv(type="INT16"), "is int16, but the Edge TPU computes only in int8 and uint8"),
    ("eight_bit", _conv(), _conv(type="FLOAT32", scale=None), "is float32"),
    ("eight_bit", _conv(), _conv(scale=None), "has no scale"),
    ("three_dimensions", _conv(), _conv(pixels=(2, 8, 8, 4)), "convert with a batch of 1"),
    ("constant_parameters", _dense(), _dense(weights=None), "must be a constant"),
    ("equal_dilation", _conv(dilation=(2, 2)), _conv(dilation=(1, 2)), "dilation is 1×2"),
    ("equal_dilation", _conv(dilation=(2, 1), taps=(3, 1)), _conv(dilation=(2, 1), taps=(3, 2)), "is 2×1"),
    ("moderate_transpose", _transpose(207), _transpose(256), "this one has 102,400 values"),
    ("moderate_growth", _resize(66), _resize(513), "33×33 to 513×513, are left on the CPU"),
    ("no_activation", _pool(0), _pool(1), "RELU is fused into it; put the activation before it"),
    ("default_weights", _dense(0), _dense(1), "format SHUFFLED4x16INT8"),
    ("one_dimensional_output", _dense(rows=1), _dense(rows=2), "its output is 2×8"),
    ("zero_constant", _join(MAPS, _filled(3)), _join(MAPS, _filled(0)), "not all zero"),
    ("zero_constant", _join(MAPS, MAPS, MAPS), _join(MAPS, MAPS, _filled(3)), "it has 3"),
    ("not_over_batch", _mean([1, 2], 6), _mean([0, 1, 2], 6), "reduces the batch"),
    ("depth_of_four", _mean([-1], 8), _mean([-1], 6), "averages 6 channels"),
    ("softmax_of_one_row", _softmax((1, 16_384)), _softmax((1, 16_385)), "the maximum is 16,384"),
    ("softmax_of_one_row", _softmax((1, 1, 1, 10)), _softmax((1, 2, 10)), "its input is 1×2×10"),
    ("no_batch_padding", _pad(0), _pad(1), "pads the batch"),
    ("not_along_batch", _pack(1), _pack(-3), "a pack along the batch"),
    ("not_along_batch", _split(1), _split(0), "a split along the batch"),
    ("leading_ones", _squeeze((1, 5, 10), []), _squeeze((5, 1, 10), []), "removes side 2 of 5×1×10"),
    ("leading_ones", _squeeze((1, 5, 1, 10), [0]), _squeeze((1, 5, 1, 10), [2]), "removes side 3"),
    ("plain_slice", _slice(1), _slice(2), "not all its strides are 1"),
    ("plain_slice", _slice(1), _slice(1, new_axis=1), "the mask new_axis"),
    ("one_dimensional_alpha", _prelu((1, 1, 4)), _prelu((8, 8, 4)), "its slope is 8×8×4"),
]  # fmt: skip


@pytest.mark.parametrize(("limit", "sound", "broken", "words"), CASES)
def test_each_limit_has_a_file_that_breaks_it(judged, limit, sound, broken, words):
    assert limit in LIMITS
    assert judged(tflite(sound)).verdict == "maps", judged(tflite(sound)).problem
    found = judged(tflite(_pool(0), broken))  # a sound one first: the file is quantized
    assert [operator.side for operator in found.operators] == ["edgetpu", "cpu"]
    assert words in found.operators[1].reason
    assert words in found.problem


def test_every_limit_is_named_in_the_table_and_has_a_case():
    rows = table()["operators"]
    limits = {name for row in rows for name in row.get("limits", ())} | set(table()["every"])
    doubts = {name for row in rows for name in row.get("doubts", ())}
    assert limits == {limit for limit, *_ in CASES}
    assert doubts == {"at_most_doubled", "moderate_reshape", "small_transpose"}
    assert limits | doubts == set(LIMITS)


def test_every_row_says_where_it_comes_from():
    assert all(
        row["source"] and set(row["source"]) <= set(table()["sources"]) for row in table()["operators"]
    )
    assert len(rules()) == len(table()["operators"])


#: What compiler 16 was seen to parse, and no higher.
PARSED = {
    "CONV_2D": 5, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 9, "MAX_POOL_2D": 3, "AVERAGE_POOL_2D": 3,
    "MEAN": 3, "SOFTMAX": 3, "PACK": 3, "RELU": 3, "RESHAPE": 1, "ADD": 4, "MUL": 5, "PAD": 4,
    "CONCATENATION": 3, "QUANTIZE": 2, "DEQUANTIZE": 4, "TANH": 3, "LOGISTIC": 3, "TRANSPOSE": 5,
    "TRANSPOSE_CONV": 3, "STRIDED_SLICE": 6, "SLICE": 5, "SUB": 5, "SPLIT": 4, "SUM": 2, "SQUEEZE": 2,
    "RSQRT": 2,
}  # fmt: skip


@pytest.mark.parametrize(("name", "highest"), PARSED.items())
def test_one_operator_above_its_version_and_the_whole_file_is_refused(judged, name, highest):
    def found(version):
        return judged(tflite(_pool(0), Operator(name, [Tensor((1, 8, 8, 4))], [MAPS], version)))

    assert found(highest).verdict != "refused"
    assert found(highest + 1).verdict == "refused"
    assert (found(highest + 1).on_target, found(highest + 1).on_cpu) == (0, 2)
    assert (
        f"{name}, has version {highest + 1}, and the highest supported version is {highest}"
        in found(highest + 1).refusal
    )


NOWHERE = [
    "LOCAL_RESPONSE_NORMALIZATION", "SHAPE", "LEAKY_RELU", "GELU", "DIV", "CAST", "EXP", "ARG_MAX", "GATHER",
    "DEQUANTIZE", "detection_postprocess",
]  # fmt: skip


def _chain(*names):
    """Return operators of which each takes what the one before computes."""
    maps = [Tensor((1, 8, 8, 4)) for _ in range(len(names) + 1)]
    return [Operator(name, [maps[place]], [maps[place + 1]]) for place, name in enumerate(names)]


@pytest.mark.parametrize("name", NOWHERE)
def test_everything_behind_an_operator_that_does_not_map_runs_on_the_cpu(judged, name):
    found = judged(tflite(*_chain("RELU", name, "RELU", "RELU")))
    assert [operator.side for operator in found.operators] == ["edgetpu", "cpu", "cpu", "cpu"]
    assert (found.verdict, found.on_target, found.on_cpu) == ("partly", 1, 3)
    assert found.operators[3].reason == f"behind operator 1, {name}, on the CPU"
    assert "1 of 4 operators map to the Edge TPU. The first of the others is " in found.problem
    assert f"is operator 1, {name}: " in found.problem


def test_what_does_not_need_the_operator_that_does_not_map_still_maps(judged):
    left, right = _chain("RELU", "EXP"), _chain("RELU", "RELU")
    joined = _join(left[-1].outputs[0], right[-1].outputs[0])
    found = judged(tflite(*left, *right, joined))
    assert [operator.side for operator in found.operators] == ["edgetpu", "cpu", "edgetpu", "edgetpu", "cpu"]
    assert found.operators[4].reason == "behind operator 1, EXP, on the CPU"


@pytest.mark.parametrize("name", ["QUANTIZE", "CAST"])
def test_the_type_of_an_input_is_changed_on_the_cpu_and_the_rest_maps(judged, name):
    pixels, maps = Tensor((1, 8, 8, 4), "FLOAT32", scale=None), Tensor((1, 8, 8, 4))
    turned = Operator(name, [pixels], [maps])
    found = judged(tflite(turned, Operator("RELU", [maps], [Tensor((1, 8, 8, 4))])))
    assert [operator.side for operator in found.operators] == ["cpu", "edgetpu"]
    assert (found.verdict, found.on_cpu) == ("partly", 1)


def test_an_operator_that_no_document_names_is_unknown_and_so_is_what_follows(judged):
    found = judged(tflite(*_chain("RELU", "HARD_SWISH", "RELU")))
    assert [operator.side for operator in found.operators] == ["edgetpu", "unknown", "unknown"]
    assert (found.verdict, found.unknown) == ("unknown", 2)
    assert "1 of 3 operators map to the Edge TPU, possibly 2 more. The first of the others" in found.problem
    assert "is operator 1, HARD_SWISH: it is not documented as supported." in found.problem
    behind = judged(tflite(*_chain("HARD_SWISH", "DIV", "RELU")))
    assert [operator.side for operator in behind.operators] == ["unknown", "cpu", "cpu"]


def test_an_image_that_grows_much_may_be_left_to_the_cpu(judged):
    assert judged(tflite(_resize(66))).verdict == "maps"
    for side in (67, 512):
        found = judged(tflite(_resize(side)))
        assert found.verdict == "unknown"
        assert f"33×33 to {side}×{side}, are often" in found.problem


def test_a_transposition_between_those_seen_to_map_and_those_seen_to_stay_is_unknown(judged):
    assert judged(tflite(_transpose(207))).verdict == "maps"
    for depth in (208, 255):
        assert "large transpositions are often left on the CPU" in judged(tflite(_transpose(depth))).problem


def test_a_reshape_of_more_numbers_than_one_that_was_seen_to_map_is_unknown(judged):
    def reshape(depth):
        shape = Tensor((2,), "INT32", [1, 1_083 * depth], scale=None)
        return Operator("RESHAPE", [Tensor((1, 1_083, depth)), shape], [Tensor((1, 1_083 * depth))])

    assert judged(tflite(reshape(91))).verdict == "maps"
    assert "large reshapes often stay on the CPU" in judged(tflite(reshape(92))).problem


def test_more_than_one_subgraph_is_refused(judged):
    assert "it has 2 subgraphs" in judged(tflite(_pool(0), subgraphs=2)).refusal


def test_the_runtime_is_the_latest_that_an_operator_needs(judged):
    assert judged(tflite(_pool(0))).runtime == 10
    requantized = Operator("QUANTIZE", [Tensor((1, 8, 8, 4), "UINT8")], [MAPS])
    assert judged(tflite(requantized)).runtime == 13


def test_a_state_of_a_recurrent_operator_has_a_type_of_its_own(judged):
    cell = [Tensor((1, 20)), Tensor((20, 20), data=1), Tensor((1, 20), "INT16")]
    lstm = Operator("UNIDIRECTIONAL_SEQUENCE_LSTM", cell, [Tensor((1, 20))], 3)
    content = schema.ModelT.InitFromPackedBuf(bytearray(tflite(lstm)))
    content.subgraphs[0].inputs = [0]  # nobody feeds the state
    assert judged(packed(content)).verdict == "maps"


def test_a_compiled_file_is_recognised(judged):
    whole = judged(compiled())
    assert (whole.verdict, whole.compiled, whole.on_target, whole.on_cpu) == ("maps", True, 1, 0)
    assert whole.problem == ""
    assert (whole.cost, whole.to_dict()["milliseconds"]) == (None, None)
    rest = judged(compiled(["SOFTMAX"]))
    assert (rest.verdict, rest.on_target, rest.on_cpu) == ("partly", 1, 1)
    assert rest.operators[1].reason == "the compiler left it on the CPU"


def test_layers_are_kept_in_order_and_one_that_does_not_fit_whole_is_streamed():
    cost = estimate([4 * MIB, 5 * MIB, 3 * MIB, MIB])
    assert cost.cached == (True, False, True, False)
    assert (cost.cached_bytes, cost.streamed_bytes) == (7 * MIB, 6 * MIB)
    assert cost.least_streamed_bytes == 13 * MIB - int(7.7 * MIB)
    assert cost.milliseconds == pytest.approx(0.43 + 3.3 * 6)
    assert cost.milliseconds_pcie == pytest.approx(0.43 + 2.7 * 6)
    assert estimate([]).milliseconds == 0.43
    assert not overhead_decides(estimate([2 * MIB]))
    assert overhead_decides(estimate([3 * MIB]))  # 3 + 5 > 7.7


# Networks, converted for real.

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


def _int8(model, images=IMAGES):
    images = images.copy()
    images[0].flat[:2] = 0, 255
    return convert(model, schemes["static_wi8_ai8"], images)


def _small(*parts, batch=1):
    """Return a small network with these layers in its middle."""
    pixels = keras.Input(batch_shape=(batch, 8, 8, 4))
    maps = layers.Conv2D(4, 3, padding="same", activation="relu")(pixels)
    for part in parts:
        maps = part(maps)
    return keras.Model(pixels, layers.Dense(3)(layers.Flatten()(maps)))


def _converted(model, *, int8_ends=True, allow_float=False):
    import tensorflow as tf

    data = np.random.default_rng(0).normal(size=(4, 1, 8, 8, 4)).astype("float32")
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([each] for each in data)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if allow_float:
        converter.target_spec.supported_ops.append(tf.lite.OpsSet.TFLITE_BUILTINS)
    if int8_ends:
        converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


pytestmark = pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")


def _names(found):
    return [operator.name for operator in found.operators]


def test_a_grouped_convolution_raises_the_version_of_all_of_them(judged):
    found = judged(_converted(_small(layers.Conv2D(4, 3, groups=2))))
    assert found.verdict == "refused"
    assert "CONV_2D, has version 6, and the highest supported version is 5" in found.refusal
    assert "two streams that meet only in Concatenate" in found.refusal


def test_a_batch_that_is_not_fixed_is_refused_where_flatten_computes_with_it(judged):
    found = judged(_converted(_small(batch=None)))
    assert {"SHAPE", "STRIDED_SLICE", "PACK", "RESHAPE"} <= set(_names(found))
    assert found.verdict == "refused"
    assert (
        "RESHAPE, has a size that is only known at run time; rebuild the model with Input(" in found.refusal
    )


def test_a_batch_that_is_not_fixed_is_1_where_nothing_computes_with_it(judged):
    # the compiled twins of such files in ricardodeazambuja/LibrEdgeTPU are whole
    dense = _dense()
    dense.inputs[0].signature = (-1, 16)
    assert judged(tflite(dense)).verdict == "maps"


def test_local_response_normalization_leaves_a_float_island_and_cuts_the_network(judged):
    import tensorflow as tf

    class TheirNormalization(layers.Layer):
        def call(self, maps):
            return tf.nn.local_response_normalization(maps)

    found = judged(_converted(_small(TheirNormalization()), allow_float=True))
    island = _names(found).index("LOCAL_RESPONSE_NORMALIZATION")
    assert _names(found)[island - 1 : island + 2] == [
        "DEQUANTIZE",
        "LOCAL_RESPONSE_NORMALIZATION",
        "QUANTIZE",
    ]
    assert found.verdict == "partly"
    assert [operator.side for operator in found.operators] == (
        ["edgetpu"] * (island - 1) + ["cpu"] * (len(found.operators) - island + 1)
    )
    assert "train with batch normalization (--norm batch)" in found.operators[island].reason


def test_our_own_local_response_normalization_cuts_the_network_too(judged):
    from kerascnn.models.layers import LocalResponseNormalization

    found = judged(_converted(_small(LocalResponseNormalization()), allow_float=True))
    assert found.verdict == "partly"
    assert found.operators[1].name == "DEQUANTIZE"
    assert {operator.side for operator in found.operators[1:]} == {"cpu"}


def test_relu_behind_a_pool_is_fused_into_it(judged):
    found = judged(_converted(_small(layers.MaxPooling2D(2), layers.ReLU())))
    broken = next(operator for operator in found.operators if operator.side == "cpu")
    assert (broken.name, found.verdict) == ("MAX_POOL_2D", "partly")
    assert "RELU is fused into it" in broken.reason
    assert judged(_converted(_small(layers.ReLU(), layers.MaxPooling2D(2)))).verdict == "maps"


def test_batch_normalization_that_did_not_fold_maps_as_mul_and_add(judged):
    model = _small(layers.BatchNormalization(), layers.MaxPooling2D(2))
    norm = next(layer for layer in model.layers if isinstance(layer, layers.BatchNormalization))
    norm.set_weights(list(np.array([[0.5, 2, 1, 3], [1, 0, 2, 1], [0.1, 0.2, 0.3, 0.4], [1, 2, 3, 4]])))
    found = judged(_converted(model))
    assert {"MUL", "ADD"} <= set(_names(found))
    assert found.verdict == "maps"


def test_float_ends_run_on_the_cpu_and_the_rest_on_the_edge_tpu(judged):
    found = judged(_converted(_small(), int8_ends=False))
    assert (_names(found)[0], _names(found)[-1]) == ("QUANTIZE", "DEQUANTIZE")
    assert [operator.side for operator in found.operators[1:-1]] == ["edgetpu"] * (len(found.operators) - 2)
    assert (found.verdict, found.on_cpu) == ("partly", 2)


@pytest.mark.parametrize("scheme", ["float32", "dynamic_wi8_afp32", "float16"])
def test_a_file_without_int8_activations_is_refused(judged, scheme):
    found = judged(convert(build("lenet5", channels=3), schemes[scheme]))
    assert found.verdict == "refused"
    assert "it is not quantized; convert it with int8" in found.refusal


@pytest.mark.parametrize("head", list(heads))
def test_lenet_maps_whole_and_streams_nothing(judged, head):
    found = judged(_int8(build("lenet5", head=head, channels=3)))
    assert (found.verdict, found.problem, found.on_cpu) == ("maps", "", 0)
    assert found.cost.streamed_bytes == 0
    assert found.cost.cached_bytes == pytest.approx(
        build("lenet5", head=head, channels=3).count_params(), rel=0.1
    )
    assert found.cost.milliseconds < 1


@pytest.mark.parametrize(
    ("head", "least", "most"),
    # what does not fit into 7.7 MiB at the least; whole layers of 9,216 × 4,096 and 4,096 × 4,096
    [
        pytest.param("fc", 48, 52.1, marks=pytest.mark.long),
        pytest.param("conv1x1", 13, 16.1, marks=pytest.mark.long),
        ("nin", 0, 0),
    ],
)
def test_alexnet_maps_whole_and_streams_what_does_not_fit(judged, head, least, most):
    pixels = np.random.default_rng(0).integers(0, 256, (1, 227, 227, 3), dtype=np.uint8)
    found = judged(_int8(build("alexnet", head=head, classes=10), pixels))
    assert (found.verdict, found.problem) == ("maps", "")
    assert least * MIB <= found.cost.streamed_bytes <= most * MIB
    assert round(found.cost.least_streamed_bytes / MIB) == least
    if head == "fc":
        assert 165 <= found.cost.milliseconds <= 185


@pytest.mark.parametrize("variant", ["two_towers", "small_stem"])
def test_the_other_forms_of_alexnet_map_whole(judged, variant):
    size = 67 if variant == "two_towers" else 32
    pixels = np.random.default_rng(0).integers(0, 256, (1, size, size, 3), dtype=np.uint8)
    model = build("alexnet", variant=variant, head="nin", classes=10, image_size=size)
    found = judged(_int8(model, pixels))
    assert (found.verdict, found.problem) == ("maps", "")


# The command.


@pytest.fixture
def file(run):
    return run / "tflite" / "static_wi8_ai8.tflite"


def test_check_prints_a_table_and_ends_with_0(cli, file):
    answer = cli("check", file, "--target", "edgetpu")
    assert (answer.code, answer.err) == (0, "")
    assert "every operator runs on the Edge TPU" in answer.out
    assert "This is an estimate, without compiler and device." in answer.out
    assert "Not counted: computing on the Edge TPU" in " ".join(answer.out.split())
    document = cli("check", file, "--json").json
    assert (document["file"], document["target"], document["verdict"]) == (str(file), "edgetpu", "maps")
    assert (document["on_target"], document["on_cpu"]) == (len(document["operators"]), 0)
    assert (
        document["operators"][0] | {"name": "CONV_2D", "side": "edgetpu", "reason": ""}
        == (document["operators"][0])
    )
    assert (document["streamed_bytes"], document["milliseconds"]) == (0, 0.43)
    assert 61_706 < document["cached_bytes"] < 61_706 + 4 * (6 + 16 + 120 + 84 + 10)


def test_check_prints_what_does_not_map_and_ends_with_4(cli, tmp_path):
    (tmp_path / "pool.tflite").write_bytes(tflite(_conv(), _pool(1)))
    answer = cli("check", "pool.tflite")
    assert answer.code == DOES_NOT_FIT
    assert "part of it runs on the CPU" in answer.out
    (line,) = answer.err.splitlines()
    assert line == (
        "Error: pool.tflite: 1 of 2 operators map to the Edge TPU. The first of the others is operator 1, "
        "MAX_POOL_2D: RELU is fused into it; put the activation before it."
    )
    document = json.loads(cli("check", "pool.tflite", "--json").out)
    assert (document["verdict"], document["on_target"], document["on_cpu"]) == ("partly", 1, 1)


def test_check_refuses_a_float_file_with_4(cli, tmp_path):
    (tmp_path / "float.tflite").write_bytes(convert(build("lenet5"), schemes["float32"]))
    answer = cli("check", "float.tflite")
    assert answer.code == DOES_NOT_FIT
    assert "the compiler would reject it" in answer.out.replace("Edge TPU ", "")
    (line,) = answer.err.splitlines()
    assert line.startswith(
        "Error: float.tflite: the Edge TPU compiler would reject the file: it is not quantized"
    )


def test_check_refuses_what_is_no_model_and_an_unknown_target(cli, tmp_path, file):
    (tmp_path / "text.tflite").write_text("hello world")
    refused(cli("check", "text.tflite"), FAILED, "text.tflite")
    refused(cli("check", "absent.tflite"), FAILED, "absent.tflite does not exist")
    refused(cli("check", file, "--target", "gpu"), USAGE, "Unknown target 'gpu'", "edgetpu")


def test_names_of_a_hostile_file_do_not_reach_the_terminal_as_they_are(cli, tmp_path):
    evil = Operator("\x1b[2jevil" * 40, [MAPS], [Tensor((1, 8, 8, 4), name="\x1b[31m")])
    (tmp_path / "evil.tflite").write_bytes(tflite(_pool(0), evil))
    answer = cli("check", "evil.tflite")
    assert answer.code == DOES_NOT_FIT
    assert "\x1b" not in answer.out + answer.err
    assert max(map(len, answer.out.splitlines())) < 200


def test_the_function_says_what_is_wrong():
    with pytest.raises(UsageError, match="Unknown target"):
        check("x.tflite", target="tpu")
    with pytest.raises(KerasCnnError, match="does not exist"):
        check("absent.tflite")
