"""``kerascnn pool`` and a stack of layers, with the numbers of the lecture."""

import doctest

import pytest

import kerascnn
from kerascnn.arithmetic import pool, stack


@pytest.mark.parametrize("module", [pool, stack])
def test_the_docstring_example_holds(module):
    outcome = doctest.testmod(module)
    assert (outcome.attempted, outcome.failed) == (1, 0)


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "output"),
    [
        ("224x224x64", 2, 2, [112, 112, 64]),
        ("55x55x96", 3, 2, [27, 27, 96]),
        ("28x28x6", 2, None, [14, 14, 6]),
    ],
)
def test_pooling_makes_a_volume_smaller_without_parameters(cli, shape, kernel, stride, output):
    told = cli("pool", shape, "--kernel", kernel, *(["--stride", stride] if stride else []), "--json").json
    assert (told["output"], told["parameters"]) == (output, 0)


def test_pooling_step_by_step(cli):
    shown = cli("pool", "55x55x96", "--kernel", 3, "--stride", 2).out
    for line in (
        "(N + 2P − F)/S + 1 = (55 + 2·0 − 3)/2 + 1 = 52/2 + 1 = 27",
        "27×27×96 = 69,984 values: the depth 96 stays, map by map",
        "overlap      F − S = 1 pixel",
    ):
        assert line in shown


def test_a_window_that_does_not_fit_is_refused_with_what_would(cli):
    answer = cli("pool", "28x28x6", "--kernel", 3, "--stride", 2)
    assert answer.code == 2
    assert "13.5 is not a whole number" in answer.err
    assert "What fits: side 27 or 29" in answer.err
    assert "a window of 3 is larger than 2 pixels" in cli("pool", "2x2x1", "--kernel", 3).err


def test_a_stack_hands_each_layer_the_volume_before_it(cli):
    told = cli("conv", "32x32x3", "5x5x6", "pool 2", "5x5x10", "--json").json
    assert [layer["output"] for layer in told["layers"]] == [[28, 28, 6], [14, 14, 6], [10, 10, 10]]
    assert [layer["parameters"] for layer in told["layers"]] == [456, 0, 1_510]
    assert [layer["receptive_field"] for layer in told["layers"]] == [5, 6, 14]
    assert (told["output"], told["parameters"]) == ([10, 10, 10], 1_966)
    text = cli("conv", "227x227x3", "11x11x96 stride 4", "pool 3 stride 2", "5x5x256 padding 2").out
    assert "96 filters of 11×11×3, stride 4" in text
    assert "256 filters of 5×5×96, padding 2" in text


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["5x5x6", "pol 2"], "Layer 2, 'pol 2': a layer is FxFxK or 'pool F'"),
        (["5x4x6"], "Layer 1, '5x4x6': a layer is FxFxK"),
        (["5x5x6", "pool 3 stride 2"], "Layer 2, 'pool 3 stride 2': The side 28 does not fit"),
        (["5x5x6", "--kernel", "3"], "--kernel cannot stand beside layers"),
        ([], "Missing option '--filters', or a layer."),
    ],
)
def test_what_is_no_stack_is_refused(cli, given, words):
    answer = cli("conv", "32x32x3", *given)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err


def test_a_stack_of_nothing_is_refused_in_python():
    with pytest.raises(kerascnn.UsageError, match="at least one layer"):
        kerascnn.stack("32x32x3", [])
