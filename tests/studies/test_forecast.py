"""``compare --plan``: what a study could decide, before it is trained."""

import json

import pytest
from refusals import FAILED, USAGE, refused

PLAN = ("compare", "lenet", "--plan")


def test_what_is_assumed_is_said(cli, tmp_path):
    told = cli(*PLAN, "--json").json
    assert told["basis"].startswith("Assumed ")
    assert told["images"] == 360
    assert [row["seeds"] for row in told["seeds"]] == [2, 3, 5, 10, 20]
    reach = [row["interval_points"] for row in told["seeds"]]
    assert reach == sorted(reach, reverse=True)
    text = cli(*PLAN).out
    assert "only one head is right on 2 % of the images" in text
    assert "On 360 test images no number of seeds shows a difference below 1.74 points" in text
    assert not list(tmp_path.iterdir())  # nothing is trained


def test_more_pairs_make_wider_intervals(cli):
    two, three = (cli(*PLAN, "--heads", heads, "--json").json for heads in ("fc,nin", "fc,1x1,nin"))
    assert three["level"] == pytest.approx(1 - 0.05 / 3)
    assert three["seeds"][0]["interval_points"] > two["seeds"][0]["interval_points"]
    assert "hold for the 3 pairs of heads at once: each alone has 98.33 %" in three["sentences"][1]


def test_no_interval_is_wider_than_all_accuracies(cli):
    (first, *_) = cli(*PLAN, "--seed-sd", 50, "--json").json["seeds"]
    assert first["interval_points"] == 100
    assert "none" in cli(*PLAN, "--seed-sd", 50).out


def spread(seeds):
    return {"sd_points": {"seeds": seeds, "images": 12.0, "rest": 9.0}}


def test_a_pilot_lends_its_spread(cli, tmp_path):
    pilot = tmp_path / "pilot"
    pilot.mkdir()
    pairs = [("fc", "nin", 0.1, 0.2), ("fc", "conv1x1", 0.5, 0.3), ("conv1x1", "nin", 0.9, 0.8)]
    verdicts = [{"a": a, "b": b, **spread(sd), "int8": spread(int8)} for a, b, sd, int8 in pairs]
    (pilot / "report.json").write_text(json.dumps({"verdicts": verdicts}))
    told = cli(*PLAN, "--heads", "fc,1x1", "--pilot", "pilot", "--seeds", 7, "--json").json
    assert told["basis"] == "From pilot, conv1x1 against fc, float"  # of both precisions what varies more
    assert told["sd_points"] == pytest.approx({"seeds": 0.5, "images": 12.0, "rest": 9.0})
    assert 7 in [row["seeds"] for row in told["seeds"]]
    told = cli(*PLAN, "--heads", "fc,nin", "--pilot", "pilot", "--json").json
    assert told["basis"] == "From pilot, nin against fc, int8"
    refused(cli(*PLAN, "--pilot", "pilot", "--seed-sd", 1), USAGE, "--pilot has its own spread")
    (pilot / "report.json").write_text(json.dumps({"verdicts": verdicts[:1]}))
    refused(cli(*PLAN, "--heads", "fc,1x1", "--pilot", "pilot"), FAILED, "no two of the heads conv1x1, fc ")
    for verdict in verdicts:
        verdict["sd_points"]["seeds"] = verdict["int8"]["sd_points"]["seeds"] = None
    (pilot / "report.json").write_text(json.dumps({"verdicts": verdicts}))
    refused(cli(*PLAN, "--pilot", "pilot"), FAILED, "two seeds or more")
    (pilot / "report.json").write_text(json.dumps({"verdicts": [{"a": "fc", "b": "nin"}]}))
    refused(cli(*PLAN, "--pilot", "pilot"), FAILED, "another version wrote it", "kerascnn report pilot")


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ([*PLAN, "--pilot", "nowhere"], FAILED, "nowhere/report.json is missing"),
        ([*PLAN, "--seed-sd", "-1"], USAGE, "seed_sd must be 0 to 100 points"),
        ([*PLAN, "--disagreement", 0], USAGE, "disagreement must be above 0"),
        ([*PLAN, "--heads", "fc"], USAGE, "at least two different ones"),
        (["compare", "a", "b", "--plan"], USAGE, "name one MODEL"),
        (["compare", "lenet", "--pilot", "study"], USAGE, "--pilot needs --plan"),
        ([*PLAN, "--epochs", 3], USAGE, "--plan trains nothing and does not take --epochs."),
        ([*PLAN, "--out", "x", "--jobs", 2], USAGE, "does not take --jobs, --out."),
        ([*PLAN, "--fail-if", "bytes > 1"], USAGE, "does not take --fail-if."),
        ([*PLAN, "--format", "md"], USAGE, "does not take --format."),
    ],
)
def test_plans_that_make_no_sense(cli, options, code, words):
    refused(cli(*options), code, words)
