"""Two commands at once on one run or study: the second says who has it, and a kill leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys

import pytest
from refusals import FAILED, refused
from waiting import wait_until

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.lock import held
from kerascnn.studies.grid import folder as study_folder
from kerascnn.training.run import Run
from kerascnn.training.run_folder import free_name

INT8 = "tflite/static_wi8_ai8.tflite"


@pytest.mark.parametrize(
    "command",
    [
        ("bundle", "a"),
        ("surgery", "a"),
        ("visualize", "a"),
        ("report", "a", "--format", "csv"),
        ("debug", f"a/{INT8}"),
    ],
)
def test_a_run_in_use_is_left_alone(cli, run, tmp_path, command):
    copied = shutil.copytree(run, tmp_path / "a")
    before = sorted(copied.rglob("*"))
    with held(copied):
        message = f"a is in use by another kerascnn process: wait until it ends (process {os.getpid()}"
        refused(cli(*command), FAILED, message)
    assert sorted(copied.rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_study_in_use_is_left_alone(cli, tmp_path):
    (tmp_path / "study").mkdir()
    with held(tmp_path / "study"):
        command = ("compare", "lenet", "--epochs", 1, "--out", "study")
        refused(cli(*command), FAILED, "study is in use by another kerascnn process")
    refused(cli(*command), FAILED, "study exists and is not a study that can be resumed")
    assert list((tmp_path / "study").iterdir()) == []


def test_two_studies_at_the_same_instant_have_a_folder_each(tmp_path, monkeypatch):
    taken = []

    def taken_by_another(folder, stem):
        found = free_name(folder, stem)
        if not taken:
            found.mkdir(parents=True)
            taken.append(found)
        return found

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(study_folder, "free_name", taken_by_another)
    with study_folder.study_folder(None, "lenet", may_go_on=True) as folder:
        assert (taken[0].name, folder.name) == ("lenet-1", "lenet-2")
        assert folder.is_dir()


def test_a_killed_holder_leaves_nothing(tmp_path):
    program = (
        "import pathlib, time\n"
        "from kerascnn.foundation.lock import held\n"
        f"with held(pathlib.Path({str(tmp_path)!r})):\n"
        "    print('held', flush=True)\n"
        "    time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(KerasCnnError, match=rf"in use .* \(process {holder.pid}\)"), held(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
    with held(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_a_short_work_is_waited_for(tmp_path):
    program = (
        "import pathlib, sys, time\n"
        "from kerascnn.foundation.lock import held\n"
        f"with held(pathlib.Path({str(tmp_path)!r})):\n"
        f"    pathlib.Path({str(tmp_path / 'begun')!r}).touch()\n"
        "    time.sleep(0.2)"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as holder:
        wait_until((tmp_path / "begun").exists, "the other one holds it", holder)
        with held(tmp_path):
            pass


def test_a_run_that_nobody_trains_any_more_is_listed_as_interrupted(run, tmp_path):
    copied = shutil.copytree(run, tmp_path / "a", ignore=shutil.ignore_patterns("metrics.json"))
    Run.open(copied).marked("running")
    with held(copied):
        assert Run.open(copied).to_dict()["state"] == "running"
    assert Run.open(copied).to_dict()["state"] == "interrupted"
