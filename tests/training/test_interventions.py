"""A training that a person pauses, changes and ends: a repetition and a resumption do the same to the bit."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tomllib

import pytest
from commands import fresh_command
from outcomes import outcome
from refusals import USAGE, refused

from kerascnn.training.config import TrainingConfig
from kerascnn.training.loop.observer import Order
from kerascnn.training.train import train

STEPS = 40  # of an epoch: 1,257 digits in batches of 32
CHANGES = [
    {"epoch": 1, "step": 34, "learning_rate_factor": 0.5},
    {"epoch": 2, "step": 32, "learning_rate_factor": 3.0},
    {"epoch": 3, "step": 5, "stop": True},
]


#: On JAX a step of the observer is a call of compiled steps.
ON_JAX = """
import sys
from pathlib import Path
from kerascnn.training.config import TrainingConfig
from kerascnn.training.loop.observer import Order
from kerascnn.training.train import train

class Person:
    def begin(self, training):
        assert training.steps_alone == 32
        self.training = training
    def report(self, figures):
        self.now = figures
    def order(self):
        place = self.now.epoch, self.now.step
        rate = self.training.learning_rate()
        self.training.model()
        return Order(factor=0.5 if place == (1, 32) else None, stop=place == (2, 32))
    def end(self, run):
        assert run.metrics()["ended"] == "stopped"

settings = {"head": "nin", "epochs": 4, "batch_size": 32, "backend": "jax", "runs_dir": Path(sys.argv[1])}
train(TrainingConfig(model="lenet", name="a", **settings), observer=Person())
"""


class Person:
    """Steps and waits in the first epoch, changes the rate twice, ends the third epoch at its fifth step."""

    def __init__(self, copies=None):
        self.seen, self.alone, self.waits, self._copies = [], 0, 3, copies

    def begin(self, training):
        self.training, self.alone = training, training.steps_alone

    def report(self, figures):
        self.now = figures
        self.seen.append((figures.epoch, figures.step))
        if self._copies and figures.epoch == len(figures.finished) == 3:
            shutil.copytree(self.training.run.parent, self._copies)  # as a kill would leave it

    def order(self):
        place = self.now.epoch, self.now.step
        if place == (1, 34) and self.waits:
            self.waits -= 1
            return Order("pause", factor=0.5 if self.waits == 2 else None)
        if place in ((1, 32), (1, 33), (2, STEPS), (3, 1), (3, 2), (3, 3), (3, 4)):
            return Order("one step")
        return Order(factor=3.0 if place == (2, 32) else None, stop=place == (3, 5))

    def end(self, run):
        self.seen.append(run.record.state)


def steer(folder, **settings):
    person = Person(copies=folder / "killed")
    given = {
        "epochs": 9,
        "batch_size": 32,
        "schedule": "constant",
        "ema": 0.5,
        "runs_dir": folder,
        "name": "a",
    }
    train(TrainingConfig(model="lenet", head="nin", **given | settings), observer=person)
    (folder / "seen.json").write_text(json.dumps(person.seen))


@pytest.fixture(scope="module")
def steered(shared):
    """A run of three epochs with these changes, and its copy before the third was over. 6 s."""
    return shared("steered", steer)


def test_changes_are_recorded_where_they_were_made(steered):
    stored = tomllib.loads((steered / "a" / "config.toml").read_text())
    assert stored["interventions"] == CHANGES
    *seen, state = json.loads((steered / "seen.json").read_text())
    assert state == "done"
    assert [step for epoch, step in seen if epoch == 1] == [0, *range(32, STEPS + 1), STEPS]
    assert [step for epoch, step in seen if epoch == 2] == [0, 32, STEPS, STEPS]
    assert [step for epoch, step in seen if epoch == 3] == [0, 1, 2, 3, 4, 5, 5]
    metrics = json.loads((steered / "a" / "metrics.json").read_text())
    assert (metrics["ended"], metrics["epochs"]) == ("stopped", 3)
    assert json.loads((steered / "a" / "run.json").read_text())["state"] == "done"


def test_the_learning_rate_is_that_of_the_schedule_times_the_factor(steered):
    usual = tomllib.loads((steered / "a" / "config.toml").read_text())["learning_rate"]
    with (steered / "a" / "history.csv").open() as rows:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(rows)]
    assert rates == pytest.approx([0.5 * usual, 3 * usual, 3 * usual])


def test_a_repetition_from_its_settings_gives_the_same_weights(cli, tmp_path, steered):
    answer = cli("train", "--config", steered / "a" / "config.toml", "--runs-dir", tmp_path, "--name", "b")
    assert answer.code == 0, answer.err
    assert outcome(tmp_path / "b") == outcome(steered / "a")


def test_a_resumed_training_makes_the_changes_again(cli, tmp_path, steered):
    shutil.copytree(steered / "killed", tmp_path / "runs")
    answer = cli("train", "--resume", "runs/a")
    assert answer.code == 0, answer.err
    assert outcome(tmp_path / "runs" / "a") == outcome(steered / "a")


@pytest.mark.long
def test_jax_makes_the_same_changes_again(tmp_path):
    pytest.importorskip("jax")
    environment = dict(os.environ) | {"KERAS_BACKEND": "jax"}
    given = {"cwd": tmp_path, "env": environment, "check": True}
    subprocess.run([sys.executable, "-c", ON_JAX, str(tmp_path)], **given)
    stored = tomllib.loads((tmp_path / "a" / "config.toml").read_text())
    assert stored["interventions"] == [
        {"epoch": 1, "step": 32, "learning_rate_factor": 0.5},
        {"epoch": 2, "step": 32, "stop": True},
    ]
    again = fresh_command("train", "--config", "a/config.toml", "--name", "b", cwd=tmp_path, env=environment)
    assert again.code == 0, again.err
    assert outcome(tmp_path / "b") == outcome(tmp_path / "a")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ("{epoch = 1, step = 1}", ["learning_rate_factor or stop"]),
        ("{epoch = 1, step = 1, stop = true, learning_rate_factor = 2.0}", ["learning_rate_factor or stop"]),
        ("{epoch = 0, step = 1, stop = true}", ["epoch must", "epoch=0"]),
        ("{epoch = 1, step = 1, learning_rate_factor = -1.0}", ["learning_rate_factor must"]),
        ("{epoch = 1, step = 1, rate = 2.0}", ["rate is not known"]),
        (
            "{epoch = 2, step = 1, stop = true}, {epoch = 1, step = 1, learning_rate_factor = 2.0}",
            ["interventions must be in the order of epochs and steps"],
        ),
        (
            "{epoch = 1, step = 1, stop = true}, {epoch = 2, step = 1, learning_rate_factor = 2.0}",
            ["a stop the last"],
        ),
        (
            "{epoch = 2, step = 41, learning_rate_factor = 2.0}",
            ["interventions must lie within 3 epochs of 40 steps", "epoch=2, step=41"],
        ),
        ("{epoch = 4, step = 1, stop = true}", ["interventions must lie within 3 epochs of 40 steps"]),
    ],
)
def test_changes_that_make_no_sense(cli, tmp_path, changes, words):
    settings = f'model = "lenet"\nepochs = 3\nbatch_size = 32\ninterventions = [{changes}]\n'
    (tmp_path / "mine.toml").write_text(settings)
    refused(cli("train", "--config", "mine.toml"), USAGE, *words)
    assert not list((tmp_path / "runs").glob("*"))
