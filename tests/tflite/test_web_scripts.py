"""The page's scripts in Node.js: the same bytes as Pillow, and every value of the reference kernels."""

import base64
import json
import re
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerascnn.data.preprocessing import Preprocessing
from kerascnn.tflite.file_format.graph import read_graph
from kerascnn.tflite.program.build import integer_program
from kerascnn.tflite.program.encoding import encode
from kerascnn.tflite.runtime.intermediate_tensors import IntermediateTensors
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.web.packed import packed
from kerascnn.tflite.web.script import script, squeezed

HELPERS = Path(__file__).parents[1] / "helpers"
pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="there is no Node.js: apt install nodejs")


def node(name, *arguments, given=b""):
    command = ["node", str(HELPERS / name), *map(str, arguments)]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_the_page_s_one_script_is_sound(tmp_path):
    """Modules lose their imports when they become one; then no name may be there twice."""
    (tmp_path / "page.mjs").write_text(script(), encoding="utf-8")
    subprocess.run(["node", "--check", str(tmp_path / "page.mjs")], check=True)
    assert not re.search(r"^(import|export) ", script(), re.MULTILINE)
    with as_file(files("kerascnn.tflite.web").joinpath("assets")) as assets:
        modules = sorted(assets.rglob("*.js"))
    assert len(modules) > 8
    for module in modules:
        kept = re.sub(
            r"^(import [^;]*;\n|export )", "", module.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        assert squeezed(kept) in script(), module.name


RULES = [
    Preprocessing(height=32, width=32, channels=1, margin=2),
    Preprocessing(height=32, width=32, channels=1),
    Preprocessing(height=37, width=23, channels=3, fit="crop"),
    Preprocessing(height=20, width=20, channels=3, margin=3),
]


def test_pixels_are_those_of_pillow():
    """Photos and digits of many sizes, grey and in colour, made larger and smaller."""
    draw = np.random.default_rng(1)
    images, lines = [], []
    for number in range(120):
        width, height = (int(side) for side in draw.integers(1, 90, 2))
        channels = (1, 3)[number % 2]
        noise = draw.integers(0, 256, (height, width, channels), np.uint8)
        image = Image.fromarray(noise[..., 0] if channels == 1 else noise)
        rule = RULES[number % 4] if number % 8 < 4 else RULES[number * 7 % 3]
        told = {"width": width, "height": height, "channels": channels, "rule": rule.model_dump()}
        lines.append(json.dumps(told | {"data": base64.b64encode(noise.tobytes()).decode()}))
        images.append(rule.image(image).tobytes())
    assert node("resize_images.mjs", given="\n".join(lines).encode()) == b"".join(images)


def test_packed_bytes_come_back():
    """Of every length: the last character may be one that HTML would not keep."""
    draw = np.random.default_rng(1)
    contents = [draw.bytes(count) for count in range(300)] + [b"<\r\0" * count for count in range(40)]
    found = json.loads(node("unpack_texts.mjs", given=json.dumps([*map(packed, contents)]).encode()))
    assert [base64.b64decode(one) for one in found] == contents


def test_every_tensor_is_that_of_the_reference_kernels(web_page, bundled_run, tmp_path):
    """With SIMD and, in a browser that has none, without."""
    path = bundled_run / "tflite" / "static_wi8_ai8.tflite"
    program, lite = integer_program(path), LiteRTClassifier(path)
    reference = IntermediateTensors(path, read_graph(path).subgraphs[0], reference=True)
    draw = np.random.default_rng(1)
    given, expected = [], []
    for _ in range(20):
        pixels = draw.integers(0, 256, (8, 8, 1), np.uint8)
        given.append(np.array([8, 8, 1], "<i4").tobytes() + pixels.tobytes())
        image = lite.description.preprocessing.image(Image.fromarray(pixels[..., 0]))
        reference.run({program.inputs[0]: lite.encode(image)[np.newaxis]})
        expected.append({step.output: reference.stored(step.output) for step in program.steps})
    (tmp_path / "images").write_bytes(b"".join(given))
    values = node("run_page.mjs", web_page, tmp_path / "images")
    assert values == node("run_page.mjs", web_page, tmp_path / "images", "plain")
    size = encode(program).values
    assert len(values) == size * len(given)
    for place, tensors in enumerate(expected):
        for number, stored in tensors.items():
            tensor = program.tensors[number]
            start = place * size + tensor.place
            assert values[start : start + tensor.bytes] == stored.tobytes(), (place, tensor.name)
