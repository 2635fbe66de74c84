"""A command loads what it uses and nothing else: what is in ``sys.modules`` when its process ends.

Each case is a fresh process, a third of a second; benchmarks/startup.py measures what that costs in time.
"""

import json
import os
import subprocess
import sys

import pytest
from packages import lay_package
from painted_photos import paint

OWN_ROOTS = ("tensorflow", "keras", "tf_keras", "jax", "torch", "sklearn", "pandas", "scipy", "matplotlib")
ARRAYS = ("numpy", "PIL", "ai_edge_litert", "pydantic", "rich")
#: Runs the command line and writes the names of all loaded modules when Python ends, however it ends.
PROGRAM = """
import atexit, json, pathlib, sys
out = pathlib.Path(sys.argv[1])
atexit.register(lambda: out.write_text(json.dumps(sorted(sys.modules))))
sys.argv = ["kerascnn", *sys.argv[2:]]
from kerascnn.cli.main import main
main()
"""


def loaded(folder, *command, env=None):
    """Return exit code, stderr and the loaded modules."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / "modules.json"), *map(str, command)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.returncode, ended.stderr, set(json.loads((folder / "modules.json").read_text()))


@pytest.mark.parametrize(
    "command",
    ["--help", "--version", "train --help", "compare lenet --fail-if x", "conv 32x32 --filters 6 -h"],
)
def test_help_needs_click_alone(tmp_path, command):
    code, err, modules = loaded(tmp_path, *command.split())
    assert code in (0, 2), err
    assert "click" in modules
    assert not modules.intersection((*OWN_ROOTS, *ARRAYS))


@pytest.mark.parametrize("line", ["kerascnn ", "kerascnn train lenet --variant ", "kerascnn report "])
def test_completion_needs_click_alone(tmp_path, line):
    asked = {"_KERASCNN_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()))}
    code, err, modules = loaded(tmp_path, env=os.environ | asked)
    assert (code, err) == (0, "")
    assert not modules.intersection((*OWN_ROOTS, *ARRAYS))


def test_names_of_packages_are_listed_without_importing_these(tmp_path):
    groups = {f"kerascnn.{kind}": {"torn": "torn:TORN"} for kind in ("heads", "models", "sources")}
    own = os.environ | {"PYTHONPATH": str(lay_package(tmp_path / "packages", "torn", groups, "1 / 0\n"))}
    asked = {"_KERASCNN_COMPLETE": "bash_complete", "COMP_WORDS": "kerascnn train t", "COMP_CWORD": "2"}
    for command, env in ((("train", "--help"), own), (("data", "--help"), own), ((), own | asked)):
        code, err, modules = loaded(tmp_path, *command, env=env)
        assert (code, err) == (0, "")
        assert "torn" not in modules


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("summary nope", 2),
        ("train nope", 2),
        ("train lenet --data nowhere", 2),
        ("train lenet --head nope", 2),
        ("train lenet --epochs 0", 2),
        ("train lenet --resume runs/none", 1),
        ("train lenet --name ../x", 2),
        ("train lenet --data .", 1),
        ("evaluate runs/none", 1),
        ("predict runs/none a.png", 1),
        ("quantize runs/none", 1),
        ("compare lenet --heads fc", 2),
        ("compare lenet --jobs 0", 2),
        ("compare runs/none runs/other", 1),
        ("visualize runs/none", 1),
        ("surgery runs/none", 1),
        ("report runs/none", 1),
        ("bundle runs/none", 1),
        ("debug none.tflite", 1),
        ("benchmark runs/none", 1),
        ("inspect none.tflite", 1),
        ("check none.tflite", 1),
        ("verify none", 1),
        ("data nowhere", 2),
    ],
)
def test_a_refusal_loads_no_large_library(tmp_path, command, code):
    ended, err, modules = loaded(tmp_path, *command.split())
    assert (ended, err.startswith("Error: ")) == (code, True)
    assert not modules.intersection(OWN_ROOTS)


def test_what_is_missing_is_said_before_the_model_is_loaded(tmp_path, run):
    for command in (
        ("predict", run, "none.png"),
        ("evaluate", run, "--data", "nowhere"),
        ("visualize", run, "--image", "none.png"),
        ("quantize", run, "--scheme", "nope"),
        ("bundle", run, "--target", "nope"),
        ("train", "lenet", "--runs-dir", run.parent, "--name", run.name),
        ("train", "--resume", run),
    ):
        code, err, modules = loaded(tmp_path, *command)
        assert code in (1, 2), err
        assert err.startswith("Error: ")
        assert not modules.intersection(OWN_ROOTS), command


def test_what_reads_files_needs_no_framework(tmp_path, run, pi_bundle):
    file = run / "tflite" / "static_wi8_ai8.tflite"
    for command in (
        ("runs", "--runs-dir", run.parent),
        ("inspect", file),
        ("check", file),
        ("verify", pi_bundle),
        ("doctor",),
    ):
        code, err, modules = loaded(tmp_path, *command)
        assert code == 0, err
        assert not modules.intersection(OWN_ROOTS), command


def test_a_tflite_file_needs_litert_numpy_and_pillow(tmp_path, run):
    file = run / "tflite" / "static_wi8_ai8.tflite"
    paint(tmp_path / "photos", 1)
    picture = next((tmp_path / "photos").rglob("*.*"))
    for command in (
        ("predict", file, picture),
        ("evaluate", file),
        ("benchmark", file, "--runs", 1),
        ("bundle", run, "--out", tmp_path / "bundle"),
    ):
        code, err, modules = loaded(tmp_path, *command)
        assert code == 0, err
        assert "loading TensorFlow" not in err
        assert {"numpy", "PIL", "ai_edge_litert"} <= modules or command[0] == "benchmark"
        assert not modules.intersection(OWN_ROOTS), command


@pytest.mark.parametrize("command", ["train lenet --epochs 1", "summary lenet"])
def test_tensorflow_is_announced_and_loads_nothing_that_is_not_used(tmp_path, command):
    code, err, modules = loaded(tmp_path, *command.split())
    assert code == 0, err
    assert err.splitlines()[0] == "loading TensorFlow"
    assert err.count("loading TensorFlow") == 1
    assert {"tensorflow", "keras"} <= modules
    assert not modules.intersection(("jax", "sklearn", "pandas", "scipy", "torch"))
    assert ("matplotlib" in modules) == command.startswith("train")  # its learning curves
