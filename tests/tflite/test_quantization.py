"""From a run to a .tflite file: what is in it, what it computes, what is recorded."""

import hashlib
import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from commands import background
from refusals import FAILED, refused
from waiting import wait_until

from kerascnn.analysis.evaluation.evaluation import Evaluation, as_probabilities, keras_classifier
from kerascnn.analysis.evaluation.metrics import Accuracy
from kerascnn.data.dataset import Split
from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import KerasCnnError, TargetError
from kerascnn.models.description import ModelDescription
from kerascnn.models.heads import heads
from kerascnn.models.network import build
from kerascnn.tflite.quantization.calibration import choose
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.parity import FLOAT_FILE, KERAS, OPTIMISED, REFERENCE, Ladder
from kerascnn.tflite.quantization.quantize import quantize
from kerascnn.tflite.quantization.schemes import schemes
from kerascnn.tflite.quantization.stability import stability
from kerascnn.tflite.quantization.verification import verify_integer
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.runtime.latency import measure
from kerascnn.training.config import TrainingConfig
from kerascnn.training.run import Run
from kerascnn.training.train import train

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
    verify_integer(content, tmp_path)


def test_dim_calibration_images_do_not_narrow_the_input(tmp_path):
    model = build("lenet5")
    with pytest.raises(TargetError, match="scale 1 and zero point -128"):
        verify_integer(convert(model, schemes["static_wi8_ai8"], DIM), tmp_path)
    verify_integer(convert(model, schemes["static_wi8_ai8"], _calibrated(DIM)), tmp_path)


def test_verification_names_the_operator_that_is_not_int8(tmp_path):
    with pytest.raises(TargetError, match=r"operator CONV_2D at .* is not int8 but FLOAT32"):
        verify_integer(convert(build("lenet5"), schemes["float32"]), tmp_path)


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")
def test_verification_names_a_dynamic_shape(tmp_path):
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(build("lenet5"))
    schemes["static_wi8_ai8"].set_up(converter)
    converter.representative_dataset = lambda: ([image[None].astype("float32")] for image in _calibrated(DIM))
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with pytest.raises(TargetError, match=r"dynamic shape \[-1, "):
        verify_integer(converter.convert(), tmp_path)


@pytest.fixture(scope="module")
def models(shared):
    """Each head, trained for a few epochs on the digits. 20 s of processor time."""

    def fill(folder):
        for head in heads:
            train(TrainingConfig(model="lenet", head=head, epochs=8, runs_dir=folder, name=head))

    folder = shared("heads", fill)
    return {head: keras.saving.load_model(folder / head / "model.keras") for head in heads}


@pytest.fixture(scope="module")
def float_bytes(models):
    """How many bytes each of them has as a float file. 5 s of processor time."""
    return {head: len(convert(model, schemes["float32"])) for head, model in models.items()}


@pytest.mark.parametrize("head", list(heads))
@pytest.mark.parametrize(
    ("scheme", "tolerance", "agreement", "size"),
    # mean difference of a probability; share of equal answers; size against float32
    [
        ("float32", 1e-6, 1.0, 1.0),  # the same arithmetic in another order
        ("float16", 1e-4, 0.995, 0.8),  # weights keep 11 bits; one near tie of 360 may tip
        ("dynamic_wi8_afp32", 3e-3, 0.99, 1.0),  # weights keep 8 bits where a layer has enough of them
        ("static_wi8_ai8", 8e-3, 0.98, 0.8),  # weights and activations keep 8 bits
        ("static_wi8_ai16", 4e-3, 0.99, 0.8),  # weights keep 8 bits, activations 16
    ],
)
def test_every_scheme_agrees_with_keras(
    models, float_bytes, head, scheme, tolerance, agreement, size, tmp_path
):
    digits = load("digits")
    images = digits.preprocessing(32).batch(digits.test.images)
    expected = keras_classifier(models[head])(images)
    assert expected.max(axis=1).mean() > 0.4  # it learned something to agree on
    path = tmp_path / "model.tflite"
    path.write_bytes(convert(models[head], schemes[scheme], _calibrated(images)))
    found = as_probabilities(LiteRTClassifier(path)(images), "probabilities")
    assert np.abs(found - expected).mean() <= tolerance
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).mean() >= agreement
    assert path.stat().st_size <= size * float_bytes[head]


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
    assert lite.description.output == "logits"
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
    run = _copied(run, tmp_path)
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
    contents = "".join(
        sample["sha256"]
        for sample in json.loads((run / "tflite" / "calibration.json").read_text())["samples"]
    )
    found = hashlib.sha256(contents.encode()).hexdigest()
    assert recorded["calibration"] == {"n": 500, "seed": 1, "sha256": found}
    assert (recorded["method"], recorded["prune"], recorded["cluster"]) == ("ptq", None, None)


def _copied(run, folder):
    return Path(shutil.copytree(run, folder / "copy"))


@pytest.mark.long
def test_every_scheme_at_once_with_its_ladder(cli, tmp_path, run):
    copy = _copied(run, tmp_path)
    files = cli("quantize", copy, "--all", "--json").json["files"]
    assert [file["scheme"] for file in files] == list(schemes)
    assert {path.name for path in (copy / "tflite").glob("*.tflite")} == {
        f"{name}.tflite" for name in schemes
    }
    for file in files:
        names = ["Keras", "float .tflite", "reference kernels", "optimised kernels"]
        steps = file["ladder"]["steps"]
        assert [step["step"] for step in steps] == names
        assert all(step["low"] < step["accuracy"] < step["high"] and step["n"] == 360 for step in steps)
        assert steps[-1]["accuracy"] == file["accuracy"]
        assert steps[1]["largest_difference"] < 1e-5
        assert file["ladder"]["first_break"] is None
        assert (file["stability"] is None) == (not schemes[file["scheme"]].calibrated)
    assert (
        0
        < files[1]["ladder"]["steps"][2]["mean_difference"]
        < files[0]["ladder"]["steps"][2]["mean_difference"]
    )
    shown = cli("quantize", copy, "--scheme", "float16", "--scheme", "float32")
    lines = shown.out.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["Keras", "float16", "float32"]


@pytest.mark.parametrize(
    ("io", "scale", "offset"),
    [
        ("uint8", 1.0, 0),
        pytest.param("int8", 1.0, -128, marks=pytest.mark.long),  # the usual one, which many tests read
        ("float32", 0.0, 0),
    ],
)
def test_the_type_of_input_and_output_is_chosen(cli, tmp_path, run, io, scale, offset):
    copy = _copied(run, tmp_path)
    (file,) = cli("quantize", copy, "--io", io, "--json").json["files"]
    assert (file["io"], Path(file["path"]).stem) == (
        io,
        "static_wi8_ai8" + ("" if io == "int8" else f"-{io}"),
    )
    interpreter = Interpreter(model_path=file["path"])
    (given,), (returned,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert given["dtype"] == returned["dtype"] == np.dtype(io)
    assert given["quantization"] == (scale, offset)
    plain = LiteRTClassifier(run / "tflite" / "static_wi8_ai8.tflite")
    digits = load("digits")
    images = digits.preprocessing(32).batch(digits.test.images)
    np.testing.assert_allclose(LiteRTClassifier(Path(file["path"]))(images), plain(images), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--scheme", "float16", "--io", "int8"], "float16 takes float32 as io. Received: io=int8"),
        (["--io", "int4"], "static_wi8_ai8 takes int8 or uint8 or float32 as io. Received: io=int4"),
        (["--target", "coral"], "target must be mobile or edgetpu. Received: target=coral"),
        (["--target", "edgetpu", "--scheme", "float16"], "full int8 only"),
        (["--target", "edgetpu", "--io", "float32"], "full int8 only"),
        (["--all", "--scheme", "float16"], "--all already includes every scheme"),
    ],
)
def test_what_excludes_each_other_is_refused(cli, run, options, words):
    answer = cli("quantize", run, *options)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err.splitlines()[-1]


@pytest.mark.parametrize("io", [pytest.param("int8", marks=pytest.mark.long), "uint8"])
def test_for_the_edge_tpu_the_whole_file_must_map(cli, tmp_path, run, io):
    copy = _copied(run, tmp_path)
    (file,) = cli("quantize", copy, "--target", "edgetpu", "--io", io, "--json").json["files"]
    assert file["target"] == "edgetpu"
    checked = cli("check", file["path"], "--json").json
    assert (checked["verdict"], checked["on_cpu"], checked["streamed_bytes"]) == ("maps", 0, 0)


def answers(*wrong):
    shares = np.full((100, 2), [0.9, 0.1], np.float32)
    shares[list(wrong)] = [0.2, 0.8]
    right = shares.argmax(axis=1) == 0
    accuracy = Accuracy(int(right.sum()), 100)
    return Evaluation("", "", ("a", "b"), accuracy, np.zeros((2, 2), np.int64), shares, right)


def test_the_ladder_names_the_step_that_breaks():
    held = Ladder.of([(KERAS, answers(0)), (FLOAT_FILE, answers(0, 1)), (REFERENCE, answers(*range(7)))])
    assert [step.differing for step in held.steps] == [0, 1, 5]
    assert held.first_break is None
    assert (held.steps[2].largest, held.steps[2].mean) == pytest.approx((0.7, 0.035))
    broken = Ladder.of([(KERAS, answers()), (FLOAT_FILE, answers(0, 1)), (REFERENCE, answers(*range(8)))])
    assert [step.breaks for step in broken.steps] == [False, True, True]
    assert broken.first_break == FLOAT_FILE


def test_reference_kernels_that_fail_alone_are_told_as_such(of_1998):
    """LiteRT 2.3's reference SUM, which the network of 1998 has, returns the same for every input."""
    answer = of_1998[2]
    assert "breaks at" in answer.out
    assert (
        "reference kernels only: these kernels are wrong; the optimised ones agree with the float file"
        in answer.out
    )


def test_a_difference_that_rounding_explains_is_told_as_such():
    for after, rounding, told in (
        (answers(0), 0.71, True),
        (answers(0), 0.69, False),
        (answers(), 0.71, False),
    ):
        ladder = Ladder.of([(FLOAT_FILE, answers()), (REFERENCE, answers()), (OPTIMISED, after)], rounding)
        assert [step["within_rounding"] for step in ladder.to_dict()["steps"]] == [False, False, told]


def test_reference_kernels_are_blamed_only_where_the_others_know_better():
    good, bad = answers(), answers(*range(50))
    alone = Ladder.of([(KERAS, good), (FLOAT_FILE, good), (REFERENCE, bad), (OPTIMISED, good)])
    both = Ladder.of([(KERAS, good), (FLOAT_FILE, good), (REFERENCE, bad), (OPTIMISED, bad)])
    by_chance = Ladder.of(
        [(KERAS, good), (FLOAT_FILE, bad), (REFERENCE, answers(*range(90))), (OPTIMISED, good)]
    )
    assert [each.reference_alone for each in (alone, both, by_chance)] == [True, False, False]


def test_a_training_image_that_is_also_held_out_does_not_calibrate():
    images = np.random.default_rng(4).integers(0, 256, (40, 4, 4, 1), dtype=np.uint8)
    train = Split(images[:30], (np.arange(30) % 2).astype(np.int32))
    test = Split(np.concatenate([images[30:], images[5:8]]), np.zeros(13, np.int32))
    chosen = choose(train, None, seed=0, classes=("a", "b"), held_out={"test": test})
    assert chosen.record["n"] == 27
    assert chosen.record["disjoint_from"] == {"test": {"n": 13, "shared": 0}}
    assert [left["index"] for left in chosen.record["left_out"]] == [5, 6, 7]
    assert not {5, 6, 7} & {sample["index"] for sample in chosen.record["samples"]}
    with pytest.raises(KerasCnnError, match="Every training image is also in the validation or test split"):
        choose(train, 3, seed=0, classes=("a", "b"), held_out={"validation": train})


def test_stability_compares_disjoint_halves(models):
    digits = load("digits")
    images = digits.preprocessing(32).batch(digits.train.images)
    chosen = choose(Split(images, digits.train.labels), 101, seed=1, classes=digits.classes)
    first, second = chosen.halves()
    assert (len(first), len(second), first.min(), first.max(), second.min(), second.max()) == (
        51,
        50,
        0,
        255,
        0,
        255,
    )
    description = ModelDescription.foreign(Path("x"), (32, 32, 1), (10,))
    found = stability(models["fc"], description, schemes["static_wi8_ai8"], chosen, images[:200])
    assert (found.samples, found.n) == ((51, 50), 200)
    assert 0 < found.largest_scale_difference < 0.5
    assert found.agreement >= 0.97
    assert (
        stability(
            models["fc"], description, schemes["static_wi8_ai8"], replace(chosen, images=images[:1]), images
        )
        is None
    )


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
    assert order[:106] == ["a"] * 53 + ["b"] * 53  # the first three of each turn are not counted
    assert len(order) == 2 * 21 * 53


@pytest.mark.long
def test_a_conversion_that_is_killed_leaves_nothing_under_its_name(run, tmp_path):
    copy = _copied(run, tmp_path)
    earlier = {path.name: path.read_bytes() for path in (copy / "tflite").iterdir()}
    given = ("quantize", copy, "--scheme", "float16", "--scheme", "static_wi8_ai8")
    with background(*given, cwd=tmp_path) as command:
        # then full int8 begins: seconds of work
        wait_until((copy / "tflite" / "float16.result.json").exists, "float16 is done", command)
        command.send(signal.SIGKILL)
        assert command.wait() == -signal.SIGKILL
    left = {path.name: path for path in (copy / "tflite").iterdir() if not path.name.startswith(".")}
    assert left.keys() - earlier.keys() == {"float16.tflite", "float16.result.json"}
    assert {name: left[name].read_bytes() for name in earlier} == earlier
    assert LiteRTClassifier(left["float16.tflite"])(DIM[:1]).shape == (1, 10)
    (copy / "tflite" / ".static_wi8_ai8.part.tflite").write_bytes(b"cut off")
    assert Run.open(copy).files == ["model.keras", "tflite/float16.tflite", "tflite/static_wi8_ai8.tflite"]


def test_inference_never_goes_through_tensorflow():
    import kerascnn
    import kerascnn.cli
    import kerascnn.tflite

    for package in (kerascnn, kerascnn.cli, kerascnn.tflite):
        for source in Path(package.__file__).parent.rglob("*.py"):
            if source.name == "readme.py":  # the Kotlin of a bundle: LiteRT's package there has the old name
                continue
            text = source.read_text(encoding="utf-8")
            assert "lite.Interpreter" not in text, source
            assert "tensorflow.lite" not in text, source


def test_a_quantization_that_fails_leaves_the_earlier_files(run, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    monkeypatch.setattr("kerascnn.tflite.runtime.latency.measure", lambda calls: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        quantize(copy, calibration_samples=20)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_two_processes_do_not_quantize_one_run_at_once(cli, run, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    copy = shutil.copytree(run, tmp_path / "copy")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    held = os.open(copy, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    refused(cli("quantize", copy), FAILED, "copy is in use by another kerascnn process: wait until it ends")
    os.close(held)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
