"""Small sound files of every kind that is read, made by the code: where damage begins."""

import gzip
import hashlib
import io
import json
import struct
import tarfile
import tempfile
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from made_up_study import made_up_head
from PIL import Image
from small_tflite import Operator, Tensor, compiled, constant, options, tflite

from kerascnn.data.preprocessing import Preprocessing
from kerascnn.data.sources.cifar import CIFAR10
from kerascnn.models.description import ModelDescription
from kerascnn.studies.grid.record import Ending, Record
from kerascnn.studies.results.settings import StudySettings
from kerascnn.tflite.metadata.metadata import with_metadata
from kerascnn.tflite.metadata.model_card import ModelCard
from kerascnn.tflite.web.packed import Parts
from kerascnn.tflite.web.page import document
from kerascnn.training.config import TrainingConfig
from kerascnn.training.records.history import Epoch, write_history
from kerascnn.training.run import RunRecord

CLASSES = ("cat", "dog", "owl")
NAMES = [b"class%d" % number for number in range(10)]
MEASURED = b"any file"  # that a benchmark measured
DESCRIPTION = ModelDescription(
    model="lenet5",
    variant="modern",
    head="fc",
    source="digits",
    preprocessing=Preprocessing(height=8, width=8, channels=1),
    classes=CLASSES,
    output="probabilities",
    parameters=42,
)
ENVIRONMENT = {
    "python": "3.11.2",
    "platform": "Linux, x86_64",
    "processors": 2,
    "versions": {"kerascnn": "0.1.0", "keras": "3.12.0"},
    "data_sha256": {"test": "ab"},
}


def network() -> bytes:
    """Return a small quantized classifier that LiteRT runs."""
    pixels, maps, row = Tensor((1, 8, 8, 1), name="pixels"), Tensor((1, 6, 6, 2)), Tensor((1, 72))
    scores, shares = Tensor((1, 3)), Tensor((1, 3), scale=1 / 256, zero=-128, name="shares")
    filters, bias = Tensor((2, 3, 3, 1), data=1), Tensor((2,), "INT32", data=0, scale=0.25)
    weights, offsets = Tensor((3, 72), data=1), Tensor((3,), "INT32", data=0, scale=0.25)
    strides = options("Conv2D", strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, padding=1)
    return tflite(
        Operator("CONV_2D", [pixels, filters, bias], [maps], 3, strides),
        Operator("RESHAPE", [maps, constant(1, 72)], [row], 1, options("Reshape", newShape=[1, 72])),
        Operator("FULLY_CONNECTED", [row, weights, offsets], [scores], 4, options("FullyConnected")),
        Operator("SOFTMAX", [scores], [shares], 2, options("Softmax", beta=1.0)),
    )


def _with_description(content: bytes, suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"model{suffix}")
        path.write_bytes(content)
        DESCRIPTION.embed(path)
        return path.read_bytes()


def models() -> list[bytes]:
    """Return ``.tflite`` files: bare, fully described, compiled, with a custom operator."""
    known = with_metadata(network(), ModelCard("run", "2026-01-31", DESCRIPTION, None, "ab"))
    evil = Operator("own", [Tensor((1, 8, 8, 4))], [Tensor((1, 8, 8, 4))])
    return [network(), _with_description(known, ".tflite"), compiled(["SOFTMAX"]), tflite(evil)]


def described() -> list[bytes]:
    """Return ``.tflite`` and ``.keras`` files with a description."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.12.0"}')
        archive.writestr("config.json", '{"class_name": "Functional"}')
    return [_with_description(file.getvalue(), ".keras"), models()[1]]


def pictures() -> list[bytes]:
    """Return image files as people have them, of every format that is common."""
    draw = np.random.default_rng(0)
    colour = Image.fromarray(draw.integers(0, 256, (9, 13, 3), np.uint8))
    clear = Image.fromarray(draw.integers(0, 256, (9, 13, 4), np.uint8))
    deep = Image.fromarray(draw.integers(0, 65_536, (9, 13), np.uint16))
    turned = Image.Exif()
    turned[0x0112] = 6
    made = [
        (colour, "PNG", {}),
        (clear, "PNG", {}),
        (deep, "PNG", {}),
        (colour.quantize(8), "PNG", {"transparency": 1}),
        (colour, "JPEG", {"exif": turned}),
        (colour.convert("CMYK"), "JPEG", {}),
        (colour, "JPEG", {"progressive": True}),
        (colour, "BMP", {}),
        (colour.quantize(8), "GIF", {}),
        (colour, "WEBP", {"exif": turned}),
        (clear, "WEBP", {"lossless": True}),
        (deep, "TIFF", {}),
        (colour, "TIFF", {"compression": "tiff_lzw"}),
        (colour, "PPM", {}),
        (clear, "ICO", {}),
        (colour, "TGA", {}),
        (colour, "JPEG2000", {}),
        (colour.convert("1"), "PNG", {}),
        (colour.convert("F").convert("L"), "PCX", {}),
    ]
    return [_saved(image, kind, given) for image, kind, given in made]


def _saved(image: Image.Image, kind: str, given: dict[str, object]) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **given)
    return file.getvalue()


def idx(dimensions: int) -> bytes:
    """Return MNIST's format, with so many dimensions."""
    shape = (3, 28, 28)[:dimensions]
    return (
        b"\0\0\x08"
        + bytes([dimensions])
        + struct.pack(f">{dimensions}I", *shape)
        + bytes(int(np.prod(shape)))
    )


def cifar_archive() -> bytes:
    """Return CIFAR-10's binary version, of two pictures a class in each file."""
    records = b"".join(bytes([label % 10]) + bytes(range(256)) * 12 for label in range(20))
    version = CIFAR10.binary
    files = dict.fromkeys((*version.train, version.test), records)
    return _tar(version.folder, files | {version.names: b"\n".join(NAMES)})


def cifar_pickles() -> bytes:
    """Return its Python version, likewise."""
    version = CIFAR10.python
    batch = {b"data": np.zeros((20, 3072), np.uint8), b"labels": [label % 10 for label in range(20)]}
    files = dict.fromkeys((*version.train, version.test), pickled(batch))
    return _tar(version.folder, files | {version.names: pickled({b"label_names": NAMES})})


def pickled(value: object) -> bytes:
    """Return what Python 2 pickled of dictionaries, lists, texts, numbers and arrays of bytes."""
    return b"\x80\x02" + _opcodes(value) + b"."


def _opcodes(value: object) -> bytes:
    match value:
        case bytes():
            return b"T" + struct.pack("<i", len(value)) + value
        case int():
            return b"J" + struct.pack("<i", value)
        case list():
            return b"](" + b"".join(map(_opcodes, value)) + b"e"
        case dict():
            return b"}(" + b"".join(map(_opcodes, (each for pair in value.items() for each in pair))) + b"u"
        case np.ndarray():
            shape = b"(" + b"".join(map(_opcodes, map(int, value.shape))) + b"t"
            kind = b"cnumpy\ndtype\n(U\x02u1K\0K\1tR(K\3U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
            empty = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tU\x01btR"
            return empty + b"(K\1" + shape + kind + b"\x89" + _opcodes(value.tobytes()) + b"tb"
    raise TypeError(value)


def _tar(folder: str, files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(file.getvalue(), 1, mtime=0)


def run_record() -> bytes:
    """Return ``run.json``."""
    record = RunRecord(
        created=datetime(2026, 1, 1, tzinfo=UTC),
        state="done",
        model="lenet",
        variant="modern",
        head="fc",
        source="digits",
        seed=1,
    )
    return json.dumps(record.model_dump(mode="json"), indent=2).encode()


def metrics() -> bytes:
    """Return ``metrics.json``."""
    return json.dumps(
        {
            "model": "lenet5",
            "variant": "modern",
            "head": "fc",
            "parameters": 42,
            "epochs": 3,
            "kept_epoch": 3,
            "seconds": 1.5,
            "data": {"source": "digits", "train": 10, "validation": 5, "test": 5},
            "test": {"accuracy": 0.8, "n": 5, "low": 0.4, "high": 0.9},
        },
        indent=2,
    ).encode()


def config() -> bytes:
    """Return ``config.toml``, every setting in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.toml")
        TrainingConfig(model="lenet", data="digits", epochs=2).resolved().write(path)
        return path.read_bytes()


def history() -> bytes:
    """Return ``history.csv``."""
    row = dict.fromkeys(Epoch.__annotations__, 0.5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "history.csv")
        write_history(path, [Epoch(**row | {"epoch": number}) for number in (1, 2, 3)])
        return path.read_bytes()


def answers() -> bytes:
    """Return ``answers.npz`` of no file."""
    file = io.BytesIO()
    shares = np.full((4, 3), 1 / 3, np.float32)
    np.savez_compressed(file, floating=shares, int8=shares, sha256=np.array([], str))
    return file.getvalue()


def checkpoint() -> bytes:
    """Return a checkpoint of one epoch."""
    file = io.BytesIO()
    epoch = dict.fromkeys(Epoch.__annotations__, 0.5) | {"epoch": 1}
    record = json.dumps({"epochs": [epoch], "best_epoch": 1, "seconds": 1.0})
    np.savez(
        file,
        record=np.array(record),
        **{"state 0": np.zeros(3, np.float32), "best 0": np.zeros(3, np.float32)},
    )
    return file.getvalue()


def benchmark() -> bytes:
    """Return what a benchmark prints."""
    entry = {
        "model_sha256": hashlib.sha256(MEASURED).hexdigest(),
        "threads": 1,
        "runs": 10,
        "delegate": "cpu",
        "memory_mib": 1.0,
    }
    entry |= dict.fromkeys(("init_ms", "first_us", "median_us", "p95_us", "p99_us"), 1.0)
    return json.dumps(
        {"models": [entry], "device": {"machine": "arm64", "before": {"celsius": 40}}}, indent=2
    ).encode()


def studies() -> list[bytes]:
    """Return ``study.json`` of a study that has begun, and of one that is done."""
    words = dict.fromkeys(("model", "variant", "norm", "data", "command"), "x")
    numbers = {"image_size": 32, "epochs": 2, "batch_size": 64, "learning_rate": 0.01, "weight_decay": 0.0}
    settings = StudySettings(**words, **numbers, heads=("fc",), seeds=(1, 2))
    figures = made_up_head("fc", np.ones((2, 5), bool)).figures
    done = Ending(
        margin=0.2,
        machine={"system": "Linux"},
        runs={"fc": ["a", "b"]},
        sha256={"fc": [["ab"], ["cd"]]},
        int8={"fc": figures},
    )
    records = [Record(settings=settings, environment=ENVIRONMENT, ending=ending) for ending in (None, done)]
    return [json.dumps(record.model_dump(mode="json"), indent=2).encode() for record in records]


def labels() -> bytes:
    """Return a label file."""
    return "cat\ndog\nBär\n".encode()


def page() -> bytes:
    """Return a page for a browser with one small image and a network that only takes it."""
    parts = Parts()
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    place = parts.add(np.diff(pixels, axis=1, prepend=np.uint8(0)).tobytes())
    checksum = np.array([zlib.crc32(pixels.tobytes())], "<u4").tobytes()
    network = {
        "name": "a",
        "preprocessing": {"height": 8, "width": 8, "channels": 1, "margin": 0, "fit": "pad"},
        "stored": parts.add(bytes(range(256))),
        "expected": {"inputs": parts.add(checksum)},
    }
    golden = {"label": 0, "height": 8, "width": 8, "channels": 1, "pixels": place}
    facts = {"title": "a", "version": "0.1.0", "pad": None, "golden": [golden], "networks": [network]}
    return document(facts, parts.text()).encode()


def archived(folder: Path) -> bytes:
    """Return a bundle's folder as an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.writestr(
                    zipfile.ZipInfo(f"bundle/{path.relative_to(folder).as_posix()}"), path.read_bytes()
                )
    return file.getvalue()
