"""An accelerator that nothing but the registry knows: the commands offer it, obey it and name it."""

import json
import shutil

import pytest
from click.testing import CliRunner
from refusals import USAGE

from kerascnn.cli.main import kerascnn as group
from kerascnn.tflite.accelerators.accelerator import Accelerator
from kerascnn.tflite.accelerators.check import CPU, Check, CheckedOperator
from kerascnn.tflite.accelerators.registry import accelerators

DOES_NOT_FIT = 4


class HalfChip:
    """It computes in float16 and lacks the operators that a test names."""

    def __init__(self):
        self.lacks = ()
        self.entry = Accelerator(
            name="half",
            title="Half Chip",
            arithmetic="float16",
            schemes=("float16",),
            io=("float32",),
            check=self.check,
        )

    def check(self, graph):
        operators = tuple(map(self._judged, graph.subgraphs[0].operators))
        return Check(graph.path, self.entry, False, "", operators)

    def _judged(self, operator):
        lacks = operator.name in self.lacks
        side, reason = (CPU, "the chip has no exponential") if lacks else ("half", "")
        return CheckedOperator(operator.index, operator.name, operator.version, side, reason)


@pytest.fixture
def chip():
    chip = HalfChip()
    accelerators.add("half", chip.entry)
    yield chip
    del accelerators._own["half"]


def called(*arguments):
    return CliRunner().invoke(group, list(map(str, arguments)))


def test_check_judges_for_it(run, chip):
    file = run / "tflite" / "static_wi8_ai8.tflite"
    answer = called("check", file, "--target", "half")
    assert answer.exit_code == 0, answer.stderr
    assert "every operator runs on the Half Chip" in answer.stdout
    chip.lacks = ("SOFTMAX",)
    answer = called("check", file, "--target", "half", "--json")
    assert answer.exit_code == DOES_NOT_FIT
    assert "operators map to the Half Chip" in answer.stderr
    assert "SOFTMAX: the chip has no exponential." in answer.stderr
    found = json.loads(answer.stdout)
    assert (found["target"], found["verdict"], found["on_cpu"]) == ("half", "partly", 1)
    assert {operator["side"] for operator in found["operators"]} == {"half", "cpu"}
    assert (found["milliseconds"], found["runtime"], found["assumptions"]) == (None, None, [])


def test_quantize_makes_files_for_it_and_refuses_what_it_does_not_take(run, tmp_path, chip):
    copy = shutil.copytree(run, tmp_path / "copy")
    answer = called("quantize", copy, "--target", "half")
    assert answer.exit_code == USAGE
    assert "The Half Chip computes in float16 only: float16 with io float32." in answer.stderr
    answer = called("quantize", copy, "--target", "half", "--scheme", "float16", "--json")
    assert answer.exit_code == 0, answer.stderr
    (file,) = json.loads(answer.stdout)["files"]
    assert (file["target"], file["scheme"]) == ("half", "float16")
    chip.lacks = ("SOFTMAX",)
    (copy / "tflite" / "float16.tflite").unlink()
    answer = called("quantize", copy, "--target", "half", "--scheme", "float16")
    assert answer.exit_code == DOES_NOT_FIT
    assert "float16.tflite: " in answer.stderr
    assert "operators map to the Half Chip" in answer.stderr
    assert not (copy / "tflite" / "float16.tflite").exists()


def test_an_unknown_target_is_told_of_it(run, chip):
    answer = called("quantize", run, "--target", "hal")
    assert "target must be mobile or edgetpu or half. Received: target=hal" in answer.stderr
    answer = called("check", run / "tflite" / "static_wi8_ai8.tflite", "--target", "hal")
    assert "Unknown target 'hal': did you mean half? Available: edgetpu, half." in answer.stderr
