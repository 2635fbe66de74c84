"""Run an untrusted ``.tflite`` file with LiteRT in a separate process.

LiteRT checks little of what a file says. A damaged one can end the process that opens it, take all its
memory, or never return; here that is one line.
"""

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.dataset import Images
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.machine import processors
from kerascnn.foundation.process import OtherProcess, ProcessError
from kerascnn.models.description import ModelDescription
from kerascnn.models.input_scaling import InputScaling
from kerascnn.tflite.file_format.graph import read_graph

SERVED = "kerascnn.tflite.runtime.isolated:Served"
MEMORY = 3 * 2**28  # bytes; and for each copy of the file's weights that a kernel arranges for itself
BYTES_AT_ONCE = 2**24  # of images, sent with one call: with small ones a process waits for the other
OPENING, FIRST = 60, 20  # seconds: libraries come from a disk; one image
SLOWER = 10  # times as long as the first image another may take


class IsolatedClassifier:
    """A ``.tflite`` image classifier, called with raw pixels, that cannot harm the process that calls it.

    Args:
        path: The file.

    Raises:
        KerasCnnError: It is missing, damaged, or does not classify images.
    """

    def __init__(self, path: Path) -> None:
        read_graph(path)  # says in words what LiteRT would end at
        self.path = path
        memory = memory_for(path.stat().st_size)
        self._process = OtherProcess(SERVED, f"running {path}", memory=memory, forked=True)
        self._process.__enter__()
        self._seconds: float | None = None  # of the first image
        self.description: ModelDescription
        self.scaling: InputScaling
        self.description, self.scaling = self._call(OPENING, "open", path)

    def read_as(self, description: ModelDescription, scaling: InputScaling) -> None:
        """Set the description and input scaling that the user stated for the file."""
        self.description, self.scaling = description, scaling
        self._call(OPENING, "read_as", description, scaling)

    def __call__(self, images: Images) -> NDArray[np.float32]:
        """Return probabilities, float32 (n, classes), of images that fit the input, uint8 (n, h, w, c)."""
        rule = self.description.preprocessing
        at_once = max(BYTES_AT_ONCE // math.prod((rule.height, rule.width, rule.channels)), 1)
        first = [] if self._seconds else [self._first(images[:1])]
        starts = range(len(first), len(images), at_once)
        return np.concatenate(first + [self._some(images[start : start + at_once]) for start in starts])

    def close(self) -> None:
        """End the process."""
        self._process.__exit__(None, None, None)

    def _first(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        start = time.perf_counter()
        found = self._classify(image, FIRST)
        self._seconds = time.perf_counter() - start
        return found

    def _some(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._classify(images, FIRST + SLOWER * len(images) * (self._seconds or 0))

    def _classify(self, images: NDArray[np.uint8], within: float) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._call(within, "classify", images)
        return found

    def _call(self, within: float, method: str, *arguments: Any) -> Any:
        try:
            return self._process(method, *arguments, within=within)
        except ProcessError as error:
            self.close()
            raise KerasCnnError(f"{self.path} cannot be run: LiteRT {error.reason}.") from error
        except BaseException:
            self.close()
            raise


def require_runs(path: Path) -> None:
    """Check that LiteRT runs a file to its end, with all intermediate tensors kept.

    Raises:
        KerasCnnError: It is missing, damaged, or LiteRT cannot run it.
    """
    read_graph(path)
    memory = memory_for(path.stat().st_size)
    with OtherProcess(SERVED, f"running {path}", memory=memory, forked=True) as process:
        try:
            process("run_once", path, within=OPENING + FIRST)
        except ProcessError as error:
            raise KerasCnnError(f"{path} cannot be run: LiteRT {error.reason}.") from error


def memory_for(size: int) -> int:
    """Return a process's memory limit in bytes for a file of this size."""
    return MEMORY + 4 * processors() * size


class Served:
    """The server in the separate process."""

    def open(self, path: Path) -> tuple[ModelDescription, InputScaling]:
        """Open a file; return its description."""
        from kerascnn.tflite.runtime.interpreter import LiteRTClassifier

        self._lite = LiteRTClassifier(path)
        return self._lite.description, self._lite.scaling

    def run_once(self, path: Path) -> None:
        """Run a file of one subgraph on a black image."""
        from kerascnn.tflite.runtime.intermediate_tensors import IntermediateTensors
        from kerascnn.tflite.runtime.interpreter import LiteRTClassifier

        shape = LiteRTClassifier(path).input_shape
        values = IntermediateTensors(path, read_graph(path).subgraphs[0])
        values.run({values.graph.inputs[0]: values.encoded(np.zeros(shape, np.uint8))})

    def read_as(self, description: ModelDescription, scaling: InputScaling) -> None:
        """Set the description and input scaling that the user stated for the file."""
        self._lite.description, self._lite.scaling = description, scaling

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probabilities of some images."""
        return self._lite(images)
