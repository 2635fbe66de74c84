"""The facts of one network that a page holds: its steps, constants, volumes, and what it must compute."""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import TargetError
from kerascnn.tflite.file_format.graph import read_graph
from kerascnn.tflite.program.build import integer_program
from kerascnn.tflite.program.encoding import encode
from kerascnn.tflite.program.program import Call, IntegerProgram, PlacedTensor
from kerascnn.tflite.runtime.intermediate_tensors import IntermediateTensors
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.web.packed import Parts
from kerascnn.tflite.web.volumes import volumes

MOST_CLASSES = 1000
LONGEST_SIDE = 512  # pixels of an input
MOST_VALUES = 2**25  # bytes of all maps


@dataclass(frozen=True)
class Network:
    """One network of a page.

    Attributes:
        name: What it is called there.
        lite: Its full-int8 file.
        tested: Its results on the test images: ``accuracy``, ``low``, ``high``, ``n``, ``drop_points``.
    """

    name: str
    lite: LiteRTClassifier
    tested: dict[str, Any]

    def facts(self, images: NDArray[np.uint8], parts: Parts) -> dict[str, Any]:
        """Return what the page's scripts read of it, with the places of its bytes.

        Args:
            images: The golden images as pixels of its input.
            parts: Takes the bytes.

        Raises:
            KerasCnnError: The file is damaged.
            TargetError: It is not fully int8, has an operator that is not supported, or is too large.
        """
        program = integer_program(self.lite.path)
        self._require_small(program)
        described, rule = self.lite.description, self.lite.description.preprocessing
        found = volumes(program)
        return {
            "name": self.name,
            "architecture": str(described.architecture),
            "head": described.architecture.head,
            "parameters": described.parameters,
            "multiply_adds": sum(volume.row.multiply_adds or 0 for volume in found),
            "file_bytes": self.lite.path.stat().st_size,
            "tested": self.tested,
            "preprocessing": {
                "height": rule.height,
                "width": rule.width,
                "channels": rule.channels,
                "margin": rule.margin,
                "fit": rule.fit,
            },
            "stored": parts.add(self.lite.encode(np.arange(256, dtype=np.uint8)).tobytes()),
            "program": _program(program, parts),
            "volumes": [volume.to_dict() for volume in found],
            "expected": _expected(program, self.lite.encode(images), parts),
        }

    def _require_small(self, program: IntegerProgram) -> None:
        path, rule = self.lite.path, self.lite.description.preprocessing
        classes = len(self.lite.description.classes)
        if classes > MOST_CLASSES:
            raise TargetError(f"{path} has {classes:,} classes; a page shows at most {MOST_CLASSES:,}.")
        if max(rule.height, rule.width) > LONGEST_SIDE:
            raise TargetError(
                f"{path} takes images of {rule.height}×{rule.width}; a page shows at most "
                f"{LONGEST_SIDE}×{LONGEST_SIDE}."
            )
        if program.values > MOST_VALUES:
            raise TargetError(
                f"{path} computes {program.values / 2**20:,.0f} MiB of maps; a page holds at most "
                f"{MOST_VALUES / 2**20:,.0f}."
            )


def _program(program: IntegerProgram, parts: Parts) -> dict[str, Any]:
    """Return the program without what its words and bytes say, and their places."""
    encoded = encode(program)
    steps = [
        {
            "operator": step.operator,
            "position": step.position,
            "inputs": list(step.inputs),
            "output": step.output,
            "calls": [_call(call) for call in step.calls],
            "words": list(place),
        }
        for step, place in zip(program.steps, encoded.steps, strict=True)
    ]
    return {
        "tensors": [_tensor(tensor, parts) for tensor in program.tensors.values()],
        "steps": steps,
        "inputs": list(program.inputs),
        "outputs": list(program.outputs),
        "values": encoded.values,
        "words": parts.add(encoded.words),
        "constants": parts.add(encoded.constants),
    }


def _call(call: Call) -> dict[str, Any]:
    """Return what of a call does not stand in its words: its operands, and how long each of its tables is."""
    tables = {name: len(values) for name, values in call.tables.items()}
    return {"kernel": call.kernel, "operands": dict(call.operands), "tables": tables}


def _tensor(tensor: PlacedTensor, parts: Parts) -> dict[str, Any]:
    scales = np.array(tensor.scales, "<f4").tobytes()
    told = tensor.to_dict() | {"scales": parts.add(scales)}
    return {name: value for name, value in told.items() if name != "name"}


def _expected(program: IntegerProgram, inputs: NDArray[Any], parts: Parts) -> dict[str, list[int]]:
    """Return what LiteRT's reference kernels compute of the golden images.

    ``inputs`` are checksums, one for each image; ``checksums`` those of what each step computes.
    """
    reference = IntermediateTensors(program.path, read_graph(program.path).subgraphs[0], reference=True)
    outputs, checksums = bytearray(), []
    for image in inputs:
        reference.run({program.inputs[0]: image[np.newaxis]})
        outputs += reference.stored(program.outputs[0]).tobytes()
        checksums += [zlib.crc32(reference.stored(step.output).tobytes()) for step in program.steps]
    return {
        "inputs": parts.add(np.array([zlib.crc32(image.tobytes()) for image in inputs], "<u4").tobytes()),
        "outputs": parts.add(bytes(outputs)),
        "checksums": parts.add(np.array(checksums, "<u4").tobytes()),
    }
