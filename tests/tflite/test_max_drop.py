"""--max-drop: what is tried when full int8 loses too much, and what is said when nothing helps."""

import json
import shutil

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from refusals import USAGE, refused
from uneven_run import uneven_run

from kerascnn.analysis.evaluation.evaluation import keras_scores
from kerascnn.data.sources.registry import load
from kerascnn.foundation import process
from kerascnn.models.keras_file import load_model
from kerascnn.tflite.file_format.graph import read_graph
from kerascnn.tflite.quantization.budget import Candidate, first_within
from kerascnn.tflite.quantization.mixed_precision import MixedPrecisionQuantizer

MISSED = 3


@pytest.fixture(autouse=True)
def _warm(warm_tuner, monkeypatch):
    monkeypatch.setattr(process, "COMMAND", warm_tuner)


@pytest.fixture(scope="module")
def uneven(trained, tmp_path_factory):
    return uneven_run(trained[0], tmp_path_factory.mktemp("uneven") / "run", factor=2_000)


@pytest.mark.long
def test_the_noisiest_layers_stay_in_float_until_the_budget_holds(cli, uneven):
    (file,) = cli("quantize", uneven, "--max-drop", 1, "--json").json["files"]
    budget = file["budget"]
    drops = [each["drop_points"] for each in budget["tries"]]
    assert budget["tries"][0]["tried"] == "full int8"
    assert drops[0] > 5  # it really loses
    assert drops[-1] <= 1 < min(drops[:-1])
    assert (budget["kept"], budget["chosen"]) == (True, budget["tries"][-1]["tried"])
    assert set(budget["tries"][-1]["in_float"]) == {"conv2", "fc1"}
    assert file["drop_points"] <= 1
    assert file["path"].endswith("static_wi8_ai8-mixed.tflite")
    kinds = [
        operator.name
        for operator in read_graph(uneven / "tflite" / "static_wi8_ai8-mixed.tflite").subgraphs[0].operators
    ]
    assert kinds.count("DEQUANTIZE") == kinds.count("QUANTIZE") == 1
    interpreter = Interpreter(model_path=file["path"])
    assert {
        each["dtype"] for each in (*interpreter.get_input_details(), *interpreter.get_output_details())
    } == {np.int8}
    recorded = json.loads((uneven / "tflite" / "static_wi8_ai8-mixed.result.json").read_text())
    assert recorded["budget"] == budget


def test_ranges_are_as_wide_as_the_widest_image(run):
    model, _ = load_model(run / "model.keras")
    digits = load("digits")
    images = digits.preprocessing(32).batch(digits.train.images[:20])
    (graph,) = schema.ModelT.InitFromPackedBuf(MixedPrecisionQuantizer(model, images).convert(())).subgraphs
    (scores,) = (each for each in graph.tensors if list(each.shape) == [1, 10] and b"MatMul" in each.name)
    low, high = (float(end(keras_scores(model, images))) for end in (np.min, np.max))
    assert scores.quantization.scale[0] == pytest.approx((high - low) / 255, rel=0.02)


@pytest.mark.parametrize("options", [["--target", "edgetpu"], ["--io", "uint8"]])
@pytest.mark.long
def test_where_only_full_int8_counts_the_exit_code_is_3_with_what_was_tried(cli, uneven, options):
    answer = cli("quantize", uneven, "--max-drop", 1, "--fine-tuning-epochs", 1, *options, "--json")
    assert answer.code == MISSED
    (file,) = json.loads(answer.out)["files"]
    assert [each["tried"] for each in file["budget"]["tries"]] == ["full int8", "quantization-aware training"]
    assert file["budget"]["kept"] is False
    last = answer.err.splitlines()[-1]
    assert last.startswith("Error: ")
    assert "max_drop=1" in last
    assert "full int8: " in last
    assert "quantization-aware training: " in last


def test_within_the_budget_nothing_else_is_tried(cli, tmp_path, run):
    shutil.copytree(run, tmp_path / "copy")
    shown = cli("quantize", "copy", "--max-drop", 5)
    assert shown.code == 0
    assert "full int8" in shown.out
    assert "in float" not in shown.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--max-drop", -1], ["max_drop must be 0 to 100", "max_drop=-1"]),
        (["--max-drop", 1, "--scheme", "float16"], ["max_drop requires static_wi8_ai8", "scheme=float16"]),
        (["--max-drop", "nan"], ["max_drop must be 0 to 100"]),
    ],
)
def test_budgets_that_make_no_sense(cli, run, options, words):
    refused(cli("quantize", run, *options), USAGE, *words)


def test_of_all_that_miss_the_budget_the_best_is_chosen():
    made = []

    def ways():
        for number, what in enumerate(["a", "b", "c"]):
            made.append(what)
            yield Candidate(what, bytes(number))

    lost = {0: 3.0, 1: 1.5, 2: 2.0}
    missed = first_within(1.0, ways(), lambda content: lost[len(content)])
    assert (missed.chosen.what, missed.kept, [each.bytes for each in missed.tries]) == ("b", False, [0, 1, 2])
    made.clear()
    held = first_within(1.5, ways(), lambda content: lost[len(content)])
    assert (held.chosen.what, held.kept, made) == ("b", True, ["a", "b"])
