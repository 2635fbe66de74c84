"""Quantization-aware training, pruning, clustering: through the real command, in a process of their own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from commands import background
from refusals import USAGE, refused
from uneven_run import uneven_run
from waiting import wait_for_the_end_of, wait_until

from kerascnn.analysis.evaluation.evaluation import keras_classifier
from kerascnn.data.dataset import Split
from kerascnn.data.sources.registry import load
from kerascnn.foundation import process as other_process
from kerascnn.foundation.errors import KerasCnnError, TargetError
from kerascnn.foundation.progress import silent
from kerascnn.models.description import ModelDescription
from kerascnn.models.keras_file import load_model
from kerascnn.models.network import build
from kerascnn.tflite.accelerators.check import check
from kerascnn.tflite.fine_tuning.fine_tune import (
    TUNER,
    FineTuningData,
    prune_and_cluster,
    train_for_int8,
)
from kerascnn.tflite.fine_tuning.plain_network import plain_network
from kerascnn.tflite.fine_tuning.plan import FineTuningPlan
from kerascnn.tflite.quantization.candidates import CandidateBuilder
from kerascnn.tflite.quantization.context import QuantizationContext
from kerascnn.tflite.quantization.file_spec import FileSpec
from kerascnn.tflite.quantization.quantize import quantize
from kerascnn.tflite.quantization.verification import verify_integer
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.training.config import TrainingConfig

FAILED, TARGET, INTERRUPTED = 1, 4, 130
SOME = 64


COLD = other_process.COMMAND


@pytest.fixture(autouse=True)
def _warm(warm_tuner, monkeypatch):
    monkeypatch.setattr(other_process, "COMMAND", warm_tuner)


def _copied(run, folder):
    return Path(shutil.copytree(run, folder / "copy", ignore=shutil.ignore_patterns("tflite")))


def _weights(path):
    """The kernels in a file, by layer: constants of more than one dimension."""
    interpreter = Interpreter(model_path=str(path))
    interpreter.allocate_tensors()
    inner = {
        int(number)
        for operator in interpreter._get_ops_details()
        if operator["op_name"] in ("CONV_2D", "FULLY_CONNECTED")
        for number in operator["inputs"][1:2]
    }
    return [interpreter.get_tensor(number) for number in inner]


def test_the_network_is_trained_for_int8(cli, tmp_path, run):
    copy = _copied(run, tmp_path)
    answer = cli("quantize", copy, "--method", "qat", "--fine-tuning-epochs", 2, "--json")
    (file,) = answer.json["files"]
    assert Path(file["path"]).name == "static_wi8_ai8-qat.tflite"
    (tuning,) = file["fine_tuning"]
    assert tuning["twin_difference"] <= 1e-6  # the same network, to float rounding
    assert tuning["twin_compared"] == 50
    (stage,) = tuning["stages"]
    assert (stage["stage"], len(stage["epochs"])) == ("quantization-aware training", 2)
    steps = {step["step"]: step for step in file["ladder"]["steps"]}
    assert list(steps) == [
        "Keras",
        "float .tflite",
        "trained for int8",
        "reference kernels",
        "optimised kernels",
    ]
    assert steps["reference kernels"]["agreement"] >= 0.99  # the file computes what was trained
    assert steps["reference kernels"]["mean_difference"] < 2e-3
    assert file["drop_points"] <= 1
    (given,) = Interpreter(model_path=file["path"]).get_input_details()
    assert (given["dtype"], given["quantization"]) == (np.int8, (1.0, -128))
    assert "epoch 2/2" in answer.err
    recorded = json.loads((copy / "tflite" / "static_wi8_ai8-qat.result.json").read_text())
    assert recorded["fine_tuning"] == file["fine_tuning"]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("lenet5", {"head": "fc"}),
        ("lenet5", {"head": "conv1x1"}),
        ("alexnet", {"head": "conv1x1", "head_units": (32,), "variant": "two_towers", "image_size": 67}),
        ("alexnet", {"head": "fc", "head_units": (32,), "variant": "small_stem", "image_size": 16}),
        ("alexnet", {"head": "nin", "image_size": 67, "norm": "none", "variant": "two_towers"}),
    ],
)
@pytest.mark.long
def test_every_head_and_variant_becomes_a_whole_int8_file(name, settings, tmp_path):
    padded = settings.get("variant") == "small_stem"
    model = build(name, classes=10, pixel_mean=0.0 if padded else 90.0, pixel_std=70.0, **settings)
    shape = model.input_shape[1:]
    split = Split(
        np.random.default_rng(1).integers(0, 256, (SOME, *shape), dtype=np.uint8),
        (np.arange(SOME) % 10).astype(np.int32),
    )
    data = FineTuningData(split, split, TrainingConfig(batch_size=16).resolved())
    qat = train_for_int8(
        model, FineTuningPlan(aware=True, epochs=1), data, split.images, silent, io="int8", test=split.images
    )
    path = tmp_path / "model.tflite"
    path.write_bytes(qat.content)
    verify_integer(qat.content, path)
    assert check(path).problem == ""
    description = ModelDescription.foreign(path, shape, (10,)).model_copy(update={"output": "probabilities"})
    found = LiteRTClassifier(path, qat.content, description)(split.images)
    assert np.abs(found - qat.probabilities).mean() < 4e-3  # a step of a probability is 1/256


@pytest.mark.long
def test_ranges_begin_at_those_of_the_network(run):
    """One small step: what is left of ±6 would cut off logits of ±30."""
    model, description = load_model(run / "model.keras")
    digits = load("digits")
    train, validation = (
        split.prepared(description.preprocessing) for split in (digits.train, digits.validation)
    )
    config = TrainingConfig(batch_size=len(train), learning_rate=1e-4).resolved()
    data = FineTuningData(train, validation, config)
    first = train.images[:200]
    plan = FineTuningPlan(aware=True, epochs=1)
    qat = train_for_int8(model, plan, data, first, silent, io="int8", test=validation.images)
    expected = keras_classifier(model)(validation.images)
    assert np.abs(qat.probabilities - expected).mean() < 8e-3
    assert (qat.probabilities.argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.98


@pytest.mark.long
def test_where_calibration_loses_the_training_wins_most_of_it_back(cli, trained, tmp_path):
    """One channel of a map 300 times as large leaves the others a few steps of int8."""
    weak = uneven_run(trained[0], tmp_path / "run", factor=300)
    lost = cli("quantize", weak, "--json").json["files"][0]["drop_points"]
    taught = cli("quantize", weak, "--method", "qat", "--json").json["files"][0]["drop_points"]
    assert lost > 0.5
    assert taught <= lost / 2


@pytest.mark.long
def test_pruned_weights_are_zero_in_the_file_and_pack_well(cli, tmp_path, run):
    copy = _copied(run, tmp_path)
    plain = json.loads((run / "tflite" / "static_wi8_ai8.result.json").read_text())
    answer = cli("quantize", copy, "--prune", 0.75, "--scheme", "static_wi8_ai8", "--scheme", "float16")
    assert answer.code == 0, answer.err
    assert "pruned to 75 %" in answer.out
    assert "% are 0" in answer.out
    file = json.loads((copy / "tflite" / "static_wi8_ai8-pruned75.result.json").read_text())
    assert (copy / "tflite" / "float16-pruned75.tflite").is_file()
    zeros, count = (
        sum(figures)
        for figures in zip(
            *((np.sum(w == 0), w.size) for w in _weights(copy / "tflite" / "static_wi8_ai8-pruned75.tflite")),
            strict=True,
        )
    )
    assert zeros / count == pytest.approx(0.75, abs=0.005)
    assert file["fine_tuning"][0]["zeros"] == pytest.approx(0.75, abs=0.005)
    assert file["zipped_bytes"] < 0.6 * plain["zipped_bytes"]
    assert plain["zipped_bytes"] < plain["bytes"]
    assert file["ladder"]["steps"][1]["step"] == "pruned to 75 %"
    assert file["accuracy"] > 0.9
    before = plain["ladder"]["steps"][0]["accuracy"]
    assert file["drop_points"] == pytest.approx(100 * (before - file["accuracy"]), abs=1e-3)


@pytest.mark.long
def test_a_clustered_layer_has_no_more_values_than_asked_for(cli, tmp_path, run):
    copy = _copied(run, tmp_path)
    (file,) = cli("quantize", copy, "--cluster", 8, "--scheme", "float32", "--json").json["files"]
    assert Path(file["path"]).name == "float32-clustered8.tflite"
    kernels = _weights(file["path"])
    assert max(len(np.unique(kernel)) for kernel in kernels) == file["fine_tuning"][0]["most_values"] <= 8
    assert file["accuracy"] > 0.9


@pytest.mark.long
def test_what_was_pruned_and_clustered_stays_so_in_int8(cli, tmp_path, run):
    copy = _copied(run, tmp_path)
    options = ["--prune", 0.5, "--cluster", 16, "--method", "qat", "--fine-tuning-epochs", 2]
    (file,) = cli("quantize", copy, *options, "--io", "uint8", "--json").json["files"]
    assert Path(file["path"]).name == "static_wi8_ai8-uint8-pruned50-clustered16-qat.tflite"
    stages = [stage["stage"] for tuning in file["fine_tuning"] for stage in tuning["stages"]]
    assert stages == ["pruning", "clustering", "quantization-aware training"]
    kernels = _weights(file["path"])
    assert sum(np.sum(kernel == 0) for kernel in kernels) >= 0.48 * sum(kernel.size for kernel in kernels)
    assert file["accuracy"] > 0.85
    told = "pruned to 50 %, 16 values, trained for int8"
    assert ModelDescription.embedded(Path(file["path"])).tuned == told


@pytest.mark.long
def test_the_edge_tpu_file_is_trained_within_a_budget(cli, trained, tmp_path):
    weak = uneven_run(trained[0], tmp_path / "run", factor=300)
    (file,) = cli("quantize", weak, "--target", "edgetpu", "--max-drop", 5, "--json").json["files"]
    assert [each["tried"] for each in file["budget"]["tries"]] == ["full int8", "quantization-aware training"]
    assert file["path"].endswith("static_wi8_ai8-qat.tflite")
    assert cli("check", file["path"]).code == 0


@pytest.mark.long
def test_what_pruning_lost_no_layer_in_float_can_bring_back(cli, tmp_path, run):
    copy = _copied(run, tmp_path)
    answer = cli("quantize", copy, "--prune", 0.95, "--fine-tuning-epochs", 1, "--max-drop", 0, "--json")
    tried = [each["tried"] for each in json.loads(answer.out)["files"][0]["budget"]["tries"]]
    assert tried == ["full int8", "quantization-aware training"]


def test_what_cannot_be_trained_for_int8_is_named_beside_the_tries():
    model = build("lenet5", variant="paper")
    images = np.random.default_rng(1).integers(0, 256, (20, 32, 32, 1), dtype=np.uint8)
    split = Split(images, (np.arange(20) % 10).astype(np.int32))
    data = FineTuningData(split, split, TrainingConfig().resolved())
    described = ModelDescription.foreign(Path("x"), (32, 32, 1), (10,))
    splits = {"train": split, "validation": split, "test": split}
    context = QuantizationContext(None, model, described, splits, data, FineTuningPlan(), False, silent)
    builder = CandidateBuilder(context, model)
    spec = FileSpec.of("static_wi8_ai8", "uint8")
    _, budget = builder.build(spec, images, max_drop=-101)  # never kept
    assert [each.what for each in budget.tries] == ["full int8"]
    assert "layer C1_tanh (ScaledTanh) cannot be fine-tuned" in budget.to_dict()["untried"]


def test_a_folder_that_cannot_be_written_is_refused_before_the_work(cli, tmp_path, run):
    copy = _copied(run, tmp_path)
    (copy / "tflite").write_text("a file where the folder should be")
    answer = cli("quantize", copy, "--method", "qat", "--fine-tuning-epochs", 50)
    refused(answer, FAILED, "tflite cannot be written to")
    assert "quantization-aware training" not in answer.err


@pytest.mark.long
def test_nothing_of_it_reaches_the_users_process(tmp_path, run):
    copy = _copied(run, tmp_path)
    program = (
        "import sys, os, kerascnn\n"
        f"kerascnn.quantize({str(copy)!r}, method='qat', fine_tuning_epochs=1, accuracy_only=True)\n"
        "assert not {'tf_keras', 'tensorflow_model_optimization'} & set(sys.modules)\n"
        "assert 'TF_USE_LEGACY_KERAS' not in os.environ\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--method", "magic"], ["method must be ptq or qat", "method=magic"]),
        (["--prune", 0], ["prune must be between 0 and 1", "prune=0"]),
        (["--prune", 1], ["prune=1"]),
        (["--prune", "nan"], ["prune=nan"]),
        (["--prune", 50], ["for example 0.5", "prune=50"]),
        (["--cluster", 1], ["cluster must be 2 to 256", "cluster=1"]),
        (["--cluster", 257], ["cluster=257"]),
        (["--cluster", 2, "--prune", 0.5], ["cluster must be 3 to 256 values beside prune", "cluster=2"]),
        (
            ["--method", "qat", "--scheme", "float16"],
            ["method qat requires static_wi8_ai8", "scheme=float16"],
        ),
        (["--method", "qat", "--all"], ["method qat requires static_wi8_ai8"]),
        (["--fine-tuning-epochs", 2], ["fine_tuning_epochs=2 without one of them"]),
        (["--method", "qat", "--fine-tuning-epochs", 0], ["at least 1", "fine_tuning_epochs=0"]),
    ],
)
def test_requests_that_make_no_sense(cli, run, options, words):
    refused(cli("quantize", run, *options), USAGE, *words)


def test_a_layer_without_a_counterpart_is_named(cli, tmp_path, of_1998):
    copy = _copied(of_1998[0], tmp_path)
    for options in (["--method", "qat"], ["--prune", 0.5], ["--cluster", 8]):
        answer = cli("quantize", copy, *options)
        refused(answer, TARGET, "layer C1_tanh (ScaledTanh) cannot be fine-tuned", "--method ptq")
    assert not (copy / "tflite").exists()


def test_a_first_layer_that_pads_cannot_take_the_pixels_offset():
    model = build("alexnet", variant="small_stem", head="nin", pixel_mean=5.0, classes=3)
    with pytest.raises(TargetError, match=r"layer conv1 .* rescaling of pixels cannot be folded"):
        plain_network(model, for_int8=True)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "was killed, perhaps because memory ran out",
        ),
        ("raise SystemExit(3)", "ended with code 3"),
        ("import sys; sys.stdin.read(9); sys.stdout.write('half an answer')", "ended with code 0"),
    ],
)
def test_a_process_that_dies_is_told_in_one_line(run, tmp_path, monkeypatch, program, words):
    copy = _copied(run, tmp_path)
    monkeypatch.setattr(other_process, "COMMAND", (sys.executable, "-c", program))
    with pytest.raises(KerasCnnError, match=words):
        quantize(copy, method="qat", check_stability=False)
    assert not list((copy / "tflite").glob("*"))


def test_a_call_that_could_not_be_written_hides_no_other_failure(monkeypatch):
    """Its rest waits for a reader when the process is left; that none comes must not be what is told."""
    monkeypatch.setattr(other_process, "COMMAND", (sys.executable, "-c", ""))
    with other_process.OtherProcess("", "a test") as call:
        for _ in range(2):  # the first finds nobody who answers, the second nobody who reads
            with pytest.raises(KerasCnnError, match="The process for a test ended with code 0"):
                call("anything")


def test_a_failure_over_there_is_an_error_here(run):
    model, _ = load_model(run / "model.keras")
    architecture = plain_network(model)
    first, *others = architecture.layers
    broken = replace(
        architecture, layers=(replace(first, settings=first.settings | {"filters": -1}), *others)
    )
    with (
        other_process.OtherProcess(TUNER, "fine-tuning") as tune,
        pytest.raises(KerasCnnError, match="for fine-tuning failed in build: ValueError"),
    ):
        tune("build", broken, FineTuningPlan(), 1)


@pytest.mark.long
def test_a_clustering_of_a_tiny_data_set_ends(tmp_path):
    """Three images, two steps: schedules must not divide by their length."""
    model = build("lenet5", head="nin")
    few = Split(np.eye(32, dtype=np.uint8)[None, :, :, None].repeat(3, 0) * 200, np.arange(3, dtype=np.int32))
    data = FineTuningData(few, few, TrainingConfig(batch_size=32).resolved())
    compressed = prune_and_cluster(model, FineTuningPlan(sparsity=0.5, clusters=4, epochs=2), data, silent)
    assert compressed.record.zeros == pytest.approx(0.5, abs=0.02)
    assert compressed.record.most_values <= 4


@pytest.mark.long
def test_ctrl_c_ends_both_processes_and_leaves_no_file(run, tmp_path, monkeypatch):
    monkeypatch.setattr(other_process, "COMMAND", COLD)
    copy = _copied(run, tmp_path)
    given = ("quantize", copy, "--method", "qat", "--fine-tuning-epochs", 500)
    with background(*given, cwd=tmp_path) as command:
        tuning = re.compile("^quantization-aware training: .*epoch", re.MULTILINE)
        wait_until(lambda: tuning.search(command.err), "an epoch of the fine-tuning", command)
        command.send(signal.SIGINT)
        assert command.wait(60) == INTERRUPTED
        assert "Interrupted" in command.err
        assert not list((copy / "tflite").glob("*.tflite"))
        wait_for_the_end_of(command.pid)
