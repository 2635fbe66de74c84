"""What was asked for is completed once on its way into a run, and what the run holds is complete."""

from functools import partial
from pathlib import Path

import pytest
from painted_photos import SMALL

from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import UsageError
from kerascnn.studies.grid.plan import plan
from kerascnn.training import prepare
from kerascnn.training.config import TrainingConfig


def counting(file):
    """Write a line to a file each time that settings are completed, or the first layer's pixels measured."""

    def counted(name, work):
        def called(*given):
            with Path(file).open("a") as lines:
                lines.write(f"{name}\n")
            return work(*given)

        return called

    TrainingConfig.resolved = counted("settings", TrainingConfig.resolved)
    prepare._pixel_statistics = counted("pixels", prepare._pixel_statistics)


@pytest.mark.long
def test_a_training_completes_its_settings_once_and_resuming_it_never(cli, photos, tmp_path):
    """6 s."""
    before = partial(counting, str(tmp_path / "done"))
    settings = ("--data", photos, *SMALL, "--epochs", 1, "--name", "a", "--set", "tensorboard=false")
    assert cli("train", "alexnet", *settings, before=before).code == 0
    assert sorted((tmp_path / "done").read_text().split()) == ["pixels", "settings"]
    (tmp_path / "done").unlink()
    cli("train", "--resume", "runs/a", before=before)
    assert not (tmp_path / "done").exists()


@pytest.fixture
def counted(monkeypatch, tmp_path):
    for owner, name in ((TrainingConfig, "resolved"), (prepare, "_pixel_statistics")):
        monkeypatch.setattr(owner, name, getattr(owner, name))  # put back at the end
    counting(tmp_path / "done")
    return tmp_path / "done"


def test_a_study_completes_the_settings_of_each_head_once(counted):
    digits = load("digits")
    grid = plan("lenet", ["fc", "nin"], 2, data="digits").settled(digits)
    cells = grid.cells(Path("study"))
    assert [prepare.settled(cell.resolved(), digits) for cell in cells] == cells
    grid.settings(1.0)
    assert counted.read_text().split() == ["settings", "settings", "pixels"]


def test_a_batch_that_is_too_large_is_refused_where_it_was_asked_for():
    digits = load("digits")
    usual = TrainingConfig(model="alexnet", variant="small_stem").resolved()
    few = usual.model_copy(update={"batch_size": 5_000})  # as a recipe may say of larger data
    assert prepare.settled(few, digits).batch_size == 1_257
    with pytest.raises(UsageError, match=r"at most 1,257, .* Received: batch_size=5000"):
        prepare.settled(TrainingConfig(batch_size=5_000).resolved(), digits)
