"""Intervals, latencies and paired differences against literal values, known truths and libraries."""

import numpy as np
import pytest
from scipy import special
from scipy.stats import binomtest
from simulated_studies import covered

from kerascnn.analysis.evaluation.evaluation import evaluate_classifier, softmax
from kerascnn.analysis.evaluation.metrics import Accuracy, Latency
from kerascnn.analysis.evaluation.significance import (
    PairedDifference,
    images_for_equivalence,
    paired_difference,
)
from kerascnn.analysis.evaluation.variance import VarianceComponents
from kerascnn.data.dataset import Split


def test_the_wilson_interval_of_the_literature():
    # Newcombe (1998), table I: 81 of 263, Wilson score without continuity correction
    low, high = Accuracy(81, 263).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize(
    ("correct", "n"), [(0, 1), (1, 1), (0, 360), (360, 360), (355, 360), (9_909, 10_000)]
)
def test_the_wilson_interval_of_scipy(correct, n):
    low, high = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    assert Accuracy(correct, n).interval == pytest.approx((low, high), abs=1e-12)
    assert 0 <= Accuracy(correct, n).interval[0] <= correct / n <= Accuracy(correct, n).interval[1] <= 1


def test_probabilities_are_those_of_scipy():
    scores = np.random.default_rng(0).normal(0, 30, (500, 10)).astype(np.float32)
    scores[0], scores[1] = 1e30, -1e30  # no overflow, no 0/0
    found = softmax(scores)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, special.softmax(scores, axis=1), rtol=1e-5, atol=1e-12)


def test_a_confusion_matrix_is_that_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics", reason="pip install 'kerascnn[test]'")
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 300).astype(np.int32)  # the fifth class has no test image
    shares = rng.dirichlet(np.ones(5), 300).astype(np.float32)
    split = Split(np.zeros((300, 1, 1, 1), np.uint8), truth)
    found = evaluate_classifier(lambda images: shares, split, tuple("abcde"), model="m", data="d")
    expected = metrics.confusion_matrix(truth, shares.argmax(axis=1), labels=range(5))
    np.testing.assert_array_equal(found.confusion, expected)


def test_an_accuracy_survives_its_dictionary():
    stored = Accuracy(9_909, 10_000).to_dict()
    assert Accuracy.from_dict(stored) == Accuracy(9_909, 10_000)
    assert str(Accuracy(9_909, 10_000)) == "99.09 % (95 % interval 98.88 to 99.26, n = 10,000)"


def test_latency_is_in_microseconds():
    latency = Latency.of(np.linspace(0, 1e-3, 1_001))
    assert (latency.median, latency.p95, latency.p99, latency.runs) == (500.0, 950.0, 990.0, 1_001)


def _answers(right: int, wrong: int) -> np.ndarray:
    return np.array([True] * right + [False] * wrong)


def test_mcnemar_is_exact_and_for_each_seed_apart():
    a = np.array([_answers(90, 10), _answers(95, 5)])
    b = np.array([_answers(100, 0), _answers(95, 5)])
    found = paired_difference(a, b)
    assert found.p_values == (pytest.approx(2 * 0.5**10), 1.0)
    assert found.points == pytest.approx(5.0)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 0), (1, 0), (3, 3), (2, 9), (40, 21)])
def test_mcnemar_is_the_binomial_test_of_scipy(only_a, only_b):
    a = np.array([True] * only_a + [False] * only_b + [True] * 5)
    b = np.array([False] * only_a + [True] * only_b + [True] * 5)
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1
    assert paired_difference(a[None], b[None]).p_values == (pytest.approx(expected),)


@pytest.mark.parametrize(
    ("a", "b", "outcome"),
    [(0.95, 0.98, "better"), (0.98, 0.95, "worse"), (0.98, 0.98, "inconclusive")],
)
def test_the_outcome_of_a_known_truth(a, b, outcome):
    rng = np.random.default_rng(1)
    found = paired_difference(rng.random((3, 1_000)) < a, rng.random((3, 1_000)) < b)
    assert found.outcome == outcome


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.01, 0.3, "better"),
        (-0.3, -0.01, "worse"),
        (-0.2, 0.2, "equivalent"),
        (0.0, 0.1, "equivalent"),
        (0.01, 0.2, "negligible"),
        (-0.11, -0.001, "negligible"),
        (-0.01, 0.3, "inconclusive"),
        (-0.21, 0.0, "inconclusive"),
    ],
)
def test_the_outcome_follows_from_interval_and_margin_alone(low, high, outcome):
    none = VarianceComponents(None, 0.0, 0.0)
    found = PairedDifference((low + high) / 2, low, high, (0.5,), 1, 100, 1, none, margin=0.2)
    assert found.outcome == outcome


def test_equivalence_needs_an_interval_within_the_margin():
    a = np.random.default_rng(2).random((2, 10_000)) < 0.99
    nearly = a.copy()
    nearly[:, :2] ^= True
    assert paired_difference(a, a).outcome == "equivalent"
    few = a[:, :360]  # on 360 images a difference of 0.5 points could go unseen
    assert paired_difference(few, few).outcome == "inconclusive"
    assert paired_difference(a, nearly).outcome == "equivalent"


def test_intervals_of_a_family_hold_together():
    rng = np.random.default_rng(3)
    a, b = (rng.random((1, 2_000)) < share for share in (0.95, 0.96))
    alone, of_three = paired_difference(a, b), paired_difference(a, b, comparisons=3)
    assert of_three.level == pytest.approx(1 - 0.05 / 3)  # Bonferroni
    # one seed of 2,000 images: widths are as those of the normal distribution, 2.394 to 1.960
    widths = [found.high - found.low for found in (alone, of_three)]
    assert widths[1] / widths[0] == pytest.approx(2.394 / 1.960, rel=0.01)
    assert of_three.adjusted == (pytest.approx(min(1, 3 * alone.p_values[0])),)


def test_variance_components_of_a_worked_example():
    # two seeds, three images: mean 1/3, of seeds 2/3 and 0, of images 1/2, 1/2, 0
    table = np.array([[1, 1, 0], [0, 0, 0]], np.int8)
    found = VarianceComponents.of(table)
    # mean squares: seeds 3·(1/9 + 1/9) / 1 = 2/3, images 2·(1/36 + 1/36 + 1/9) / 2 = 1/6, rest 1/3 / 2 = 1/6
    assert found.rest == pytest.approx(1 / 6)
    assert found.of_seeds == pytest.approx((2 / 3 - 1 / 6) / 3)
    assert found.of_images == pytest.approx(0)
    assert found.variance(2, 3) == pytest.approx(1 / 12 + 1 / 36)
    assert found.seed_share(2, 3) == pytest.approx(0.75)
    assert VarianceComponents.of(table[:1]).seed_share(1, 3) is None


def test_variance_components_are_those_that_were_put_in():
    rng = np.random.default_rng(4)
    tables = [
        rng.normal(0, 2, (30, 1)) + rng.normal(0, 3, (1, 40)) + rng.normal(0, 5, (30, 40))
        for _ in range(1_000)
    ]
    found = [VarianceComponents.of(table) for table in tables]
    for name, variance in (("of_seeds", 4), ("of_images", 9), ("rest", 25)):
        assert np.mean([getattr(each, name) for each in found]) == pytest.approx(variance, rel=0.05)


def test_the_interval_is_wider_than_that_of_images_alone_when_seeds_differ():
    rng = np.random.default_rng(3)
    a = rng.random((4, 2_000)) < 0.95
    steady, moody = a.copy(), a.copy()
    moody[:2, :200], moody[2:, :200] = True, False
    wide, narrow = paired_difference(a, moody), paired_difference(a, steady)
    assert wide.high - wide.low > 5 > narrow.high - narrow.low


def test_no_difference_is_beyond_what_is_possible():
    a = np.zeros((2, 40), bool)
    b = np.stack([np.ones(40, bool), np.zeros(40, bool)])  # one seed learns everything, the other nothing
    found = paired_difference(a, b)
    assert (found.low, found.high) == (-100, 100)


def test_how_many_images_equivalence_takes():
    needed = images_for_equivalence(0.2)
    assert needed == 1_386  # 100 · √2 · 1.96 / 0.2
    assert images_for_equivalence(0.2, level=1 - 0.05 / 3) == 1_693  # 100 · √2 · 2.394 / 0.2
    alike = np.ones((3, needed), bool)
    assert paired_difference(alike, alike).outcome == "equivalent"
    assert paired_difference(alike[:, :-20], alike[:, :-20]).outcome == "inconclusive"
    assert paired_difference(alike[:, :400], alike[:, :400], margin=1).outcome == "equivalent"


@pytest.mark.long
@pytest.mark.parametrize("of_seeds", [0.0, 0.1, 0.3])
def test_the_interval_covers_the_truth(of_seeds):
    """1,000 studies of 5 seeds: it holds where seeds do not differ at all, a little, and a lot."""
    assert covered(np.random.default_rng(5), 5, of_seeds) >= 930
