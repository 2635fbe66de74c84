"""The Edge TPU's entry in the registry; slow imports happen when they are needed."""

from pathlib import Path
from typing import TYPE_CHECKING

from kerascnn.tflite.accelerators.accelerator import Accelerator, Compiler, Delegate
from kerascnn.tflite.accelerators.edgetpu.install import LINES, PROGRAM

if TYPE_CHECKING:
    from kerascnn.tflite.accelerators.check import Check
    from kerascnn.tflite.file_format.graph import ModelGraph

COMPILED = "edgetpu-custom-op"  # the custom operator that stands for all that was mapped


def _check(graph: "ModelGraph") -> "Check":
    from kerascnn.tflite.accelerators.edgetpu.check import check_graph

    return check_graph(graph)


def _compile(file: Path, folder: Path) -> Path:
    from kerascnn.tflite.accelerators.edgetpu.compile import compile_for_edgetpu

    (compiled,) = compile_for_edgetpu(file, out=folder).files
    return compiled.path


ACCELERATOR = Accelerator(
    name="edgetpu",
    title="Edge TPU",
    arithmetic="full int8",
    schemes=("static_wi8_ai8",),
    io=("int8", "uint8"),
    check=_check,
    compiler=Compiler(PROGRAM, LINES, COMPILED, _compile),
    delegate=Delegate(
        library="libedgetpu.so.1",
        device="a Coral",
        source="https://github.com/feranick/libedgetpu/releases: 16.0tf2.17.1 or later",
        elsewhere={"Darwin": "libedgetpu.1.dylib", "Windows": "edgetpu.dll"},
        remedy="plug it in, close other programs that use it, and set the udev rule in README.md",
    ),
)
