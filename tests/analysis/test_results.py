"""Intervals, latencies and paired differences against literal values, known truths and libraries."""

import numpy as np
import pytest
from scipy import special
from scipy.stats import binomtest
from simulated_studies import covered

from kerascnn.analysis.evaluation.evaluation import evaluate_classifier, softmax
from kerascnn.analysis.evaluation.metrics import Accuracy, Latency
from kerascnn.analysis.evaluation.significance import holm, images_for_equality, paired_difference
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


@pytest.mark.parametrize(
    ("a", "b", "outcome"),
    [(0.95, 0.98, "better"), (0.98, 0.95, "worse"), (0.98, 0.98, "undecided")],
)
def test_the_outcome_of_a_known_truth(a, b, outcome):
    rng = np.random.default_rng(1)
    found = paired_difference(rng.random((3, 1_000)) < a, rng.random((3, 1_000)) < b)
    assert found.outcome == outcome


def test_equal_needs_an_interval_within_the_margin():
    a = np.random.default_rng(2).random((2, 10_000)) < 0.99
    nearly = a.copy()
    nearly[:, :2] ^= True
    assert paired_difference(a, a).outcome == "equal"
    few = a[:, :360]  # on 360 images a difference of 0.5 points could go unseen
    assert paired_difference(few, few).outcome == "undecided"
    assert paired_difference(a, nearly).outcome == "equal"


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


def test_holms_correction_of_a_worked_example():
    # smallest first: 4 · 0.005, 3 · 0.01, 2 · 0.03, then 0.04, which must not be below the one before it
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]


def test_how_many_images_equality_takes():
    needed = images_for_equality(0.2)
    assert needed == 1_386  # 100 · √2 · 1.96 / 0.2
    alike = np.ones((3, needed), bool)
    assert paired_difference(alike, alike).outcome == "equal"
    assert paired_difference(alike[:, :-20], alike[:, :-20]).outcome == "undecided"
    assert paired_difference(alike[:, :400], alike[:, :400], margin=1).outcome == "equal"


@pytest.mark.long
@pytest.mark.parametrize("of_seeds", [0.0, 0.1, 0.3])
def test_the_interval_covers_the_truth(of_seeds):
    """1,000 studies of 5 seeds: it holds where seeds do not differ at all, a little, and a lot."""
    assert covered(np.random.default_rng(5), 5, of_seeds) >= 930
