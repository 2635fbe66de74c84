"""The lecture's formulas against its examples, every number as the arithmetic that gives it."""

import ast
import doctest
import re
from itertools import product
from pathlib import Path

import pytest

from kerascnn.arithmetic import layer as arithmetic
from kerascnn.arithmetic.layer import convolution_parameters, dense_parameters, multiply_adds, output_side

SMALL = list(product(range(1, 13), range(1, 8), range(1, 7), range(4)))  # side, kernel, stride, padding


def test_every_docstring_example_holds():
    outcome = doctest.testmod(arithmetic, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert outcome.attempted >= 25
    assert outcome.failed == 0


def test_every_function_has_an_example():
    functions = [value for name, value in vars(arithmetic).items() if callable(value)]
    assert all(">>>" in function.__doc__ for function in functions)


def test_nothing_is_imported():
    nodes = ast.walk(ast.parse(Path(arithmetic.__file__).read_text(encoding="utf-8")))
    assert not [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def windows(side, kernel, stride, padding):
    """Slide a filter over a row and return its windows: an oracle without a formula."""
    row = list(range(side + 2 * padding))
    return [row[start : start + kernel] for start in row[::stride] if start + kernel <= len(row)]


def slides_to_the_end(side, kernel, stride, padding):
    found = windows(side, kernel, stride, padding)
    return bool(found) and found[-1][-1] == side + 2 * padding - 1


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "padding", "expected"),
    [
        (32, 5, 1, 0, 28),
        (28, 5, 1, 0, 24),
        (7, 3, 1, 0, 5),
        (7, 3, 2, 0, 3),
        (7, 3, 1, 1, 7),
        (7, 3, 1, 2, 9),
        (5, 3, 1, 0, 3),
        (5, 3, 1, 1, 5),
        (32, 5, 1, 2, 32),
        (227, 11, 4, 0, 55),
        (55, 3, 2, 0, 27),
        (28, 2, 2, 0, 14),
        (56, 1, 1, 0, 56),
        (100, 1, 1, 0, 100),
        (5, 5, 1, 0, 1),
    ],
)
def test_output_side_of_the_notes(side, kernel, stride, padding, expected):
    assert output_side(side, kernel, stride, padding) == expected


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "padding", "value"),
    [
        (7, 3, 3, 0, "2.33"),
        (224, 11, 4, 0, "54.25"),
        (244, 11, 4, 0, "59.25"),
        (224, 11, 4, 2, "55.25"),
        (4, 5, 1, 0, "0"),
        (4, 6, 1, 0, "−1"),
        (10_003, 3, 7, 0, "1429.57"),  # four digits would round it to a whole number
        (1_000_000, 1, 999_998, 0, "2.000001"),
    ],
)
def test_a_filter_that_does_not_fit_shows_the_formula(side, kernel, stride, padding, value):
    formula = f"({side} + 2·{padding} − {kernel})/{stride} + 1"
    reason = "is not a whole number" if "." in value else "is less than 1"
    with pytest.raises(ValueError, match=re.escape(f"{formula} = {value} {reason}")):
        output_side(side, kernel, stride, padding)


def test_the_brackets_a_note_leaves_out():
    assert output_side(32, 5, 1) == (32 - 5) // 1 + 1 == 28
    assert (32 - 5 / 1) + 1 == 28  # right because the stride is 1
    assert output_side(227, 11, 4) == 55 != (227 - 11 / 4) + 1


@pytest.mark.parametrize(("side", "padding", "padded"), [(7, 1, 9), (7, 2, 11), (32, 0, 32)])
def test_padded_side(side, padding, padded):
    assert arithmetic.padded_side(side, padding) == side + 2 * padding == padded


def test_sides_agree_with_sliding_a_filter():
    for case in SMALL:
        assert arithmetic.fits(*case) == slides_to_the_end(*case), case
        if arithmetic.fits(*case):
            assert output_side(*case) == len(windows(*case)), case


def test_what_would_fit_agrees_with_trying_everything():
    for side, kernel, stride, padding in SMALL:
        case = (side, kernel, stride, padding)
        fitting = [n for n in range(1, 40) if slides_to_the_end(n, kernel, stride, padding)]
        below, above = [n for n in fitting if n <= side], [n for n in fitting if n >= side]
        assert arithmetic.nearest_fits(*case) == (below[-1] if below else None, above[0]), case
        paddings = [p for p in range(20) if slides_to_the_end(side, kernel, stride, p)]
        assert arithmetic.fitting_padding(side, kernel, stride) == (paddings[0] if paddings else None), case
        strides = [s for s in range(1, stride + 1) if slides_to_the_end(side, kernel, s, padding)]
        assert arithmetic.fitting_stride(*case) == (strides[-1] if strides else None), case


def test_what_fits_around_224():
    assert arithmetic.nearest_fits(224, kernel=11, stride=4) == (54 * 4 - 4 + 11, 54 * 4 + 11) == (223, 227)
    assert arithmetic.nearest_fits(227, kernel=11, stride=4) == (227, 227)
    assert arithmetic.fitting_padding(224, kernel=11, stride=4) is None  # 224 − 11 = 213 is odd
    assert not any(arithmetic.fits(224, 11, 4, padding) for padding in range(1_000))


@pytest.mark.parametrize(("kernel", "padding"), [(1, 0), (3, 1), (5, 2), (7, 3)])
def test_padding_that_keeps_the_size(kernel, padding):
    assert arithmetic.same_padding(kernel) == (kernel - 1) // 2 == padding
    assert output_side(32, kernel, padding=padding) == 32


@pytest.mark.parametrize("kernel", [2, 4])
def test_an_even_filter_keeps_no_size(kernel):
    with pytest.raises(ValueError, match=rf"\({kernel} − 1\)/2 = {kernel / 2 - 0.5} is not a whole number"):
        arithmetic.same_padding(kernel)


@pytest.mark.parametrize(
    ("kernel", "depth", "filters", "weights", "parameters"),
    [
        (5, 3, 1, 5 * 5 * 3, 75 + 1),
        (5, 3, 10, 750, (5 * 5 * 3 + 1) * 10),
        (5, 3, 6, 5 * 5 * 3 * 6, 450 + 6),
        (5, 6, 10, 5 * 5 * 6 * 10, 1_500 + 10),  # a note writes 5·5·3·10: its input is six deep
        (3, 128, 64, 3 * 3 * 128 * 64, 73_728 + 64),
        (11, 3, 96, 11 * 11 * 3 * 96, 34_944),
        (1, 64, 32, 1 * 1 * 64 * 32, (64 + 1) * 32),
    ],
)
def test_parameters_of_the_notes(kernel, depth, filters, weights, parameters):
    assert convolution_parameters(kernel, depth, filters, bias=False) == weights
    assert convolution_parameters(kernel, depth, filters) == parameters


def test_the_literal_counts_of_the_notes():
    assert arithmetic.filter_products(5, depth=3) == 5 * 5 * 3 == 75
    assert convolution_parameters(5, 3, 10) == 760
    assert convolution_parameters(5, 3, 6, bias=False) == 450
    assert convolution_parameters(5, 6, 10, bias=False) == 1_500
    assert convolution_parameters(3, 128, 64, bias=False) == 73_728
    assert convolution_parameters(11, 3, 96, bias=False) == 34_848


def test_a_fully_connected_layer_stretches_the_image():
    assert 32 * 32 * 3 == 3_072
    assert dense_parameters(3_072, 10, bias=False) == 10 * 3_072 == 30_720
    assert dense_parameters(3_072, 10) == 10 * 3_072 + 10 == 30_730


def test_weight_sharing_in_alexnets_first_layer():
    outputs = 55 * 55 * 96
    assert outputs == 290_400
    assert arithmetic.unshared_parameters(11, 3, outputs) == outputs * (11 * 11 * 3 + 1) == 105_705_600
    assert arithmetic.unshared_parameters(11, 3, outputs, bias=False) == outputs * 11 * 11 * 3
    assert multiply_adds(11 * 11 * 3, outputs) == 290_400 * 363 == 105_415_200  # not the note's 105,415,600
    assert convolution_parameters(11, 3, 96) == 34_944


def test_pooling_has_no_parameters():
    import keras

    from kerascnn.analysis.profiling.profile import profile

    maps = keras.Input((55, 55, 96))
    (_, pool) = profile(keras.Model(maps, keras.layers.MaxPooling2D(3, strides=2)(maps))).layers
    assert pool.output == (output_side(55, 3, 2), output_side(55, 3, 2), 96) == (27, 27, 96)
    assert pool.parameters == 0


def test_a_dense_layer_over_a_map_is_a_convolution_as_large_as_the_map():
    over_the_map = dense_parameters(5 * 5 * 16, 120)
    assert over_the_map == convolution_parameters(5, 16, 120) == (5 * 5 * 16 + 1) * 120
    assert over_the_map != convolution_parameters(1, 16, 120)
    assert dense_parameters(512, 10) == convolution_parameters(1, 512, 10)  # where the map is 1×1
    assert output_side(5, kernel=5) == 1


@pytest.mark.parametrize(
    ("weights", "formula", "expected"),
    [
        (2 * convolution_parameters(11, 3, 48, bias=False), 11 * 11 * 3 * 48 * 2, 34_848),
        (2 * convolution_parameters(5, 48, 128, bias=False), 5 * 5 * 48 * 128 * 2, 307_200),
        (2 * convolution_parameters(3, 128 * 2, 192, bias=False), 3 * 3 * 128 * 2 * 192 * 2, 884_736),
        (2 * convolution_parameters(3, 192, 192, bias=False), 3 * 3 * 192 * 192 * 2, 663_552),
        (2 * convolution_parameters(3, 192, 128, bias=False), 3 * 3 * 192 * 128 * 2, 442_368),
        (dense_parameters(6 * 6 * 256, 4_096, bias=False), 9_216 * 4_096, 37_748_736),
        (dense_parameters(2_048 * 2, 2_048 * 2, bias=False), 2_048 * 2 * 2_048 * 2, 16_777_216),
        (dense_parameters(2_048 * 2, 1_000, bias=False), 2_048 * 2 * 1_000, 4_096_000),
        # a note leaves pool5 out of the first dense layer:
        (
            dense_parameters(13 * 13 * 128 * 2, 2_048 * 2, bias=False),
            13 * 13 * 128 * 2 * 2_048 * 2,
            177_209_344,
        ),
    ],
)
def test_alexnet_in_two_halves_without_biases(weights, formula, expected):
    assert weights == formula == expected


def test_alexnet_in_two_halves_with_biases():
    halves = [(11, 3, 48), (5, 48, 128), (3, 256, 192), (3, 192, 192), (3, 192, 128)]
    convolutions = [2 * convolution_parameters(*half) for half in halves]
    assert convolutions == [34_944, 307_456, 885_120, 663_936, 442_624]
    dense = [dense_parameters(9_216, 4_096), dense_parameters(4_096, 4_096), dense_parameters(4_096, 1_000)]
    assert dense == [37_752_832, 16_781_312, 4_097_000]
    assert sum(convolutions + dense) == 60_965_224


def test_alexnets_sides():
    conv1 = output_side(227, 11, stride=4)
    pool1 = output_side(conv1, 3, stride=2)
    pool2 = output_side(output_side(pool1, 5, padding=2), 3, stride=2)
    pool5 = output_side(output_side(pool2, 3, padding=1), 3, stride=2)
    assert (conv1, pool1, pool2, pool5) == (55, 27, 13, 6)


def test_lenet5_of_the_paper():
    assert convolution_parameters(5, 1, 6) == 5 * 5 * 1 * 6 + 6 == 156
    assert arithmetic.connections(5 * 5 * 1, outputs=28 * 28 * 6) == 122_304
    assert arithmetic.unshared_parameters(5, 1, outputs=28 * 28 * 6) == 122_304
    assert arithmetic.connections(84, outputs=10, bias=False) == 840
    assert (output_side(32, 5), output_side(28, 2, stride=2)) == (28, 14)


def test_receptive_field_of_lenet5():
    seen = (1, 1)
    for kernel, stride in [(5, 1), (2, 2), (5, 1), (2, 2), (5, 1)]:
        seen = arithmetic.receptive_field(*seen, kernel, stride)
    assert seen == (1 + 4 * 1 + 1 * 1 + 4 * 2 + 1 * 2 + 4 * 4, 2 * 2) == (32, 4)  # the whole input


@pytest.mark.parametrize(("bytes_each", "expected"), [(4, 1_161_600), (1, 290_400)])
def test_memory_of_activations(bytes_each, expected):
    assert arithmetic.activation_bytes(55 * 55 * 96, bytes_each) == 55 * 55 * 96 * bytes_each == expected
