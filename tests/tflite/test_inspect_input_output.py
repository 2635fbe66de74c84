"""What ``kerascnn inspect`` says of a file's inputs and outputs, in words."""

import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffer_files import code, operator, packed, tensor

from kerascnn.tflite.inspection.inspect import inspect

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
