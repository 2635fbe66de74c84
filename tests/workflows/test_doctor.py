"""doctor: what the machine has, what it lacks, the line that mends it."""

import collections
import importlib.metadata
import json
import shutil

import pytest
from click.testing import CliRunner

from kerascnn.cli.commands.doctor import doctor as command
from kerascnn.workflows import doctor as health

MISSING = 5


def _found(name, **how):
    return next(check for check in health.doctor(**how).checks if check.name == name)


def test_a_machine_that_passes_these_tests_is_healthy(cli):
    told = cli("doctor", "--load", "--json").json
    assert told["ok"] is True
    states = {check["name"]: check["state"] for check in told["checks"]}
    assert {states[name] for name in ("Python", "tensorflow", "backend", "LiteRT", "disk", "memory")} == {
        "ok"
    }
    assert set(states.values()) <= {"ok", "absent"}
    versions = {check["name"]: check["detail"] for check in told["checks"]}
    assert versions["keras"] == importlib.metadata.version("keras")
    assert versions["backend"].startswith("Keras on tensorflow, trains on ")


def test_every_requirement_is_looked_at():
    names = {check.name for check in health.doctor().checks}
    needed = {
        line.partition(">")[0] for line in importlib.metadata.requires("kerascnn") if "extra" not in line
    }
    assert len(needed) > 10
    assert needed <= names


@pytest.mark.parametrize(
    ("found", "detail"), [(None, "not installed"), ("0.1", "0.1, needs >=1.13"), ("99", "99")]
)
def test_a_package_that_is_missing_or_old(monkeypatch, found, detail):
    real = importlib.metadata.version

    def version(name):
        if name != "scipy":
            return real(name)
        if found is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(health, "version", version)
    check = _found("scipy")
    assert check.detail == detail
    assert (check.state, check.fix) == (
        ("ok", "") if found == "99" else ("problem", "python -m pip install 'scipy>=1.13'")
    )
    answer = CliRunner().invoke(command, ["--json"])
    assert answer.exit_code == (0 if found == "99" else MISSING)
    assert json.loads(answer.stdout)["ok"] is (found == "99")


@pytest.mark.parametrize(
    ("library", "row"), [("keras", "backend"), ("ai_edge_litert", "LiteRT")], ids=lambda name: name
)
@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("raise ImportError('libstdc++.so.6: not found')", "ImportError: libstdc++.so.6: not found"),
        (r"raise ImportError('no libcudart\nIf you need help, ask')", "ImportError: no libcudart"),
        ("import os; os.abort()", "crashed with SIGABRT"),
        ("import time; time.sleep(60)", "did not answer within 1 s"),
    ],
    ids=["raises", "raises_lines", "crashes", "hangs"],
)
def test_a_library_that_does_not_load(monkeypatch, tmp_path, library, row, content, detail):
    (tmp_path / f"{library}.py").write_text(content)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    if "sleep" in content:
        monkeypatch.setattr(health, "LITERT", 1)
        monkeypatch.setattr(health, "LOADING", 1)
    check = _found(row, load=row == "backend")
    assert (check.state, check.detail) == ("problem", detail)
    assert check.fix.startswith("python -m pip install --force-reinstall")


def test_without_load_and_card_tensorflow_is_not_tried(monkeypatch, tmp_path):
    (tmp_path / "keras.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (_found("backend").state, "--load" in _found("backend").detail) == ("untried", True)


def test_little_room_is_a_problem(monkeypatch):
    usage = collections.namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2**40, 2**40 - 2**30, 2**30))
    assert (_found("disk").state, _found("disk").detail) == ("problem", "1.0 GiB free here, needs 2")


def test_tools_on_the_path_are_asked_for_their_version(monkeypatch, tmp_path):
    for name, told in (
        ("edgetpu_compiler", "Edge TPU Compiler version 16.0"),
        ("nvidia-smi", "H100, 80 GB, 550"),
    ):
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\necho '{told}'\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    checks = {check.name: check for check in health.doctor().checks}
    compiler, card = checks["Edge TPU compiler"], checks["NVIDIA card"]
    assert (compiler.state, compiler.detail) == ("ok", "Edge TPU Compiler version 16.0")
    assert (card.state, card.detail) == ("ok", "H100, 80 GB, 550")
    assert card.fix == "python -m pip install 'kerascnn[gpu]'"  # TensorFlow here does not see it
