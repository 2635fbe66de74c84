"""``kerascnn conv`` through the real command: the lecture's layers, and the lesson where one does not fit."""

import doctest
import os
import subprocess
import sys

import pytest

import kerascnn
from kerascnn.arithmetic import conv as convolution
from kerascnn.arithmetic.drawing import sliding_filter

ALEXNET = ["conv", "227x227x3", "--filters", 96, "--kernel", 11, "--stride", 4]


def work_out(cli, text):
    shape, kernel, filters, *rest = text.split()
    return cli("conv", shape, "--kernel", kernel, "--filters", filters, *rest, "--json").json


def refused(answer, *words):
    assert (answer.code, answer.out) == (2, ""), answer
    (line,) = answer.err.splitlines()
    assert line.startswith("Error: ")
    for word in words:
        assert word in line


def test_the_docstring_example_holds():
    outcome = doctest.testmod(convolution)
    assert (outcome.attempted, outcome.failed) == (1, 0)


def test_alexnets_first_layer_as_json(cli):
    assert cli(*ALEXNET, "--json").json == {
        "input": [227, 227, 3],
        "filters": 96,
        "kernel": 11,
        "stride": 4,
        "padding": 0,
        "output": [55, 55, 96],
        "parameters": (11 * 11 * 3 + 1) * 96,
        "parameters_without_bias": 34_848,
        "multiply_adds": 11 * 11 * 3 * 55 * 55 * 96,
        "parameters_without_sharing": 105_705_600,
        "activation_bytes": 55 * 55 * 96 * 4,
    }


def test_alexnets_first_layer_step_by_step(cli):
    shown = cli(*ALEXNET)
    assert (shown.code, shown.err) == (0, "")
    for line in (
        "(N + 2P − F)/S + 1 = (227 + 2·0 − 11)/4 + 1 = 216/4 + 1 = 55",
        "55×55×96 = 290,400 values",
        "F·F·D = 11·11·3 = 363 products, plus one bias",
        "(F·F·D + 1)·K = (11·11·3 + 1)·96 = 34,944",
        "F·F·D·K = 11·11·3·96 = 34,848",
        "363 · 290,400 = 105,415,200",
        "55·55·96·(11·11·3 + 1) = 105,705,600 parameters, 3,025 times as many",
        "290,400 · 4 bytes = 1,161,600 bytes",
    ):
        assert line in shown.out


@pytest.mark.parametrize(
    ("asked", "output", "parameters", "without_bias"),
    [
        ("32x32x3 5 1", [28, 28, 1], 5 * 5 * 3 + 1, 75),
        ("32x32x3 5 6", [28, 28, 6], (5 * 5 * 3 + 1) * 6, 450),
        ("28x28x6 5 10", [24, 24, 10], (5 * 5 * 6 + 1) * 10, 1_500),
        ("32x32x3 5 32", [28, 28, 32], (5 * 5 * 3 + 1) * 32, 75 * 32),
        ("32x32x3 5 10 --padding 2", [32, 32, 10], 760, 750),
        ("7x7x1 3 1", [5, 5, 1], 10, 9),
        ("7x7x1 3 1 --stride 2", [3, 3, 1], 10, 9),
        ("7x7x1 3 1 --padding 1", [7, 7, 1], 10, 9),
        ("5x5x1 3 1", [3, 3, 1], 10, 9),
        ("5x5x1 3 1 --padding 1", [5, 5, 1], 10, 9),
        ("5x5x3 5 5", [1, 1, 5], (5 * 5 * 3 + 1) * 5, 75 * 5),  # five filters, five numbers for one region
        ("56x56x128 3 64", [54, 54, 64], 73_728 + 64, 73_728),
        ("56x56x64 1 32", [56, 56, 32], (64 + 1) * 32, 64 * 32),
        ("100x100x512 1 10", [100, 100, 10], (512 + 1) * 10, 512 * 10),
        ("27X13×2 3 1 --stride 2", [13, 6, 1], 3 * 3 * 2 + 1, 3 * 3 * 2),
        ("1x1x1 1 1", [1, 1, 1], 2, 1),
        ("3x3x1 5 1 --padding 1", [1, 1, 1], 26, 25),  # only the padded size matters
    ],
)
def test_the_layers_of_the_notes(cli, asked, output, parameters, without_bias):
    found = work_out(cli, asked)
    assert (found["output"], found["parameters"]) == (output, parameters)
    assert found["parameters_without_bias"] == without_bias
    outputs = output[0] * output[1] * output[2]
    assert found["multiply_adds"] == without_bias // output[2] * outputs
    assert found["parameters_without_sharing"] == parameters // output[2] * outputs


@pytest.mark.parametrize("filters", [32, 64, 128, 512])
def test_the_depth_is_the_number_of_filters(filters):
    assert kerascnn.conv((32, 32, 3), filters=filters, kernel=5).output == (28, 28, filters)


def test_224_does_not_fit_and_the_lesson_says_why(cli):
    refused(
        cli("conv", "224x224x3", "--filters", 96, "--kernel", 11, "--stride", 4),
        "The side 224 does not fit: (224 + 2·0 − 11)/4 + 1 = 54.25 is not a whole number",
        "window 54 ends at 223 of 224 pixels, with 1 left over",
        "side 223 or 227, or stride 3",
        "no padding works, because 213 + 2P is odd and the stride 4 is even",
    )


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("7x7x3 3 1 --stride 3", ["= 2.33 is not", "side 6 or 9, or stride 2, or padding 1."]),
        ("244x244x3 11 96 --stride 4", ["= 59.25 is not", "side 243 or 247"]),
        ("224x224x3 11 96 --stride 4 --padding 2", ["= 55.25 is not", "of 228 padded pixels", "223 or 227"]),
        ("227x224x3 11 96 --stride 4", ["The width 224 does not fit", "width 223 or 227"]),
        ("224x227x3 11 96 --stride 4", ["The height 224 does not fit"]),
        ("224x225x3 11 96 --stride 4", ["The height 224 does not fit", "The width 225 does not fit"]),
        ("4x4x3 5 1", ["= 0 is less than 1", "larger than 4 pixels", "What fits: side 5, or padding 1."]),
        ("7x7x3 3 1 --stride 1001", ["side 3 or 1004", "padding 999 (its outer windows see zeros only)"]),
    ],
)
def test_what_does_not_fit_names_what_would(cli, asked, words):
    shape, kernel, filters, *rest = asked.split()
    refused(cli("conv", shape, "--kernel", kernel, "--filters", filters, *rest), *words)


def test_only_the_side_that_fails_is_named():
    with pytest.raises(kerascnn.UsageError) as refusal:
        kerascnn.conv("227x224x3", filters=96, kernel=11, stride=4)
    assert "227 does not fit" not in str(refusal.value)


@pytest.mark.parametrize(
    "shape",
    [
        *["", "garbage", "3", "3x3", "3x3x3x3", "xx", "3xx3", "1e3x3x3", "3.0x3x3", "३x3x3", "3x3x3\n\n4"],
        *["0x3x3", "3x0x3", "3x3x0", "3x-3x3", "1000001x3x3", "3x3x1000001"],
        *["9" * digits + "x3x3" for digits in (30, 9_000)],
    ],
)
def test_a_shape_that_is_none(cli, shape):
    refused(cli("conv", shape, "--filters", 1, "--kernel", 1), "1 to 1,000,000", "Received: ")


@pytest.mark.parametrize("option", ["filters", "kernel", "stride", "padding"])
@pytest.mark.parametrize("value", ["many", "", "1.5", "-1", "1000001", "9" * 5_000, "1_0", "१"])
def test_a_number_that_is_none(cli, option, value):
    numbers = {"filters": 1, "kernel": 1} | {option: value}
    arguments = [part for name, number in numbers.items() for part in (f"--{name}", number)]
    refused(cli("conv", "3x3x3", *arguments), f"{option} must be a whole number", f"{option}=")


@pytest.mark.parametrize("option", ["filters", "kernel", "stride"])
def test_zero_is_no_size(cli, option):
    numbers = {"filters": 1, "kernel": 1} | {option: 0}
    arguments = [part for name, number in numbers.items() for part in (f"--{name}", number)]
    refused(cli("conv", "3x3x3", *arguments), f"{option}=0")


@pytest.mark.parametrize("shape", [(3, 3), (3, 3, 0), (3, 3, True), (3.0, 3, 3), ("3", "3", "3")])
def test_the_function_refuses_what_the_command_refuses(shape):
    with pytest.raises(kerascnn.UsageError, match="Received"):
        kerascnn.conv(shape, filters=1, kernel=1)


def test_the_largest_numbers_are_exact(cli):
    found = work_out(cli, "1000000x1000000x1000000 1000000 1000000")
    assert found["parameters"] == (10**18 + 1) * 10**6


def test_neither_keras_nor_numpy_is_loaded(tmp_path):
    program = (
        "import sys\n"
        "from kerascnn.cli.main import kerascnn\n"
        f"kerascnn.main({list(map(str, ALEXNET))!r}, standalone_mode=False)\n"
        "print('loaded', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    loaded = set(ended.stdout.splitlines()[-1].split())
    assert "click" in loaded
    assert not loaded & {"keras", "tensorflow", "numpy", "pydantic", "scipy", "rich"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("32x32x3 5 10 --padding 2", "padding (F − 1)/2 = (5 − 1)/2 = 2 keeps 32×32"),
        ("32x32x3 5 10", "padding (F − 1)/2 = (5 − 1)/2 = 2 would keep 32×32"),
        ("56x56x64 1 32", "only the depth can change, 64 → 32"),
        ("27x13x2 3 1", "output height    (N + 2P − F)/S + 1 = (27 + 2·0 − 3)/1 + 1 = 24/1 + 1 = 25"),
        ("1x1x1 1 1", "1·1·1·(1·1·1 + 1) = 2 parameters, as many: there is one place only"),
    ],
)
def test_notes_beside_the_numbers(cli, asked, words):
    shape, kernel, filters, *rest = asked.split()
    assert words in cli("conv", shape, "--kernel", kernel, "--filters", filters, *rest).out


def test_the_drawing_of_a_small_row(cli):
    shown = cli("conv", "7x7x1", "--filters", 1, "--kernel", 3, "--stride", 2, "--padding", 1)
    assert "□ zero of the padding" in shown.out
    assert shown.out.splitlines()[-5:] == [
        "□ ■ ■ ■ ■ ■ ■ ■ □",
        "━━━━━              1",
        "    ━━━━━          2",
        "        ━━━━━      3",
        "            ━━━━━  4",
    ]


def test_the_drawing_of_a_wide_row_leaves_the_middle_out():
    assert sliding_filter(227, 11, 4, 0, columns=80) == [
        "■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ … ■ ■ ■ ■ ■ ■ ■ ■ ■ ■ ■",
        "━━━━━━━━━━━━━━━━━━━━━                                             1",
        "        ━━━━━━━━━━━━━━━━━━━━━                                     2",
        "                ━━━━━━━━━━━━━━━━━━━━━                             3",
        "                                       ⋮                          ⋮",
        "                                          ━━━━━━━━━━━━━━━━━━━━━  55",
    ]


@pytest.mark.parametrize("columns", [4, 20, 33, 80, 200])
@pytest.mark.parametrize(
    ("side", "kernel", "stride", "padding"),
    [
        (1, 1, 1, 0),
        (7, 3, 2, 1),
        (9, 1, 2, 0),
        (9, 9, 5, 0),
        (32, 5, 1, 2),
        (56, 1, 1, 0),
        (227, 11, 4, 0),
        (1_000, 4, 332, 0),
        (1_000, 400, 100, 0),
        (1_000_000, 1, 1, 0),
        (5, 3, 1, 40),
    ],
)
def test_no_drawing_is_wider_than_the_terminal(side, kernel, stride, padding, columns):
    lines = sliding_filter(side, kernel, stride, padding, columns=columns)
    assert all(len(line) <= columns for line in lines)
    if columns >= 2 * (side + 2 * padding) + 4:
        row, *bars = lines
        assert row == " ".join("□" * padding + "■" * side + "□" * padding)
        assert bars[-1].index("━") == 2 * (side + 2 * padding - kernel)  # the last window ends at the edge


def test_a_narrow_terminal_gets_the_numbers_only(cli):
    shown = cli(*ALEXNET, env=os.environ | {"COLUMNS": "20"})
    assert "34,944" in shown.out
    assert "■" not in shown.out
