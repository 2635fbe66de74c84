"""``compile`` with a stand-in for Google's compiler: the real one was never at hand and may not be shipped.

What these tests prove is how its words, exit codes and files are taken, not that a network compiles.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from commands import background
from refusals import refused
from waiting import runs, wait_until

from kerascnn.cli.main import kerascnn as group
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.models.description import ModelDescription
from kerascnn.tflite.accelerators.check import check
from kerascnn.tflite.accelerators.edgetpu import compile as compiling
from kerascnn.tflite.accelerators.edgetpu import install
from kerascnn.tflite.accelerators.edgetpu.compiler_log import Row, failure, read_reports, read_version
from kerascnn.tflite.metadata.metadata import read_metadata

FAILED, USAGE, DOES_NOT_FIT, MISSING, INTERRUPTED = 1, 2, 4, 5, 130
STAND_IN = Path(__file__).parents[1] / "helpers" / "edgetpu_compiler_stand_in.py"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the compiler runs on Linux only")


@pytest.fixture
def environment(tmp_path):
    """Return the environment in which the stand-in behaves as in a case."""
    script = tmp_path / "bin" / "edgetpu_compiler"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{STAND_IN}' \"$@\"\n")
    script.chmod(0o755)

    def chosen(case):
        path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path, "STAND_IN": case, "STAND_IN_SEEN": str(tmp_path / "seen.json")}

    return chosen


@pytest.fixture
def file(tmp_path, run):
    """A full-int8 LeNet-5 with its description, nine operators."""
    copy = tmp_path / "lenet.tflite"
    shutil.copy(run / "tflite" / "static_wi8_ai8.tflite", copy)
    return copy


@pytest.fixture
def compiled(cli, environment, file):
    def call(case, *arguments):
        return cli("compile", file, *arguments, env=environment(case))

    return call


def _left(tmp_path):
    """Return what a compilation has left in the folder besides its source."""
    return sorted(path.name for path in tmp_path.glob("*lenet*") if path.name != "lenet.tflite")


def _seen(tmp_path):
    return json.loads((tmp_path / "seen.json").read_text())


def test_a_success_writes_the_file_its_log_and_the_description(compiled, tmp_path, file):
    answer = compiled("success", "--json")
    document = answer.json
    (output,) = document["files"]
    assert _left(tmp_path) == ["lenet_edgetpu.log", "lenet_edgetpu.tflite"]
    assert (document["version"], document["retried"]) == ("16.0.384591198", False)
    assert (document["on_target"], document["on_cpu"]) == (len(check(file).operators), 0)
    assert (output["cached_bytes"], output["streamed_bytes"]) == (round(61.5 * 2**10), 0)
    assert output["operators"][0] == {"name": "CONV_2D", "count": 2, "status": "Mapped to Edge TPU"}
    assert document["disagreements"] == []
    written = tmp_path / "lenet_edgetpu.tflite"
    assert output["bytes"] == written.stat().st_size
    assert check(written).compiled
    assert ModelDescription.embedded(written) == ModelDescription.embedded(file)
    assert written.stat().st_size > 16_000  # what the stand-in calls a compiled network


def test_a_success_is_shown(compiled):
    answer = compiled("success")
    assert answer.code == 0
    assert "edgetpu_compiler 16.0.384591198: all 9 operators run on the Edge TPU" in answer.out
    assert "CONV_2D          Mapped to Edge TPU      2" in answer.out
    assert "on chip   61.5 KiB of parameters, 7.6 MiB free" in answer.out
    assert "kerascnn check predicted the same." in answer.out
    assert "lenet_edgetpu.tflite" in answer.out


def test_metadata_labels_and_description_are_given_back(compiled, tmp_path, file):
    assert compiled("success").code == 0
    result = tmp_path / "lenet_edgetpu.tflite"
    with zipfile.ZipFile(result) as archive, zipfile.ZipFile(file) as source:
        assert archive.namelist() == source.namelist() == ["labels.txt", "kerascnn.json"]
        assert archive.read("labels.txt") == "".join(f"{digit}\n" for digit in range(10)).encode()
    assert read_metadata(result) == read_metadata(file) is not None


@pytest.mark.parametrize("name", ["lenet_edgetpu.tflite", "lenet_edgetpu.log"])
def test_a_file_of_others_stays_until_it_may_be_replaced(compiled, tmp_path, name):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / name).write_text("my diary")
    message = f"there/{name} was not made by kerascnn. Add --overwrite to replace it, or move it elsewhere."
    refused(compiled("success", "--out", "there"), FAILED, message)
    assert [path.name for path in (tmp_path / "there").iterdir()] == [name]
    for given in (["--overwrite"], []):
        assert compiled("success", "--out", "there", *given).code == 0
    refused(compiled("success", "--out", "lenet.tflite"), FAILED, "lenet.tflite cannot be written to")


def test_a_file_without_an_archive_gets_none(compiled, tmp_path, file):
    content = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        file.write_bytes(content[: min(member.header_offset for member in archive.infolist())])
    assert not zipfile.is_zipfile(file)
    assert compiled("success").code == 0
    assert not zipfile.is_zipfile(tmp_path / "lenet_edgetpu.tflite")


def test_the_flags_reach_the_compiler(compiled, tmp_path):
    answer = compiled(
        "success", "--out", "there/deep", "--min-runtime", 13, "--timeout", 77, "--search-delegate",
        "--delegate-step", 3, "--multiple-subgraphs",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    *flags, path = _seen(tmp_path)["arguments"]
    assert flags[:2] == ["-s", "-o"]
    assert flags[3:] == ["-t", "77", "-m", "13", "-d", "-k", "3", "-a"]
    assert path == str(tmp_path / "lenet.tflite")
    assert (tmp_path / "there" / "deep" / "lenet_edgetpu.tflite").is_file()
    assert _left(tmp_path) == []


def test_segments_become_a_file_each(compiled, tmp_path):
    document = compiled("success", "--num-segments", 2, "--json").json
    names = [f"lenet_segment_{number}_of_2_edgetpu.tflite" for number in (0, 1)]
    assert [Path(output["path"]).name for output in document["files"]] == names
    assert all((tmp_path / name).is_file() for name in names)
    assert document["on_cpu"] == 0


def test_a_partial_mapping_names_each_disagreement_with_check(compiled, tmp_path):
    answer = compiled("partial")
    assert answer.code == 0
    assert "of 9 operators run on the Edge TPU" in answer.out
    assert "not mapped due to some unspecified limitation" in answer.out
    document = compiled("partial", "--json").json
    assert document["on_cpu"] == 2
    softmax = next(each for each in document["disagreements"] if each["about"] == "SOFTMAX")
    assert softmax["compiler"].startswith("maps 0 of 1 (Operation is otherwise supported")
    assert softmax["check"] == "maps 1"
    assert f"  SOFTMAX: the compiler {softmax['compiler']}, check maps 1" in answer.out


def test_another_verdict_about_streaming_is_a_disagreement(compiled):
    (found,) = compiled("streaming", "--json").json["disagreements"]
    assert found == {"about": "parameters", "compiler": "streams some", "check": "streams none"}


def test_a_file_that_check_expects_to_be_refused_and_that_compiles_is_a_disagreement(
    compiled, tmp_path, file
):
    from kerascnn.models.network import build
    from kerascnn.tflite.quantization.convert import convert
    from kerascnn.tflite.quantization.schemes import schemes

    file.write_bytes(convert(build("lenet5"), schemes["float32"]))
    (found,) = compiled("success", "--json").json["disagreements"]
    assert (found["about"], found["compiler"]) == ("file", "compiles it")
    assert found["check"].startswith("expects a refusal: it is not quantized")


@pytest.mark.parametrize(
    ("case", "code", "words"),
    [
        ("nothing", DOES_NOT_FIT, ["maps no operator of", "2 CONV_2D (Operation is otherwise supported"]),
        ("not_quantized", DOES_NOT_FIT, ["refuses", "the model is not quantized"]),
        ("version", DOES_NOT_FIT, ["it cannot parse operator CONV_2D of version 6"]),
        ("unparsable", DOES_NOT_FIT, ["cannot parse the model"]),
        ("dynamic", DOES_NOT_FIT, ["tensors of dynamic size", "Input(batch_size=1)"]),
        ("large", DOES_NOT_FIT, ["activations of the model are too large for the chip"]),
        ("internal", FAILED, ["internal compiler error, also at a second attempt"]),
        ("no_reason", FAILED, ["without a reason", "timeout"]),
        ("stub_of_failure", FAILED, ["without a reason"]),
        ("stub", FAILED, ["says it succeeded", "left a stub of 1000 bytes"]),
        ("no_file", FAILED, ["says it succeeded", "left no file"]),
        ("foreign", FAILED, ["says it succeeded", "not for the Edge TPU"]),
        ("crash", FAILED, ["crashed", "SIGSEGV"]),
        ("crash_of_the_child", FAILED, ["crashed", "SIGSEGV"]),
    ],
)
def test_a_failure_is_one_line_and_leaves_no_file(compiled, tmp_path, case, code, words):
    answer = compiled(case)
    refused(answer, code, "edgetpu_compiler", "lenet.tflite", *words)
    assert _left(tmp_path) == []
    if code == DOES_NOT_FIT:
        assert answer.err.endswith("kerascnn check predicted that it would compile.\n")
    assert _seen(tmp_path)["calls"] == (2 if case == "internal" else 1)


def test_an_internal_error_is_tried_once_more(compiled, tmp_path):
    answer = compiled("internal_once")
    assert (answer.code, _seen(tmp_path)["calls"]) == (0, 2)
    assert "at the second attempt" in answer.out
    assert (tmp_path / "lenet_edgetpu.tflite").is_file()


def test_a_failure_leaves_an_earlier_file_as_it_was(compiled, tmp_path):
    assert compiled("success").code == 0
    before = {path.name: path.read_bytes() for path in tmp_path.glob("lenet_edgetpu.*")}
    for case in ("stub", "no_reason", "crash"):
        assert compiled(case).code == FAILED
    assert {path.name: path.read_bytes() for path in tmp_path.glob("lenet_edgetpu.*")} == before


def test_a_compiler_that_hangs_is_ended_with_its_children(environment, tmp_path, file, monkeypatch):
    monkeypatch.setattr(compiling, "GRACE", 1)
    for name, value in environment("hang").items():
        monkeypatch.setenv(name, value)
    seen, communicate = tmp_path / "seen.pids", subprocess.Popen.communicate

    def once_it_has_a_child(process, timeout=None):
        wait_until(lambda: seen.exists() and len(seen.read_text().split()) == 2, "it has started its child")
        return communicate(process, timeout=timeout)

    monkeypatch.setattr(subprocess.Popen, "communicate", once_it_has_a_child)
    began = time.monotonic()
    with pytest.raises(
        KerasCnnError, match=r"hung on .*lenet\.tflite and was stopped 1 s after its time limit"
    ):
        compiling.compile_for_edgetpu(file, timeout=1)
    assert time.monotonic() - began < 60  # left alone they would sleep for two minutes
    assert not any(map(runs, seen.read_text().split()))
    assert _left(tmp_path) == []


def test_ctrl_c_ends_the_compiler_too(environment, tmp_path, file):
    pids = tmp_path / "seen.pids"
    with background("compile", file, cwd=tmp_path, env=environment("hang")) as command:
        wait_until(
            lambda: pids.is_file() and len(pids.read_text().split()) == 2,
            "the compiler and its child",
            command,
        )
        os.kill(command.pid, signal.SIGINT)  # to the command alone: it ends the others
        assert command.wait(60) == INTERRUPTED
        assert command.err.splitlines()[-1] == "Error: Interrupted: nothing was kept."
        assert not any(map(runs, pids.read_text().split()))
    assert _left(tmp_path) == []


def test_without_the_compiler_the_one_line_installs_it(cli, tmp_path, file):
    answer = cli("compile", file, env=os.environ | {"PATH": str(tmp_path)})
    refused(
        answer,
        MISSING,
        "edgetpu_compiler is not on the PATH",
        "x86-64",
        "curl -fsSL https://packages.cloud.google.com/apt/doc/apt-key.gpg | sudo gpg --yes --dearmor -o",
        "signed-by=/usr/share/keyrings/coral-edgetpu.gpg",
        "sudo apt-get install -y edgetpu-compiler",
        "docker run",
        "colab.research.google.com",
    )
    assert _left(tmp_path) == []


def test_the_help_has_the_same_lines():
    for line in (*install.LINES, install.CONTAINER, install.NOTEBOOK):
        assert line in str(group.commands["compile"].help)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--min-runtime", 9], ["min_runtime must be 10 to 14", "min_runtime=9"]),
        (["--timeout", 0], ["timeout must be at least 1", "timeout=0"]),
        (["--num-segments", 0], ["num_segments must be at least 1"]),
        (["--delegate-step", 2], ["delegate_step requires search_delegate"]),
    ],
)
def test_settings_that_make_no_sense(compiled, tmp_path, arguments, words):
    refused(compiled("success", *arguments), USAGE, *words)
    assert not (tmp_path / "seen.json").exists()


def test_what_cannot_be_compiled_does_not_reach_the_compiler(compiled, cli, environment, tmp_path, file):
    assert compiled("success").code == 0
    (tmp_path / "seen.json").unlink()
    again = cli("compile", "lenet_edgetpu.tflite", env=environment("success"))
    refused(again, DOES_NOT_FIT, "lenet_edgetpu.tflite is already compiled for the Edge TPU")
    (tmp_path / "text.tflite").write_text("hello world")
    refused(cli("compile", "text.tflite", env=environment("success")), FAILED, "text.tflite")
    refused(
        cli("compile", "absent.tflite", env=environment("success")), FAILED, "absent.tflite does not exist"
    )
    assert not (tmp_path / "seen.json").exists()


#: As reported publicly of the real compiler, for a network of which the ends are float.
TRANSCRIPT = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 270 ms.

Input model: conv_net.tflite
Input size: 24.32KiB
Output model: conv_net_edgetpu.tflite
Output size: 1.46MiB
On-chip memory used for caching model parameters: 1.24MiB
On-chip memory remaining for caching model parameters: 6.47MiB
Off-chip memory used for streaming uncached model parameters: 0.00B
Number of Edge TPU subgraphs: 1
Total number of operations: 11
Operation log: conv_net_edgetpu.log

Model successfully compiled but not all operations are supported by the Edge TPU.
Number of operations that will run on Edge TPU: 5
Number of operations that will run on CPU: 6

Operator                       Count      Status

QUANTIZE                       4          Operation is otherwise supported, but not mapped due to some unspecified limitation
CONV_2D                        5          Mapped to Edge TPU
DEQUANTIZE                     2          Operation is working on an unsupported data type
Compilation child process completed within timeout period.
Compilation succeeded! 
"""  # noqa: E501, W291


def test_the_words_of_the_real_compiler_are_read():
    (report,) = read_reports(TRANSCRIPT)
    assert read_version(TRANSCRIPT) == "16.0.384591198"
    assert (report.on_target, report.on_cpu, report.subgraphs) == (5, 6, 1)
    assert (report.cached_bytes, report.free_bytes) == (round(1.24 * 2**20), round(6.47 * 2**20))
    assert report.streamed_bytes == 0
    assert [(row.name, row.count) for row in report.rows] == [
        ("QUANTIZE", 4),
        ("CONV_2D", 5),
        ("DEQUANTIZE", 2),
    ]
    assert report.rows[1] == Row("CONV_2D", 5, "Mapped to Edge TPU")


def test_the_words_without_the_table_have_the_counts_too():
    (report,) = read_reports(TRANSCRIPT.partition("\nOperator")[0])
    assert (report.on_target, report.on_cpu, report.rows) == (5, 6, ())
    (whole,) = read_reports(TRANSCRIPT.partition("\nModel successfully")[0])
    assert (whole.on_target, whole.on_cpu) == (11, 0)


def test_words_that_nobody_has_seen_are_quoted():
    error = failure(
        "Edge TPU Compiler version 17\nThe moon is too bright.\nCompilation failed! \n", "a.tflite"
    )
    assert str(error).endswith("without a reason; its last line: 'The moon is too bright.'.")
    assert "its last line: 'nothing'" in str(failure("", "a.tflite"))


def test_the_function_refuses_settings_too(file):
    with pytest.raises(UsageError, match="min_runtime"):
        compiling.compile_for_edgetpu(file, min_runtime=15)
