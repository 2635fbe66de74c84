"""The names of a network are one thing in Python and four keys of a file, whichever version wrote it."""

import json

import pytest

from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import write_json
from kerascnn.models.architecture import Architecture
from kerascnn.training.config import TrainingConfig
from kerascnn.training.run import RECORD, Run

NAMES = {"model": "alexnet", "variant": "small_stem", "norm": "batch", "head": "nin"}
RUN = {"format": 1, "state": "done", "created": "2026-01-02T03:04:05Z", "source": "digits", "seed": 1}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (NAMES, "alexnet (small_stem), head nin, norm batch"),
        (NAMES | {"norm": "none"}, "alexnet (small_stem), head nin"),
        ({"model": "lenet", "variant": "modern", "head": "fc"}, "lenet5 (modern), head fc"),
        ({"model": "mobilenet", "variant": "unknown", "head": "unknown"}, "mobilenet"),
    ],
)
def test_one_text(names, words):
    assert str(Architecture.among(names | {"seed": 3})) == words


def test_a_run_keeps_four_keys_beside_the_others(tmp_path):
    write_json(tmp_path / RECORD, RUN | NAMES)
    run = Run.open(tmp_path)
    assert run.record.architecture == Architecture(**NAMES)
    run.marked("interrupted")
    assert json.loads((tmp_path / RECORD).read_text()) == RUN | NAMES | {"state": "interrupted"}


def test_a_record_without_normalization_is_read_and_one_without_a_head_is_damaged(tmp_path):
    old = RUN | NAMES
    del old["norm"]
    write_json(tmp_path / RECORD, old)
    assert Run.open(tmp_path).record.architecture.norm == "unknown"
    del old["head"]
    write_json(tmp_path / RECORD, old)
    with pytest.raises(KerasCnnError, match="damaged: head is missing"):
        Run.open(tmp_path)


def test_settings_have_one_when_they_are_complete():
    asked = TrainingConfig(model="lenet", head="nin")
    assert asked.architecture == Architecture(model="lenet5", variant="unknown", norm="unknown", head="nin")
    assert str(asked.resolved().architecture) == "lenet5 (modern), head nin"
    with pytest.raises(UsageError, match="did you mean lenet"):
        assert TrainingConfig(model="lenett").architecture
