"""The lecture's formulas against its examples."""

import doctest

import pytest

from kerascnn import arithmetic


def test_every_docstring_example_holds():
    outcome = doctest.testmod(arithmetic, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert outcome.attempted >= 7
    assert outcome.failed == 0


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "padding", "expected"),
    [
        (7, 3, 1, 0, 5),
        (7, 3, 2, 0, 3),
        (7, 3, 1, 1, 7),
        (32, 5, 1, 2, 32),
        (55, 3, 2, 0, 27),
        (5, 5, 1, 0, 1),
    ],
)
def test_output_side_of_the_notes(side, kernel, stride, padding, expected):
    assert arithmetic.output_side(side, kernel, stride, padding) == expected


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "value"), [(224, 11, 4, "54.25"), (244, 11, 4, "59.25"), (4, 5, 1, "0")]
)
def test_a_filter_that_does_not_fit_shows_the_formula(side, kernel, stride, value):
    with pytest.raises(ValueError, match=rf"\({side} \+ 2·0 − {kernel}\)/{stride} \+ 1 = {value} is not"):
        arithmetic.output_side(side, kernel, stride)


def test_lenet5_connections_of_the_paper():
    assert arithmetic.connections(5 * 5 * 1, outputs=28 * 28 * 6) == 122_304
    assert arithmetic.connections(84, outputs=10, bias=False) == 840
