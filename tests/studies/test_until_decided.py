"""Seeds are added until every pair is decided: where that ends, and what a grown study says of itself."""

import shutil

import numpy as np
import pytest
from refusals import FAILED, USAGE, refused

from kerascnn.analysis.evaluation.sequential import look_levels
from kerascnn.studies.grid.plan import plan
from kerascnn.studies.planning import until_decided
from kerascnn.studies.planning.until_decided import Limits, make_until_decided
from kerascnn.studies.results.evidence import Group
from kerascnn.studies.results.predictions import Predictions

IMAGES = 3_000
LABELS = np.zeros(IMAGES, np.int32)


def made(a: float, b: float, asked: list[int]):
    """Return what makes seeds of two heads that are right so often, and notes how many were asked for."""
    rng = np.random.default_rng(1)
    drawn = rng.random((2, 10, IMAGES)) < np.array([a, b])[:, np.newaxis, np.newaxis]

    def make(grid):
        asked.append(len(grid.seeds))
        shares = np.stack([drawn, ~drawn], axis=3).astype(np.float32)
        return [
            Group(name, [], [Predictions(seed, seed) for seed in of_head[: len(grid.seeds)]])
            for name, of_head in zip(("a", "b"), shares, strict=True)
        ]

    return make


@pytest.mark.parametrize(
    ("a", "b", "margin", "stopped", "seeds"),
    [
        (0.90, 0.97, 0.2, "decided", range(2, 4)),  # so large a difference shows at once
        (0.95, 0.95, 3.0, "decided", range(2, 5)),  # and so does that there is none, in a wide margin
        (0.95, 0.95, 0.01, "max_seeds", [6]),
    ],
)
def test_seeds_are_added_until_it_is_decided(a, b, margin, stopped, seeds):
    asked: list[int] = []
    grid = plan("lenet", ["fc", "conv1x1"], 1, max_seeds=6)
    grid, groups, why = make_until_decided(grid, 0, made(a, b, asked), LABELS, Limits(6), margin)
    assert why == stopped
    assert len(grid.seeds) == len(groups[0].answers) == asked[-1]
    assert asked[-1] in seeds
    assert asked == list(range(2, asked[-1] + 1))


def test_seeds_that_exist_are_not_looked_at_one_by_one():
    asked: list[int] = []
    grid = plan("lenet", ["fc", "conv1x1"], 1, max_seeds=6)
    make_until_decided(grid, 4, made(0.95, 0.95, asked), LABELS, Limits(6), margin=0.01)
    assert asked == [4, 5, 6]


def test_no_seed_begins_that_would_end_too_late(monkeypatch):
    hours = iter([0.0, 2.0, 3.0])  # two seeds took two hours, the third another one
    monkeypatch.setattr(until_decided.time, "monotonic", lambda: 3600 * next(hours))
    asked: list[int] = []
    grid = plan("lenet", ["fc", "conv1x1"], 1, max_seeds=6)
    _, _, why = make_until_decided(grid, 0, made(0.95, 0.95, asked), LABELS, Limits(6, 3.5), 0.01)
    assert (why, asked) == ("max_hours", [2, 3])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--max-seeds", 5], "max_seeds=5 needs until_decided"),
        (["--max-hours", 5], "max_hours=5.0 needs until_decided"),
        (["--until-decided", "--max-seeds", 1], "max_seeds must be at least 2"),
        (["--until-decided", "--max-seeds", 3, "--seeds", 4], "max_seeds=3, seeds=4"),
        (["--until-decided", "--max-hours", 0], "max_hours must be above 0"),
        (["--until-decided", "--max-hours", "nan"], "max_hours must be above 0"),
    ],
)
def test_limits_that_make_no_sense(cli, options, words):
    refused(cli("compare", "lenet", *options), USAGE, words)


@pytest.mark.long
def test_a_study_that_grew_shrank_and_was_decided_says_so(whole_study, cli, tmp_path):
    folder = shutil.copytree(whole_study[0], tmp_path / "study")
    command = ["compare", "lenet", "--out", folder, "--format", "json", "--json"]
    part = cli(*command, "--heads", "nin,fc", "--seeds", 1).json  # the epochs are those of the study
    assert [head["head"] for head in part["heads"]] == ["nin", "fc"]
    assert part["settings"]["epochs"] == 2
    left_out = ["conv1x1-1", "conv1x1-2", "fc-2", "nin-2"]
    assert part["scope"] == {"looks": [1, 2], "stopped": None, "left_out": left_out}
    assert f"A part of this study: {', '.join(left_out)} are left out." in part["notes"]
    assert any(note.startswith("Concluded with 1 and 2 seeds: ") for note in part["notes"])
    until = [*command, "--heads", "fc,1x1,nin", "--until-decided", "--margin", 100]
    whole = cli(*until, "--max-seeds", 4).json
    assert [head["accuracy"] for head in whole["heads"]] == [
        head["accuracy"] for head in whole_study[1]["heads"]
    ]
    assert whole["scope"] == {"looks": [1, 2], "stopped": "decided", "left_out": []}
    level = look_levels(4, 1 - 0.05 / 3)[2]
    assert [verdict["int8"]["level"] for verdict in whole["verdicts"]] == [pytest.approx(level)] * 3
    again = cli("report", folder, "--format", "json", "--json").json[0]
    assert again["verdicts"] == whole["verdicts"]
    unnamed = cli(*command, "--until-decided", "--margin", 100).json  # heads, seeds and their limit are kept
    assert unnamed["scope"] == whole["scope"]
    assert unnamed["verdicts"] == whole["verdicts"]
    refused(cli(*until, "--max-seeds", 5), FAILED, "max_seeds was 4, is 5")
    refused(cli(*command, "--heads", "fc,1x1,nin", "--margin", 100), FAILED, "max_seeds was 4, is None")
    assert any(note.startswith("Concluded before (number of seeds: 1): ") for note in whole["notes"])
