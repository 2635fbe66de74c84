"""From a run to a .tflite file: what is in it, what it computes, what is recorded."""

import hashlib
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from kerascnn.data.dataset import Split
from kerascnn.data.sources import load
from kerascnn.errors import KerasCnnError, TargetError
from kerascnn.evaluation import as_probabilities, keras_classifier
from kerascnn.models.family import build
from kerascnn.models.heads import heads
from kerascnn.tflite.calibration import choose
from kerascnn.tflite.conversion import convert
from kerascnn.tflite.interpreter import LiteRTClassifier
from kerascnn.tflite.latency import measure
from kerascnn.tflite.quantization import quantize
from kerascnn.tflite.schemes import schemes
from kerascnn.tflite.verification import verify_full_int8
from kerascnn.training.config import TrainingConfig
from kerascnn.training.trainer import train

DIM = np.random.default_rng(0).integers(10, 181, (64, 32, 32, 1), dtype=np.uint8)
CLASSES = tuple("0123456789")


def _calibrated(images):
    return choose(Split(images, np.zeros(len(images), np.int32)), None, seed=1, classes=("a",)).images


def _operators(content):
    model = schema.ModelT.InitFromPackedBuf(content)
    names = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    codes = [model.operatorCodes[operator.opcodeIndex] for operator in model.subgraphs[0].operators]
    return [names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in codes]


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        ("fc", ["RESHAPE", "FULLY_CONNECTED", "FULLY_CONNECTED", "FULLY_CONNECTED"]),
        ("conv1x1", ["CONV_2D", "CONV_2D", "CONV_2D", "MEAN"]),
        ("nin", ["CONV_2D", "MEAN"]),
    ],
)
def test_the_rescaling_melts_and_nothing_else_is_added(head, tail, tmp_path):
    model = build("lenet5", head=head, pixel_mean=25.0, pixel_std=80.0)
    content = convert(model, schemes["static_wi8_ai8"], _calibrated(DIM))
    assert _operators(content) == ["CONV_2D", "MAX_POOL_2D"] * 2 + tail + ["SOFTMAX"]
    verify_full_int8(content, tmp_path)


def test_dim_calibration_images_do_not_narrow_the_input(tmp_path):
    model = build("lenet5")
    with pytest.raises(TargetError, match="scale 1 and zero point −128"):
        verify_full_int8(convert(model, schemes["static_wi8_ai8"], DIM), tmp_path)
    verify_full_int8(convert(model, schemes["static_wi8_ai8"], _calibrated(DIM)), tmp_path)


def test_verification_names_the_operator_that_is_not_int8(tmp_path):
    with pytest.raises(TargetError, match=r"operator CONV_2D at .* is not int8 but FLOAT32"):
        verify_full_int8(convert(build("lenet5"), schemes["float32"]), tmp_path)


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")
def test_verification_names_a_dynamic_shape(tmp_path):
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(build("lenet5"))
    schemes["static_wi8_ai8"].set_up(
        converter, lambda: ([image[None].astype("float32")] for image in _calibrated(DIM))
    )
    with pytest.raises(TargetError, match=r"dynamic shape \[-1, "):
        verify_full_int8(converter.convert(), tmp_path)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Each head, trained for a few epochs on the digits."""
    folder = tmp_path_factory.mktemp("models")
    configs = [TrainingConfig(model="lenet", head=head, epochs=8, runs_dir=folder) for head in heads]
    return {config.head: keras.saving.load_model(train(config).model_path) for config in configs}


@pytest.mark.parametrize("head", list(heads))
@pytest.mark.parametrize(
    ("scheme", "tolerance", "agreement", "size"),
    # mean difference of a probability; share of equal answers; size against float32
    [
        ("float32", 1e-6, 1.0, 1.0),  # the same arithmetic in another order
        ("float16", 1e-4, 0.995, 0.8),  # weights keep 11 bits; one near tie of 360 may tip
        ("dynamic_wi8_afp32", 3e-3, 0.99, 1.0),  # weights keep 8 bits where a layer has enough of them
        ("static_wi8_ai8", 8e-3, 0.98, 0.8),  # weights and activations keep 8 bits
    ],
)
def test_every_scheme_agrees_with_keras(models, head, scheme, tolerance, agreement, size, tmp_path):
    digits = load("digits")
    images = digits.preprocessing(32).batch(digits.test.images)
    expected = keras_classifier(models[head])(images)
    assert expected.max(axis=1).mean() > 0.4  # it learned something to agree on
    path = tmp_path / "model.tflite"
    path.write_bytes(convert(models[head], schemes[scheme], _calibrated(images)))
    found = as_probabilities(LiteRTClassifier(path)(images), "probabilities")
    assert np.abs(found - expected).mean() <= tolerance
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() >= agreement
    assert path.stat().st_size <= size * len(convert(models[head], schemes["float32"]))


def test_scores_of_an_unknown_kind():
    logits = np.array([[1.0, 3.0], [0.0, 0.0]], np.float32)
    shares = np.array([[0.25, 0.75], [0.99, 0.0]], np.float32)  # rounded to int8 steps, a row may miss 1
    np.testing.assert_array_equal(as_probabilities(shares, "unknown"), shares)
    expected = [[1 / (1 + np.exp(2)), 1 / (1 + np.exp(-2))], [0.5, 0.5]]
    np.testing.assert_allclose(as_probabilities(logits, "unknown"), expected, rtol=1e-6)


def test_a_foreign_float_file_of_logits_is_read_as_probabilities(models, tmp_path):
    import tensorflow as tf

    pixels = keras.Input(batch_shape=(1, 32, 32, 1))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, models["fc"](pixels)))
    (tmp_path / "other.tflite").write_bytes(converter.convert())
    lite = LiteRTClassifier(tmp_path / "other.tflite")
    assert lite.description.output == "unknown"
    np.testing.assert_allclose(lite(DIM[:4]), keras_classifier(models["fc"])(DIM[:4]), atol=1e-5)


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(KerasCnnError, match="not finite"):
        as_probabilities(np.array([[np.nan, 0.0]], np.float32), "unknown")


def test_a_file_for_several_images_at_a_time_is_refused(models, tmp_path):
    import tensorflow as tf

    pixels = keras.Input(batch_shape=(4, 32, 32, 1))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, models["nin"](pixels)))
    (tmp_path / "four.tflite").write_bytes(converter.convert())
    with pytest.raises(KerasCnnError, match="takes 4 images at a time"):
        LiteRTClassifier(tmp_path / "four.tflite")


def test_a_model_of_a_fixed_batch_is_evaluated_too(models):
    pixels = keras.Input(batch_shape=(1, 32, 32, 1))
    fixed = keras.Model(pixels, models["fc"](pixels))
    np.testing.assert_allclose(
        keras_classifier(fixed)(DIM[:3]), keras_classifier(models["fc"])(DIM[:3]), atol=1e-6
    )


def test_raw_bytes_go_in_as_byte_minus_128(run):
    lite = LiteRTClassifier(run / "tflite" / "static_wi8_ai8.tflite")
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    np.testing.assert_array_equal(lite.encode(pixels).astype(int), pixels.astype(int) - 128)


def test_quantize_prints_and_records_both_sides(cli, tmp_path, run):
    printed = cli("quantize", run, "--json").json
    (entry,) = printed["files"]
    assert (entry["scheme"], entry["target"], entry["n"]) == ("static_wi8_ai8", "mobile", 360)
    assert entry["bytes"] == (run / "tflite" / "static_wi8_ai8.tflite").stat().st_size
    assert entry["agreement"] >= 0.99
    assert entry["drop_points"] == pytest.approx(
        100 * (printed["float"]["accuracy"] - entry["accuracy"]), abs=1e-3
    )
    assert 0 < entry["latency_us"]["median"] <= entry["latency_us"]["p95"] <= entry["latency_us"]["p99"]
    recorded = json.loads((run / "tflite" / "static_wi8_ai8.result.json").read_text())
    assert recorded["accuracy"] == entry["accuracy"]


def test_float_and_int8_evaluate_alike_from_run_keras_and_tflite(cli, run):
    whole = cli("evaluate", run, "--json").json
    alone = cli("evaluate", run / "model.keras", "--json").json
    int8 = cli("evaluate", run / "tflite" / "static_wi8_ai8.tflite", "--json").json
    assert whole["confusion"] == alone["confusion"]
    assert abs(int8["accuracy"] - whole["accuracy"]) <= 3 / 360
    assert np.sum(whole["confusion"]) == np.sum(int8["confusion"]) == whole["n"] == 360
    assert whole["accuracy"] == pytest.approx(np.trace(whole["confusion"]) / 360)


def test_calibration_is_recorded_and_from_training_images_only(run):
    record = json.loads((run / "tflite" / "calibration.json").read_text())
    digits = load("digits")
    images = digits.preprocessing(32).batch(digits.train.images)
    held_out = np.concatenate([digits.validation.images, digits.test.images])
    forbidden = {
        hashlib.sha256(image.tobytes()).hexdigest() for image in digits.preprocessing(32).batch(held_out)
    }
    assert (
        record["n"] == len(record["samples"]) == len({sample["index"] for sample in record["samples"]}) == 500
    )
    assert sum(record["class_counts"].values()) == 500
    assert max(record["class_counts"].values()) - min(record["class_counts"].values()) <= 3
    for sample in record["samples"]:
        assert sample["sha256"] == hashlib.sha256(images[sample["index"]].tobytes()).hexdigest()
        assert sample["sha256"] not in forbidden


def test_calibration_is_stratified_seeded_and_stretched():
    labels = np.repeat(np.arange(10), [200] * 5 + [20] * 5).astype(np.int32)
    images = np.random.default_rng(2).integers(20, 200, (1_100, 4, 4, 1), dtype=np.uint8)
    train = Split(images, labels)
    chosen = choose(train, 110, seed=3, classes=CLASSES)
    assert list(chosen.record["class_counts"].values()) == [20] * 5 + [2] * 5
    assert (chosen.images.min(), chosen.images.max()) == (0, 255)
    untouched = np.delete(np.arange(110), chosen.record["stretched"]["position"])
    indices = [sample["index"] for sample in chosen.record["samples"]]
    np.testing.assert_array_equal(chosen.images[untouched], images[np.array(indices)[untouched]])
    assert choose(train, 110, seed=3, classes=CLASSES).record == chosen.record
    assert choose(train, 110, seed=4, classes=CLASSES).record != chosen.record


@pytest.mark.parametrize("samples", [1, 7, 1_100])
def test_any_number_of_samples_up_to_all(samples):
    images = np.random.default_rng(2).integers(0, 256, (1_100, 2, 2, 1), dtype=np.uint8)
    chosen = choose(Split(images, (np.arange(1_100) % 10).astype(np.int32)), samples, seed=0, classes=CLASSES)
    assert len({sample["index"] for sample in chosen.record["samples"]}) == samples


def test_images_of_one_colour_cannot_calibrate():
    flat = Split(np.full((9, 4, 4, 1), 7, np.uint8), np.zeros(9, np.int32))
    with pytest.raises(KerasCnnError, match="contrast"):
        choose(flat, None, seed=0, classes=("a",))


def test_latency_is_measured_in_turns_after_a_warm_up():
    order = []
    first, second = measure([lambda: order.append("a"), lambda: order.append("b")])
    assert (first.runs, second.runs) == (1_000, 1_000)
    assert order[:100] == ["a"] * 50 + ["b"] * 50
    assert len(order) == 2 * 1_050


def test_inference_never_goes_through_tensorflow():
    import kerascnn
    import kerascnn.cli
    import kerascnn.tflite

    for package in (kerascnn, kerascnn.cli, kerascnn.tflite):
        for source in Path(package.__file__).parent.rglob("*.py"):
            text = source.read_text(encoding="utf-8")
            assert "lite.Interpreter" not in text, source
            assert "tensorflow.lite" not in text, source


def test_a_quantization_that_fails_leaves_the_earlier_files(run, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    monkeypatch.setattr("kerascnn.tflite.latency.measure", lambda calls: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        quantize(copy, calibration_samples=20)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
