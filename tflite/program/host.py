"""Runs an integer program on this machine, with the kernels compiled by its own C compiler."""

import ctypes
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import KerasCnnError, MissingError, UsageError
from kerascnn.tflite.program.encoding import encode
from kerascnn.tflite.program.program import IntegerProgram, PlacedTensor

COMPILERS = ("cc", "gcc", "clang")
OPTIONS = ("-std=c99", "-O3", "-shared", "-fPIC")
_TYPES: dict[str, Any] = {"INT8": np.int8, "UINT8": np.uint8, "INT32": np.dtype("<i4")}


class HostProgram:
    """A program in this process, with every tensor to be read after a run.

    Args:
        program: The program.

    Raises:
        MissingError: There is no C compiler.
    """

    def __init__(self, program: IntegerProgram) -> None:
        self.program = program
        encoded = encode(program)
        self._kernels = _library().kc_run
        self._words = np.frombuffer(encoded.words, "<i4").copy()
        self._constants = np.frombuffer(encoded.constants, np.uint8).copy()
        self._values = np.zeros(encoded.values, np.uint8)

    def run(self, inputs: Mapping[int, NDArray[Any]]) -> None:
        """Set the inputs, by tensor index, and run once.

        Raises:
            UsageError: One of them is missing, or has another type or shape.
        """
        for number in self.program.inputs:
            tensor, value = self.program.tensors[number], inputs.get(number)
            if value is None or value.dtype != _TYPES[tensor.type] or value.shape != tensor.shape:
                wanted = f"{tensor.type.lower()} {tensor.shape}"
                found = "nothing" if value is None else f"{value.dtype} {value.shape}"
                raise UsageError(f"Input {number} takes {wanted}, but was given {found}.")
            self._view(tensor)[...] = value
        self._kernels(
            self._words.ctypes.data, len(self._words), self._constants.ctypes.data, self._values.ctypes.data
        )

    def stored(self, number: int) -> NDArray[Any]:
        """Return the stored values of a tensor."""
        return self._view(self.program.tensors[number]).copy()

    def _view(self, tensor: PlacedTensor) -> NDArray[Any]:
        memory = self._constants if tensor.role == "constant" else self._values
        part = memory[tensor.place : tensor.place + tensor.bytes]
        values: NDArray[Any] = part.view(_TYPES[tensor.type])
        return values.reshape(tensor.shape)


@cache
def _library() -> ctypes.CDLL:
    """Return the compiled kernels; their file may go once they are loaded."""
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise MissingError(
            f"No C compiler was found ({', '.join(COMPILERS)}): install one, on Debian with apt install gcc."
        )
    with TemporaryDirectory() as folder, as_file(files("kerascnn.tflite.program")) as sources:
        target = Path(folder, "kernels.so")
        command = [compiler, *OPTIONS, "-o", str(target), str(sources / "kernels.c")]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
        if done.returncode:
            reason = next(iter(done.stderr.strip().splitlines()), f"exit code {done.returncode}")
            raise KerasCnnError(f"{compiler} could not compile the kernels: {reason}")
        library = ctypes.CDLL(str(target))
    library.kc_run.argtypes = [ctypes.c_void_p, ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p]
    library.kc_run.restype = None
    return library
