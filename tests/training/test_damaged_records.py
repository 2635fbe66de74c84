"""Records with false figures are refused in one line, and one of them does not spoil the others."""

import json
import shutil

import numpy as np
import pytest
from refusals import FAILED, refused

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.files import read_json, write_json
from kerascnn.studies.results.predictions import Predictions
from kerascnn.training.records.checkpoint import Checkpoint, Checkpoints
from kerascnn.training.records.history import read_history
from kerascnn.training.run import Run
from kerascnn.training.run_schema import read_record

RESULT = "tflite/static_wi8_ai8.result.json"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ({"test": {"accuracy": "high"}}, "accuracy must be"),
        ({"test": {"accuracy": 3.0, "low": 0.1, "high": 0.2, "n": 3}}, "accuracy must be"),
        ({"parameters": [1]}, "parameters must be"),
        ({"seconds": None}, "seconds must be"),
        ({"model": 5}, "model must be"),
        ({"data": "digits"}, "data must be"),
    ],
)
def test_the_list_names_the_damaged_run_and_shows_the_others(cli, run, tmp_path, damage, words):
    for name in ("good", "bad", "worse"):
        shutil.copytree(run, tmp_path / "runs" / name)
    metrics = tmp_path / "runs/bad/metrics.json"
    metrics.write_text(json.dumps(json.loads(metrics.read_text()) | damage))
    (tmp_path / "runs/worse/run.json").write_text('{"format": 1, "seed": NaN}')
    for form in ((), ("--json",)):
        answer = cli("runs", *form)
        assert answer.code == 0
        assert "runs/good" in answer.out
        told = answer.err.splitlines()
        assert len(told) == 2
        assert told[0] == "Note: runs/worse/run.json cannot be read as JSON: seed is not a number."
        assert told[1].startswith(f"Note: runs/bad/metrics.json is damaged: {words}")
    states = {entry["run"]: entry["state"] for entry in json.loads(answer.out)}
    assert states == {"runs/good": "done", "runs/bad": "damaged"}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("metrics.json", {"test": {"accuracy": 1e999, "low": 0.1, "high": 0.2, "n": 3}}),
        ("environment.json", {"versions": "x"}),
        ("environment.json", {"data_sha256": {"test": 1}}),
        ("environment.json", {"resumed": [{}]}),
        ("model.json", {"preprocessing": {"height": "x"}}),
        (RESULT, {"latency_us": 5}),
        (RESULT, {"accuracy": None}),
        (RESULT, {"agreement": -1}),
    ],
)
def test_every_record_of_a_run_is_looked_into(run, tmp_path, name, change):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    stored = read_record(run, name)
    (tmp_path / name).write_text(json.dumps(stored | change))
    with pytest.raises(KerasCnnError, match=r"is damaged|cannot be read as JSON"):
        read_record(tmp_path, name)


def test_json_holds_numbers_and_text_only(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": float("nan"), "b": [float("inf"), 1.5], "caf\udce9": ("\ud800",)})
    assert read_json(path) == {"a": None, "b": [None, 1.5], "caf?": ["?"]}
    for text in ("NaN", "[1e999]", "-Infinity"):
        path.write_text(text)
        with pytest.raises(KerasCnnError, match="is not a number"):
            read_json(path)


def _answers(n=4, classes=3):
    shares = np.full((n, classes), 1 / classes, np.float32)
    return shares.copy(), shares.copy()


@pytest.mark.parametrize(
    "damage",
    [
        lambda floating, int8: floating.__setitem__((0, 0), np.nan),
        lambda floating, int8: int8.__setitem__((0, 0), np.inf),
        lambda floating, int8: floating.__setitem__((0, 0), 0.9),
        lambda floating, int8: int8.__setitem__(0, [2, -1, 0]),
    ],
)
def test_answers_are_probabilities(tmp_path, damage):
    floating, int8 = _answers()
    Predictions(floating, int8).write(tmp_path / "a.npz", [])
    Predictions.read(tmp_path / "a.npz", [], (4, 3))
    for shape in ((5, 3), (4, 2)):
        with pytest.raises(KerasCnnError, match="has no probabilities"):
            Predictions.read(tmp_path / "a.npz", [], shape)
    damage(floating, int8)
    Predictions(floating, int8).write(tmp_path / "a.npz", [])
    with pytest.raises(KerasCnnError, match=r"a\.npz has no probabilities of 3 classes for 4 test"):
        Predictions.read(tmp_path / "a.npz", [], (4, 3))


def test_probabilities_of_int8_files_of_many_classes_are_rounded_and_pass(tmp_path):
    shares = np.full((2, 1000), 0, np.float32)
    shares[:, 0] = 0.7  # hundreds of small ones are rounded to nothing
    floating = np.full((2, 1000), 0.001, np.float32)
    Predictions(floating, shares).write(tmp_path / "a.npz", [])
    Predictions.read(tmp_path / "a.npz", [], (2, 1000))


@pytest.mark.parametrize(
    "row",
    ["1,nan,0.5,1,0.5,0.001,1", "2,1,0.5,1,0.5,0.001,1", "1,1,0.5,inf,0.5,0.001,1", "1", "1,a,b,c,d,e,f"],
)
def test_a_history_holds_numbers_of_its_epochs(run, tmp_path, row):
    shutil.copy(run / "run.json", tmp_path)
    header = (run / "history.csv").read_text().splitlines()[0]
    (tmp_path / "history.csv").write_text(f"{header}\n{row}\n")
    with pytest.raises(KerasCnnError, match=r"history\.csv is damaged"):
        read_history(Run.open(tmp_path))


EPOCH = {
    "loss": 1.0,
    "accuracy": 0.5,
    "val_loss": 1.0,
    "val_accuracy": 0.5,
    "learning_rate": 0.1,
    "seconds": 1.0,
}


def _checkpoint(epochs, *, weight=1.0, best=1, seconds=1.0):
    weights = [np.array([1, weight], np.float32)]
    rows = [{"epoch": number, **EPOCH} for number in range(1, epochs + 1)]
    return Checkpoint(weights, rows, best, weights, seconds)


@pytest.mark.parametrize(
    "damaged",
    [
        _checkpoint(2, weight=np.nan),
        _checkpoint(2, best=3),
        _checkpoint(2, seconds=float("nan")),
        Checkpoint([np.array(["x"])], [{"epoch": 1, **EPOCH}] * 2, 1, [], 1.0),
        Checkpoint([], [{"epoch": 1, **EPOCH}, {"epoch": 2}], 1, [], 1.0),
    ],
)
def test_a_checkpoint_without_numbers_is_as_good_as_none(tmp_path, caplog, damaged):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(_checkpoint(1))
    checkpoints.save(damaged)
    assert len(checkpoints.newest().epochs) == 1
    assert "epoch-000002.npz is damaged: training resumes from epoch-000001.npz" in caplog.text


@pytest.fixture
def study(part_of_study, tmp_path):
    """A study of one seed, to be damaged."""
    return shutil.copytree(part_of_study("fc,nin", seeds=1)[0], tmp_path / "study")


def _refused_at_once(answer, *words):
    refused(answer, FAILED, *words)
    assert len(answer.err.splitlines()) == 1  # nothing was loaded, asked or measured before


def test_a_study_with_false_answers_is_refused_at_once(cli, study):
    path = study / "runs/nin-1/answers.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["int8"][3] = np.nan
    np.savez(path, **arrays)
    _refused_at_once(cli("report", study, fresh=True), "nin-1/answers.npz has no probabilities")


def test_a_study_with_a_damaged_record_is_refused_at_once(cli, study):
    path = study / "runs/nin-1/environment.json"
    path.write_text(json.dumps(read_json(path) | {"versions": {"keras": 3}}))
    _refused_at_once(cli("report", study, fresh=True), "nin-1/environment.json is damaged: ")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("report", "history.csv"),
        ("quantize", "config.toml"),
        ("quantize", "tflite/float16.result.json"),
        ("surgery", "metrics.json"),
    ],
)
def test_unreadable_records_of_a_run_are_found_before_work_begins(cli, run, tmp_path, command, name):
    copied = shutil.copytree(run, tmp_path / "a")
    (copied / name).write_bytes(b"\xff{")
    _refused_at_once(cli(command, copied, fresh=True), f"a/{name}")


@pytest.mark.long
def test_a_damaged_result_that_is_made_anew_hinders_nothing(cli, run, tmp_path):
    copied = shutil.copytree(run, tmp_path / "a")
    (copied / RESULT).write_text("{")
    assert cli("quantize", copied).code == 0
    assert read_record(copied, RESULT)
