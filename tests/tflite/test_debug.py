"""``debug``: the error of each layer of a quantized file, against layers worked out and damage done here."""

import json
import shutil

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools.flatbuffer_utils import convert_object_to_bytearray
from commands import run_command
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image
from refusals import FAILED, USAGE, refused

from kerascnn.data.sources.registry import load
from kerascnn.models.keras_file import load_model, save_model
from kerascnn.models.network import build
from kerascnn.tflite.debugging.layer_errors import measure_layers
from kerascnn.tflite.inspection.layer_matching import layer_of
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes

UNFIT = 4
WRITTEN = [
    "layers.json",
    "noise.png",
    "histograms.png",
    "model-explorer-own_sqnr.json",
    "model-explorer-sqnr.json",
    "model-explorer-saturation.json",
]
LAYERS = ["conv1", "pool1", "conv2", "pool2", "flatten", "fc1", "fc2", "logits", "softmax"]


def _int8(run):
    return run / "tflite" / "static_wi8_ai8.tflite"


def _model_of(file):
    return schema.ModelT.InitFromPackedBuf(file.read_bytes())


def _convolution(model, layer):
    """Return the tensors weights, bias and output of conv1 or conv2, the first operators of LeNet-5."""
    operator = model.subgraphs[0].operators[{"conv1": 0, "conv2": 2}[layer]]
    return [model.subgraphs[0].tensors[number] for number in (*operator.inputs[1:], *operator.outputs)]


def _damaged(file, layer, factor, path):
    """Write a copy whose weights of one layer claim to be of another size; nothing else is touched."""
    model = _model_of(file)
    weights, *_ = _convolution(model, layer)
    weights.quantization.scale = weights.quantization.scale * np.float32(factor)
    path.write_bytes(convert_object_to_bytearray(model))
    return path


@pytest.fixture(scope="module")
def whole(trained, tmp_path_factory):
    """What is said of the file as it should be, on all validation images of the digits."""
    run, _ = trained
    folder = tmp_path_factory.mktemp("whole")
    return run_command("debug", _int8(run), "--samples", 180, "--out", "out", "--json", cwd=folder)


def _by_layer(answer):
    return {layer["layer"]: layer for layer in answer.json["layers"]}


def _conv(maps, kernel):
    """Convolve (n, h, w, c) with (rows, columns, c, filters), unpadded."""
    windows = sliding_window_view(maps, kernel.shape[:2], axis=(1, 2))
    return np.einsum("nhwcij,ijcf->nhwf", windows, kernel, optimize=True)


def _pool(maps):
    n, height, width, depth = maps.shape
    return maps.reshape(n, height // 2, 2, width // 2, 2, depth).max(axis=(2, 4))


def _decibels(expected, found):
    return 10 * np.log10((expected**2).sum() / ((found - expected) ** 2).sum())


def _cosine(expected, found):
    return (expected * found).sum() / np.sqrt((expected**2).sum() * (found**2).sum())


class _ByHand:
    """A convolution of the int8 file in whole numbers, and the float one it stands for."""

    def __init__(self, file, run, layer):
        self.trained = keras.saving.load_model(run / "model.keras").get_layer(layer).get_weights()
        model = _model_of(file)
        weights, bias, given = _convolution(model, layer)
        stored = model.buffers[weights.buffer].data.view(np.int8).reshape(weights.shape)
        self._kernel = stored.transpose(1, 2, 3, 0).astype(np.int64)
        self._bias = model.buffers[bias.buffer].data.view(np.int32).astype(np.int64)
        self._weight_scale = np.array(weights.quantization.scale, np.float64)
        self.scale, self.zero = given.quantization.scale[0], int(given.quantization.zeroPoint[0])

    def steps(self, whole, scale):
        """From whole numbers that stand for themselves times ``scale`` to the steps of the result."""
        sums = _conv(whole, self._kernel) + self._bias
        return np.clip(np.round(sums * (scale * self._weight_scale / self.scale)) + self.zero, -128, 127)

    def real(self, steps):
        return (steps - self.zero) * self.scale

    def ideal(self, maps):
        kernel, bias = self.trained
        return np.maximum(_conv(maps, kernel.astype(np.float64)) + bias, 0)


def test_two_convolutions_worked_out_by_hand(run, whole):
    digits = load("digits")
    images = digits.preprocessing(32).batch(digits.validation.images).astype(np.int64)
    printed = _by_layer(whole)
    assert whole.json["images"] == {"source": "digits", "split": "validation", "n": len(images)}
    conv1 = _ByHand(_int8(run), run, "conv1")
    conv2 = _ByHand(_int8(run), run, "conv2")

    first = conv1.steps(images, 1.0)  # the int8 input is pixel − 128
    rescaling = keras.saving.load_model(run / "model.keras").get_layer("rescaling")
    trained_first = conv1.ideal(images * rescaling.scale + rescaling.offset)
    between = _pool(first)
    second = conv2.steps((between - conv1.zero).astype(np.int64), conv1.scale)
    trained_second = conv2.ideal(_pool(trained_first))
    own_second = conv2.ideal(conv1.real(between))

    # where the kernels round otherwise than NumPy, a value in a thousand is a step away
    assert printed["conv1"]["sqnr_db"] == pytest.approx(_decibels(trained_first, conv1.real(first)), abs=0.1)
    assert printed["conv1"]["own_sqnr_db"] == pytest.approx(printed["conv1"]["sqnr_db"], abs=0.01)
    assert printed["conv2"]["sqnr_db"] == pytest.approx(
        _decibels(trained_second, conv2.real(second)), abs=0.1
    )
    assert printed["conv2"]["own_sqnr_db"] == pytest.approx(
        _decibels(own_second, conv2.real(second)), abs=0.1
    )
    assert printed["conv2"]["own_sqnr_db"] > printed["conv2"]["sqnr_db"] + 1
    for name, trained, layer, steps in (
        ("conv1", trained_first, conv1, first),
        ("conv2", trained_second, conv2, second),
    ):
        assert printed[name]["cosine"] == pytest.approx(_cosine(trained, layer.real(steps)), abs=1e-5)
        assert printed[name]["steps_used"] == pytest.approx(len(np.unique(steps)) / 256, abs=1.5 / 256)
        assert printed[name]["range_used"] == pytest.approx(np.ptp(steps) / 255, abs=1.5 / 255)
    ends = np.isin(second, (-128, 127)) & (np.abs(own_second - conv2.real(second)) > conv2.scale)
    assert printed["conv2"]["saturation"] == pytest.approx(ends.mean(), abs=2e-5)
    assert (second == -128).mean() > 0.3  # zeros of the ReLU, which are not saturated
    assert printed["conv2"]["saturation"] < 0.01


def test_what_is_printed_and_written(cli, tmp_path, run):
    answer = cli("debug", _int8(run), "--run", run, "--out", "out", "--samples", 20, "--worst", 2)
    assert answer.code == 0, answer.err
    assert f"Compared with {run} on 20 validation images of digits." in answer.out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(WRITTEN)
    layers = json.loads((tmp_path / "out" / "layers.json").read_text())["layers"]
    assert sorted(layer["layer"] for layer in layers) == sorted(LAYERS)
    own = [np.inf if layer["own_sqnr_db"] is None else layer["own_sqnr_db"] for layer in layers]
    assert own == sorted(own)
    lines = answer.out.splitlines()[2 : 2 + len(LAYERS)]
    assert [line.split()[:2] for line in lines] == [[layer["layer"], layer["operator"]] for layer in layers]
    by_layer = {layer["layer"]: layer for layer in layers}
    assert by_layer["pool1"]["own_sqnr_db"] is None  # the largest of four steps is one of them
    assert by_layer["pool1"]["sqnr_db"] > 20
    heights = {}
    for chart in ("noise.png", "histograms.png"):
        drawn = Image.open(tmp_path / "out" / chart).convert("RGB")
        heights[chart] = drawn.height
        assert (0xD5, 0x5E, 0x00) in {colour for _, colour in drawn.getcolors(2**20)}
    assert heights["histograms.png"] == 2 * 324  # pixels of a layer


def test_the_record_is_what_json_prints(whole):
    document = whole.json
    record, *others = document["written"]
    assert [record, *others] == [f"out/{name}" for name in WRITTEN]
    assert set(document) == {"file", "run", "tuned", "images", "layers", "written"}
    assert set(document["layers"][0]) == {
        "layer",
        "operator",
        "index",
        "tensor",
        "type",
        "own_sqnr_db",
        "sqnr_db",
        "cosine",
        "saturation",
        "steps_used",
        "range_used",
    }


@pytest.mark.long
def test_model_explorer_finds_each_operator(cli, tmp_path, run):
    cli("debug", _int8(run), "--run", run, "--out", "out", "--samples", 5)
    graph = _model_of(_int8(run)).subgraphs[0]
    given = [graph.tensors[operator.outputs[0]].name.decode() for operator in graph.operators]
    layers = json.loads((tmp_path / "out" / "layers.json").read_text())["layers"]
    (shown,) = json.loads((tmp_path / "out" / "model-explorer-sqnr.json").read_text()).items()
    assert shown[0] == graph.name.decode() == "main"
    assert shown[1]["results"] == {layer["tensor"]: {"value": layer["sqnr_db"]} for layer in layers}
    assert set(shown[1]["results"]) == set(given)
    assert [stop["stop"] for stop in shown[1]["gradient"]] == [0, 1]


@pytest.mark.parametrize(("layer", "behind"), [("conv1", "conv2"), ("conv2", "fc1")])
def test_a_damaged_layer_is_the_worst_and_those_behind_it_are_not_blamed(
    cli, tmp_path, run, whole, layer, behind
):
    file = _damaged(_int8(run), layer, 0.5, tmp_path / "damaged.tflite")
    damaged = cli("debug", file, "--run", run, "--out", "out", "--samples", 40, "--json")
    assert whole.json["layers"][0]["layer"] != layer
    assert damaged.json["layers"][0]["layer"] == layer
    before, after = _by_layer(whole), _by_layer(damaged)
    assert before[layer]["own_sqnr_db"] > 35
    assert after[layer]["own_sqnr_db"] == pytest.approx(
        20 * np.log10(1 / 0.5), abs=0.2
    )  # half of it is missing
    assert after[behind]["sqnr_db"] < 10 < 30 < before[behind]["sqnr_db"]
    # as much noise as before in half the signal
    assert after[behind]["own_sqnr_db"] > before[behind]["own_sqnr_db"] - 20 * np.log10(2) - 3


def test_values_that_do_not_fit_are_saturated(cli, tmp_path, run, whole):
    file = _damaged(_int8(run), "conv1", 3, tmp_path / "damaged.tflite")
    damaged = cli("debug", file, "--run", run, "--out", "out", "--samples", 40, "--json")
    assert damaged.json["layers"][0]["layer"] == "conv1"
    assert _by_layer(damaged)["conv1"]["saturation"] > 0.05
    assert _by_layer(whole)["conv1"]["saturation"] < 0.001


def test_a_file_in_its_run_needs_no_run(cli, tmp_path, run):
    copy = shutil.copytree(run, tmp_path / "copy")
    printed = cli("debug", _int8(copy), "--samples", 2, "--json").json
    assert printed["run"].endswith("copy")
    assert {path.name for path in (copy / "tflite" / "debug-static_wi8_ai8").iterdir()} == set(WRITTEN)
    alone = shutil.copy(_int8(run), tmp_path / "alone.tflite")
    refused(cli("debug", alone), USAGE, "alone.tflite is not in a run", "--run")


def test_float_files_are_refused_and_quantized_weights_are_enough(cli, tmp_path, run):
    model = keras.saving.load_model(run / "model.keras")
    for scheme in ("float32", "float16", "dynamic_wi8_afp32"):
        (tmp_path / f"{scheme}.tflite").write_bytes(convert(model, schemes[scheme]))
    for scheme in ("float32", "float16"):
        answer = cli("debug", f"{scheme}.tflite", "--run", run)
        refused(answer, UNFIT, f"{scheme}.tflite is not quantized", "kerascnn quantize RUN")
    command = ("debug", "dynamic_wi8_afp32.tflite", "--run", run, "--out", "out", "--samples", 5, "--json")
    dynamic = _by_layer(cli(*command))
    assert list(dynamic["fc1"].values()).count(None) == 3  # nothing is said of the steps of float values
    assert 20 < dynamic["fc1"]["own_sqnr_db"] < 60
    assert dynamic["pool1"]["own_sqnr_db"] is None


def _run_with(model, run, path):
    """Write a copy of a run with another network in it."""
    shutil.copytree(run, path, ignore=shutil.ignore_patterns("tflite"))
    described = load_model(run / "model.keras")[1]
    sides = dict(zip(("height", "width"), model.input_shape[1:3], strict=True))
    rule = described.preprocessing.model_copy(update=sides)
    save_model(model, described.model_copy(update={"preprocessing": rule}), path / "model.keras")


@pytest.mark.parametrize(
    ("network", "difference"),
    [
        ({"head": "nin"}, "it has RESHAPE to 400 as operator 4, the run's has CONV_2D to 5×5×10 there"),
        ({"image_size": 28}, "it takes 32×32×1, the run's has 28×28×1 there"),
        ({"head_units": (120, 80)}, "it has FULLY_CONNECTED to 84 as operator 6, the run's has "),
    ],
)
def test_a_file_of_another_network(cli, tmp_path, run, network, difference):
    _run_with(build("lenet5", **network), run, tmp_path / "other")
    answer = cli("debug", _int8(run), "--run", "other")
    refused(answer, FAILED, f"static_wi8_ai8.tflite is not the network of other: {difference}")
    assert not (tmp_path / "other" / "tflite").exists()


def test_a_file_of_another_training(cli, tmp_path, run):
    keras.utils.set_random_seed(7)
    _run_with(build("lenet5"), run, tmp_path / "again")
    answer = cli("debug", _int8(run), "--run", "again")
    refused(answer, FAILED, "has the network of again, but other weights in conv1", "another training")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["missing.tflite", "--run", "RUN"], FAILED, ["missing.tflite does not exist"]),
        (["cut.tflite", "--run", "RUN"], FAILED, ["cut.tflite"]),
        (["FILE", "--run", "runs/typo"], FAILED, ["runs/typo does not exist", "kerascnn runs"]),
        (["FILE", "--run", "RUN", "--samples", 0], USAGE, ["samples must be 1 to 180", "samples=0"]),
        (["FILE", "--run", "RUN", "--samples", 181], USAGE, ["samples must be 1 to 180", "samples=181"]),
        (["FILE", "--run", "RUN", "--worst", 0], USAGE, ["worst must be at least 1", "worst=0"]),
        (["FILE", "--run", "RUN", "--samples", 1, "--out", "cut.tflite"], FAILED, ["cut.tflite"]),
    ],
)
def test_bad_input(cli, tmp_path, run, arguments, code, words):
    content = _int8(run).read_bytes()
    (tmp_path / "cut.tflite").write_bytes(content[: len(content) // 2])
    names = {"FILE": _int8(run), "RUN": run}
    refused(cli("debug", *(names.get(argument, argument) for argument in arguments)), code, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["cut.tflite"]


def test_a_compiled_file_is_refused(cli, tmp_path, run):
    model = _model_of(_int8(run))
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = b"edgetpu-custom-op"
    (tmp_path / "compiled.tflite").write_bytes(convert_object_to_bytearray(model))
    answer = cli("debug", "compiled.tflite", "--run", run)
    refused(answer, FAILED, "the operator edgetpu-custom-op", "compiled from")


PICTURES = np.random.default_rng(0).integers(0, 256, (6, 67, 67, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("variant", "size", "head"),
    [
        ("small_stem", 16, "fc"),
        pytest.param("one_tower", 67, "nin", marks=pytest.mark.long),
        pytest.param("two_towers", 67, "conv1x1", marks=pytest.mark.long),
    ],
)
def test_every_layer_of_alexnet_is_found(tmp_path, variant, size, head):
    keras.utils.set_random_seed(3)
    units = {} if head == "nin" else {"head_units": (32, 32)}
    model = build("alexnet", variant=variant, head=head, image_size=size, classes=5, **units)
    pictures = PICTURES[:, :size, :size]
    (tmp_path / "a.tflite").write_bytes(convert(model, schemes["static_wi8_ai8"], pictures))
    errors = measure_layers(tmp_path / "a.tflite", model, pictures[:1], run=tmp_path)
    towers = ("a", "b") if variant == "two_towers" else ("",)
    found = [error.layer for error in errors]
    for layer in ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5"):
        for tower in towers:
            assert found.count(f"{layer}{tower}") == 1, found
    assert found[-2:] == ["logits", "softmax"]
    assert all(error.own_sqnr is None or error.own_sqnr > 15 for error in errors)
    assert all(error.cosine > 0.95 for error in errors)


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")
def test_a_file_that_takes_uint8(tmp_path):
    import tensorflow as tf

    model = build("lenet5", head="nin")
    images = PICTURES[:, :32, :32, :1]
    pixels = keras.Input(batch_shape=(1, 32, 32, 1))
    whole = keras.Model(pixels, keras.layers.Softmax()(model(pixels)))
    converter = tf.lite.TFLiteConverter.from_keras_model(whole)
    schemes["static_wi8_ai8"].set_up(converter)
    converter.representative_dataset = lambda: ([image[None].astype("float32")] for image in images)
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    (tmp_path / "uint8.tflite").write_bytes(converter.convert())
    errors = measure_layers(tmp_path / "uint8.tflite", model, images, run=tmp_path)
    expected = ["conv1", "pool1", "conv2", "pool2", "class_map", "logits", "softmax"]
    assert [error.layer for error in errors] == expected
    assert all(error.cosine > 0.99 for error in errors)


def test_the_layer_behind_a_tensor():
    layers = ["pixels", "rescaling", "conv1", "norm1", "relu1", "conv1x1_1", "S4"]
    named = {
        "functional_1/lenet5_1/conv1_1/Relu;functional_1/lenet5_1/conv1_1/BiasAdd": "conv1",
        "net_1/relu1_1/Relu;net_1/norm1_1/batchnorm/add_1;net_1/conv1_1/convolution": "conv1",
        "functional_1/lenet5_1/conv1x1_1_1/Relu": "conv1x1_1",
        "functional_1/lenet5_1/S4_1/mul_1": "S4",
        "StatefulPartitionedCall_1:0": None,
    }
    assert {tensor: layer_of(tensor, layers) for tensor in named} == named
