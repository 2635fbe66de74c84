"""What ``kerascnn inspect`` tells of a file: ours, other people's, damaged and hostile ones."""

import contextlib
import json
import random
import resource
import shutil
import signal
import struct
import tracemalloc
import zipfile
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from refusals import FAILED, refused

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.models.network import build
from kerascnn.tflite.file_format.graph import constant_data, read_graph
from kerascnn.tflite.inspection.inspect import inspect
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes

SECONDS = 5  # of processor time; a mutated file of 100 kB is read in milliseconds


@pytest.fixture
def int8(run):
    return run / "tflite" / "static_wi8_ai8.tflite"


@pytest.fixture(scope="module")
def floating(tmp_path_factory):
    path = tmp_path_factory.mktemp("float") / "float32.tflite"
    path.write_bytes(convert(build("lenet5", head="nin"), schemes["float32"]))
    return path


@pytest.fixture(scope="module")
def looping(tmp_path_factory):
    """A file as other people make them: a loop with its subgraphs, two inputs, a side that is not fixed."""
    import tensorflow as tf

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 3], tf.float32, name="rows"),
            tf.TensorSpec([], tf.int32, name="times"),
        ]
    )
    def doubled(rows, times):
        _, doubled_rows = tf.while_loop(
            lambda turn, _: turn < times, lambda turn, rows: (turn + 1, rows * 2.0), (0, rows)
        )
        return doubled_rows

    converter = tf.lite.TFLiteConverter.from_concrete_functions([doubled.get_concrete_function()], doubled)
    path = tmp_path_factory.mktemp("looping") / "looping.tflite"
    path.write_bytes(converter.convert())
    return path


def tensor(
    name="t", kind=schema.TensorType.FLOAT32, shape=(1, 4), buffer=0, scales=(), zero_points=(), **more
):
    scaling = schema.QuantizationParametersT(scale=list(scales), zeroPoint=list(zero_points))
    return schema.TensorT(
        name=name,
        type=kind,
        shape=list(shape),
        buffer=buffer,
        quantization=scaling if scales else None,
        **more,
    )


def operator(code, inputs, outputs):
    return schema.OperatorT(opcodeIndex=code, inputs=list(inputs), outputs=list(outputs))


def packed(path, tensors, operators, codes, *, inputs=(0,), outputs=(1,), buffers=(), **more):
    """Write a file of one subgraph; ``buffers`` are numbered from 1."""
    graph = schema.SubGraphT(
        tensors=list(tensors), operators=list(operators), inputs=list(inputs), outputs=list(outputs)
    )
    model = schema.ModelT(
        version=3, subgraphs=[graph], operatorCodes=list(codes), buffers=[schema.BufferT(), *buffers], **more
    )
    return written(path, model)


def written(path, model):
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def code(name, version=1, **more):
    number = getattr(schema.BuiltinOperator, name) if isinstance(name, str) else name
    return schema.OperatorCodeT(
        builtinCode=number, deprecatedBuiltinCode=min(number, 127), version=version, **more
    )


def unpacked(path):
    return schema.ModelT.InitFromPackedBuf(bytearray(path.read_bytes()))


# ours


def test_every_operator_of_the_int8_file(int8):
    (subgraph,) = inspect(int8).to_dict()["subgraphs"]
    told = [
        (one["name"], one["version"], one["activation"], one["per_channel"], one["bytes"])
        for one in subgraph["operators"]
    ]
    assert told == [
        ("CONV_2D", 3, "RELU", True, 5 * 5 * 1 * 6 + 4 * 6),
        ("MAX_POOL_2D", 2, "NONE", None, 0),
        ("CONV_2D", 3, "RELU", True, 5 * 5 * 6 * 16 + 4 * 16),
        ("MAX_POOL_2D", 2, "NONE", None, 0),
        ("RESHAPE", 1, "NONE", None, 8),
        ("FULLY_CONNECTED", 4, "RELU", True, 400 * 120 + 4 * 120),
        ("FULLY_CONNECTED", 4, "RELU", True, 120 * 84 + 4 * 84),
        ("FULLY_CONNECTED", 4, "NONE", True, 84 * 10 + 4 * 10),
        ("SOFTMAX", 2, "NONE", None, 0),
    ]
    first, pool = subgraph["operators"][:2]
    assert first["options"] == {
        "padding": "VALID",
        "stride_w": 1,
        "stride_h": 1,
        "fused_activation_function": "RELU",
        "dilation_w_factor": 1,
        "dilation_h_factor": 1,
        "quantized_bias_type": "FLOAT32",
    }
    assert (pool["options"]["filter_width"], pool["options"]["stride_h"]) == (2, 2)
    weights = subgraph["tensors"][first["weights"]]
    assert (weights["type"], weights["shape"], weights["bytes"]) == ("INT8", [6, 5, 5, 1], 150)
    assert len(weights["quantization"]["scales"]) == 6
    assert weights["quantization"]["zero_points"] == [0] * 6


def test_what_stands_in_the_file_as_a_whole(int8):
    found = inspect(int8).to_dict()
    assert found["bytes"] == int8.stat().st_size
    assert found["constant_bytes"] == 61_470 + 4 * 236 + 8  # weights, biases, the shape of the flat layer
    (given,), (taken,) = found["inputs"], found["outputs"]
    assert given["meaning"] == "raw pixels 0 to 255 as int8 = pixel − 128"
    assert (given["type"], given["shape"]) == ("INT8", [1, 32, 32, 1])
    assert taken["meaning"] == "probability = (value + 128) / 256"
    assert found["signatures"] == ["serving_default"]
    assert "min_runtime_version" in found["metadata"]
    assert (found["kerascnn"]["model"], found["kerascnn"]["head"]) == ("lenet5", "fc")
    assert found["kerascnn"]["classes"] == list("0123456789")
    assert found["kerascnn_damage"] is None


@pytest.mark.parametrize("kind", ["int8", "floating", "looping"])
def test_litert_says_the_same_of_every_tensor(kind, request):
    path = request.getfixturevalue(kind)
    interpreter = Interpreter(model_path=str(path))
    for number, subgraph in enumerate(read_graph(path).subgraphs):
        told = {entry["index"]: entry for entry in interpreter.get_tensor_details(number)}
        assert len(told) >= len(subgraph.tensors)  # LiteRT adds tensors of its own
        for found in subgraph.tensors:
            expected = told[found.index]
            scaling = found.quantization
            np.testing.assert_array_equal(found.shape, expected["shape"])
            assert found.name == expected["name"]
            scales = expected["quantization_parameters"]["scales"].tolist()
            assert list(scaling.scales if scaling else ()) == scales
            assert found.type == np.dtype(expected["dtype"]).name.upper()
    assert [operator.name for operator in read_graph(path).subgraphs[0].operators] == [
        entry["op_name"] for entry in interpreter._get_ops_details() if entry["op_name"] != "DELEGATE"
    ]


def test_constants_are_those_that_litert_computes_with(int8):
    graph = read_graph(int8)
    interpreter = Interpreter(model_path=str(int8))
    interpreter.allocate_tensors()
    constants = [found for found in graph.subgraphs[0].tensors if found.constant]
    assert len(constants) == 2 * 5 + 1
    for found in constants:
        expected = interpreter.get_tensor(found.index)
        values = np.frombuffer(constant_data(graph, found), expected.dtype).reshape(found.shape)
        np.testing.assert_array_equal(values, expected)


def test_the_text_of_the_int8_file(cli, int8):
    shown = cli("inspect", int8).out
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert lines[0].endswith(
        f"static_wi8_ai8.tflite: {int8.stat().st_size:,} bytes, 62,422 of them constants; 9 operators"
    )
    assert lines[2] == "# operator from types v output scale zero weights scales bytes"
    assert lines[4].startswith("0 CONV_2D, RELU in int8 3 1×28×28×6 ")
    assert lines[4].endswith(" −128 6×5×5×1 per channel 174")
    assert lines[9].startswith("5 FULLY_CONNECTED, RELU 4 int8 4 1×120 ")
    assert lines[9].endswith(" −128 120×400 per channel 48,480")
    assert lines[12] == "8 SOFTMAX 7 int8 2 1×10 0.003906 −128"
    assert any(": raw pixels 0 to 255 as int8 = pixel − 128" in line for line in lines)
    assert any(": probability = (value + 128) / 256" in line for line in lines)
    assert "lenet5 (modern), head fc, trained on digits; 32×32 pixels, grey; 10 classes: 0, 1, 2" in shown
    assert max(map(len, shown.splitlines()[1:])) <= 106


def test_json_is_what_the_function_returns(cli, int8):
    assert cli("inspect", int8, "--json").json == json.loads(json.dumps(inspect(int8).to_dict()))


def test_a_float_file(cli, floating, run):
    shown = cli("inspect", floating).out
    assert "scale" not in shown  # a column that is empty everywhere is not there
    assert "1×32×32×1: float32; the file does not say which range it expects" in shown
    assert "1×10: probability as float32" in shown
    assert "kerascnn" not in shown
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert "0 CONV_2D, RELU in float32 1 1×28×28×6 6×5×5×1 624" in lines


def test_a_float_file_of_ours_takes_raw_pixels(floating, int8, tmp_path):
    copy = shutil.copy(floating, tmp_path / "ours.tflite")
    inspect(int8).description.embed(copy)
    assert inspect(copy).inputs == ("raw pixels 0 to 255 as float32",)


# other people's


def test_a_loop_with_its_subgraphs(cli, looping):
    found = inspect(looping).to_dict()
    main, *others = found["subgraphs"]
    assert len(others) == 2
    loop = next(one for one in main["operators"] if one["name"] == "WHILE")
    assert loop["options"] == {"cond_subgraph_index": 1, "body_subgraph_index": 2}
    assert {one["name"] for other in others for one in other["operators"]} >= {"LESS", "ADD", "MUL"}
    assert [end["shape"] for end in found["inputs"]] == [[-1, 3], []]
    assert found["inputs"][1]["meaning"] == "int32, whole numbers as they are"
    shown = cli("inspect", looping).out
    assert "WHILE, cond 1, body 2  in    float32, int32  1  scalar +2" in shown
    assert "?×3: float32; the file does not say which range it expects" in shown
    assert "subgraph 1, " in shown


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")
def test_weights_with_one_scale_for_the_tensor(tmp_path, cli):
    import tensorflow as tf

    images = np.random.default_rng(0).integers(0, 256, (20, 1, 32, 32, 1)).astype(np.float32)
    images[0, 0, 0, :2, 0] = 0, 255
    converter = tf.lite.TFLiteConverter.from_keras_model(build("lenet5", head="nin"))
    schemes["static_wi8_ai8"].set_up(converter)
    converter.representative_dataset = lambda: ([image] for image in images)
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter._experimental_disable_per_channel = True
    (tmp_path / "tensor.tflite").write_bytes(converter.convert())
    told = inspect(tmp_path / "tensor.tflite").to_dict()["subgraphs"][0]["operators"]
    assert {one["per_channel"] for one in told if one["name"] == "CONV_2D"} == {False}
    assert "per tensor" in cli("inspect", "tensor.tflite").out


INT8, UINT8, INT16, FLOAT32 = (
    getattr(schema.TensorType, name) for name in ("INT8", "UINT8", "INT16", "FLOAT32")
)


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (
            tensor(kind=UINT8, shape=(1, 8, 8, 3), scales=[1], zero_points=[0]),
            "raw pixels 0 to 255 as uint8: bytes go in unchanged",
        ),
        (
            tensor(kind=INT8, shape=(1, 8, 8, 3), scales=[1], zero_points=[-128]),
            "raw pixels 0 to 255 as int8 = pixel − 128",
        ),
        (
            tensor(kind=INT8, shape=(1, 9), scales=[1], zero_points=[-128]),
            "int8, real value = q + 128, from 0 to 255",
        ),
        (
            tensor(kind=INT8, scales=[0.0078], zero_points=[3]),
            "int8, real value = 0.0078 × (q − 3), from −1.022 to 0.9672",
        ),
        (
            tensor(kind=UINT8, shape=(1, 8, 8, 3), scales=[1 / 128], zero_points=[128]),
            "uint8, real value = (q − 128) / 128, from −1 to 0.9922",
        ),
        (
            tensor(kind=INT16, scales=[0.5], zero_points=[0]),
            "int16, real value = q / 2, from −1.638e+04 to 1.638e+04",
        ),
        (tensor(kind=INT8, scales=[0.1, 0.2], zero_points=[0, 0]), "int8, 2 scales along dimension 0"),
        (tensor(kind=INT8), "int8, whole numbers as they are"),
        (tensor(kind=schema.TensorType.BFLOAT16), "bfloat16; the file does not say which range it expects"),
        (tensor(kind=schema.TensorType.STRING), "text"),
        (tensor(kind=schema.TensorType.BOOL), "true or false"),
        (tensor(kind=99), "unknown (code 99)"),
        # what a converter notes at a float tensor does not scale it
        (tensor(scales=[0.5], zero_points=[1]), "float32; the file does not say which range it expects"),
        (tensor(kind=UINT8, scales=[0], zero_points=[0]), "uint8, whole numbers as they are"),
    ],
)
def test_what_goes_in_in_words(tmp_path, end, words):
    path = packed(tmp_path / "m.tflite", [end, tensor()], [operator(0, [0], [1])], [code("CAST")])
    assert inspect(path).inputs == (words,)


@pytest.mark.parametrize(
    ("names", "end", "words"),
    [
        (
            ["SOFTMAX"],
            tensor(kind=INT8, scales=[1 / 256], zero_points=[-128]),
            "probability = (value + 128) / 256",
        ),
        (
            ["SOFTMAX", "QUANTIZE"],
            tensor(kind=UINT8, scales=[1 / 256], zero_points=[0]),
            "probability = value / 256",
        ),
        (["SOFTMAX"], tensor(kind=INT16, scales=[1 / 32768], zero_points=[0]), "probability = value / 32768"),
        (
            ["SOFTMAX"],
            tensor(kind=INT8, scales=[0.004], zero_points=[-100]),
            "probability = 0.004 × (value + 100)",
        ),
        (["SOFTMAX", "DEQUANTIZE", "RESHAPE"], tensor(), "probability as float32"),
        (["LOGISTIC"], tensor(kind=UINT8, scales=[1 / 256], zero_points=[0]), "sigmoid = value / 256"),
        (
            ["SOFTMAX", "ADD"],
            tensor(kind=INT8, scales=[0.5], zero_points=[0]),
            "int8, real value = q / 2, from −64 to 63.5",
        ),
        (["SOFTMAX", "ADD"], tensor(), "float32"),
    ],
)
def test_what_comes_out_in_words(tmp_path, names, end, words):
    between = [tensor() for _ in names[1:]]
    path = packed(
        tmp_path / "m.tflite",
        [tensor(), *between, end],
        [operator(number, [number], [number + 1]) for number in range(len(names))],
        [code(name) for name in names],
        outputs=[len(names)],
    )
    assert inspect(path).outputs == (words,)


def test_an_int16_file_of_ours_says_how_pixels_go_in(int8, tmp_path):
    given = tensor(kind=INT16, shape=(1, 32, 32, 1), scales=[0.0078125], zero_points=[0])
    path = packed(tmp_path / "m.tflite", [given, tensor()], [operator(0, [0], [1])], [code("CAST")])
    inspect(int8).description.embed(path)
    assert inspect(path).inputs == ("raw pixels 0 to 255 as int16 = pixel / 0.007812, rounded",)


def test_custom_unknown_and_unused_operators(tmp_path, cli):
    path = packed(
        tmp_path / "m.tflite",
        [tensor("in"), tensor("middle"), tensor("out", kind=99)],
        [operator(2, [0, -1], [1]), operator(1, [1], [2])],
        [code("QUANTIZE"), code(999, 7), code("CUSTOM", customCode="edgetpu-custom-op")],
        outputs=[2],
    )
    (subgraph,) = read_graph(path).subgraphs
    assert [(one.name, one.custom, one.version) for one in subgraph.operators] == [
        ("edgetpu-custom-op", True, 1),
        ("UNKNOWN (code 999)", False, 7),
    ]
    assert subgraph.operators[0].inputs == (0, -1)
    shown = cli("inspect", path).out
    assert "edgetpu-custom-op, custom" in shown
    assert "float32 → unknown (code 99)" in shown
    assert "QUANTIZE" not in shown  # it stands in the table of codes and no operator uses it


def test_what_a_custom_operator_carries_counts(tmp_path):
    carrying = operator(0, [0], [1])
    carrying.customOptions = list(range(200))
    path = packed(
        tmp_path / "m.tflite",
        [tensor(), tensor()],
        [carrying],
        [code("CUSTOM", customCode="edgetpu-custom-op")],
    )
    (told,) = inspect(path).to_dict()["subgraphs"][0]["operators"]
    assert (told["bytes"], told["options"]) == (200, {"custom_options_bytes": 200})


def test_what_a_custom_operator_carries_behind_the_flatbuffer(tmp_path):
    carrying = operator(0, [0], [1])
    path = tmp_path / "m.tflite"
    for size in (6, 2**64 - 1):
        carrying.largeCustomOptionsOffset, carrying.largeCustomOptionsSize = 8, size
        packed(path, [tensor(), tensor()], [carrying], [code("CUSTOM", customCode="own")])
        if size == 6:
            assert inspect(path).to_dict()["subgraphs"][0]["operators"][0]["bytes"] == 6
    with pytest.raises(KerasCnnError, match="the options of an operator are beyond its end"):
        inspect(path)


def test_strings_sparse_and_packed_weights(tmp_path):
    words = tensor(kind=schema.TensorType.STRING, shape=[2], buffer=1)
    dense = schema.DimensionMetadataT(denseSize=4)
    sparse = tensor(shape=[4, 4], buffer=2, sparsity=schema.SparsityParametersT(dimMetadata=[dense, dense]))
    nibbles = tensor(kind=schema.TensorType.INT4, shape=[3], buffer=3, scales=[0.5], zero_points=[0])
    path = packed(
        tmp_path / "m.tflite",
        [tensor(), tensor(), words, sparse, nibbles],
        [operator(0, [0, 2, 3, 4], [1])],
        [code("CUSTOM", customCode="mixed")],
        buffers=[schema.BufferT(data=list(range(size))) for size in (17, 8, 2)],
    )
    *_, words, sparse, nibbles = read_graph(path).subgraphs[0].tensors
    assert [(one.constant, one.bytes) for one in (words, sparse, nibbles)] == [
        (True, 17),
        (True, 8),
        (True, 2),
    ]
    assert sparse.sparse
    assert "sparse" in str(inspect(path))
    assert inspect(path).to_dict()["subgraphs"][0]["operators"][0]["bytes"] == 27


def test_data_behind_the_flatbuffer(tmp_path):
    path = tmp_path / "m.tflite"

    def write(offset, size):
        buffer = schema.BufferT(offset=offset, size=size)
        weights = tensor(kind=INT8, shape=[2, 3], buffer=1)
        return packed(
            path, [tensor(), tensor(), weights], [operator(0, [0, 2], [1])], [code("ADD")], buffers=[buffer]
        )

    end = write(8, 6).stat().st_size
    with write(end, 6).open("ab") as file:
        file.write(b"abcdef")
    graph = read_graph(path)
    assert constant_data(graph, graph.subgraphs[0].tensors[2]) == b"abcdef"
    assert inspect(path).constant_bytes == 6
    for offset, size in ((end, 6), (2**63, 6), (end - 6, 2**64 - 1)):
        with pytest.raises(KerasCnnError, match="the data of buffer 1 is beyond its end"):
            read_graph(write(offset, size))


def test_shared_constants_are_counted_once(tmp_path):
    shared = [tensor(kind=INT8, shape=[5], buffer=1) for _ in range(3)]
    path = packed(
        tmp_path / "m.tflite",
        [tensor(), tensor(), *shared],
        [operator(0, [0, 2, 2, 3], [1])],
        [code("ADD")],
        buffers=[schema.BufferT(data=[0] * 5)],
    )
    told = inspect(path).to_dict()
    assert (told["constant_bytes"], told["subgraphs"][0]["operators"][0]["bytes"]) == (5, 5)


def test_every_kind_of_options_can_be_read(tmp_path):
    kinds = [
        (field, name, number)
        for field in ("BuiltinOptions", "BuiltinOptions2")
        for name, number in vars(getattr(schema, field)).items()
        if name.endswith("Options")
    ]
    assert len(kinds) > 140
    operators = []
    for field, name, number in kinds:
        lower = field[0].lower() + field[1:]
        filled = getattr(schema, f"{name}T")()
        operators.append(schema.OperatorT(inputs=[0], outputs=[1], **{lower: filled, f"{lower}Type": number}))
    path = packed(tmp_path / "m.tflite", [tensor(), tensor()], operators, [code("ADD")])
    for (_, name, _), found in zip(kinds, read_graph(path).subgraphs[0].operators, strict=True):
        assert len(found.options) == len(vars(getattr(schema, f"{name}T")())), name
        assert not {key for key in found.options if key != key.lower()}


def test_options_with_lists_texts_and_no_numbers(tmp_path):
    settings = [
        ("VarHandleOptions", schema.VarHandleOptionsT(container="", sharedName="state")),
        ("SqueezeOptions", schema.SqueezeOptionsT(squeezeDims=[1, 2])),
        ("LeakyReluOptions", schema.LeakyReluOptionsT(alpha=float("inf"))),
        ("MirrorPadOptions", schema.MirrorPadOptionsT(mode=1)),
        ("CastOptions", schema.CastOptionsT(inDataType=9, outDataType=99)),
    ]
    operators = [
        schema.OperatorT(
            inputs=[0],
            outputs=[1],
            builtinOptions=options,
            builtinOptionsType=getattr(schema.BuiltinOptions, name),
        )
        for name, options in settings
    ]
    path = packed(tmp_path / "m.tflite", [tensor(), tensor()], operators, [code("ADD")])
    told = inspect(path).to_dict()["subgraphs"][0]["operators"]
    assert [one["options"] for one in told] == [
        {"container": "", "shared_name": "state"},
        {"squeeze_dims": [1, 2]},
        {"alpha": None},
        {"mode": "SYMMETRIC"},
        {"in_data_type": "INT8", "out_data_type": "UNKNOWN (code 99)"},
    ]


# damaged ones


def test_names_cannot_reach_the_terminal(tmp_path, cli):
    path = packed(
        tmp_path / "m.tflite",
        [tensor("a\x1b[2Jb\nc" + "d" * 9_000), tensor(b"\xff\xfe")],
        [operator(0, [0], [1])],
        [code("CUSTOM", customCode="\x1b]0;title\x07")],
    )
    shown = cli("inspect", path).out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "a�[2Jb�cddd" in shown
    assert max(map(len, shown.splitlines()[1:])) < 120  # the first has the path


def _no_archive(path, described):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("kerascnn.json", "{}")


def _bomb(path, described):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kerascnn.json", bytes(100_000_000))


def _nested(path, described):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("kerascnn.json", "[" * 1_000_000)


def _cut(path, described):
    path.write_bytes(described.read_bytes()[:-30])


def _cut_at_the_end_of_a_large_file(path, described):
    with path.open("ab") as file:
        file.write(bytes(17 * 2**20))
        file.write(described.read_bytes()[len(_bare(described)) : -30])


def _other_packing(path, described):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("kerascnn.json", "{}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_no_archive, "its description is damaged or of a newer kerascnn"),
        (_bomb, "its description is longer than 16,777,216 bytes"),
        (_nested, "its description is damaged"),
        (_cut, "is truncated: its description is cut off"),
        (_cut_at_the_end_of_a_large_file, "is truncated: its description is cut off"),
        (_other_packing, "its description is cut off"),
    ],
)
def test_a_damaged_description_is_told_and_no_failure(cli, tmp_path, floating, int8, damage, words):
    path = shutil.copy(floating, tmp_path / "m.tflite")
    damage(path, int8)
    found = cli("inspect", path, "--json").json
    assert words in found["kerascnn_damage"]
    assert found["kerascnn"] is None
    assert "kerascnn" in str(inspect(path))


def test_a_description_without_end_is_not_unpacked(tmp_path, floating):
    path = shutil.copy(floating, tmp_path / "m.tflite")
    _bomb(path, None)
    tracemalloc.start()
    try:
        inspect(path)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it has 0 bytes"),
        (b"TFL3", "it has 4 bytes"),
        (b"\x1c\0\0\0TFL2" + bytes(99), "it does not have TFL3 at its bytes 4 to 7"),
        (b"this is no model" * 100, "it does not have TFL3"),
        (b"\xff\xff\xff\xffTFL3" + bytes(99), "it is truncated or damaged"),
        (b"\0\0\0\0TFL3" + bytes(99), "not a valid .tflite file"),
    ],
)
def test_what_is_no_tflite_file(cli, tmp_path, content, words):
    (tmp_path / "m.tflite").write_bytes(content)
    refused(cli("inspect", "m.tflite"), FAILED, "m.tflite is not a valid .tflite file", words)


def test_what_is_no_file(cli, tmp_path):
    refused(cli("inspect", "absent.tflite"), FAILED, "absent.tflite does not exist")
    refused(cli("inspect", "."), FAILED, ". is not a .tflite file")


def forgeries():
    def opcode(model, graph):
        graph.operators[0].opcodeIndex = 99

    def input_(model, graph):
        graph.operators[0].inputs = [-2]

    def output(model, graph):
        graph.outputs = [2**31 - 1]

    def inputs(model, graph):
        graph.inputs = [0] * 1_000

    def missing_input(model, graph):
        graph.inputs = [-1]

    def buffer(model, graph):
        graph.tensors[0].buffer = 2**32 - 1

    def metadata(model, graph):
        model.metadata = [schema.MetadataT(name="m", buffer=1_000)]

    def version(model, graph):
        model.version = 2

    def no_subgraph(model, graph):
        model.subgraphs = []

    def shape(model, graph):
        constant = next(
            each
            for each in graph.tensors
            if len(each.shape) == 4 and each.buffer and model.buffers[each.buffer].data is not None
        )
        constant.shape = [2**31 - 1] * 4

    def negative(model, graph):
        graph.tensors[0].shape = [1, -7]

    def many_sides(model, graph):
        graph.tensors[0].shape = [2**31 - 1] * 1_000

    def scales(model, graph):
        graph.tensors[0].quantization = schema.QuantizationParametersT(scale=[float("nan")], zeroPoint=[0])

    def zero_points(model, graph):
        graph.tensors[0].quantization = schema.QuantizationParametersT(scale=[1, 2, 3], zeroPoint=[0, 0])

    def dimension(model, graph):
        graph.tensors[0].quantization = schema.QuantizationParametersT(
            scale=[1, 2], zeroPoint=[0, 0], quantizedDimension=9
        )

    return {
        opcode: "names operator code 99",
        input_: "names tensor -2",
        output: "names tensor 2147483647",
        inputs: "it has more inputs or outputs than tensors",
        missing_input: "names tensor -1",
        buffer: "names buffer 4294967295",
        metadata: "names buffer 1000",
        version: "its schema has version 2, not 3",
        no_subgraph: "it has no subgraph",
        shape: "needs 21,267,647,892,944,572,736,998,860,269,687,930,881 bytes",
        negative: "tensor 0 has an impossible shape",
        many_sides: "tensor 0 has an impossible shape",
        scales: "tensor 0 has a scale that is not a finite number",
        zero_points: "tensor 0 has 3 scales and 2 zero points",
        dimension: "tensor 0 is quantized along dimension 9 of 4",
    }


@pytest.mark.parametrize(("forge", "words"), forgeries().items())
def test_a_file_that_contradicts_itself(tmp_path, int8, forge, words):
    model = unpacked(int8)
    forge(model, model.subgraphs[0])
    path = written(tmp_path / "m.tflite", model)
    with pytest.raises(KerasCnnError, match=words) as caught:
        inspect(path)
    assert len(str(caught.value).splitlines()) == 1


def test_biases_that_note_the_dimension_of_their_weights(tmp_path, int8):
    """As files of an older converter do, TFLM's person_detect.tflite for instance."""
    model = unpacked(int8)
    flat = [each.quantization for each in model.subgraphs[0].tensors if len(each.shape) == 1]
    biases = [each for each in flat if each is not None and each.scale is not None and len(each.scale) > 1]
    assert biases
    for each in biases:
        each.quantizedDimension = 3
    found = inspect(written(tmp_path / "m.tflite", model)).to_dict()
    told = [tensor["quantization"] for tensor in found["subgraphs"][0]["tensors"] if tensor["quantization"]]
    assert sum(each["per_channel"] for each in told) >= 2 * len(biases)


@contextlib.contextmanager
def in_time():
    def stop(signum, frame):
        raise AssertionError(f"not done after {SECONDS} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def survives(path):
    """Return whether a file is sound; it is told or refused in one line, in time."""
    with in_time():
        try:
            found = inspect(path)
        except KerasCnnError as error:
            refusal = str(error)
        else:
            json.dumps(found.to_dict(), allow_nan=False)
            assert str(found)
            return True
    assert len(refusal.splitlines()) == 1
    return False


def _lists_and_names(path):
    """Return the places of a sound file where its subgraph's lists have their lengths."""
    content = bytearray(path.read_bytes())
    model = schema.Model.GetRootAs(content)
    subgraph = model.Subgraphs(0)
    table = subgraph._tab
    places = [
        table.Vector(table.Offset(slot)) - 4 for slot in (4, 6, 8, 10)
    ]  # tensors, inputs, outputs, operators
    places.append(model._tab.Vector(model._tab.Offset(12)) - 4)  # buffers
    places.append(subgraph.Tensors(0)._tab.Vector(subgraph.Tensors(0)._tab.Offset(4)) - 4)  # a shape
    places.append(subgraph.Tensors(0)._tab.Vector(subgraph.Tensors(0)._tab.Offset(10)) - 4)  # a name
    return places


@pytest.mark.parametrize("length", [2**31, 2**32 - 1, 2**28, 100_000])
def test_a_forged_length_is_refused_at_once(tmp_path, int8, length):
    for place in _lists_and_names(int8):
        content = bytearray(int8.read_bytes())
        content[place : place + 4] = struct.pack("<I", length)
        (tmp_path / "m.tflite").write_bytes(content)
        assert not survives(tmp_path / "m.tflite")


def _one_part_named_often(entries, sides):
    """Return a small file with one tensor, with a long list of scales, that is named again and again."""
    builder = flatbuffers.Builder(1024)
    scales = builder.CreateNumpyVector(np.ones(sides, np.float32))
    schema.QuantizationParametersStart(builder)
    schema.QuantizationParametersAddScale(builder, scales)
    scaling = schema.QuantizationParametersEnd(builder)
    schema.TensorStart(builder)
    schema.TensorAddQuantization(builder, scaling)
    one = schema.TensorEnd(builder)
    schema.SubGraphStartTensorsVector(builder, entries)
    for _ in range(entries):
        builder.PrependUOffsetTRelative(one)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    subgraph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(subgraph)
    subgraphs = builder.EndVector()
    buffer = schema.BufferT().Pack(builder)
    schema.ModelStartBuffersVector(builder, 1)
    builder.PrependUOffsetTRelative(buffer)
    buffers = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, subgraphs)
    schema.ModelAddBuffers(builder, buffers)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def _little_memory():
    """Let this process have a GiB more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + 2**30
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="it reads in /proc how much memory a process has"
)


@needs_proc
@pytest.mark.parametrize(("entries", "sides"), [(1, 1), (20_000, 20_000), (300_000, 1), (1, 300_000)])
def test_no_file_takes_more_memory_than_its_size_explains(cli, tmp_path, entries, sides):
    (tmp_path / "m.tflite").write_bytes(_one_part_named_often(entries, sides))
    answer = cli("inspect", "m.tflite", before=_little_memory)
    if (entries, sides) == (1, 1):
        assert answer.code == 0, answer.err
    else:
        refused(answer, FAILED, "not a valid .tflite file")


def test_a_huge_file_is_not_loaded(cli, tmp_path, floating):
    path = shutil.copy(floating, tmp_path / "m.tflite")
    with path.open("r+b") as file:
        file.truncate(1 * 2**40)  # a hole of 1 TiB takes no space
    answer = cli("inspect", path, "--json")
    assert answer.json["bytes"] == 2**40


def _bare(path):
    """Return a file without the archive behind it."""
    content = path.read_bytes()
    start = content.find(b"PK\x03\x04")
    return content if start < 0 else content[:start]


@pytest.mark.parametrize("kind", ["int8", "floating", "looping"])
def test_truncated_files(kind, request, tmp_path):
    content = _bare(request.getfixturevalue(kind))
    lengths = {*range(200), *range(len(content) - 200, len(content)), *range(0, len(content), 997)}
    for length in lengths:
        (tmp_path / "m.tflite").write_bytes(content[:length])
        assert not survives(tmp_path / "m.tflite"), length
    (tmp_path / "m.tflite").write_bytes(content)
    assert survives(tmp_path / "m.tflite")


def _flipped(content, chance):
    for _ in range(chance.randint(1, 20)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _forged_word(content, chance):
    for _ in range(chance.randint(1, 4)):
        place = 4 * chance.randrange(len(content) // 4 - 1)
        word = chance.choice(
            [0, 1, 4, len(content), 2**16, 2**31 - 1, 2**31, 2**32 - 1, chance.getrandbits(32)]
        )
        content[place : place + 4] = struct.pack("<I", word)


def _forged_offset(content, chance):
    """Let one word lead somewhere else in the file."""
    place = 4 * chance.randrange(len(content) // 4 - 1)
    content[place : place + 4] = struct.pack("<I", chance.randrange(len(content) - place))


def _spliced(content, chance):
    length = chance.randint(1, 400)
    source, target = (chance.randrange(len(content) - length) for _ in range(2))
    content[target : target + length] = content[source : source + length]


def _shifted(content, chance):
    place = chance.randrange(len(content))
    if chance.random() < 0.5:
        del content[place : place + chance.randint(1, 64)]
    else:
        content[place:place] = chance.randbytes(chance.randint(1, 64))


MUTATIONS = [_flipped, _forged_word, _forged_offset, _spliced, _shifted]


def mutated(content, seed):
    """Return a file changed in one of the ways, most of them in its structure, which stands at both ends."""
    chance = random.Random(seed)
    changed = bytearray(content)
    window = chance.choice([len(content), 2_000, 6_000])
    start = chance.choice([0, max(0, len(content) - window)])
    part = changed[start : start + window]
    chance.choice(MUTATIONS)(part, chance)
    changed[start : start + window] = part
    return bytes(changed)


@pytest.mark.parametrize("kind", ["int8", "floating", "looping"])
def test_mutated_files(kind, request, tmp_path):
    content = request.getfixturevalue(kind).read_bytes()
    path = tmp_path / "m.tflite"
    outcomes = []
    for seed in range(500):
        path.write_bytes(mutated(content, seed))
        try:
            outcomes.append(survives(path))
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
    assert 25 < sum(outcomes) < 475  # some are still sound, some are not


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files_through_the_command(cli, tmp_path, int8, looping, seed):
    content = (int8, looping)[seed % 2].read_bytes()
    (tmp_path / "m.tflite").write_bytes(mutated(content, 5_000 + seed))
    answer = cli("inspect", "m.tflite", "--json")
    if answer.code:
        refused(answer, FAILED, "m.tflite is not a valid .tflite file")
    else:
        assert answer.json["file"] == "m.tflite"
