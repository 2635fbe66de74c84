"""``kerascnn inspect`` on forged and mutated files: bounded in time and memory, whatever they hold."""

import contextlib
import json
import random
import resource
import shutil
import signal
import struct
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffer_files import without_archive
from refusals import FAILED, refused

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.tflite.inspection.inspect import inspect

SECONDS = 5  # of processor time; a mutated file of 100 kB is read in milliseconds


@contextlib.contextmanager
def in_time():
    def stop(signum, frame):
        raise AssertionError(f"not done after {SECONDS} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def survives(path):
    """Return whether a file is valid; it is described or refused in one line, in time."""
    with in_time():
        try:
            found = inspect(path)
        except KerasCnnError as error:
            refusal = str(error)
        else:
            json.dumps(found.to_dict(), allow_nan=False)
            assert str(found)
            return True
    assert len(refusal.splitlines()) == 1
    return False


def _lists_and_names(path):
    """Return the places of a sound file where its subgraph's lists have their lengths."""
    content = bytearray(path.read_bytes())
    model = schema.Model.GetRootAs(content)
    subgraph = model.Subgraphs(0)
    table = subgraph._tab
    places = [
        table.Vector(table.Offset(slot)) - 4 for slot in (4, 6, 8, 10)
    ]  # tensors, inputs, outputs, operators
    places.append(model._tab.Vector(model._tab.Offset(12)) - 4)  # buffers
    places.append(subgraph.Tensors(0)._tab.Vector(subgraph.Tensors(0)._tab.Offset(4)) - 4)  # a shape
    places.append(subgraph.Tensors(0)._tab.Vector(subgraph.Tensors(0)._tab.Offset(10)) - 4)  # a name
    return places


@pytest.mark.parametrize("length", [2**31, 2**32 - 1, 2**28, 100_000])
def test_a_forged_length_is_refused_at_once(tmp_path, int8, length):
    for place in _lists_and_names(int8):
        content = bytearray(int8.read_bytes())
        content[place : place + 4] = struct.pack("<I", length)
        (tmp_path / "m.tflite").write_bytes(content)
        assert not survives(tmp_path / "m.tflite")


def _one_part_named_often(entries, sides):
    """Return a small file with one tensor, with a long list of scales, that is named again and again."""
    builder = flatbuffers.Builder(1024)
    scales = builder.CreateNumpyVector(np.ones(sides, np.float32))
    schema.QuantizationParametersStart(builder)
    schema.QuantizationParametersAddScale(builder, scales)
    scaling = schema.QuantizationParametersEnd(builder)
    schema.TensorStart(builder)
    schema.TensorAddQuantization(builder, scaling)
    one = schema.TensorEnd(builder)
    schema.SubGraphStartTensorsVector(builder, entries)
    for _ in range(entries):
        builder.PrependUOffsetTRelative(one)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    subgraph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(subgraph)
    subgraphs = builder.EndVector()
    buffer = schema.BufferT().Pack(builder)
    schema.ModelStartBuffersVector(builder, 1)
    builder.PrependUOffsetTRelative(buffer)
    buffers = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, subgraphs)
    schema.ModelAddBuffers(builder, buffers)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def _little_memory():
    """Let this process have a GiB more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + 2**30
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/statm").exists(), reason="it reads in /proc how much memory a process has"
)


@needs_proc
@pytest.mark.parametrize(("entries", "sides"), [(1, 1), (20_000, 20_000), (300_000, 1), (1, 300_000)])
def test_no_file_takes_more_memory_than_its_size_explains(cli, tmp_path, entries, sides):
    (tmp_path / "m.tflite").write_bytes(_one_part_named_often(entries, sides))
    answer = cli("inspect", "m.tflite", before=_little_memory)
    if (entries, sides) == (1, 1):
        assert answer.code == 0, answer.err
    else:
        refused(answer, FAILED, "not a valid .tflite file")


def test_a_huge_file_is_not_loaded(cli, tmp_path, floating):
    path = shutil.copy(floating, tmp_path / "m.tflite")
    with path.open("r+b") as file:
        file.truncate(1 * 2**40)  # a hole of 1 TiB takes no space
    answer = cli("inspect", path, "--json")
    assert answer.json["bytes"] == 2**40


@pytest.mark.parametrize("kind", ["int8", "floating", "looping"])
def test_truncated_files(kind, request, tmp_path):
    content = without_archive(request.getfixturevalue(kind))
    lengths = {*range(200), *range(len(content) - 200, len(content)), *range(0, len(content), 997)}
    for length in lengths:
        (tmp_path / "m.tflite").write_bytes(content[:length])
        assert not survives(tmp_path / "m.tflite"), length
    (tmp_path / "m.tflite").write_bytes(content)
    assert survives(tmp_path / "m.tflite")


def _flipped(content, chance):
    for _ in range(chance.randint(1, 20)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _forged_word(content, chance):
    for _ in range(chance.randint(1, 4)):
        place = 4 * chance.randrange(len(content) // 4 - 1)
        word = chance.choice(
            [0, 1, 4, len(content), 2**16, 2**31 - 1, 2**31, 2**32 - 1, chance.getrandbits(32)]
        )
        content[place : place + 4] = struct.pack("<I", word)


def _forged_offset(content, chance):
    """Let one word lead somewhere else in the file."""
    place = 4 * chance.randrange(len(content) // 4 - 1)
    content[place : place + 4] = struct.pack("<I", chance.randrange(len(content) - place))


def _spliced(content, chance):
    length = chance.randint(1, 400)
    source, target = (chance.randrange(len(content) - length) for _ in range(2))
    content[target : target + length] = content[source : source + length]


def _shifted(content, chance):
    place = chance.randrange(len(content))
    if chance.random() < 0.5:
        del content[place : place + chance.randint(1, 64)]
    else:
        content[place:place] = chance.randbytes(chance.randint(1, 64))


MUTATIONS = [_flipped, _forged_word, _forged_offset, _spliced, _shifted]


def mutated(content, seed):
    """Return a file changed in one of the ways, most of them in its structure, which stands at both ends."""
    chance = random.Random(seed)
    changed = bytearray(content)
    window = chance.choice([len(content), 2_000, 6_000])
    start = chance.choice([0, max(0, len(content) - window)])
    part = changed[start : start + window]
    chance.choice(MUTATIONS)(part, chance)
    changed[start : start + window] = part
    return bytes(changed)


@pytest.mark.parametrize("kind", ["int8", "floating", "looping"])
def test_mutated_files(kind, request, tmp_path):
    content = request.getfixturevalue(kind).read_bytes()
    path = tmp_path / "m.tflite"
    outcomes = []
    for seed in range(500):
        path.write_bytes(mutated(content, seed))
        try:
            outcomes.append(survives(path))
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
    assert 25 < sum(outcomes) < 475  # some are still sound, some are not


@pytest.mark.parametrize("seed", range(4))
def test_mutated_files_through_the_command(cli, tmp_path, int8, looping, seed):
    content = (int8, looping)[seed % 2].read_bytes()
    (tmp_path / "m.tflite").write_bytes(mutated(content, 5_000 + seed))
    answer = cli("inspect", "m.tflite", "--json")
    if answer.code:
        refused(answer, FAILED, "m.tflite is not a valid .tflite file")
    else:
        assert answer.json["file"] == "m.tflite"
