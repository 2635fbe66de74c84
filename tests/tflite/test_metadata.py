"""TFLite metadata: what others read in a file, the network left as it was, hostile files."""

import hashlib
import io
import json
import struct
import time
import warnings
import zipfile
from functools import partial

import flatbuffers
import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from PIL import Image
from sklearn.datasets import load_sample_image

from kerascnn.analysis.evaluation.metrics import Accuracy
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.foundation.errors import KerasCnnError
from kerascnn.models.description import ModelDescription
from kerascnn.models.network import build
from kerascnn.tflite.metadata.labels import write_labels
from kerascnn.tflite.metadata.metadata import read_metadata, with_metadata, with_metadata_of
from kerascnn.tflite.metadata.mobile_tasks import mobile_tasks_note
from kerascnn.tflite.metadata.model_card import ModelCard
from kerascnn.tflite.metadata.named_buffer import attach
from kerascnn.tflite.metadata.schema import write
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.training.run import Run

HASH = "5d41402abc4b2a76b9719d911017c592ae41e4649b934ca495991b7852b855e3"
CLASSES = ("Löwe", "猫", "dog house")


def _description(channels=3, classes=CLASSES, side=8, **preprocessing):
    return ModelDescription(
        model="alexnet",
        variant="small_stem",
        norm="batch",
        head="nin",
        source="folder pets",
        preprocessing=Preprocessing(height=side, width=side, channels=channels, **preprocessing),
        classes=classes,
        output="probabilities",
        parameters=7,
    )


TESTED = Accuracy(90, 100)


def _card(description, test=TESTED):
    return ModelCard("alexnet-nin-pets-1", "2026-01-31", description, test, HASH)


def _converted(model, io_type):
    """The bare converter's file: float32, or full int8 with the given type at both ends."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if io_type != "float32":
        images = np.random.default_rng(1).integers(0, 256, (20, *model.input_shape[1:])).astype(np.float32)
        images[0].flat[:2] = 0, 255
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([image[np.newaxis]] for image in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = getattr(tf, io_type)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Statistics for quantized inputs were expected")
        return converter.convert()


def _small(channels=3, classes=3):
    keras.utils.set_random_seed(3)
    pixels = keras.Input(batch_shape=(1, 8, 8, channels), name="pixels")
    maps = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 255)(pixels))
    scores = keras.layers.Dense(classes, kernel_initializer=keras.initializers.RandomNormal(stddev=5.0))
    shares = keras.layers.Softmax()(scores(keras.layers.Flatten()(maps)))
    return keras.Model(pixels, shares)


@pytest.fixture(scope="module")
def bare():
    """Files of a small colour network, by the type of their input and output."""
    return {io_type: _converted(_small(), io_type) for io_type in ("float32", "uint8", "int8")}


@pytest.fixture
def file(tmp_path, bare):
    """A finished uint8 file: metadata, then the description in the same archive."""
    path = tmp_path / "model.tflite"
    path.write_bytes(with_metadata(bare["uint8"], _card(_description())))
    _description().embed(path)
    return path


class Raw:
    """A flatbuffer table read by hand: field n stands where entry n of its table of offsets says."""

    def __init__(self, content, position):
        self.content, self.position = content, position

    @classmethod
    def root(cls, content, identifier):
        assert content[4:8] == identifier
        return cls(content, struct.unpack_from("<I", content, 0)[0])

    def place(self, number):
        table = self.position - struct.unpack_from("<i", self.content, self.position)[0]
        size = struct.unpack_from("<H", self.content, table)[0]
        offset = (
            struct.unpack_from("<H", self.content, table + 4 + 2 * number)[0] if 4 + 2 * number < size else 0
        )
        return self.position + offset if offset else None

    def follow(self, number):
        return self.place(number) + self.number(number)

    def number(self, number):
        return struct.unpack_from("<I", self.content, self.place(number))[0]

    def byte(self, number):
        return self.content[self.place(number)]

    def table(self, number):
        return Raw(self.content, self.follow(number))

    def items(self, number, kind, size):
        start = self.follow(number)
        count = struct.unpack_from("<I", self.content, start)[0]
        return [struct.unpack_from(kind, self.content, start + 4 + size * item)[0] for item in range(count)]

    def text(self, number):
        return bytes(self.items(number, "B", 1)).decode()

    def floats(self, number):
        return self.items(number, "<f", 4)

    def tables(self, number):
        start = self.follow(number) + 4
        offsets = self.items(number, "<I", 4)
        return [Raw(self.content, start + 4 * item + offset) for item, offset in enumerate(offsets)]


def _metadata(content):
    """The TFLITE_METADATA buffer of a model (metadata: field 6, buffers: field 4)."""
    model = Raw.root(content, b"TFL3")
    (entry,) = [entry for entry in model.tables(6) if entry.text(0) == "TFLITE_METADATA"]
    return bytes(model.tables(4)[entry.number(1)].items(0, "B", 1))


def test_another_reader_finds_every_field_where_the_schema_has_it(file):
    content = file.read_bytes()
    root = Raw.root(_metadata(content), b"M001")
    assert root.text(0) == "alexnet-nin-pets-1"
    assert root.text(1) == (
        "alexnet (small_stem), head nin, norm batch, trained on folder pets. Test accuracy "
        "before conversion: 90.00 % (95 % interval 82.56 to 94.48, n = 100). "
        f"SHA-256 of model.keras: {HASH}."
    )
    assert root.text(2) == "2026-01-31"
    assert root.place(4) is None  # author and license: nobody told
    assert root.place(5) is None
    assert root.text(7) == "1.0.0"
    (graph,) = root.tables(3)
    (image,), (probability,) = graph.tables(2), graph.tables(3)

    assert image.text(0) == "image"
    assert image.text(1) == (
        "RGB pixels, 8 rows of 8: a whole image, scaled and centred on black. "
        "Raw values 0 to 255: pixel as uint8."
    )
    assert image.table(3).byte(0) == 2  # the union's second table: ImageProperties …
    assert image.table(3).table(1).byte(0) == 1  # … in RGB
    (unit,) = image.tables(4)
    assert unit.byte(0) == 1  # NormalizationOptions
    assert unit.table(1).floats(0) == [0.0, 0.0, 0.0]
    assert unit.table(1).floats(1) == [1.0, 1.0, 1.0]
    assert image.table(5).floats(0) == [255.0]  # max stands before min
    assert image.table(5).floats(1) == [0.0]

    assert probability.text(0) == "probability"
    assert probability.text(1) == "One for each line of labels.txt: probability = 0.00390625 × uint8."
    assert probability.table(3).byte(0) == 1  # FeatureProperties
    assert probability.table(5).floats(0) == [255.0]
    assert probability.table(5).floats(1) == [0.0]
    (labels,) = probability.tables(6)
    assert labels.text(0) == "labels.txt"
    assert labels.byte(2) == 2  # TENSOR_AXIS_LABELS


@pytest.mark.parametrize(
    ("io_type", "taken", "given", "pixels", "shares"),
    [
        ("float32", "pixel as float32", "probability as float32", (0, 255), (0, 1)),
        ("int8", "pixel − 128 as int8", "0.00390625 × (int8 + 128)", (-128, 127), (-128, 127)),
    ],
)
def test_each_type_of_tensor_is_described_as_it_is(bare, tmp_path, io_type, taken, given, pixels, shares):
    path = tmp_path / "model.tflite"
    path.write_bytes(with_metadata(bare[io_type], _card(_description(fit="crop"))))
    found = read_metadata(path)
    (image,), (probability,) = found.inputs, found.outputs
    assert image.description == (
        f"RGB pixels, 8 rows of 8: the middle of an image, scaled to fill them. Raw values 0 to 255: {taken}."
    )
    assert probability.description.endswith(f"{given}.")
    assert (image.minimum + image.maximum, probability.minimum + probability.maximum) == (pixels, shares)
    assert (image.mean, image.std) == ((0, 0, 0), (1, 1, 1))  # before the tensor's own scale


@pytest.mark.parametrize("io_type", ["float32", "uint8", "int8"])
def test_the_network_stays_as_it_was_to_the_bit(bare, io_type):
    before, after = bare[io_type], with_metadata(bare[io_type], _card(_description()))
    assert after.index(before) % 16 == 0
    told = [json.dumps(_network(content)) for content in (before, after)]
    assert told[0] == told[1]
    runners = [Interpreter(model_content=content) for content in (before, after)]
    images = np.random.default_rng(5).integers(0, 256, (20, 1, 8, 8, 3)).astype(io_type, casting="unsafe")
    for image in images:
        first, second = (
            next(iter(runner.get_signature_runner()(pixels=image).values())) for runner in runners
        )
        np.testing.assert_array_equal(first, second)


def _network(content):
    model = schema.ModelT.InitFromPackedBuf(content)
    (graph,) = model.subgraphs
    weights = [
        hashlib.sha256(bytes(model.buffers[tensor.buffer].data)).hexdigest()
        for tensor in graph.tensors
        if model.buffers[tensor.buffer].data is not None
    ]
    operators = [
        [int(operator.opcodeIndex), np.array(operator.inputs).tolist(), np.array(operator.outputs).tolist()]
        for operator in graph.operators
    ]
    tensors = [
        [tensor.name.decode(), np.array(tensor.shape).tolist(), tensor.type] for tensor in graph.tensors
    ]
    codes = [[code.builtinCode, code.version] for code in model.operatorCodes]
    names = [entry.name.decode() for entry in model.metadata if entry.name != b"TFLITE_METADATA"]
    return [weights, operators, tensors, codes, names, model.version, model.description.decode()]


@pytest.mark.parametrize("io_type", ["float32", "uint8", "int8"])
def test_weights_stay_aligned_as_they_were(bare, io_type):
    starts = [
        [buffer.follow(0) + 4 for buffer in Raw.root(content, b"TFL3").tables(4) if buffer.place(0)]
        for content in (bare[io_type], with_metadata(bare[io_type], _card(_description())))
    ]
    before, (*after, metadata) = ([start % 16 for start in each] for each in starts)
    assert len(before) >= 5
    assert after == before
    assert metadata == 0


def test_labels_and_description_share_one_archive_that_every_reader_takes(file):
    content = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        assert archive.namelist() == ["labels.txt", "kerascnn.json"]
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read("labels.txt") == "Löwe\n猫\ndog house\n".encode()
        # Android's reader finds the directory by the last 22 bytes, and counts from the file's start.
        (directory,) = struct.unpack_from("<I", content, len(content) - 22 + 16)
        assert content[directory : directory + 4] == b"PK\1\2"
        for member in archive.infolist():
            assert content[member.header_offset : member.header_offset + 4] == b"PK\3\4"
    assert ModelDescription.embedded(file) == _description()
    assert LiteRTClassifier(file).description.classes == CLASSES


def test_read_metadata_says_what_was_written(file):
    found = read_metadata(file)
    assert found.classes == CLASSES
    assert (found.inputs[0].content, found.outputs[0].files) == ("RGB image", ("labels.txt",))
    told = json.loads(json.dumps(found.to_dict()))
    assert (told["name"], told["author"], told["license"]) == ("alexnet-nin-pets-1", "", "")
    assert told["inputs"][0]["maximum"] == [255.0]


def test_a_grey_model_says_so(tmp_path):
    path = tmp_path / "grey.tflite"
    description = _description(channels=1, classes=("0", "1"), margin=2)
    path.write_bytes(with_metadata(_converted(_small(1, 2), "float32"), _card(description, test=None)))
    found = read_metadata(path)
    assert (found.inputs[0].content, found.inputs[0].mean, found.classes) == ("grey image", (0,), ("0", "1"))
    assert "Test accuracy" not in found.description
    assert found.inputs[0].description.startswith("Grey pixels, 8 rows of 8: a whole image,")
    assert "on black with 2 pixels of margin." in found.inputs[0].description


@pytest.mark.parametrize(
    ("classes", "lines"),
    [
        (("one",), ["one"]),
        (tuple(map(str, range(1000))), [str(number) for number in range(1000)]),
        (("a\nb", "c\r\nd", "e\u2028f", ""), ["a b", "c d", "e f", ""]),
        (("🦊 Fuchs", "Ünï/cødé", "{}"), ["🦊 Fuchs", "Ünï/cødé", "{}"]),
    ],
)
def test_labels_are_one_line_a_class(bare, tmp_path, classes, lines):
    write_labels(tmp_path / "labels.txt", classes)
    content = (tmp_path / "labels.txt").read_bytes()
    assert content.decode().split("\n") == [*lines, ""]
    path = tmp_path / "model.tflite"
    path.write_bytes(with_metadata(bare["uint8"], _card(_description(classes=classes))))
    assert zipfile.ZipFile(path).read("labels.txt") == content
    assert read_metadata(path).classes == tuple(lines)


def test_the_card_of_a_run_has_its_accuracy_and_the_hash_of_its_model(run):
    from kerascnn.models.keras_file import load_model

    card = ModelCard.of(Run.open(run), load_model(run / "model.keras")[1])
    assert card.name == "digits-fc"
    assert card.created == json.loads((run / "run.json").read_text())["created"][:10]
    assert card.sha256 == hashlib.sha256((run / "model.keras").read_bytes()).hexdigest()
    tested = json.loads((run / "metrics.json").read_text())["test"]
    assert f"{100 * tested['accuracy']:.2f} % (95 % interval" in str(card)
    assert str(card).startswith("lenet5 (modern), head fc, trained on digits. Test accuracy before")
    assert "n = 360" in str(card)


def test_a_compiled_file_gets_back_what_the_compiler_dropped(file, bare, tmp_path):
    compiled = tmp_path / "model_edgetpu.tflite"
    compiled.write_bytes(with_metadata_of(bare["uint8"], file))
    assert _metadata(compiled.read_bytes()) == _metadata(file.read_bytes())
    assert read_metadata(compiled) == read_metadata(file)
    assert ModelDescription.embedded(compiled) == _description()
    plain = tmp_path / "plain.tflite"
    plain.write_bytes(bare["int8"])
    assert with_metadata_of(bare["uint8"], plain) == bare["uint8"]


def test_a_file_without_metadata_has_none(bare, tmp_path):
    path = tmp_path / "plain.tflite"
    path.write_bytes(bare["int8"])
    assert read_metadata(path) is None


def test_metadata_without_its_archive_has_no_classes(file):
    content = file.read_bytes()
    file.write_bytes(content[: content.index(b"PK\3\4")])
    assert read_metadata(file).classes is None


def test_metadata_is_written_once(file, bare):
    with pytest.raises(KerasCnnError, match="already has TFLITE_METADATA"):
        with_metadata(file.read_bytes(), _card(_description()))


def test_weights_behind_the_flatbuffer_are_not_moved(bare):
    model = schema.ModelT.InitFromPackedBuf(bare["float32"])
    model.buffers[1].offset = len(bare["float32"])
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(KerasCnnError, match="weights behind its flatbuffer"):
        with_metadata(bytes(builder.Output()), _card(_description()))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        (b"", "is not a .tflite file"),
        (b"PK\3\4" + bytes(30), "is not a .tflite file"),
        (b"\xff\xff\xff\xffTFL3", "is a damaged .tflite file"),
    ],
)
def test_what_is_no_tflite_file_is_refused(tmp_path, content, words):
    path = tmp_path / "other.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KerasCnnError, match=words):
        read_metadata(path)


def test_any_truncation_is_read_or_refused(file):
    content = file.read_bytes()
    for length in range(0, len(content), 97):
        file.write_bytes(content[:length])
        _read_or_refuse(file)


def test_any_mutation_is_read_or_refused(file):
    content, random = file.read_bytes(), np.random.default_rng(11)
    head = content.index(b"TFL3", 8)  # the new root and the metadata; the network's own bytes follow
    tail = content.index(b"PK\3\4")
    refused = 0
    for number in range(600):
        changed = bytearray(content)
        first, last = (0, head) if number % 3 else (tail, len(content))
        for position in random.integers(first, last, 1 + number % 4):
            changed[position] = random.integers(256)
        file.write_bytes(changed)
        refused += _read_or_refuse(file)
    assert refused > 50


def _read_or_refuse(path):
    try:
        read_metadata(path)
    except KerasCnnError as error:
        return path.name in str(error)
    return False


def test_references_that_lead_to_the_same_bytes_end_the_reading(bare, tmp_path):
    names = ["x" * 1000, *[""] * 399]
    packed = bytearray(
        write({"subgraph_metadata": [{"input_tensor_metadata": [{"name": n} for n in names]}]})
    )
    (graph,) = Raw.root(bytes(packed), b"M001").tables(3)
    assert len(packed) < 20_000
    first, start = graph.tables(2)[0].position, graph.follow(2) + 4
    for place in range(start, start + 4 * len(names), 4):
        struct.pack_into("<I", packed, place, first - place)
    path = tmp_path / "shared.tflite"
    path.write_bytes(attach(bare["int8"], "TFLITE_METADATA", bytes(packed)))
    with pytest.raises(KerasCnnError, match="more than 262,144 bytes of metadata"):
        read_metadata(path)


def test_an_archive_that_claims_gigabytes_is_not_unpacked(file):
    bomb = io.BytesIO(file.read_bytes()[: file.read_bytes().index(b"PK\3\4")])
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", bytes(2**27))
    file.write_bytes(bomb.getvalue())
    began = time.process_time()
    with pytest.raises(KerasCnnError, match="archive holds more than 67,108,864 bytes"):
        read_metadata(file)
    assert time.process_time() - began < 1


def test_metadata_of_another_format_is_refused(bare, tmp_path):
    path = tmp_path / "other.tflite"
    path.write_bytes(attach(bare["int8"], "TFLITE_METADATA", b"\x08\0\0\0M002" + bytes(8)))
    with pytest.raises(KerasCnnError, match=r"unknown format b'M002'"):
        read_metadata(path)


@pytest.mark.parametrize(
    ("channels", "io_type", "words"),
    [
        (3, "uint8", []),
        (3, "float32", []),
        (3, "int8", ["they need uint8 or float32, but this file takes int8", "quantize with --io uint8"]),
        (1, "uint8", ["three colour channels, but this file takes one", "--channels 3", "--io uint8"]),
        (
            1,
            "int8",
            ["three colour channels, but this file takes one and uint8 or float32, but this file takes int8"],
        ),
    ],
)
def test_who_cannot_load_the_file_is_said(channels, io_type, words):
    note = mobile_tasks_note(_description(channels=channels), io_type)
    assert bool(note) == bool(words)
    assert not note or note.startswith("MediaPipe Tasks and ML Kit cannot load this file: ")
    assert all(part in note for part in words)


def _mediapipe_classifier(path):
    """MediaPipe's own image classifier on a file, and the function that makes its pictures."""
    mediapipe = pytest.importorskip("mediapipe", reason="mediapipe is not installed")
    from mediapipe.tasks.python import vision
    from mediapipe.tasks.python.core.base_options import BaseOptions

    options = vision.ImageClassifierOptions(BaseOptions(model_asset_path=str(path)), max_results=-1)
    image = partial(mediapipe.Image, image_format=mediapipe.ImageFormat.SRGB)
    return vision.ImageClassifier.create_from_options(options), image


@pytest.mark.parametrize("io_type", ["uint8", "float32"])
def test_mediapipe_classifies_a_photo_as_litert_does(tmp_path, io_type):
    pytest.importorskip("mediapipe", reason="mediapipe is not installed")
    photo = Image.fromarray(load_sample_image("china.jpg"))
    description = _description(classes=("temple", "花", "cat", "dog house"), side=32, fit="crop")
    pixels = description.preprocessing.image(photo)
    keras.utils.set_random_seed(4)
    network = build("alexnet", variant="small_stem", head="nin", classes=4, norm="batch")
    scores = network.get_layer("class_map")
    scores.set_weights([30 * weight for weight in scores.get_weights()])  # untrained: let one class stand out
    image = keras.Input(batch_shape=(1, 32, 32, 3), name="pixels")
    content = _converted(keras.Model(image, keras.layers.Softmax()(network(image))), io_type)
    path = tmp_path / "photo.tflite"
    path.write_bytes(with_metadata(content, _card(description)))
    description.embed(path)

    classifier, picture = _mediapipe_classifier(path)
    with classifier:
        (found,) = classifier.classify(picture(data=pixels)).classifications
    (expected,) = LiteRTClassifier(path)(pixels[np.newaxis])
    assert found.head_name == "probability"
    assert found.categories[0].category_name == description.classes[expected.argmax()]
    told = {category.category_name: category.score for category in found.categories}
    np.testing.assert_allclose([told[name] for name in description.classes], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("channels", "io_type", "words"),
    [(3, "int8", "uint8/float32, got INT8"), (1, "uint8", "Only RGB color space is supported")],
)
def test_mediapipe_refuses_what_the_note_says_it_refuses(bare, tmp_path, channels, io_type, words):
    pytest.importorskip("mediapipe", reason="mediapipe is not installed")
    content = bare[io_type] if channels == 3 else _converted(_small(1), io_type)
    path = tmp_path / "refused.tflite"
    path.write_bytes(with_metadata(content, _card(_description(channels=channels))))
    with pytest.raises(ValueError, match=words):
        _mediapipe_classifier(path)
    assert mobile_tasks_note(_description(channels=channels), io_type)
