"""Whether a page is whole: this program's scripts alone, sound facts, and the bytes that they name."""

import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kerascnn.data.preprocessing import Preprocessing
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.tflite.program.build import integer_program
from kerascnn.tflite.program.encoding import encode
from kerascnn.tflite.web.network import LONGEST_SIDE
from kerascnn.tflite.web.packed import unpacked
from kerascnn.tflite.web.page import document

LARGEST = 2**28  # bytes of a page, and of what it holds
_HELD = re.compile(r'<script type="[a-z/]+" id="(facts|data)">(.*?)</script>', re.DOTALL)


def page_problems(path: Path, content: bytes, file: Path | None = None) -> Iterator[str]:
    """Yield what is wrong with a page, one sentence each.

    Args:
        path: Its file, for messages.
        content: Of the file.
        file: A full-int8 file that one of its networks must be; ``None``: no comparison.

    Raises:
        KerasCnnError: It is not a page of this program.
    """
    text = content.decode("utf-8", errors="replace")
    held = dict(_HELD.findall(text))
    try:
        facts, data = json.loads(held["facts"]), unpacked(held["data"], LARGEST)
        version, again = facts["version"], document(facts, held["data"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise KerasCnnError(f"{path} is not a page that `kerascnn bundle --target web` wrote.") from error
    if again != text:
        yield f"it differs from what this kerascnn writes (kerascnn {version} made it)"
        return
    try:
        names = [one["name"] for one in facts["networks"] if not _inputs_agree(facts, one, data)]
        made = file is None or any(_is(one["program"], file, data) for one in facts["networks"])
    except Exception as error:  # damaged facts raise whatever they meet
        yield f"its content is inconsistent: {type(error).__name__}"
        return
    yield from (f"its test images do not give the inputs of {name}" for name in names)
    if not made:
        yield f"none of its networks is that of {file}"


def _inputs_agree(facts: dict[str, Any], network: dict[str, Any], data: bytes) -> bool:
    """Whether the golden images give the inputs whose checksums stand there."""
    rule = Preprocessing(**network["preprocessing"])
    if max(rule.height, rule.width) > LONGEST_SIDE:
        return False
    stored = np.frombuffer(_part(data, network["stored"]), np.uint8)
    expected = np.frombuffer(_part(data, network["expected"]["inputs"]), "<u4")
    found = [zlib.crc32(stored[rule.image(_image(one, data))].tobytes()) for one in facts["golden"]]
    return bool(found == expected.tolist())


def _image(one: dict[str, Any], data: bytes) -> Image.Image:
    shape = (one["height"], one["width"], one["channels"])
    steps = np.frombuffer(_part(data, one["pixels"]), np.uint8).reshape(shape)
    pixels = np.cumsum(steps, axis=1, dtype=np.uint8)
    return Image.fromarray(pixels[..., 0] if shape[2] == 1 else pixels)


def _is(program: dict[str, Any], file: Path, data: bytes) -> bool:
    encoded = encode(integer_program(file))
    held = tuple(_part(data, program[name]) for name in ("words", "constants"))
    return held == (encoded.words, encoded.constants)


def _part(data: bytes, place: list[int]) -> bytes:
    start, length = place
    if not 0 <= start <= start + length <= len(data):
        raise ValueError("names bytes that are not there")
    return data[start : start + length]
