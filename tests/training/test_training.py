"""Training through the command line and the library: what a run holds, and that it repeats itself."""

import csv
import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest
from commands import background, fresh_command, write_idx
from signalled import exists, interrupted
from waiting import wait_until

import kerascnn
from kerascnn.analysis.evaluation.evaluation import keras_classifier
from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.models.description import ModelDescription
from kerascnn.training.config import ResolvedConfig, TrainingConfig


def test_the_run_folder_holds_what_the_design_promises(trained):
    run, answer = trained
    names = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert names == {
        "run.json",
        "config.toml",
        "model.keras",
        "model.json",
        "history.csv",
        "metrics.json",
        "environment.json",
        "card.md",
        "plots/learning_curves.png",
        "plots/confusion.png",
        "tflite/static_wi8_ai8.tflite",
        "tflite/labels.txt",
        "tflite/static_wi8_ai8.result.json",
        "tflite/calibration.json",
    }
    assert json.loads((run / "run.json").read_text())["state"] == "done"
    printed = answer.json
    assert printed["run"] == "runs/digits-fc"
    assert (printed["model"], printed["variant"], printed["head"]) == ("lenet5", "modern", "fc")
    assert (printed["parameters"], printed["parameters_fixed"], printed["epochs"]) == (61_706, 0, 3)
    assert printed["data"] == {"source": "digits", "train": 1_257, "validation": 180, "test": 360}
    assert printed["test"]["n"] == 360
    assert printed["test"]["low"] < printed["test"]["accuracy"] < printed["test"]["high"]


def test_history_has_one_row_an_epoch(run):
    with (run / "history.csv").open() as rows:
        history = list(csv.DictReader(rows))
    assert [row["epoch"] for row in history] == ["1", "2", "3"]
    assert float(history[-1]["val_loss"]) < float(history[0]["val_loss"])
    assert float(history[-1]["learning_rate"]) == pytest.approx(0, abs=1e-4)


def test_the_card_has_no_blank_section(run):
    card = (run / "card.md").read_text()
    assert "None" not in card
    assert "n = 360" in card
    assert "tflite/static_wi8_ai8.tflite" in card


def test_the_saved_model_is_an_ordinary_keras_model_on_raw_pixels(run):
    model = keras.saving.load_model(run / "model.keras")
    stored = json.loads((run / "metrics.json").read_text())["test"]
    described = ModelDescription.embedded(run / "model.keras")
    assert described is not None
    test = load("digits").test.prepared(described.preprocessing)
    answers = keras_classifier(model)(test.images).argmax(axis=1)
    assert (answers == test.labels).mean() == pytest.approx(stored["accuracy"])


def test_the_description_travels_inside_the_model_file(run, tmp_path):
    copy = tmp_path / "elsewhere.keras"
    copy.write_bytes((run / "model.keras").read_bytes())
    described = ModelDescription.embedded(copy)
    assert described is not None
    assert described.model_dump(mode="json") == json.loads((run / "model.json").read_text())
    assert described.classes == tuple("0123456789")


def _weights(run):
    return keras.saving.load_model(run / "model.keras").get_weights()


def test_another_seed_gives_other_weights(whole_study):
    one, two = (_weights(whole_study[0] / "runs" / f"fc-{seed}") for seed in (1, 2))
    assert not np.array_equal(one[0], two[0])


@pytest.mark.long
def test_the_users_own_settings_of_keras_change_nothing(trained, tmp_path):
    (tmp_path / "home").mkdir()
    own = {"floatx": "float16", "image_data_format": "channels_first", "epsilon": 0.1}
    (tmp_path / "home" / "keras.json").write_text(json.dumps(own))
    environment = os.environ | {"KERAS_HOME": str(tmp_path / "home")}
    given = ("train", "lenet", "--epochs", 3, "--name", "digits-fc")
    answer = fresh_command(*given, cwd=tmp_path, env=environment)
    assert answer.code == 0, answer.err
    made = fresh_command("quantize", "runs/digits-fc", "--scheme", "float32", cwd=tmp_path, env=environment)
    assert made.code == 0, made.err
    mine, usual = (
        keras.saving.load_model(run / "model.keras") for run in (tmp_path / "runs/digits-fc", trained[0])
    )
    for one, other in zip(mine.get_weights(), usual.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.long  # its quick form is above, with settings of one's own
def test_another_process_gives_the_same_weights(trained, tmp_path):
    run = kerascnn.train(TrainingConfig(model="lenet", epochs=3, runs_dir=tmp_path))
    assert all(map(np.array_equal, _weights(run.path), _weights(trained[0])))


def test_a_training_of_one_step_still_learns(tmp_path):
    run = kerascnn.train(TrainingConfig(model="lenet", epochs=1, batch_size=1_257, runs_dir=tmp_path))
    keras.utils.set_random_seed(1)
    fresh = kerascnn.lenet5().get_weights()
    assert not np.array_equal(keras.saving.load_model(run.model_path).get_weights()[0], fresh[0])


@pytest.mark.long
def test_training_starts_from_the_trunk_of_another_run(cli, run, tmp_path):
    options = ["--weights", run, "--epochs", 1, "--head", "nin", "--name"]
    started = cli("train", "lenet", *options, "a", "--json").json
    fresh = cli("train", "lenet", *options[2:], "b", "--json").json
    assert started["test"]["accuracy"] > fresh["test"]["accuracy"]
    assert f'weights = "{run}"' in (tmp_path / "runs" / "a" / "config.toml").read_text()
    misfit = cli("train", "lenet", "--channels", 3, *options, "c")
    assert misfit.code == 2
    assert "layer conv1 needs 5×5×3×6, 6, it has the shapes 5×5×1×6, 6 there" in misfit.err
    assert not (tmp_path / "runs" / "c").exists()


def test_the_network_of_1998_trains(of_1998):
    run, answer, _ = of_1998
    trained = answer.json
    assert (trained["variant"], trained["parameters"], trained["parameters_fixed"]) == ("paper", 60_000, 840)
    assert trained["test"]["accuracy"] > 0.8
    assert json.loads((run / "tflite/static_wi8_ai8.result.json").read_text())["agreement"] > 0.98


@pytest.mark.long
def test_alexnet_trains_as_it_stands_and_lrn_is_refused_in_int8(cli, tmp_path, photos):
    options = ["--norm", "lrn", "--head", "nin", "--epochs", 1, "--image-size", 16, "--name", "lrn", "--json"]
    trained = cli("train", "alexnet", "--data", photos, "--variant", "small_stem", *options).json
    assert (trained["model"], trained["variant"]) == ("alexnet", "small_stem")
    misfit = cli("train", "alexnet", "--weights", "runs/lrn", "--norm", "none", "--image-size", 16)
    assert (misfit.code, misfit.err.count("was trained with --norm lrn")) == (2, 1)
    early = cli("compare", "alexnet", "--norm", "lrn", "--heads", "fc,nin")
    assert (early.code, early.err.count("lrn has no int8 operator")) == (4, 1)
    assert not (tmp_path / "studies").exists()
    refusal = cli("quantize", "runs/lrn")
    assert refusal.code == 4
    assert "norm1 is local response normalization, which has no int8 operator" in refusal.err
    assert not (tmp_path / "runs" / "lrn" / "tflite").exists()
    assert cli("quantize", "runs/lrn", "--scheme", "float32").code == 0


def test_the_resolved_settings_repeat_the_run(cli, whole_study, tmp_path):
    run = whole_study[0] / "runs" / "conv1x1-1"  # asked for as 1x1
    stored = ResolvedConfig.read(run / "config.toml")
    assert (stored.head, stored.variant, stored.batch_size) == ("conv1x1", "modern", 64)
    assert TrainingConfig(**stored.model_dump()).resolved() == stored
    given = ("--config", run / "config.toml", "--runs-dir", ".", "--name", "b")
    assert cli("train", *given).code == 0
    again = tmp_path / "b"
    repeated, first = (
        ResolvedConfig.read(each / "config.toml").model_dump(exclude={"name", "runs_dir"})
        for each in (again, run)
    )
    assert repeated == first
    histories = [(each / "history.csv").read_text().splitlines() for each in (again, run)]
    assert len(histories[0]) == 1 + 2
    assert (
        len({tuple(row.rpartition(",")[0] for row in rows) for rows in histories}) == 1
    )  # but for the seconds
    assert all(map(np.array_equal, _weights(again), _weights(run)))


def test_runs_are_numbered(cli, whole_study, tmp_path):
    first = tmp_path / "runs" / "lenet-nin-digits-1"
    shutil.copytree(whole_study[0] / "runs" / "nin-1", first, ignore=shutil.ignore_patterns("tflite"))
    printed = cli("train", "lenet", "--head", "nin", "--epochs", 1, "--json").json
    assert printed["run"] == "runs/lenet-nin-digits-2"
    listed = cli("runs", "--json").json
    assert [entry["run"] for entry in listed] == ["runs/lenet-nin-digits-1", "runs/lenet-nin-digits-2"]
    assert all(entry["state"] == "done" and entry["files"] == ["model.keras"] for entry in listed)
    assert "lenet-nin-digits-2" in cli("runs").out


def test_a_loss_that_explodes_stops_with_one_line(tmp_path):
    with pytest.raises(KerasCnnError, match="lower --learning-rate, or --clip-norm"):
        kerascnn.train(
            TrainingConfig(model="lenet", epochs=3, learning_rate=1e30, runs_dir=tmp_path, name="a")
        )
    assert list(tmp_path.iterdir()) == []


def test_mnist_files_train_too(on_mnist):
    printed = on_mnist[1].json
    assert printed["data"] == {"source": "mnist", "train": 440, "validation": 40, "test": 60}
    assert printed["test"]["accuracy"] > 0.9  # one bright row tells the class


def test_ctrl_c_keeps_the_best_model_and_says_so(cli, tmp_path):
    given = ("train", "lenet", "--name", "a", "--epochs", 5000)
    said = interrupted(*given, at=exists("runs/a/history.csv"), folder=tmp_path)
    assert "the best model so far (epoch " in said
    stored = json.loads((tmp_path / "runs" / "a" / "metrics.json").read_text())
    evaluated = cli("evaluate", "runs/a", "--json").json
    assert evaluated["accuracy"] == pytest.approx(stored["test"]["accuracy"])
    with (tmp_path / "runs" / "a" / "history.csv").open() as rows:
        history = list(csv.DictReader(rows))
    best = max(float(row["val_accuracy"]) for row in history)
    assert float(history[stored["kept_epoch"] - 1]["val_accuracy"]) == best
    assert json.loads((tmp_path / "runs" / "a" / "run.json").read_text())["state"] == "interrupted"


def test_ctrl_c_before_the_first_epoch_ends_leaves_nothing(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60_000, 28, 28))
    for prefix, n in (("train", 60_000), ("t10k", 1_000)):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte", images[:n])
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte", np.arange(n) % 10)
    options = ("--data", "mnist", "--data-dir", str(tmp_path), "--batch-size", "1")
    with background("train", "lenet", "--name", "a", *options, cwd=tmp_path) as process:
        wait_until(lambda: "training: 0/" in process.err, "the training begins", process)
        process.send(signal.SIGINT)
        assert process.wait() == 130
        assert process.err.splitlines()[-1] == "Error: Interrupted: nothing was kept."
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.long
def test_digits_reach_their_bar_over_five_seeds(tmp_path):
    accuracies = []
    for seed in range(1, 6):
        run = kerascnn.train(TrainingConfig(model="lenet", seed=seed, runs_dir=tmp_path))
        accuracies.append(run.read("metrics.json")["test"]["accuracy"])
    assert np.mean(accuracies) >= 0.975


needs_mnist = pytest.mark.skipif(
    "KERASCNN_MNIST" not in os.environ, reason="KERASCNN_MNIST names no folder with MNIST's files"
)


@pytest.mark.long
@needs_mnist
def test_the_network_of_1998_reaches_its_published_accuracy(tmp_path):
    """99.05 % in the paper; 0.3 points are left for one seed and another optimizer."""
    config = TrainingConfig(
        model="lenet",
        variant="paper",
        data="mnist",
        data_dir=os.environ["KERASCNN_MNIST"],
        runs_dir=tmp_path,
    )
    assert kerascnn.train(config).metrics()["test"]["accuracy"] >= 0.9905 - 0.003


@pytest.mark.long
@needs_mnist
@pytest.mark.parametrize(
    ("recipe", "head", "mean", "lowest"),
    [
        ("default", "fc", 0.991, 0.990),
        ("default", "conv1x1", 0.988, 0.986),
        ("best", "fc", 0.9935, 0.993),
        ("best", "conv1x1", 0.991, 0.990),
        ("fast", "fc", 0.990, 0.990),
    ],
)
def test_mnist_reaches_its_bars_over_three_seeds(tmp_path, recipe, head, mean, lowest):
    accuracies = []
    for seed in (1, 2, 3):
        run = kerascnn.train(
            TrainingConfig(
                model="lenet",
                head=head,
                recipe=recipe,
                data="mnist",
                data_dir=os.environ["KERASCNN_MNIST"],
                seed=seed,
                runs_dir=tmp_path,
            )
        )
        quantized = kerascnn.quantize(run)
        (file,) = quantized.files
        assert abs(file.drop_points) <= 0.1
        assert file.agreement >= 0.995
        accuracies.append(quantized.original.evaluation.accuracy.accuracy)
    assert np.mean(accuracies) >= mean
    assert min(accuracies) >= lowest
