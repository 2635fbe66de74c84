"""Networks without dense layers slide over a larger image: their map is that of the reference kernels."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from waiting import wait_until
from web_browser import MISSING, opened, stroke, text

from kerascnn.models.network import build
from kerascnn.tflite.program.build import integer_program
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.web.network import Network
from kerascnn.tflite.web.page import GoldenImage, Pad, page

SCRIPT = Path(__file__).parents[1] / "helpers" / "run_larger.mjs"
pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="there is no Node.js: apt install nodejs")


def made(path, size, **network):
    """Write the int8 file of an untrained network for colour images, and return it as one of a page."""
    model = build("alexnet", image_size=size, channels=3, **network)
    images = np.random.default_rng(1).integers(0, 256, (8, size, size, 3), np.uint8)
    path.write_bytes(convert(model, schemes["static_wi8_ai8"], images))
    return Network(path.stem, LiteRTClassifier(path), {"accuracy": 1.0})


def paged(networks, path):
    """Write a page of networks, with a pad, and return its path."""
    inputs = [np.zeros(network.lite.input_shape, np.uint8) for network in networks]
    shown = GoldenImage(np.zeros((8, 8, 1), np.uint8), 0, inputs)
    path.write_text(page("larger", networks, [shown], Pad(28, 20, by_mass=True)), encoding="utf-8")
    return path


def answered(path):
    """Return what the networks of a page answer to larger images."""
    command = ["node", str(SCRIPT), str(path)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def expected(network, told):
    """Return the stored class map that the reference kernels give for the same pixels."""
    path, side = network.lite.path, told["side"]
    interpreter = Interpreter(
        model_path=str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.resize_tensor_input(0, [1, side, side, network.lite.description.preprocessing.channels])
    interpreter.allocate_tensors()
    pixels = np.frombuffer(base64.b64decode(told["pixels"]), np.uint8).reshape(side, side, -1)
    interpreter.set_tensor(0, network.lite.encode(pixels[np.newaxis]))
    interpreter.invoke()
    mean = next(step for step in integer_program(path).steps if step.operator == "MEAN")
    return interpreter.get_tensor(mean.inputs[0])


@pytest.fixture(scope="module")
def networks(whole_study):
    """One with an nin head, one with an fc head."""
    runs = whole_study[0] / "runs"
    files = {head: runs / f"{head}-1" / "tflite" / "static_wi8_ai8.tflite" for head in ("nin", "fc")}
    return [Network(head, LiteRTClassifier(path), {"accuracy": 1.0}) for head, path in files.items()]


def test_a_map_of_answers_is_that_of_the_reference_kernels(networks, tmp_path):
    told, none = answered(paged(networks, tmp_path / "page.html"))
    assert none is None
    assert (told["side"], told["step"], told["shape"]) == (80, 4, [1, 17, 17, 10])
    found = np.frombuffer(base64.b64decode(told["scores"]), np.int8).reshape(told["shape"])
    assert np.array_equal(found, expected(networks[0], told))


@pytest.mark.long
@pytest.mark.parametrize(("variant", "size"), [("small_stem", 32), ("two_towers", 67)])
def test_maps_of_alexnets(variant, size, tmp_path):
    networks = [made(tmp_path / "alexnet.tflite", size, variant=variant, head="nin", classes=10)]
    (told,) = answered(paged(networks, tmp_path / "page.html"))
    found = np.frombuffer(base64.b64decode(told["scores"]), np.int8).reshape(told["shape"])
    assert np.array_equal(found, expected(networks[0], told))


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_larger_drawing_is_answered_everywhere(driver, networks, tmp_path):
    opened(driver, paged(networks, tmp_path / "page.html"))
    assert text(driver, "larger-not").startswith("fc cannot: the weights of a first dense layer fit one size")
    assert "this one has 80×80" in text(driver, "larger-told")
    driver.execute_script("document.getElementById('larger').open = true")
    stroke(driver, [(0.2, 0.2), (0.2, 0.5), (0.3, 0.7)], pad="larger-pad")
    wait_until(lambda: text(driver, "larger-maps"), "the map of answers")
    assert text(driver, "larger-maps").startswith("nin: 17×17 answers; what it is 90 % sure of: ")
    assert driver.get_log("browser") == []
