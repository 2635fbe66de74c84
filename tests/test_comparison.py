"""``compare``: equal conditions, one table, a verdict no stronger than its numbers, reports."""

import json
import signal
import subprocess

import pytest
from conftest import COMMAND, run_command

from kerascnn.training.config import ResolvedConfig
from kerascnn.training.recipes import recipe_settings


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    answer = run_command(
        "compare", "lenet", "--seeds", 2, "--epochs", 2, "--heads", "fc,1x1,nin", "--json", cwd=folder
    )
    return folder / "studies" / "lenet-digits-1", answer.json


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
        excludes_zero = verdict["low"] > 0 or verdict["high"] < 0
        assert (verdict["outcome"] in ("better", "worse")) == excludes_zero
        assert len(verdict["p_values"]) == 2
    assert (
        "conv1x1 against fc: 74.7 % fewer parameters, 62.9 % more multiply-adds"
        in document["verdicts"][0]["sentence"]
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
    assert "| `conv1x1` | 15,626 | 678,600 |" in report
    assert "None" not in report
    assert "modern, normalization none, 32×32 pixels" in report
    assert "kerascnn compare lenet --heads fc,conv1x1,nin --variant modern" in report
    assert "--data digits --seeds 2 --epochs 2" in report


def test_without_epochs_all_heads_take_the_largest_default(tmp_path, mnist_dir):
    from kerascnn.comparison import compare

    defaults = [recipe_settings("lenet5", "default", "mnist", head)["epochs"] for head in ("fc", "conv1x1")]
    assert defaults[0] < defaults[1]
    found = compare("lenet", data="mnist", data_dir=mnist_dir, out=tmp_path / "study")
    assert found.settings["epochs"] == max(defaults)
    for head in ("fc", "conv1x1"):
        assert ResolvedConfig.read(tmp_path / "study" / "runs" / f"{head}-1" / "config.toml").epochs == max(
            defaults
        )


def test_ctrl_c_says_what_is_kept(tmp_path):
    command = [*COMMAND, "compare", "lenet", "--epochs", "30"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            if "conv1x1, seed 1 of 1: training" in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert rest.splitlines()[-1] == (
        "Error: Interrupted: the runs trained so far are kept in studies/lenet-digits-1/runs."
    )
    assert (tmp_path / "studies" / "lenet-digits-1" / "runs" / "fc-1" / "model.keras").is_file()
    assert not (tmp_path / "studies" / "lenet-digits-1" / "report.md").exists()


def test_ctrl_c_in_the_first_epoch_keeps_nothing_and_says_so(tmp_path):
    command = [*COMMAND, "compare", "lenet", "--epochs", "1", "--batch-size", "1"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stderr:
            if "training: 0/" in line:
                process.send_signal(signal.SIGINT)
                break
        assert process.stderr.read().splitlines()[-1] == "Error: Interrupted: nothing was kept."
        assert process.wait(timeout=60) == 130
    assert list((tmp_path / "studies").iterdir()) == []
