"""The integer program: every tensor as LiteRT's reference kernels compute it, and files that are refused."""

import contextlib
import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from integer_files import MADE, random_file
from small_tflite import Operator, Tensor, constant, options, tflite

from kerascnn.foundation.errors import KerasCnnError, MissingError, TargetError, UsageError
from kerascnn.models.network import build
from kerascnn.tflite.file_format.graph import read_graph
from kerascnn.tflite.program import host
from kerascnn.tflite.program.build import integer_program
from kerascnn.tflite.program.encoding import encode, kernels, layout, wasm
from kerascnn.tflite.program.host import HostProgram
from kerascnn.tflite.program.operators import OPERATORS
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes
from kerascnn.tflite.runtime.intermediate_tensors import IntermediateTensors

SOURCE = Path(host.__file__).with_name("kernels.c")
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
FILES = 60  # random ones of each operator

pytestmark = pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")


@pytest.fixture
def written(tmp_path):
    def write(content: bytes) -> Path:
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return path

    return write


def differences(path, count, seed=0):
    """Return the steps with a tensor that is not LiteRT's, of so many random inputs."""
    program = integer_program(path)
    ours = HostProgram(program)
    oracle = IntermediateTensors(path, read_graph(path).subgraphs[0], reference=True)
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        inputs = {number: _drawn(draw, program.tensors[number]) for number in program.inputs}
        ours.run(inputs)
        oracle.run(inputs)
        for step in program.steps:
            if not np.array_equal(ours.stored(step.output), oracle.stored(step.output)):
                found.append(f"{step.position} {step.operator}")
    return found


def _drawn(draw, tensor):
    limits = np.iinfo(tensor.type.lower())
    return draw.integers(limits.min, limits.max, tensor.shape, limits.dtype, endpoint=True)


# the oracle


def test_every_tensor_of_a_trained_network(run):
    path = run / "tflite" / "static_wi8_ai8.tflite"
    assert [step.operator for step in integer_program(path).steps][-2:] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert differences(path, 20) == []


@pytest.mark.parametrize("name", MADE)
def test_every_operator_with_every_option(name, tmp_path):
    assert set(MADE) == set(OPERATORS)
    path = tmp_path / "one.tflite"
    for seed in range(FILES):
        path.write_bytes(random_file(name, seed))
        assert differences(path, 2, seed) == [], seed


@pytest.mark.long
@pytest.mark.parametrize(
    ("variant", "head", "io"), [("small_stem", "nin", None), ("two_towers", "conv1x1", "uint8")]
)
def test_alexnets_with_bytes_at_both_ends(variant, head, io, written):
    size = {"small_stem": 32, "two_towers": 67}[variant]
    model = build("alexnet", variant=variant, head=head, image_size=size, classes=3)
    images = np.random.default_rng(1).integers(0, 256, (4, size, size, 3), np.uint8)
    path = written(convert(model, schemes["static_wi8_ai8"], images, io=io))
    assert {"CONV_2D", "MAX_POOL_2D", "MEAN"} <= {step.operator for step in integer_program(path).steps}
    assert differences(path, 1) == []


def test_a_product_that_is_a_half_only_as_a_double(written):
    """LiteRT multiplies by a double here: that of 1/6 is less than 1/6, but 3 times as much becomes 1/2."""
    sums = np.arange(-600, 600)
    for scale in (98.0, 44.0, 14.0, 6.0):
        given, weights = Tensor((1, 1), scale=1.0), Tensor((1200, 1), data=0, scale=1.0)
        bias, output = Tensor((1200,), "INT32", sums, scale=1.0), Tensor((1, 1200), scale=scale)
        chosen = options("FullyConnected")
        path = written(tflite(Operator("FULLY_CONNECTED", [given, weights, bias], [output], 4, chosen)))
        assert differences(path, 1) == []
    program = HostProgram(integer_program(path))
    program.run({0: np.zeros((1, 1), np.int8)})
    (found,) = program.stored(program.program.outputs[0])
    assert [found[sums == number].item() for number in (2, 3, -3, -2)] == [0, 1, -1, 0]


# what whoever runs it is told


def test_a_program_is_plain_numbers(run):
    program = integer_program(run / "tflite" / "static_wi8_ai8.tflite")
    told = json.loads(json.dumps(program.to_dict()))
    first = told["steps"][0]
    assert (first["operator"], first["position"]) == ("CONV_2D", 0)
    (call,) = first["calls"]
    assert call["kernel"] == "CONVOLUTION"
    assert call["numbers"]["input_shape"] == [1, 32, 32, 1]
    assert call["numbers"]["filter"] == [5, 5]
    assert all(2**30 <= number < 2**31 for number in call["tables"]["multiplier"])
    tensors = {tensor["index"]: tensor for tensor in told["tensors"]}
    assert tensors[call["operands"]["weights"]]["shape"] == [6, 5, 5, 1]
    ends = sorted((one["place"], one["bytes"]) for one in told["tensors"] if one["role"] != "constant")
    assert all(place + size <= later for (place, size), (later, _) in pairwise(ends))


def test_each_step_can_be_run_alone(run):
    program = integer_program(run / "tflite" / "static_wi8_ai8.tflite")
    encoded = encode(program)
    words = np.frombuffer(encoded.words, "<i4")
    assert [words[start] for start, _ in encoded.steps] == [
        kernels()[step.calls[0].kernel] for step in program.steps
    ]
    assert sum(count for _, count in encoded.steps) == len(words)


def test_the_layout_is_the_compilers(tmp_path):
    source, program = tmp_path / "sizes.c", tmp_path / "sizes"
    shared = {"MAX_POOL": "pool", "AVERAGE_POOL": "pool", "DEPTHWISE": "convolution"}
    structs = {kernel: f"struct kc_{shared.get(kernel, kernel.lower())}" for kernel in kernels()}
    lines = "".join(f'printf("{kernel} %zu\\n", sizeof({struct}));' for kernel, struct in structs.items())
    source.write_text(f'#include <stdio.h>\n#include "kernels.h"\nint main(void) {{ {lines} return 0; }}')
    subprocess.run([COMPILERS[0], f"-I{SOURCE.parent}", str(source), "-o", str(program)], check=True)
    told = subprocess.run([program], capture_output=True, encoding="utf-8", check=True).stdout
    sizes = dict(line.split() for line in told.splitlines())
    assert {kernel: int(size) for kernel, size in sizes.items()} == {
        kernel: 4 * (2 + sum(count for _, count in layout(kernel))) for kernel in kernels()
    }


def test_an_input_of_another_shape_or_type_is_refused(run):
    program = HostProgram(integer_program(run / "tflite" / "static_wi8_ai8.tflite"))
    for wrong in ({}, {0: np.zeros((1, 64, 64, 1), np.int8)}, {0: np.zeros((1, 32, 32, 1), np.uint8)}):
        with pytest.raises(
            UsageError, match=r"^Input 0 takes int8 \(1, 32, 32, 1\), but was given [^\n]+\.$"
        ):
            program.run(wrong)


def test_without_a_compiler(run, monkeypatch, tmp_path):
    host._library.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    program = integer_program(run / "tflite" / "static_wi8_ai8.tflite")
    with pytest.raises(MissingError, match=r"^No C compiler was found \(cc, gcc, clang\): .*apt install gcc"):
        HostProgram(program)


# files that are refused


def _dense(given=None, **weights):
    given = given or Tensor((1, 4))
    many = {"data": 1, **weights}
    return [Operator("FULLY_CONNECTED", [given, Tensor((2, 4), **many), None], [Tensor((1, 2))], 4, None)]


def _conv(**chosen):
    many = {"strideH": 1, "strideW": 1, "padding": 1} | chosen
    inputs = [Tensor((1, 8, 8, 4)), Tensor((4, 3, 3, 4), data=1), Tensor((4,), "INT32", data=0)]
    return [Operator("CONV_2D", inputs, [Tensor((1, 6, 6, 4))], 3, options("Conv2D", **many))]


def _pool(height, width):
    many = {"strideH": 1, "strideW": 1, "filterHeight": height, "filterWidth": width, "padding": 0}
    tensors = [Tensor((1, 8, 8, 4))], [Tensor((1, 8, 8, 4))]
    return [Operator("AVERAGE_POOL_2D", *tensors, 2, options("Pool2D", **many))]


UNSUPPORTED = {
    "operator": (
        [Operator("GELU", [Tensor((1, 4))], [Tensor((1, 4))])],
        "operator 0, GELU, is not supported; supported are ADD, AVERAGE_POOL_2D, ",
    ),
    "custom operator": (
        [Operator("mine", [Tensor((1, 4))], [Tensor((1, 4))])],
        "operator 0, mine, is not supported; supported are ADD, ",
    ),
    "float": (
        [Operator("SOFTMAX", [Tensor((1, 4), "FLOAT32", scale=None)], [Tensor((1, 4))])],
        "operator 0, SOFTMAX, has tensor 0 of type FLOAT32; only INT8 is supported",
    ),
    "mixed": (
        [Operator("QUANTIZE", [Tensor((1, 4), "FLOAT32", scale=None)], [Tensor((1, 4))])],
        "operator 0, QUANTIZE, has tensor 0 of type FLOAT32; only INT8 or UINT8 is supported",
    ),
    "weights of 16 bits": (_dense(type="INT16"), "tensor 1, which is INT16; only INT8 is supported"),
    "weights with a zero point": (_dense(zero=3), "has weights that are not quantized symmetrically"),
    "weights that are computed": (_dense(data=None), "computes tensor 1, which must be a constant"),
    "activation": (_conv(fusedActivationFunction=4), "has the activation TANH; supported are NONE, RELU, "),
    "stride": (_conv(strideH=0), "has stride_h = 0; supported is 1 to 32767"),
    "window": (_pool(2**15 - 1, 2**15 - 1), "has a window of 32767 × 32767"),
    "long window": (_pool(2**31 - 1, 1), "has filter_height = 2147483647"),
    "dilation": (_conv(dilationHFactor=2**15 - 1, dilationWFactor=1), "has a filter of 65,535"),
    "classes": (
        [Operator("SOFTMAX", [Tensor((1, 5000))], [Tensor((1, 5000))])],
        "at most 4095 classes are supported",
    ),
    "large sums": (_dense(given=Tensor((1, 4), scale=1e30)), "has sums that do not fit into 32 bits"),
}


@pytest.mark.parametrize("what", UNSUPPORTED)
def test_what_is_not_supported(what, written):
    operators, words = UNSUPPORTED[what]
    path = written(tflite(*operators))
    with pytest.raises(TargetError) as refusal:
        integer_program(path)
    told = str(refusal.value)
    assert refusal.value.exit_code == 4
    assert told.startswith(f"{path}: operator 0, ")
    assert words in told
    assert told.count("\n") == 0


DAMAGED = {
    "shape of an output": [Operator("SOFTMAX", [Tensor((1, 4))], [Tensor((1, 5), scale=1 / 256, zero=-128)])],
    "fewer values": [Operator("RESHAPE", [Tensor((1, 4)), constant(1, 4)], [Tensor((1, 5))])],
    "zero point": [Operator("RESHAPE", [Tensor((1, 4), zero=10**9), constant(1, 4)], [Tensor((1, 4))])],
    "scale": [Operator("RESHAPE", [Tensor((1, 4), scale=-1.0), constant(1, 4)], [Tensor((1, 4))])],
    "axis": [Operator("MEAN", [Tensor((1, 4)), constant(7)], [Tensor((1,))])],
    "padding": [Operator("PAD", [Tensor((4,)), Tensor((1, 2), "INT32", -2, None)], [Tensor((0,))])],
    "inputs": [Operator("ADD", [Tensor((1, 4))], [Tensor((1, 4))])],
    "shapes of inputs": [Operator("ADD", [Tensor((1, 4)), Tensor((1, 3))], [Tensor((1, 4))])],
    "weights": [*_dense(given=Tensor((1, 5)))],
    "block": [
        Operator(
            "SPACE_TO_DEPTH",
            [Tensor((1, 3, 3, 1))],
            [Tensor((1, 1, 1, 4))],
            options=options("SpaceToDepth", blockSize=2),
        )
    ],
}


@pytest.mark.parametrize("what", DAMAGED)
def test_what_no_sound_file_has(what, written):
    path = written(tflite(*DAMAGED[what]))
    with pytest.raises(KerasCnnError, match=r"^[^\n]*: operator 0, [^\n]*: the file is damaged\.$"):
        integer_program(path)


def test_a_tensor_that_is_read_too_early_or_computed_twice(written):
    first, second, third = Tensor((1, 4)), Tensor((1, 4)), Tensor((1, 4))
    forth, back = (
        Operator("RESHAPE", [one, constant(1, 4)], [other])
        for one, other in [(second, third), (first, second)]
    )
    for order, words in [((forth, back), "reads tensor 0 before"), ((back, forth, back), "there already")]:
        with pytest.raises(KerasCnnError, match=words):
            integer_program(written(tflite(*order)))


def test_what_is_too_large(written):
    """Values of 300 MiB are refused from the shapes alone."""
    sides = (1, 300, 1024, 1024)
    operator = Operator("RESHAPE", [Tensor(sides), constant(*sides)], [Tensor(sides)])
    with pytest.raises(TargetError, match=r"needs 300 MiB for its values; at most 256 are supported\.$"):
        integer_program(written(tflite(operator)))


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\0" * 100])
def test_no_model_at_all(content, written):
    with pytest.raises(KerasCnnError, match=r"is not a valid \.tflite file"):
        integer_program(written(content))


# the C file


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_kernels_compile_without_a_warning_and_without_a_library(compiler, tmp_path):
    strict = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-pedantic"]
    target = str(tmp_path / "kernels.o")
    command = [compiler, *strict, "-O2", "-ffreestanding", "-fno-builtin", "-c", str(SOURCE), "-o", target]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    source = SOURCE.read_text(encoding="utf-8")
    assert [line for line in source.splitlines() if line.startswith("#include")] == ['#include "kernels.h"']
    assert not {"float", "double", "malloc"} & set(_code(source).split())


def test_no_program_leaves_its_memory(tmp_path):
    """Random and damaged files, under a compiler's own watch for memory and for what C leaves undefined."""
    runner = str(tmp_path / "runner")
    watched = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    sources = [str(Path(__file__).parents[1] / "helpers" / "run_program.c"), str(SOURCE)]
    subprocess.run([COMPILERS[0], *watched, f"-I{SOURCE.parent}", *sources, "-o", runner], check=True)
    programs = list(_accepted(tmp_path / "model.tflite"))
    assert len(programs) > 3 * len(MADE)
    packed = b"".join(
        np.array([len(one.words) // 4, len(one.constants), one.values], "<i4").tobytes()
        + one.words
        + one.constants
        for one in programs
    )
    done = subprocess.run([runner], input=packed, capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()[:2000]) == (0, "")
    assert done.stdout.decode() == f"{len(programs)}\n"


def _accepted(path):
    """Yield the small programs among random files and what is left of them after damage."""
    draw = np.random.default_rng(1)
    for name in MADE:
        for seed in range(3):
            sound = random_file(name, seed)
            for damages in (0, *[2] * 12):
                content = bytearray(sound)
                for place in draw.integers(8, len(content), damages):
                    content[place] = draw.choice([0, 1, 2, 0x7F, 0x80, 0xFF])
                path.write_bytes(content)
                with contextlib.suppress(KerasCnnError):
                    if (encoded := encode(integer_program(path))).values < 2**20:
                        yield encoded


@pytest.mark.skipif(not shutil.which("node"), reason="there is no Node.js")
@pytest.mark.parametrize("simd", [True, False])
def test_the_same_bytes_in_webassembly(simd, run, tmp_path):
    program = integer_program(run / "tflite" / "static_wi8_ai8.tflite")
    encoded, ours = encode(program), HostProgram(program)
    (number,) = program.inputs
    given = _drawn(np.random.default_rng(1), program.tensors[number])
    ours.run({number: given})
    for name, content in {
        "kernels.wasm": wasm(simd=simd),
        "words": encoded.words,
        "constants": encoded.constants,
        "input": given.tobytes(),
    }.items():
        (tmp_path / name).write_bytes(content)
    script = str(Path(__file__).parents[1] / "helpers" / "run_program.mjs")
    place = str(program.tensors[number].place)
    command = ["node", script, str(tmp_path), str(encoded.values), place]
    values = subprocess.run(command, capture_output=True, check=True).stdout
    assert len(values) == encoded.values
    for tensor in program.tensors.values():
        if tensor.role != "constant":
            part = values[tensor.place : tensor.place + tensor.bytes]
            assert part == ours.stored(tensor.index).tobytes(), tensor


def _version(program):
    if not shutil.which(program):
        return ""
    return subprocess.run([program, "--version"], capture_output=True, encoding="utf-8", check=True).stdout


@pytest.mark.skipif(
    not ("clang version 14." in _version("clang") and "LLD 14." in _version("wasm-ld")),
    reason="other versions of clang and lld write other bytes",
)
def test_the_committed_webassembly_is_built_from_the_kernels(tmp_path):
    root = Path(__file__).parents[2]
    subprocess.run(["make", "-s", "wasm", f"WASM_DIR={tmp_path}"], cwd=root, check=True)
    assert (tmp_path / "kernels.wasm").read_bytes() == wasm()
    assert (tmp_path / "kernels-plain.wasm").read_bytes() == wasm(simd=False)
    assert max(len(wasm()), len(wasm(simd=False))) < 16_000


def _code(source):
    return "".join(part.partition("*/")[2] for part in ("*/" + source).split("/*"))
