"""``--fail-if``: a limit holds exactly where it is, and what is no limit is refused."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_study import made_up_study
from refusals import USAGE, refused

from kerascnn.studies.gate import gate
from kerascnn.studies.results.study import SeedAccuracies


@pytest.mark.parametrize(
    ("right", "condition", "missed"),
    [
        (58, "accuracy < 58", []),  # 100 times the mean is 57.99999999999999
        (58, "accuracy < 58.5", ["made: accuracy is 58, < 58.5"]),
        (58, "accuracy <= 5.8e1", ["made: accuracy is 58, <= 58"]),
        (58, "agreement > .5", ["made: agreement is 100, > 0.5"]),
        (58, "bytes >= 1e3", ["made: bytes is 1,000, >= 1,000"]),
        (58, "int8_drop > -1e-3", ["made: int8_drop is 0, > -0.001"]),
    ],
)
def test_a_gate_at_its_limit(right, condition, missed):
    study = made_up_study("made", "other")
    (head, *_) = study.heads
    correct = SeedAccuracies(np.arange(100)[None] < right)
    study = replace(study, heads=(replace(head, accuracy=correct, int8=correct),))
    assert gate(condition).failures(study) == missed


@pytest.mark.parametrize(
    ("condition", "missed"),
    [
        ("float is worse", ["other against made: float is worse"]),
        ("int8 is inconclusive", ["other against made: int8 is inconclusive"]),
        ("int8 is worse", []),
        ("quantization is equivalent", ["made: quantization is equivalent"]),
    ],
)
def test_a_gate_on_a_verdict(condition, missed):
    study = made_up_study("made", "other")
    (verdict,), (made, other) = study.verdicts, study.heads
    verdict = replace(
        verdict,
        floating=replace(verdict.floating, low=-9, high=-1),
        int8=replace(verdict.int8, low=-9, high=1),
    )
    made, other = (
        replace(head, quantization=replace(head.quantization, low=-0.1, high=high))
        for head, high in ((made, 0.1), (other, 5))
    )
    study = replace(study, verdicts=(verdict,), heads=(made, other))
    assert gate(condition).failures(study) == missed


@pytest.mark.parametrize(
    "condition", ["int8_drop", "size > 3", "bytes > many", "bytes = 3", "", "int8 is bad", "size is worse"]
)
def test_a_gate_that_makes_no_sense(cli, condition):
    refused(cli("compare", "lenet", "--fail-if", condition), USAGE, "fail_if must be FIGURE > NUMBER")
