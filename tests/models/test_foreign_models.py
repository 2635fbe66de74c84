"""Models of other programs: what goes in, what comes out, and what is no model at all.

Every network here says how bright an image is: with its mean from 0 to 1 the share of "bright" is
1 / (1 + e^(−8 (mean − 1/2))), so pixels of 204 give 0.917 and pixels of 51 give 0.083. A network that is fed
0 to 255 instead calls both bright.
"""

import json
import warnings
import zipfile

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from refusals import FAILED, USAGE, refused
from small_tflite import Operator, Tensor, constant, options, tflite

import kerascnn
from kerascnn.analysis.evaluation.evaluation import as_probabilities
from kerascnn.foundation.errors import KerasCnnError, KerasCnnWarning, UsageError
from kerascnn.foundation.process import OtherProcess, ProcessError
from kerascnn.tflite.metadata import metadata, schema
from kerascnn.tflite.metadata.labels import read_labels

BRIGHT, DARK = 1 / (1 + np.exp(-2.4)), 1 / (1 + np.exp(2.4))
STEEP = 8.0


@pytest.fixture(autouse=True)
def images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, value in (("bright.png", 204), ("dark.png", 51)):
        Image.fromarray(np.full((4, 4), value, np.uint8)).save(name)
    return ["bright.png", "dark.png"]


def dense(activation="softmax", units=2, low=0.0, high=1.0):
    """Return the last layer for images from ``low`` to ``high``: one unit says "bright", two both."""
    layer = layers.Dense(units, activation=activation)
    layer.build((None, 16))
    slope = STEEP / (high - low)
    weights, bias = np.full((16, 1), slope / 16), np.array([-slope * (low + high) / 2])
    if units == 2:
        weights, bias = np.hstack([-weights, weights]) / 2, np.hstack([-bias, bias]) / 2
    layer.set_weights([weights, bias])
    return layer


def network(*first, shape=(4, 4, 1), last=None):
    return keras.Sequential([keras.Input(shape), *first, layers.Flatten(), last or dense()])


def shares_of_bright(file, **given):
    """Return the share of class 1 for both images, no warning being an error."""
    found = kerascnn.predict(file, ["bright.png", "dark.png"], top_k=2, **given)
    return [dict(prediction.classes)["1"] for prediction in found]


def _named_output():
    pixels = keras.Input((4, 4, 1))
    return keras.Model(pixels, {"scores": dense()(layers.Flatten()(pixels))})


def _normalized():
    return network(layers.Normalization(mean=127.5, variance=127.5**2), last=dense(low=-1))


def _map():
    """A map of one place is one score a class."""
    layer = layers.Conv2D(2, 4)
    layer.build((None, 4, 4, 1))
    weights, bias = dense().get_weights()
    layer.set_weights([weights.reshape(4, 4, 1, 2), bias])
    return keras.Sequential([keras.Input((4, 4, 1)), layers.Rescaling(1 / 255), layer])


RESCALED = {
    "rescaling": lambda: network(layers.Rescaling(1 / 255)),
    "rescaling to minus one": lambda: network(layers.Rescaling(1 / 127.5, -1), last=dense(low=-1)),
    "behind augmentation": lambda: network(layers.RandomFlip(), layers.Rescaling(1 / 255)),
    "in a model inside": lambda: network(
        keras.Sequential([keras.Input((4, 4, 1)), layers.Rescaling(1 / 255)])
    ),
    "normalization": _normalized,
    "map": _map,
    "logits": lambda: network(layers.Rescaling(1 / 255), last=dense("linear")),
    "one sigmoid": lambda: network(layers.Rescaling(1 / 255), last=dense("sigmoid", 1)),
}


@pytest.mark.parametrize("made", RESCALED)
@pytest.mark.filterwarnings("error::kerascnn.foundation.errors.KerasCnnWarning")
def test_a_network_that_rescales_takes_raw_pixels(made):
    RESCALED[made]().save("model.keras")
    assert shares_of_bright("model.keras") == pytest.approx([BRIGHT, DARK], abs=1e-5)


def test_one_number_is_taken_as_a_logit_aloud():
    network(layers.Rescaling(1 / 255), last=dense("linear", 1)).save("model.keras")
    with pytest.warns(KerasCnnWarning, match="taken as the logit of the second of two classes"):
        assert shares_of_bright("model.keras") == pytest.approx([BRIGHT, DARK], abs=1e-5)


OUTSIDE = {
    "from 0 to 1": (network, "0..1"),
    "from -1 to 1": (lambda: network(last=dense(low=-1)), "-1..1"),
    "no channel axis": (lambda: network(shape=(4, 4)), "0..1"),
    "an output with a name": (_named_output, "0..1"),
}


@pytest.mark.parametrize("made", OUTSIDE)
def test_what_a_network_does_not_say_is_assumed_aloud_or_given(made):
    build, given = OUTSIDE[made]
    build().save("model.keras")
    assert shares_of_bright("model.keras", input_range=given) == pytest.approx([BRIGHT, DARK], abs=1e-5)
    with pytest.warns(KerasCnnWarning, match=r"0 and 255 are assumed.*--input-range 0\.\.1"):
        assert shares_of_bright("model.keras") == pytest.approx([1, 1], abs=1e-5)


def converted(model, low=None, high=None, quantized="int8"):
    """Return the file of a network, quantized for inputs of a range."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if low is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(quantized)
        shades = np.linspace(low, high, 20, dtype=np.float32)
        converter.representative_dataset = lambda: ([np.full((1, 4, 4, 1), shade)] for shade in shades)
    with warnings.catch_warnings():  # the converter's, of statistics that it does not need
        warnings.simplefilter("ignore")
        return converter.convert()


@pytest.mark.parametrize("quantized", ["int8", "uint8"])
@pytest.mark.parametrize(("low", "high", "seen"), [(0, 1, 1), (0, 1, 0.9), (-1, 1, 1), (0, 255, 255)])
@pytest.mark.filterwarnings("error::kerascnn.foundation.errors.KerasCnnWarning")
def test_a_quantized_input_says_what_it_takes(tmp_path, quantized, low, high, seen):
    """Calibration images may have been darker than white."""
    content = converted(network(last=dense(low=low, high=high)), low, seen, quantized)
    (tmp_path / "model.tflite").write_bytes(content)
    assert shares_of_bright("model.tflite") == pytest.approx([BRIGHT, DARK], abs=0.02)


def _with_metadata(content, mean, std, names):
    document = {
        "name": "other",
        "subgraph_metadata": [
            {
                "input_tensor_metadata": [
                    {"process_units": [{"options": {"NormalizationOptions": {"mean": mean, "std": std}}}]}
                ],
                "output_tensor_metadata": [
                    {"associated_files": [{"name": "names.txt", "type": schema.TENSOR_AXIS_LABELS}]}
                ],
            }
        ],
    }
    return metadata._added(content, schema.write(document), {"names.txt": names})


@pytest.mark.filterwarnings("error::kerascnn.foundation.errors.KerasCnnWarning")
def test_metadata_say_what_goes_in_and_what_classes_are_called(tmp_path):
    content = converted(network(last=dense(low=-1)))
    named = _with_metadata(content, [127.5], [127.5], b"dark\nbright\n")
    (tmp_path / "model.tflite").write_bytes(named)
    found = kerascnn.predict("model.tflite", ["bright.png", "dark.png"])
    assert [prediction.classes[0] for prediction in found] == [
        ("bright", pytest.approx(BRIGHT, abs=1e-5)),
        ("dark", pytest.approx(1 - DARK, abs=1e-5)),
    ]


@pytest.mark.filterwarnings("error::kerascnn.foundation.errors.KerasCnnWarning")
def test_metadata_that_contradict_the_quantization_are_about_its_bytes(tmp_path):
    content = converted(network(), 0, 1)
    (tmp_path / "model.tflite").write_bytes(_with_metadata(content, [0.0], [1.0], b"0\n1\n"))
    assert shares_of_bright("model.tflite") == pytest.approx([BRIGHT, DARK], abs=0.02)


@pytest.mark.filterwarnings("error::kerascnn.foundation.errors.KerasCnnWarning")
def test_a_float_file_that_rescales_takes_raw_pixels(tmp_path):
    (tmp_path / "model.tflite").write_bytes(converted(network(layers.Rescaling(1 / 255))))
    assert shares_of_bright("model.tflite") == pytest.approx([BRIGHT, DARK], abs=1e-5)


def test_sigmoids_are_a_probability_each():
    shares = np.array([[0.9, 0.8], [0.1, 0.3]], np.float32)
    np.testing.assert_array_equal(as_probabilities(shares, "sigmoid"), shares)
    np.testing.assert_allclose(
        as_probabilities(shares[:, :1], "sigmoid"), [[0.1, 0.9], [0.9, 0.1]], atol=1e-6
    )


def test_labels_name_the_classes_and_put_them_in_the_order_of_the_data(cli, tmp_path):
    network(layers.Rescaling(1 / 255)).save("model.keras")  # 0 is dark, 1 is bright
    for name, value in (("bright", 204), ("dark", 51)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(30):
            shade = Image.fromarray(np.full((4, 4), value + number, np.uint8))
            shade.save(tmp_path / "photos" / name / f"{number}.png")
    (tmp_path / "labels.txt").write_text("0 dark\n1 bright\n")
    answer = cli("predict", "model.keras", "bright.png", "--labels", "labels.txt", "--top-k", 1)
    assert answer.out.split() == ["bright.png", "bright", "91.7%"]
    evaluated = cli("evaluate", "model.keras", "--data", "photos", "--labels", "labels.txt", "--json").json
    assert (evaluated["accuracy"], evaluated["classes"]) == (1.0, ["bright", "dark"])
    swapped = cli("evaluate", "model.keras", "--data", "photos", "--json")  # its classes are 0 and 1
    assert swapped.json["accuracy"] == 0.0
    (note,) = [line for line in swapped.err.splitlines() if line.startswith("Note: ")]
    assert note.startswith("Note: model.keras gets 0.00 %, less than always answering bright (50.00 %)")
    assert "--labels FILE" in note


def test_the_note_is_one_line_and_the_result_is_alone_on_stdout(cli):
    network().save("model.keras")
    answer = cli("predict", "model.keras", "dark.png", "--json")
    assert [line for line in answer.err.splitlines() if line.startswith("Note: model.keras does not say")]
    assert json.loads(answer.out)[0]["classes"][0]["label"] == "1"


def test_a_range_beside_the_one_that_a_file_says_is_told():
    network(layers.Rescaling(1 / 255)).save("model.keras")
    with pytest.warns(KerasCnnWarning, match="takes 0 to 255, by its Rescaling layer"):
        shares_of_bright("model.keras", input_range="0..1")


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a\nb\n".encode("utf-16"), ("a", "b")),
        ("\ufeffä\r\n\r\nb\r\n".encode(), ("ä", "b")),
        (b"0  background\n1  cat\n", ("background", "cat")),
        (b"0 a\n5 b\n", ("0 a", "5 b")),
    ],
)
def test_label_files_as_they_come(tmp_path, content, names):
    (tmp_path / "labels.txt").write_bytes(content)
    assert read_labels(tmp_path / "labels.txt") == names


@pytest.mark.parametrize(("content", "told"), [(b"\n", "is empty"), (b"caf\xe9\nb\n", "is not UTF-8")])
def test_label_files_that_are_none(tmp_path, content, told):
    (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(KerasCnnError, match=told):
        read_labels(tmp_path / "labels.txt")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--input-range", "1..0"], "the smaller first"),
        (["--input-range", "0-1"], "the smaller first"),
        (["--input-range", "0..nan"], "the smaller first"),
        (["--labels", "three.txt"], "name 3 classes, model.keras has 2"),
    ],
)
def test_what_a_user_says_must_make_sense(cli, tmp_path, given, told):
    network().save("model.keras")
    (tmp_path / "three.txt").write_text("a\nb\nc\n")
    refused(cli("predict", "model.keras", "dark.png", *given), USAGE, told)


def test_a_file_of_kerascnn_says_itself_what_it_takes(run):
    with pytest.raises(UsageError, match="says itself what it takes"):
        kerascnn.predict(run, ["dark.png"], input_range="0..1")


def _lambda():
    return network(layers.Lambda(lambda pixels: pixels / 255))


@keras.saving.register_keras_serializable("a_test")
class _Own(layers.Layer):
    def call(self, pixels):
        return pixels


def _rewritten(change):
    """Write a sound file with members changed: (name, content) → content or None."""
    network().save("sound.keras")
    with zipfile.ZipFile("sound.keras") as sound, zipfile.ZipFile("model.keras", "w") as made:
        for name in sound.namelist():
            if (content := change(name, sound.read(name))) is not None:
                made.writestr(name, content)


def _of_another_scale(name, content):
    return content.replace(b'"Flatten"', b'"Rescaling"').replace(
        b'"data_format": "channels_last"', b'"scale": "x"'
    )


def _of_newer_keras(name, content):
    if name == "metadata.json":
        return json.dumps(json.loads(content) | {"keras_version": "99.1.0"})
    return content.replace(b'"Flatten"', b'"FlattenBetter"')


KERAS_FILES = {
    "never built": (lambda: keras.Sequential([layers.Dense(2)]).save("model.keras"), "was never built"),
    "any size": (
        lambda: keras.Sequential(
            [keras.Input((None, None, 3)), layers.GlobalAveragePooling2D(), layers.Dense(2)]
        ).save("model.keras"),
        "any size",
    ),
    "four channels": (lambda: network(shape=(4, 1, 4)).save("model.keras"), "takes 4 channels"),
    "lambda": (lambda: _lambda().save("model.keras"), "has a Lambda layer"),
    "own layer": (lambda: network(_Own()).save("model.keras"), "has a layer of its own, _Own"),
    "newer": (lambda: _rewritten(_of_newer_keras), "was saved by Keras 99.1.0"),
    "one softmax": (
        lambda: network(last=dense("softmax", 1)).save("model.keras"),
        "one output behind a softmax",
    ),
    "one tanh": (
        lambda: network(last=dense("tanh", 1)).save("model.keras"),
        "one output that is neither a sigmoid nor a logit",
    ),
    "a scale that is no number": (
        lambda: _rewritten(_of_another_scale),
        "model.keras cannot be",
    ),
}


@pytest.mark.parametrize("made", KERAS_FILES)
def test_a_keras_file_that_cannot_be_used_says_why(made, monkeypatch):
    write, told = KERAS_FILES[made]
    with warnings.catch_warnings():  # Keras warns of a model that was never built
        warnings.simplefilter("ignore")
        write()
    monkeypatch.setitem(keras.saving.get_custom_objects(), "a_test>_Own", None)
    with pytest.raises(KerasCnnError, match=told) as caught:
        kerascnn.predict("model.keras", ["dark.png"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("model.keras", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("model.tflite", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ("model.tflite", b"\n<!DOCTYPE html><html>", "web page"),
        ("model.keras", b"", "is empty"),
        ("model.onnx", b"\x08\x07", "ONNX"),
        ("model.pth", b"PK\x03\x04", "PyTorch"),
        ("notes.txt", b"a", "neither a run folder nor a .keras or .tflite file"),
    ],
)
def test_what_is_no_model_is_told_by_its_name(cli, tmp_path, name, content, told):
    (tmp_path / name).write_bytes(content)
    refused(cli("predict", name, "dark.png"), FAILED, told)


def test_older_forms_of_keras_models_are_told_by_their_names(cli, tmp_path):
    network().save("legacy.h5")
    network().save_weights("model.weights.h5")
    (tmp_path / "renamed.keras").write_bytes((tmp_path / "legacy.h5").read_bytes())
    network().export("saved", verbose=False)
    for name, told in (
        ("legacy.h5", "HDF5 file of older Keras"),
        ("renamed.keras", "HDF5 file of older Keras"),
        ("model.weights.h5", "weights without their network"),
        ("saved", "is a SavedModel"),
    ):
        refused(cli("predict", name, "dark.png"), FAILED, told)


FLOAT = {"type": "FLOAT32", "scale": None}


def _ending(operator):
    """Return a file of an operator behind a reshape of an image."""
    flat = Tensor((1, 16), **FLOAT)
    pixels = Tensor((1, 4, 4, 1), **FLOAT)
    return tflite(Operator("RESHAPE", [pixels, constant(1, 16)], [flat]), operator(flat))


def _split_into_none(flat):
    return Operator(
        "SPLIT", [constant(1), flat], [Tensor((1, 2), **FLOAT)], options=options("Split", numSplits=0)
    )


def _of_four_gigabytes(flat):
    return Operator("TILE", [flat, constant(2**15, 2**11)], [Tensor((1, 2), **FLOAT)])


@pytest.mark.parametrize(
    ("operator", "told"), [(_split_into_none, "cannot be run: LiteRT"), (_of_four_gigabytes, "more memory")]
)
def test_a_file_that_litert_does_not_survive_is_one_line(cli, tmp_path, operator, told):
    (tmp_path / "model.tflite").write_bytes(_ending(operator))
    refused(cli("predict", "model.tflite", "dark.png"), FAILED, told)


@pytest.mark.parametrize("command", [("predict", "model.tflite", "dark.png"), ("benchmark", "model.tflite")])
def test_a_file_of_no_fixed_size_is_told_in_our_words(cli, tmp_path, command):
    pixels = Tensor((1, 1, 1, 3), **FLOAT, signature=(-1, -1, -1, 3))
    scores = Tensor((1, 3), **FLOAT, signature=(-1, 3))
    mean = Operator("MEAN", [pixels, constant(1, 2)], [scores], options=options("Reducer", keepDims=False))
    (tmp_path / "model.tflite").write_bytes(tflite(mean))
    size = "model.tflite takes images of any size, (None, None, 3): save or convert it with a fixed height"
    refused(cli(*command), FAILED, size)


def test_a_process_that_gives_no_answer_is_ended():
    with (
        OtherProcess("threading:Event", "a test") as process,
        pytest.raises(ProcessError, match="for a test did not answer within 1 s"),
    ):
        process("wait", within=1)
