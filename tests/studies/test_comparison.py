"""``compare``: equal conditions, one table, a verdict no stronger than its numbers, reports."""

import fcntl
import json
import os
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from commands import begun_part, run_command
from refusals import FAILED, USAGE, refused
from signalled import exists, interrupted, killed
from test_report_command import INT8

from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.machine import processors
from kerascnn.studies.compare import compare
from kerascnn.studies.grid.plan import plan
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.prepare import prepare, settled
from kerascnn.training.recipes import recipe_settings


@pytest.fixture
def study(whole_study):
    return whole_study


def test_one_row_a_head(study):
    _, document = study
    assert [head["head"] for head in document["heads"]] == ["fc", "conv1x1", "nin"]
    assert [head["parameters"] for head in document["heads"]] == [61_706, 15_626, 2_742]
    for head in document["heads"]:
        for figures in (head["accuracy"], head["int8"]):
            assert (figures["n"], figures["seeds"]) == (360, 2)
            assert figures["low"] < figures["mean"] < figures["high"]
        assert head["bytes"] > 0
        assert head["latency_us"]["median"] > 0


def test_one_verdict_a_pair(study):
    _, document = study
    assert [(verdict["a"], verdict["b"]) for verdict in document["verdicts"]] == [
        ("fc", "conv1x1"),
        ("fc", "nin"),
        ("conv1x1", "nin"),
    ]
    means = {head["head"]: head["accuracy"]["mean"] for head in document["heads"]}
    for verdict in document["verdicts"]:
        difference = 100 * (means[verdict["b"]] - means[verdict["a"]])
        assert verdict["difference_points"] == pytest.approx(difference)
        assert verdict["low"] <= difference <= verdict["high"]
        assert len(verdict["p_values"]) == 2
        for found in (verdict, verdict["int8"]):
            assert found["low"] <= found["difference_points"] <= found["high"]
            excludes_zero = found["low"] > 0 or found["high"] < 0
            assert (found["outcome"] in ("better", "worse", "negligible")) == excludes_zero
            assert found["level"] == pytest.approx(1 - 0.05 / 3)
            assert (found["comparisons"], found["adjustment"]) == (3, "bonferroni")
            assert found["seed_share"] + found["image_share"] == pytest.approx(1)
    int8 = {head["head"]: head["int8"]["mean"] for head in document["heads"]}
    (first, *_) = document["verdicts"]
    assert first["int8"]["difference_points"] == pytest.approx(100 * (int8["conv1x1"] - int8["fc"]))
    assert re.search(r"float accuracy .* points \(95 % .*\), .*; int8 accuracy ", first["sentence"])
    assert first["sentence"].startswith(
        "conv1x1 against fc (360 test images, 2 seeds): 74.7 % fewer parameters, 62.9 % more multiply-adds; "
    )


def test_every_head_is_trained_under_equal_conditions(study):
    folder, _ = study
    shared = []
    for head in ("fc", "conv1x1", "nin"):
        for seed in (1, 2):
            config = ResolvedConfig.read(folder / "runs" / f"{head}-{seed}" / "config.toml")
            assert (config.head, config.seed, config.epochs) == (head, seed, 2)
            shared.append(config.model_dump(include={"batch_size", "learning_rate", "weight_decay", "data"}))
            assert (folder / "runs" / f"{head}-{seed}" / "tflite" / "static_wi8_ai8.tflite").is_file()
    assert all(settings == shared[0] for settings in shared)


def test_the_reports(study):
    folder, document = study
    assert json.loads((folder / "report.json").read_text()) == document
    report = (folder / "report.md").read_text()
    for verdict in document["verdicts"]:
        assert verdict["sentence"] in report
    assert "| conv1x1 | 15,626 | 83.5 % | 678,600 |" in report
    assert "None" not in report
    assert "modern, normalization none, 32×32 pixels" in report
    assert "kerascnn compare lenet --heads fc,conv1x1,nin --variant modern" in report
    assert "--data digits --seeds 2 --epochs 2" in report


def test_without_epochs_all_heads_take_the_largest_default(tmp_path, mnist_dir):
    defaults = [recipe_settings("lenet5", "default", "mnist", head)["epochs"] for head in ("fc", "conv1x1")]
    assert defaults[0] < defaults[1]
    grid = plan("lenet", ["fc", "conv1x1"], seeds=1, data="mnist", data_dir=mnist_dir)
    assert grid.settings(margin=0.2).epochs == max(defaults)
    assert [cell.epochs for cell in grid.cells(tmp_path)] == [max(defaults)] * 2


def accuracies(folder: Path) -> list:
    document = json.loads((folder / "report.json").read_text())
    return [(head["accuracy"], head["int8"]) for head in document["heads"]]


@pytest.mark.parametrize("how", [interrupted, killed])
@pytest.mark.long
def test_a_study_that_is_cut_short_goes_on(tmp_path, study, how):
    whole, _ = study
    begun_part(whole, ["fc", "conv1x1"], tmp_path / "study", cells=["fc-1"])
    command = ["compare", "lenet", "--epochs", "2", "--heads", "fc,1x1", "--seeds", "1", "--out", "study"]
    command += ["--format", "json"]
    last = how(*command, at=exists("study/runs/conv1x1-1/checkpoints"), folder=tmp_path)
    folder = tmp_path / "study"
    if how == interrupted:
        assert last == (
            "Error: Interrupted: 1 of 2 trainings are done; resume with the same command and --out study"
        )
    assert not (folder / "report.json").exists()
    done = folder / "runs/fc-1"
    before = {path: path.stat().st_mtime_ns for path in done.rglob("*") if path.is_file()}
    answer = run_command(*command, cwd=tmp_path)
    assert answer.code == 0, answer.err
    assert "study: 100/200  1 of 2 trainings done" in answer.err
    assert {path: path.stat().st_mtime_ns for path in done.rglob("*") if path.is_file()} == before
    for head in ("fc", "conv1x1"):
        mine, undisturbed = (np.load(each / f"runs/{head}-1/answers.npz") for each in (folder, whole))
        for kind in ("floating", "int8"):
            np.testing.assert_array_equal(mine[kind], undisturbed[kind])


def test_ctrl_c_after_the_last_training_says_that_all_is_kept(tmp_path, study):
    begun_part(study[0], ["nin", "conv1x1"], tmp_path / "study", cells=["nin-1", "conv1x1-1"])
    command = ["compare", "lenet", "--heads", "nin,1x1", "--seeds", "1", "--epochs", "2"]
    command += ["--out", "study"]
    last = interrupted(*command, at=exists("study/figures"), folder=tmp_path)
    assert (
        last == "Error: Interrupted: 2 of 2 trainings are done; resume with the same command and --out study"
    )


def trains(folder: Path) -> bool:
    """Whether the first training of a study has begun: it holds its folder."""
    run = folder / "studies/lenet-digits-1/runs/fc-1"
    if not run.exists():
        return False
    asking = os.open(run, os.O_RDONLY)
    try:
        fcntl.flock(asking, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(asking)
    return False


@pytest.mark.long
def test_ctrl_c_in_the_first_epoch_keeps_nothing_and_says_so(tmp_path):
    command = ["compare", "lenet", "--epochs", "1"]
    last = interrupted(*command, at=trains, folder=tmp_path)
    assert last == "Error: Interrupted: nothing was kept."
    assert list((tmp_path / "studies").iterdir()) == []


def test_more_seeds_are_added_and_the_verdict_is_drawn_anew(study, cli, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(study[0], folder)
    network = ["compare", "lenet", "--epochs", 2, "--heads", "fc,1x1,nin", "--out", folder]
    fewer = cli(*network, "--seeds", 1, "--margin", 90, "--format", "json", "--json").json
    assert [len(verdict["p_values"]) for verdict in fewer["verdicts"]] == [1, 1, 1]
    assert {verdict["outcome"] for verdict in fewer["verdicts"]} <= {
        "better",
        "worse",
        "equivalent",
        "negligible",
    }
    assert fewer["settings"]["margin_points"] == 90
    assert any("One seed" in note for note in fewer["notes"])
    assert fewer["heads"][0]["accuracy"]["sd"] is None


@pytest.mark.long
def test_what_was_removed_of_a_cell_is_made_again(study, cli, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(study[0], folder)
    removed = folder / "runs/nin-2" / INT8
    before = removed.read_bytes()
    removed.unlink()
    network = ["compare", "lenet", "--epochs", 2, "--heads", "fc,1x1,nin", "--seeds", 2, "--out", folder]
    assert cli(*network, "--format", "json").code == 0
    assert not (folder / "report.html").exists()  # it told of the study as it was
    assert removed.read_bytes() == before
    assert accuracies(folder) == accuracies(study[0])
    (folder / "runs/nin-2/model.keras").unlink()
    removed.unlink()
    refused(cli(*network), FAILED, "nin-2 has no model.keras. Delete it")


@pytest.mark.long
def test_answers_of_another_file_than_the_one_there_are_refused(study, cli, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(study[0], folder)
    shutil.copy(folder / "runs/fc-1" / INT8, folder / "runs/fc-2" / INT8)  # as another `quantize` would
    network = ["lenet", "--epochs", 2, "--heads", "fc,1x1,nin", "--seeds", 2, "--out", folder]
    refused(cli("report", folder), FAILED, "fc-2 was trained or quantized again after the comparison")
    again = ["compare", *network]
    refused(
        cli(*again),
        FAILED,
        "fc-2/answers.npz contains the predictions of a different",
        "Delete it; the next run",
    )
    (folder / "runs/fc-2/answers.npz").unlink()
    assert cli(*again, "--format", "json").code == 0
    assert accuracies(folder) == accuracies(study[0])


def _replace(path: Path, was: str, now: str) -> None:
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, now))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: _replace(run / "config.toml", "epochs = 2", "epochs = 3"), "epochs was 3, is 2"),
        (lambda run: _replace(run / "config.toml", "seed = 1", "seed = 7"), "seed was 7, is 1"),
        (
            lambda run: _edit(run, lambda made: made["versions"].update(keras="3.0.1")),
            "keras's version was 3.0.1",
        ),
        (
            lambda run: _edit(run, lambda made: made["data_sha256"].update(train="ab")),
            "the train images' hash was ab",
        ),
        (
            lambda run: _edit(run, lambda made: made.update(resumed=[{"versions": {"tensorflow": "2.0"}}])),
            "tensorflow's version was 2.0",
        ),
    ],
)
def test_a_cell_made_otherwise_is_refused_with_the_difference(study, cli, tmp_path, change, words):
    folder = tmp_path / "study"
    shutil.copytree(study[0], folder)
    change(folder / "runs/nin-1")
    network = ["--epochs", 2, "--heads", "fc,1x1,nin", "--seeds", 2, "--out", folder]
    answer = cli("compare", "lenet", *network)
    refused(
        answer,
        FAILED,
        "nin-1 does not match this study",
        words,
        "Delete it; the next run",
    )


def _edit(run: Path, change) -> None:
    made = json.loads((run / "environment.json").read_text())
    change(made)
    (run / "environment.json").write_text(json.dumps(made))


def test_only_a_network_is_asked_of_a_study_beside_its_own_settings(tmp_path):
    with pytest.raises(UsageError, match=r"Received: learning_rate, weights$"):
        compare("lenet", out=tmp_path / "study", learning_rate=0.1, weights="run")
    assert not (tmp_path / "study").exists()


@pytest.mark.long
def test_two_at_once_are_trained_to_the_same_weights_and_tell_of_each_step(tmp_path, mnist_dir):
    told = []
    mnist = {"data": "mnist", "data_dir": mnist_dir, "epochs": 2, "formats": ["json"]}
    found = compare(
        "lenet", **mnist, jobs=2, out=tmp_path / "study", progress=lambda *given: told.append(given)
    )
    assert [head.name for head in found.heads] == ["fc", "conv1x1"]
    for name in ("fc-1", "conv1x1-1"):
        config = ResolvedConfig.read(tmp_path / "study/runs" / name / "config.toml")
        assert config.threads == processors()
    compare("lenet", **mnist, out=tmp_path / "other")
    for name in ("fc-1", "conv1x1-1"):
        one, other = (np.load(tmp_path / study / f"runs/{name}/answers.npz") for study in ("study", "other"))
        for array in ("floating", "int8"):
            np.testing.assert_array_equal(one[array], other[array])
    whole = [(done, total, words) for stage, done, total, words in told if stage == "study"]
    assert whole[0] == (0, 200, "0 of 2 trainings done")
    assert whole[-1] == (200, 200, "2 of 2 trainings done")
    assert [done for done, *_ in whole] == sorted(done for done, *_ in whole)
    for name in ("fc, seed 1", "conv1x1, seed 1"):
        assert any(words.startswith(f"{name}: training") and 0 < done < 200 for done, _, words in whole)


def test_a_seed_gives_every_head_the_same_trunk():
    def first_weights(head: str, seed: int) -> dict[str, np.ndarray]:
        grid = plan("lenet", ["fc", "conv1x1", "nin"], 2, epochs=1)
        config = next(c for c in grid.cells(Path()) if (c.head, c.seed) == (head, seed))
        model = prepare(settled(config, digits), digits).trained
        return {layer.name: layer.get_weights()[0] for layer in model.layers if layer.name.startswith("conv")}

    digits = load("digits")
    fc, conv, nin, other = (
        first_weights(*each) for each in (("fc", 1), ("conv1x1", 1), ("nin", 1), ("fc", 2))
    )
    for name in ("conv1", "conv2"):
        np.testing.assert_array_equal(fc[name], conv[name])
        np.testing.assert_array_equal(fc[name], nin[name])
        assert not np.array_equal(fc[name], other[name])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda record: record["settings"].update(epochs=9), ["epochs was 9, is 2"]),
        (
            lambda record: record["environment"]["versions"].update(keras="3.0.1"),
            ["keras's version was 3.0.1"],
        ),
        (
            lambda record: record["environment"]["data_sha256"].update(test="ab"),
            ["the test images' hash was ab"],
        ),
        (lambda record: record.update(format=7), ["format must be 1", "format=7"]),
        (lambda record: record.pop("settings"), ["damaged", "settings"]),
    ],
)
def test_a_study_made_otherwise_is_refused_with_the_difference(study, cli, tmp_path, change, words):
    folder = tmp_path / "study"
    shutil.copytree(study[0], folder, ignore=shutil.ignore_patterns("runs"))
    record = json.loads((folder / "study.json").read_text())
    change(record)
    (folder / "study.json").write_text(json.dumps(record))
    answer = cli("compare", "lenet", "--heads", "fc,1x1,nin", "--seeds", 2, "--epochs", 2, "--out", folder)
    refused(answer, FAILED, *words, "--out")


def test_runs_that_exist_are_compared_as_a_grid(study, cli, tmp_path):
    folder, document = study
    runs = [folder / "runs" / f"{head}-{seed}" for seed in (2, 1) for head in ("fc", "nin")]
    told = cli("compare", *runs, "--json", "--out", tmp_path / "again", "--format", "json").json
    for head, place in zip(told["heads"], (0, 2), strict=True):
        assert head["accuracy"] == document["heads"][place]["accuracy"]
        assert head["int8"] == document["heads"][place]["int8"]
    (verdict,) = told["verdicts"]
    assert verdict["p_values"] == document["verdicts"][1]["p_values"]
    assert told["settings"]["differing"] == {}
    assert not any("Not equal" in note for note in told["notes"])


@pytest.mark.long
def test_conditions_that_are_not_equal_are_told_with_their_runs(study, cli, tmp_path):
    fc, conv = (shutil.copytree(study[0] / f"runs/{head}-1", tmp_path / head) for head in ("fc", "conv1x1"))
    small = shutil.copytree(study[0] / "runs/fc-2", tmp_path / "small")
    _edit(small, lambda made: made["data_sha256"].update(train="abcdef" * 9))
    _edit(small, lambda made: made["versions"].update(keras="3.0.1"))
    _replace(conv / "config.toml", "seed = 1", 'weights = "/runs/start"\nseed = 1')
    _replace(small / "config.toml", "    84,", "    80,")
    told = cli("compare", fc, conv, small, "--json", "--format", "md").json
    notes = [note for note in told["notes"] if note.startswith("Not equal conditions: ")]
    train = json.loads((fc / "environment.json").read_text())["data_sha256"]["train"][:8]
    assert [note.removeprefix("Not equal conditions: ") for note in notes] == [
        f"head_units is [120, 84] ({fc}, {conv}); [120, 80] ({small}).",
        f"weights is none ({fc}, {small}); /runs/start ({conv}).",
        f"seed is 1 ({fc}, {conv}); 2 ({small}).",
        f"training_images_sha256 is {train} ({fc}, {conv}); abcdefab ({small}).",
        f"keras_version is {keras.__version__} ({fc}, {conv}); 3.0.1 ({small}).",
    ]
    report = (tmp_path / told["study"] / "report.md").read_text()
    assert "- not under equal conditions, see above" in report
    assert "the same order of images" not in report
    shutil.copy(fc / INT8, small / INT8)
    refused(cli("report", told["study"]), FAILED, "small was trained or quantized again after the comparison")


@pytest.mark.long
def test_runs_that_are_no_grid_are_compared_one_by_one(study, cli, trained, tmp_path):
    folder, _ = study
    other = shutil.copytree(trained[0], tmp_path / "longer", ignore=shutil.ignore_patterns("tflite"))
    two = [folder / "runs/nin-1", folder / "runs/nin-2"]
    told = cli("compare", *two, other, "--json", "--format", "json").json
    assert [(head["name"], head["head"]) for head in told["heads"]] == [
        ("nin-1", "nin"),
        ("nin-2", "nin"),
        ("longer", "fc"),
    ]
    assert told["study"] == "studies/runs-digits-1"
    assert f"Not equal conditions: epochs is 2 ({', '.join(map(str, two))}); 3 ({other})." in told["notes"]
    assert (other / "tflite/static_wi8_ai8.tflite").is_file()
    for verdict in told["verdicts"]:  # Bonferroni's correction over the three pairs
        assert verdict["p_values_adjusted"] == [pytest.approx(min(1, 3 * verdict["p_values"][0]))]


def test_runs_that_cannot_be_compared(study, cli, trained, tmp_path):
    runs = study[0] / "runs"
    refused(cli("compare", runs / "fc-1", "no-such-run"), FAILED, "no-such-run does not exist")
    refused(cli("compare", runs / "fc-1"), USAGE, "fc-1 is a run: give a second run", "kerascnn report")
    refused(cli("compare", runs / "fc-1", runs / "fc-1"), USAGE, "at least two different runs")
    other = tmp_path / "other"
    shutil.copytree(runs / "nin-1", other)
    environment = json.loads((other / "environment.json").read_text())
    environment["data_sha256"]["test"] = "ab" * 32
    (other / "environment.json").write_text(json.dumps(environment))
    refused(cli("compare", runs / "fc-1", other), FAILED, "tested on different images", "abababab")
    shutil.copytree(runs / "nin-1", tmp_path / "damaged")
    (tmp_path / "damaged/tflite/static_wi8_ai8.tflite").write_bytes(b"no model")
    refused(cli("compare", runs / "fc-1", "damaged", "--out", "study"), FAILED, "is not a valid .tflite file")
    assert not (tmp_path / "study").exists()
    refused(cli("compare", runs / "fc-1", runs / "nin-1", "--seeds", 2), USAGE, "--seeds: existing runs")
    refused(cli("compare", study[0]), USAGE, "is a study: write its reports again with `kerascnn report`")
    assert not (tmp_path / "studies").exists()


def test_a_gate_for_continuous_integration(study, cli, tmp_path):
    runs = [study[0] / "runs" / f"{head}-1" for head in ("fc", "nin")]
    compared = ["compare", *runs, "--format", "csv", "--fail-if"]
    missed = cli(*compared, "bytes < 10000", "--fail-if", "accuracy < 0", "--json")
    assert missed.code == 3
    assert json.loads(missed.out)["heads"]
    assert re.search(r"nin: bytes is \d,\d{3}, < 10,000\.$", missed.err.strip())
    assert "fc: bytes" not in missed.err
    assert cli(*compared, "int8_drop > 100", "--out", "again").code == 0
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == [
        *("report-verdicts.csv", "report.csv", "study.json")
    ]
