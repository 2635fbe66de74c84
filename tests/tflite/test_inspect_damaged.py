"""``kerascnn inspect`` on damaged files: each is refused, or shown with its damage, in one line."""

import shutil
import tracemalloc
import zipfile

import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffer_files import code, operator, packed, tensor, unpacked, without_archive, written
from refusals import FAILED, refused

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.tflite.inspection.inspect import inspect


def test_names_cannot_reach_the_terminal(tmp_path, cli):
    path = packed(
        tmp_path / "m.tflite",
        [tensor("a\x1b[2Jb\nc" + "d" * 9_000), tensor(b"\xff\xfe")],
        [operator(0, [0], [1])],
        [code("CUSTOM", customCode="\x1b]0;title\x07")],
    )
    shown = cli("inspect", path).out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "a�[2Jb�cddd" in shown
    assert max(map(len, shown.splitlines()[1:])) < 120  # the first has the path


def _no_archive(path, described):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("kerascnn.json", "{}")


def _bomb(path, described):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kerascnn.json", bytes(100_000_000))


def _nested(path, described):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("kerascnn.json", "[" * 1_000_000)


def _cut(path, described):
    path.write_bytes(described.read_bytes()[:-30])


def _cut_at_the_end_of_a_large_file(path, described):
    with path.open("ab") as file:
        file.write(bytes(17 * 2**20))
        file.write(described.read_bytes()[len(without_archive(described)) : -30])


def _other_packing(path, described):
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("kerascnn.json", "{}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_no_archive, "its description is damaged or of a newer kerascnn"),
        (_bomb, "its description is longer than 16,777,216 bytes"),
        (_nested, "its description is damaged"),
        (_cut, "is truncated: its description is cut off"),
        (_cut_at_the_end_of_a_large_file, "is truncated: its description is cut off"),
        (_other_packing, "its description is cut off"),
    ],
)
def test_a_damaged_description_is_told_and_no_failure(cli, tmp_path, floating, int8, damage, words):
    path = shutil.copy(floating, tmp_path / "m.tflite")
    damage(path, int8)
    found = cli("inspect", path, "--json").json
    assert words in found["kerascnn_damage"]
    assert found["kerascnn"] is None
    assert "kerascnn" in str(inspect(path))


def test_a_description_without_end_is_not_unpacked(tmp_path, floating):
    path = shutil.copy(floating, tmp_path / "m.tflite")
    _bomb(path, None)
    tracemalloc.start()
    try:
        inspect(path)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it has 0 bytes"),
        (b"TFL3", "it has 4 bytes"),
        (b"\x1c\0\0\0TFL2" + bytes(99), "it does not have TFL3 at its bytes 4 to 7"),
        (b"this is no model" * 100, "it does not have TFL3"),
        (b"\xff\xff\xff\xffTFL3" + bytes(99), "it is truncated or damaged"),
        (b"\0\0\0\0TFL3" + bytes(99), "not a valid .tflite file"),
    ],
)
def test_what_is_no_tflite_file(cli, tmp_path, content, words):
    (tmp_path / "m.tflite").write_bytes(content)
    refused(cli("inspect", "m.tflite"), FAILED, "m.tflite is not a valid .tflite file", words)


def test_what_is_no_file(cli, tmp_path):
    refused(cli("inspect", "absent.tflite"), FAILED, "absent.tflite does not exist")
    refused(cli("inspect", "."), FAILED, ". is not a .tflite file")


def forgeries():
    def opcode(model, graph):
        graph.operators[0].opcodeIndex = 99

    def input_(model, graph):
        graph.operators[0].inputs = [-2]

    def output(model, graph):
        graph.outputs = [2**31 - 1]

    def inputs(model, graph):
        graph.inputs = [0] * 1_000

    def missing_input(model, graph):
        graph.inputs = [-1]

    def buffer(model, graph):
        graph.tensors[0].buffer = 2**32 - 1

    def metadata(model, graph):
        model.metadata = [schema.MetadataT(name="m", buffer=1_000)]

    def version(model, graph):
        model.version = 2

    def no_subgraph(model, graph):
        model.subgraphs = []

    def shape(model, graph):
        constant = next(
            each
            for each in graph.tensors
            if len(each.shape) == 4 and each.buffer and model.buffers[each.buffer].data is not None
        )
        constant.shape = [2**31 - 1] * 4

    def negative(model, graph):
        graph.tensors[0].shape = [1, -7]

    def many_sides(model, graph):
        graph.tensors[0].shape = [2**31 - 1] * 1_000

    def scales(model, graph):
        graph.tensors[0].quantization = schema.QuantizationParametersT(scale=[float("nan")], zeroPoint=[0])

    def zero_points(model, graph):
        graph.tensors[0].quantization = schema.QuantizationParametersT(scale=[1, 2, 3], zeroPoint=[0, 0])

    def dimension(model, graph):
        graph.tensors[0].quantization = schema.QuantizationParametersT(
            scale=[1, 2], zeroPoint=[0, 0], quantizedDimension=9
        )

    return {
        opcode: "names operator code 99",
        input_: "names tensor -2",
        output: "names tensor 2147483647",
        inputs: "it has more inputs or outputs than tensors",
        missing_input: "names tensor -1",
        buffer: "names buffer 4294967295",
        metadata: "names buffer 1000",
        version: "its schema has version 2, not 3",
        no_subgraph: "it has no subgraph",
        shape: "needs 21,267,647,892,944,572,736,998,860,269,687,930,881 bytes",
        negative: "tensor 0 has an impossible shape",
        many_sides: "tensor 0 has an impossible shape",
        scales: "tensor 0 has a scale that is not a finite number",
        zero_points: "tensor 0 has 3 scales and 2 zero points",
        dimension: "tensor 0 is quantized along dimension 9 of 4",
    }


@pytest.mark.parametrize(("forge", "words"), forgeries().items())
def test_a_file_that_contradicts_itself(tmp_path, int8, forge, words):
    model = unpacked(int8)
    forge(model, model.subgraphs[0])
    path = written(tmp_path / "m.tflite", model)
    with pytest.raises(KerasCnnError, match=words) as caught:
        inspect(path)
    assert len(str(caught.value).splitlines()) == 1
