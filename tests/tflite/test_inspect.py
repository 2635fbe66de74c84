"""What ``kerascnn inspect`` shows of kerascnn's own files and of those of TensorFlow's converter."""

import json
import shutil

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from kerascnn.models.network import build
from kerascnn.tflite.file_format.graph import constant_data, read_graph
from kerascnn.tflite.inspection.inspect import inspect
from kerascnn.tflite.quantization.schemes import schemes


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
