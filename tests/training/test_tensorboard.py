"""``train --tensorboard``: event files as TensorFlow reads them, and pictures of what was learned."""

import csv
import io
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf
from commands import run_command
from PIL import Image

import kerascnn
from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.models.network import build
from kerascnn.training.config import TrainingConfig
from kerascnn.training.loop.tensorboard import TensorBoard


def _events(folder):
    """Return (plug-in, tag, step, values) of every event file of a folder, in the order of writing."""
    found = []
    for file in sorted(folder.glob("events.out.tfevents.*")):
        for record in tf.data.TFRecordDataset(str(file)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                plugin = value.metadata.plugin_data.plugin_name
                found.append((plugin, value.tag, event.step, tf.make_ndarray(value.tensor)))
    return found


def _curves(folder):
    return [(tag, step, float(value)) for plugin, tag, step, value in _events(folder) if plugin == "scalars"]


def _pictures(folder):
    return {(tag, step): value for plugin, tag, step, value in _events(folder) if plugin == "images"}


@pytest.fixture(scope="module")
def watched(shared):
    """A run of six epochs, watched by TensorBoard. 12 s of processor time."""

    def fill(folder):
        given = ("--head", "nin", "--epochs", 6, "--tensorboard", "--name", "a")
        answer = run_command("train", "lenet", *given, cwd=folder)
        assert answer.code == 0, answer.err

    return kerascnn.Run.open(shared("watched", fill) / "runs" / "a")


@pytest.mark.long
def test_the_curves_are_those_of_the_history(watched):
    with (watched.path / "history.csv").open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    expected = {
        "training": [
            (name, number, value)
            for number, row in enumerate(rows, start=1)
            for name, value in {
                "loss": row["loss"],
                "accuracy": row["accuracy"],
                "learning_rate": row["learning_rate"],
                "images_per_second": 1_257 / row["seconds"],
            }.items()
        ],
        "validation": [
            (name, number, row[f"val_{name}"])
            for number, row in enumerate(rows, start=1)
            for name in ("loss", "accuracy")
        ],
    }
    for split, curves in expected.items():
        found = _curves(watched.path / "tensorboard" / split)
        assert [each[:2] for each in found] == [each[:2] for each in curves]
        assert [each[2] for each in found] == pytest.approx([each[2] for each in curves], rel=1e-6)


def test_pictures_come_after_epoch_four_and_at_the_end(watched):
    folder = watched.path / "tensorboard"
    assert set(_pictures(folder / "training")) == {("filters", 4), ("filters", 6)}
    names = {
        "activations/picture",
        "activations/conv1",
        "activations/conv2",
        "activations/class_map",
        "mistakes",
    }
    shown = _pictures(folder / "validation")
    assert set(shown) == {(name, epoch) for name in names for epoch in (4, 6)}
    for width, height, png in shown.values():
        picture = Image.open(io.BytesIO(png))
        assert (str(picture.width), str(picture.height)) == (width.decode(), height.decode())
        assert np.ptp(np.asarray(picture.convert("L"))) > 200  # something is drawn


@pytest.mark.long
def test_watching_changes_nothing(watched, tmp_path):
    alone = kerascnn.train(TrainingConfig(model="lenet", head="nin", epochs=6, runs_dir=tmp_path, name="a"))
    assert not (alone.path / "tensorboard").exists()
    first, second = (keras.saving.load_model(run.model_path).get_weights() for run in (watched, alone))
    assert all(np.array_equal(one, two) for one, two in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def digits():
    """The digits, brought to LeNet-5's input."""
    dataset = load("digits")
    names = ("train", "validation", "test")
    prepared = {name: getattr(dataset, name).prepared(dataset.preprocessing(32)) for name in names}
    return replace(dataset, **prepared)


def _row(epoch):
    return {
        "epoch": epoch,
        "loss": 1 / epoch,
        "accuracy": 0.5,
        "val_loss": 2 / epoch,
        "val_accuracy": 0.25,
        "learning_rate": 0.001,
        "seconds": 0.0,
    }


def test_a_training_taken_up_again_adds_its_epochs(digits, tmp_path):
    model = build("lenet", head="nin")
    history = [_row(epoch) for epoch in (1, 2, 3)]
    TensorBoard(tmp_path / "tensorboard", lambda: model, digits).epoch(history[:2])
    (written,) = (tmp_path / "tensorboard" / "validation").iterdir()
    whole = written.read_bytes()
    written.write_bytes(whole + whole[:20])  # killed while it wrote
    TensorBoard(tmp_path / "tensorboard", lambda: model, digits).epoch(history)
    assert len(list((tmp_path / "tensorboard" / "training").iterdir())) == 2
    written.write_bytes(whole)
    assert _curves(tmp_path / "tensorboard" / "validation") == [
        *(("loss", 1, 2.0), ("accuracy", 1, 0.25)),
        *(("loss", 2, 1.0), ("accuracy", 2, 0.25)),
        *(("loss", 3, pytest.approx(2 / 3)), ("accuracy", 3, 0.25)),
    ]


def test_what_cannot_be_written_is_refused(digits, tmp_path):
    (tmp_path / "tensorboard").write_text("in the way")
    with pytest.raises(KerasCnnError, match="train without --tensorboard"):
        TensorBoard(tmp_path / "tensorboard", lambda: build("lenet", head="nin"), digits)
