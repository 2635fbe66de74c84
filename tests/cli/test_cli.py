"""The command line as a whole: quick, quiet, documented, one JSON document."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from PIL import Image
from sklearn.datasets import load_digits

from kerascnn.cli.main import kerascnn as group
from kerascnn.foundation.text.columns import table

HEAVY = {"keras", "tensorflow", "numpy", "matplotlib", "scipy", "sklearn", "PIL", "pydantic", "rich"}


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    program = (
        "import sys, click\n"
        "from kerascnn.cli.main import kerascnn\n"
        f"kerascnn.main({arguments!r}, standalone_mode=False)\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(eval(ended.stdout.splitlines()[-1]))
    assert "click" in loaded
    assert not loaded & HEAVY


def test_import_is_light_and_complete():
    program = (
        "import sys, kerascnn\n"
        "print('keras' in sys.modules)\n"
        "print([getattr(kerascnn, name) for name in kerascnn.__all__])"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("False")
    assert ended.stdout.count("<module") == 0


@pytest.mark.parametrize("name", sorted(group.commands))
def test_every_command_has_help_with_an_example_and_json(cli, name):
    shown = cli(name, "--help")
    assert shown.code == 0
    assert f"kerascnn {name}" in shown.out.partition("Example:")[2]
    assert "--json" in shown.out


@pytest.mark.parametrize("name", sorted(group.commands))
def test_every_command_is_a_function_of_the_same_name(name):
    import kerascnn

    assert callable(getattr(kerascnn, {"data": "describe_data", "report": "report_on"}.get(name, name)))


def test_json_is_one_document_and_stderr_has_no_start_up_noise(cli, tmp_path, run):
    Image.fromarray((255 - load_digits().images[0] * 15).astype("uint8")).resize((90, 120)).save(
        tmp_path / "zero.png"
    )
    answer = cli("predict", run, "zero.png", "--invert", "--top-k", 2, "--json", fresh=True)
    (prediction,) = json.loads(answer.out)
    assert prediction["image"] == "zero.png"
    assert [set(entry) for entry in prediction["classes"]] == [{"label", "probability"}] * 2
    assert prediction["classes"][0]["label"] == "0"
    assert answer.err == "loading TensorFlow\n"
    shown = cli("predict", run / "tflite" / "static_wi8_ai8.tflite", "zero.png", "--invert", fresh=True)
    assert shown.out.startswith("zero.png  0 ")
    assert shown.err == ""


def test_verbose_shows_the_traceback(cli):
    answer = cli("train", "lennet", "-v")
    assert answer.code == 2
    assert "Traceback" in answer.err
    assert answer.err.splitlines()[-1].startswith("Error: Unknown model 'lennet'")


def test_summary_shows_the_table_of_a_name_and_of_a_run(cli, run):
    named, trained = cli("summary", "lenet"), cli("summary", run)
    assert "61,706" in named.out
    assert "10×10×16" in named.out
    assert named.out == trained.out
    document = cli("summary", "lenet", "--head", "1x1", "--json").json
    assert (document["model"], document["variant"], document["head"]) == ("lenet5", "modern", "conv1x1")
    assert (document["parameters"], document["multiply_adds"]) == (15_626, 678_600)
    assert {"name", "kind", "output", "parameters", "multiply_adds", "connections", "receptive_field"} <= set(
        document["layers"][0]
    )


def test_a_model_name_wins_over_a_folder_of_that_name(cli, tmp_path):
    (tmp_path / "lenet").mkdir()
    assert cli("summary", "lenet", "--json").json["parameters"] == 61_706
    assert "runs/typo does not exist" in cli("summary", "runs/typo").err


def test_runs_before_the_first_run(cli):
    answer = cli("runs")
    assert (answer.out, answer.err) == ("", "No runs in runs. Begin with: kerascnn train lenet\n")
    assert cli("runs", "--json").json == []


def test_a_file_of_a_run_finds_the_data_of_its_run(cli, on_mnist, tmp_path):
    run, trained = on_mnist
    relative = os.path.relpath(run / "model.keras", tmp_path)
    assert relative.startswith("..")
    evaluated = cli("evaluate", relative, "--json").json
    assert evaluated["accuracy"] == trained.json["test"]["accuracy"]


def test_a_head_goes_with_a_name_only(cli, run):
    assert cli("summary", run, "--head", "nin").code == 2


def test_progress_goes_to_stderr_with_the_time_left(trained):
    _, answer = trained
    assert answer.out.count("\n") == 1
    assert "training: 0/60  epoch 1/3" in answer.err
    assert "training: 60/60  epoch 3/3" in answer.err


@pytest.mark.parametrize("content", ["[]", "{}", "{", '{"test": {}}'])
def test_one_damaged_run_does_not_hide_the_others(cli, tmp_path, run, content):
    for name in ("good", "bad"):
        shutil.copytree(run, tmp_path / "runs" / name)
    (tmp_path / "runs" / "bad" / "metrics.json").write_text(content)
    states = {entry["run"]: entry["state"] for entry in cli("runs", "--json").json}
    assert states == {"runs/good": "done", "runs/bad": "damaged"}
    assert "damaged" in cli("runs").out


def test_a_console_without_the_signs_gets_question_marks(cli, run):
    answer = cli("runs", "--runs-dir", run.parent, env=os.environ | {"PYTHONIOENCODING": "ascii"}, fresh=True)
    assert answer.code == 0
    assert "digits-fc" in answer.out


def test_the_functions_take_the_run_that_train_returns(run, tmp_path):
    import kerascnn

    opened = kerascnn.Run.open(run)
    Image.new("L", (8, 8)).save(tmp_path / "black.png")
    assert kerascnn.evaluate(opened).accuracy.n == 360
    assert len(kerascnn.predict(opened, [tmp_path / "black.png"])) == 1
    assert kerascnn.summary(opened).profile.parameters == 61_706
    with pytest.raises(kerascnn.UsageError, match="at least one"):
        kerascnn.predict(opened, [])


def test_a_table_aligns_names_in_any_script():
    from rich.cells import cell_len

    lines = table(["class", "n"], [["cat", "1"], ["ねこ", "22"]]).splitlines()
    assert {cell_len(line) for line in lines} == {len("class  22")}
