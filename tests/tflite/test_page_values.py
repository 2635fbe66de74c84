"""A page explains each value: the numbers that it shows are the network's, for every kernel."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from integer_files import MADE, random_file
from small_tflite import Operator, Tensor, options, tflite

from kerascnn.models.network import build
from kerascnn.tflite import web
from kerascnn.tflite.program.build import integer_program
from kerascnn.tflite.program.host import COMPILERS, HostProgram
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes

ASSETS = Path(web.__file__).with_name("assets")
SCRIPT = Path(__file__).parents[1] / "helpers" / "explain_values.mjs"

pytestmark = [
    pytest.mark.skipif(not shutil.which("node"), reason="there is no Node.js"),
    pytest.mark.skipif(not any(map(shutil.which, COMPILERS)), reason="there is no C compiler"),
]


def case(path, every=1, asked=()):
    """Return a program with all its tensors after a run with a random input, and them as plain text."""
    program = integer_program(path)
    ours = HostProgram(program)
    draw = np.random.default_rng(1)
    ours.run({number: _drawn(draw, program.tensors[number]) for number in program.inputs})
    stored = {index: base64.b64encode(ours.stored(index).tobytes()).decode() for index in program.tensors}
    return ours, {"program": program.to_dict(), "tensors": stored, "every": every, "asked": list(asked)}


def told(cases, tmp_path):
    """Return what the page's modules say of each of them."""
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(cases), encoding="utf-8")
    done = subprocess.run(
        ["node", str(SCRIPT), str(ASSETS), str(file)], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _drawn(draw, tensor):
    limits = np.iinfo(tensor.type.lower())
    return draw.integers(limits.min, limits.max, tensor.shape, limits.dtype, endpoint=True)


def _at(step, y, x, c=0):
    return {"tensor": step.output, "at": {"y": y, "x": x, "c": c}}


def test_every_value_of_a_trained_network(run, tmp_path):
    path = run / "tflite" / "static_wi8_ai8.tflite"
    steps = integer_program(path).steps
    asked = [_at(steps[0], 3, 4), _at(steps[2], 2, 1, 7), _at(steps[3], 4, 4), _at(steps[4], 0, 0, 399)]
    asked.append(_at(steps[8], 0, 0, 9))
    ours, given = case(path, asked=asked)
    (found,) = told([given], tmp_path)
    assert found["differences"] == []
    assert found["compared"] == sum(ours.stored(step.output).size for step in steps)
    assert [sight["same"] for sight in found["sights"]] == [True] * 5
    sides = [sight["input"]["y1"] - sight["input"]["y0"] for sight in found["sights"]]
    assert sides == [5, 14, 16, 16, 32]
    assert found["sights"][1]["input"]["y0"] == 4


def test_what_makes_the_difference_adds_up(run, tmp_path):
    """To the difference of the scores: exactly for real numbers, and but for a step of int8."""
    ours, given = case(run / "tflite" / "static_wi8_ai8.tflite", every=100)
    (found,) = told([given], tmp_path)
    program = ours.program
    expected = list(_sums(ours, [step for step in program.steps if step.operator == "FULLY_CONNECTED"]))
    assert [level["tensor"] for level in found["sums"]] == [18, 17, program.steps[3].output]
    assert [level["sum"] for level in found["sums"]] == pytest.approx(expected, rel=1e-9)
    (score,) = _real(ours, program.steps[-1].inputs[0])
    assert expected[0] == pytest.approx(score[0] - score[1], abs=program.tensors[19].scales[0])


def _sums(ours, layers):
    """Yield the difference of the first two scores from what goes into each dense layer, from the last on."""
    factors, rest = np.eye(len(_real(ours, layers[-1].output)[0]))[0], 0.0
    factors[1] = -1.0
    for number, layer in enumerate(reversed(layers)):
        (call,) = layer.calls
        (output,), stored = _real(ours, layer.output), ours.stored(layer.output)[0]
        ended = (stored == call.numbers["lowest"]) | (stored == call.numbers["highest"])
        if number:
            rest += (factors * output)[ended].sum()
            factors = np.where(ended, 0.0, factors)
        weights = _real(ours, call.operands["weights"])
        scales = np.array(ours.program.tensors[call.operands["weights"]].scales)
        given = ours.program.tensors[call.operands["input"]]
        rest += factors @ (ours.stored(call.operands["bias"]) * scales * given.scales[0])
        factors = factors @ weights
        yield factors @ _real(ours, given.index)[0] + rest


def _real(ours, index):
    tensor = ours.program.tensors[index]
    scales = np.array(tensor.scales).reshape(-1, *[1] * (len(tensor.shape) - 1))
    return scales * (ours.stored(index).astype(float) - tensor.zero_point)


def test_a_product_that_is_a_half_is_rounded_as_the_kernels_round_it(tmp_path):
    sums = np.arange(-600, 600)
    given, weights = Tensor((1, 1), scale=1.0), Tensor((1200, 1), data=0, scale=1.0)
    bias, output = Tensor((1200,), "INT32", sums, scale=1.0), Tensor((1, 1200), scale=6.0)
    chosen = options("FullyConnected")
    path = tmp_path / "halves.tflite"
    path.write_bytes(tflite(Operator("FULLY_CONNECTED", [given, weights, bias], [output], 4, chosen)))
    (found,) = told([case(path)[1]], tmp_path)
    assert (found["differences"], found["compared"]) == ([], 1200)


@pytest.mark.parametrize("name", MADE)
def test_every_value_of_every_operator(name, tmp_path):
    path, cases = tmp_path / "one.tflite", []
    for seed in range(30):
        path.write_bytes(random_file(name, seed))
        tensors = [one for one in integer_program(path).tensors.values() if one.role != "constant"]
        if all(len(tensor.shape) < 4 or tensor.shape[0] == 1 for tensor in tensors):
            cases.append(case(path)[1])
    assert len(cases) > 4
    assert [found["differences"] for found in told(cases, tmp_path)] == [[]] * len(cases)


@pytest.mark.long
@pytest.mark.parametrize(("variant", "head"), [("small_stem", "nin"), ("two_towers", "conv1x1")])
def test_values_of_alexnets(variant, head, tmp_path):
    size = {"small_stem": 32, "two_towers": 67}[variant]
    model = build("alexnet", variant=variant, head=head, image_size=size, classes=3)
    images = np.random.default_rng(1).integers(0, 256, (4, size, size, 3), np.uint8)
    path = tmp_path / "alexnet.tflite"
    path.write_bytes(convert(model, schemes["static_wi8_ai8"], images))
    steps = integer_program(path).steps
    pool = [step for step in steps if step.operator == "MAX_POOL_2D"][-1]
    (found,) = told([case(path, every=97, asked=[_at(pool, 0, 0, 5)])[1]], tmp_path)
    assert found["differences"] == []
    assert found["compared"] > 500
    assert found["sights"][0]["same"]
