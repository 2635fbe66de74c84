"""kerascnn as a library: names, calls that do not fit, models in memory, results that show themselves."""

import json
import os
import re
import subprocess
import sys
import types
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import kerascnn
from kerascnn.foundation.errors import KerasCnnWarning, UsageError
from kerascnn.foundation.text.shown import Facts, Shown
from kerascnn.foundation.text.tables import Table
from kerascnn.training.config import ResolvedConfig


def in_python(code, folder, **environment):
    """Run a program from nothing; return its stdout and stderr."""
    own = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=own | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return ended.stdout, ended.stderr


# Names.


def test_the_public_names_are_shown():
    shown = {name for name in dir(kerascnn) if not name.startswith("_")}
    assert shown == set(kerascnn.__all__)
    assert {"train", "lenet", "Run", "compile", "runs"} <= shown
    assert kerascnn.__version__ == version("kerascnn")
    assert kerascnn.lenet is kerascnn.lenet5
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        kerascnn.trian  # noqa: B018


# Training.


def test_a_model_is_trained_by_keywords_as_by_a_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = kerascnn.train("lenet", head="nin", epochs=1, seed=5)
    asked = kerascnn.TrainingConfig(model="lenet", head="nin", epochs=1, seed=5).resolved().model_dump()
    of_run = ResolvedConfig.read(run.path / "config.toml").model_dump()
    known_late = ("backend", "pixel_mean", "pixel_std")  # with Keras and the images
    assert of_run == asked | {name: of_run[name] for name in known_late}
    assert run.path == Path("runs/lenet-nin-digits-1")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"heads": "fc"}, "heads is not known: did you mean head?"),
        ({"zzz": 1}, "zzz is not known: known are model, variant, norm, head,"),
        ({"head": "fcc"}, "Unknown head 'fcc': did you mean fc?"),
        ({"epochs": 0}, "epochs must be greater than or equal to 1. Received: epochs=0"),
        ({"data_dir": ["a"]}, "data_dir must be a path. Received: data_dir=['a']"),
        ({"progress": 3}, "progress must be a function or True or False or None. Received: progress=3"),
        (
            {"distribution": kerascnn.Distribution(coordinator="here:1")},
            "Missing: processes, process_index",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused_as_by_the_command(settings, words):
    with pytest.raises(UsageError) as refused:
        kerascnn.train("lenet", **settings)
    assert words in str(refused.value)


def test_keywords_win_over_a_config():
    with pytest.raises(UsageError, match="Unknown model 'lenett'"):
        kerascnn.train(kerascnn.TrainingConfig(model="alexnet", epochs=1), model="lenett")


# Calls that do not fit.


class DataFrame:
    """Stands for one of pandas."""


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda run: kerascnn.predict(run, DataFrame()),
            "images must be a path or a list of paths. Received:",
        ),
        (lambda run: kerascnn.predict(run, ["a.png", 3]), "Received: images=['a.png', 3]"),
        (lambda run: kerascnn.predict([run], "a.png"), "model must be a Run or a path or a KerasModel."),
        (
            lambda run: kerascnn.predict(run, "a.png", topk=1),
            "predict does not know topk: did you mean top_k?",
        ),
        (lambda run: kerascnn.predict(run, "a.png", top_k="3"), "top_k must be a whole number."),
        (lambda run: kerascnn.predict(run), "missing a required argument: 'images'. It takes model, images"),
        (lambda run: kerascnn.evaluate(run, data=["digits"]), "data must be a path or None."),
        (lambda run: kerascnn.quantize(run, scheme=8), "scheme must be text or a list of texts."),
        (lambda run: kerascnn.quantize(run, max_drop="1"), "max_drop must be a number or None."),
        (lambda run: kerascnn.summary("lenet", heads="fc"), "heads is not known: did you mean head?"),
        (lambda run: kerascnn.lenet(head=3), "head must be text. Received: head=3"),
        (lambda run: kerascnn.conv("8x8x1", filters=True, kernel=3), "filters must be a whole number."),
        (lambda run: kerascnn.compare("lenet", heads="fc"), "heads must be a list of texts or None."),
        (lambda run: kerascnn.inspect([run]), "path must be a path. Received: path=["),
        (lambda run: kerascnn.Run.open([run]), "path must be a path. Received: path=["),
        (lambda run: kerascnn.compare_runs([3]), "runs must be a list of Runs or paths. Received: runs=[3]"),
    ],
)
def test_a_wrong_call_is_told_in_one_sentence(call, words):
    with pytest.raises(UsageError) as refused:
        call("runs/none")
    assert words in str(refused.value)
    assert len(str(refused.value)) < 300


def test_an_open_file_is_no_path(run):
    with (run / "run.json").open() as file, pytest.raises(UsageError, match="must be a path"):
        kerascnn.inspect(file)


# Models in memory.


def test_a_run_gives_its_model_which_is_asked_as_the_run_is(run, tmp_path):
    model = kerascnn.Run.open(run).load_model()
    assert model.count_params() == 61_706
    asked, of_run = kerascnn.evaluate(model, data="digits"), kerascnn.evaluate(run)
    assert asked.to_dict() | {"model": ""} == of_run.to_dict() | {"model": ""}
    Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(tmp_path / "a.png")
    assert kerascnn.predict(model, tmp_path / "a.png") == kerascnn.predict(run, [tmp_path / "a.png"])
    assert kerascnn.summary(model).to_dict() == kerascnn.summary(run).to_dict()
    with pytest.raises(UsageError, match="says itself what it takes"):
        kerascnn.predict(model, tmp_path / "a.png", labels=["0"] * 10)


def test_a_model_of_another_program_in_memory(tmp_path):
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10, activation="softmax")], name="mine"
    )
    Image.new("L", (8, 8), 255).save(tmp_path / "a.png")
    with pytest.warns(
        KerasCnnWarning, match=r"mine does not say which numbers it takes.*--input-range 0\.\.1"
    ):
        (unknown,) = kerascnn.predict(model, tmp_path / "a.png", top_k=10)
    assert {label for label, _ in unknown.classes} == {str(label) for label in range(10)}
    names = [f"class {label}" for label in range(10)]
    (named,) = kerascnn.predict(model, tmp_path / "a.png", input_range="0..1", labels=names)
    expected = model.predict_on_batch(np.ones((1, 8, 8, 1)))[0]
    assert named.classes[0] == (names[expected.argmax()], pytest.approx(expected.max()))
    assert kerascnn.evaluate(model, data="digits", input_range="0..1").model == "mine"
    assert kerascnn.summary(model).profile.parameters == 650
    with pytest.raises(UsageError, match="mine does not say what it was trained on: name a source"):
        kerascnn.evaluate(model, input_range="0..1")
    with pytest.raises(UsageError, match="mine is already a network: head is for model names only"):
        kerascnn.summary(model, head="fc")


# Results that show themselves.


def test_a_result_prints_and_holds_what_its_command_prints(cli, run, tmp_path):
    file = run / "tflite" / "static_wi8_ai8.tflite"
    Image.new("L", (28, 28)).save(tmp_path / "a.png")
    for arguments, result in (
        (("evaluate", file), kerascnn.evaluate(file)),
        (("predict", file, tmp_path / "a.png"), kerascnn.predict(file, tmp_path / "a.png")),
        (("inspect", file), kerascnn.inspect(file)),
        (("check", file), kerascnn.check(file)),
        (("runs", "--runs-dir", run.parent), kerascnn.runs(run.parent)),
        (("conv", "8x8x1", "--filters", 2, "--kernel", 3), kerascnn.conv("8x8x1", filters=2, kernel=3)),
    ):
        printed, said = (re.sub(r" +\d+ \w+$", "", text) for text in (cli(*arguments).out, f"{result}\n"))
        assert printed == said  # but for the age of a run
        assert cli(*arguments, "--json").json == json.loads(json.dumps(result.to_dict()))
        assert "<table>" in result._repr_html_()


def test_a_run_says_what_came_of_it_or_what_state_it_is_in(run, tmp_path):
    opened = kerascnn.Run.open(run)
    assert str(opened).startswith("model          lenet5 (modern), head fc\ndata ")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "run.json").write_text((run / "run.json").read_text())
    assert "lenet5 (modern)  fc    digits  done" in str(kerascnn.Run.open(tmp_path / "begun"))


def test_what_a_notebook_shows_is_escaped():
    class Result(Shown):
        def blocks(self):
            name = "<b>cat\x1b</b>"
            return [name, Table(["", name], [[name, "1"]], title=name), Facts({name: name})]

    html = Result()._repr_html_()
    assert html.count("&lt;b&gt;cat�&lt;/b&gt;") == 6
    assert "<b>" not in html
    assert '<td style="text-align: right">1</td>' in html


# Progress.


def test_progress_is_lines_on_stderr_where_it_is_asked_for(capsys, tmp_path):
    sheet = tmp_path / "a.png"
    kerascnn.describe_data("digits", out=sheet)
    assert capsys.readouterr() == ("", "")
    kerascnn.describe_data("digits", out=sheet, overwrite=True, progress=True)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[0] == "reading images: 0/1797"
    assert told.err.splitlines()[-1] == "reading images: 1797/1797"


class Notebook:
    """What IPython has in a notebook, as far as kerascnn asks for it; keeps what is shown."""

    def __init__(self):
        self.kernel, self.shown = object(), []

    def display(self, text, **_):
        self.shown.append(text["text/plain"])
        return types.SimpleNamespace(update=lambda text, raw: self.shown.append(text["text/plain"]))

    def install(self, monkeypatch):
        ipython = types.ModuleType("IPython")
        ipython.get_ipython = lambda: self
        ipython.display = types.ModuleType("IPython.display")
        ipython.display.display = self.display
        for module in (ipython, ipython.display):
            monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.parametrize("asked", [None, True, False])
def test_a_notebook_shows_progress_unless_it_is_not_wanted(capsys, monkeypatch, tmp_path, asked):
    notebook = Notebook()
    notebook.install(monkeypatch)
    kerascnn.describe_data("digits", out=tmp_path / "a.png", progress=asked)
    assert notebook.shown[-1:] == ([] if asked is False else ["reading images: 1797/1797"])
    assert capsys.readouterr() == ("", "")


# Silence.

NATIVE = "import os\nos.write(2, b'a native note')"


def test_tensorflow_loads_in_silence_unless_it_was_there_before(tmp_path):
    (tmp_path / "tensorflow.py").write_text(NATIVE)
    heard = [
        in_python(f"{first}\n{then}\nimport sys; sys.stderr.write(' and an error')", tmp_path, PYTHONPATH=".")
        for first, then in (
            ("import kerascnn", "import tensorflow"),
            ("import tensorflow", "import kerascnn"),
        )
    ]
    assert heard == [("", " and an error"), ("", "a native note and an error")]


def test_python_itself_is_heard_while_libraries_are_silent(tmp_path):
    code = (
        "import os, sys, logging\n"
        "from kerascnn.foundation.native_stderr import silent_natives\n"
        "with silent_natives():\n"
        "    with silent_natives():\n"
        "        os.write(2, b'native')\n"
        "    os.write(2, b'native')\n"
        "    sys.stderr.write('python, ')\n"
        "os.write(2, b'native afterwards')\n"
    )
    assert in_python(code, tmp_path) == ("", "python, native afterwards")


@pytest.mark.long
def test_nothing_but_progress_is_heard_from_python(tmp_path):
    """A training, its quantization and both evaluations. 20 s of processor time."""
    code = (
        "import kerascnn\n"
        "run = kerascnn.train('lenet', head='nin', epochs=1, progress=True)\n"
        "file = kerascnn.quantize(run).files[0].path\n"
        "kerascnn.evaluate(run), kerascnn.evaluate(file), kerascnn.debug(file)\n"
    )
    out, err = in_python(code, tmp_path)
    assert out == ""
    assert [line for line in err.splitlines() if not line.startswith("training: ")] == []
    assert err.splitlines()[-1].startswith("training: 20/20  epoch 1/1  loss ")
