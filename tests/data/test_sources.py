"""Fashion-MNIST and CIFAR from their published files; nothing is unpickled that was not verified."""

import hashlib
import io
import os
import pickle
import struct
import tarfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from commands import Cli
from refusals import FAILED, refused

from kerascnn.data.formats import download
from kerascnn.data.formats.numpy_pickle import read_pickle
from kerascnn.data.sources import fashion_mnist, mnist
from kerascnn.data.sources.cifar import CIFAR10, CIFAR100
from kerascnn.data.sources.registry import load
from kerascnn.data.sources.source import Source
from kerascnn.foundation.errors import KerasCnnError

EACH = 40  # pictures of a CIFAR-10 file; its five training files make 200
BATCHES = [f"data_batch_{number}" for number in (1, 2, 3, 4, 5)]
NAMES10 = b"airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n"
NAMES100 = "".join(f"class {number}\n" for number in range(100)).encode()


def planes(n: int, seed: int) -> np.ndarray:
    """Random pixels as the files have them: all red ones of a picture, all green ones, all blue ones."""
    return np.random.default_rng(seed).integers(0, 256, (n, 3_072), np.uint8)


def records(*columns: np.ndarray) -> bytes:
    return np.column_stack([np.asarray(column, np.uint8) for column in columns]).tobytes()


def binary10() -> dict[str, bytes]:
    names = [*(f"{name}.bin" for name in BATCHES), "test_batch.bin"]
    files = {name: records(np.arange(EACH) % 10, planes(EACH, seed)) for seed, name in enumerate(names)}
    return files | {"batches.meta.txt": NAMES10, "readme.html": b"<p>"}


def binary100() -> dict[str, bytes]:
    sizes = {"train.bin": 1_000, "test.bin": 200}
    files = {
        name: records(np.arange(n) % 100 // 5, np.arange(n) % 100, planes(n, n)) for name, n in sizes.items()
    }
    return files | {"fine_label_names.txt": NAMES100, "coarse_label_names.txt": b"fish\n" * 20}


def write_folder(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def write_archive(path: Path, folder: str, files: dict[str, bytes], mode: str = "w:gz") -> None:
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def python2_text(text: bytes) -> bytes:
    return b"T" + struct.pack("<i", len(text)) + text


def python2_pickle(values: dict[bytes, object]) -> bytes:
    """Pickle as Python 2 did it: texts are bytes, an array is named as NumPy 1 named it."""

    def encoded(value: object) -> bytes:
        if isinstance(value, bytes):
            return python2_text(value)
        if isinstance(value, int):
            return b"J" + struct.pack("<i", value)
        if isinstance(value, list):
            return b"](" + b"".join(map(encoded, value)) + b"e"
        assert isinstance(value, np.ndarray)
        shape = b"(" + b"".join(map(encoded, value.shape)) + b"t"
        dtype = b"cnumpy\ndtype\n(" + python2_text(b"u1") + b"K\x00K\x01tR(K\x03" + python2_text(b"|")
        dtype += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        array = (
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00t" + python2_text(b"b") + b"tR"
        )
        return array + b"(K\x01" + shape + dtype + b"\x89" + python2_text(value.tobytes()) + b"tb"

    items = b"".join(python2_text(key) + encoded(value) for key, value in values.items())
    return b"\x80\x02}(" + items + b"u."


def python10() -> dict[str, bytes]:
    files = {
        name: python2_pickle({b"data": planes(EACH, seed), b"labels": [n % 10 for n in range(EACH)]})
        for seed, name in enumerate([*BATCHES, "test_batch"])
    }
    return files | {"batches.meta": python2_pickle({b"label_names": NAMES10.split()})}


def python100() -> dict[str, bytes]:
    files = {
        name: python2_pickle(
            {
                b"data": planes(n, n),
                b"fine_labels": [number % 100 for number in range(n)],
                b"coarse_labels": [0] * n,
            }
        )
        for name, n in {"train": 1_000, "test": 200}.items()
    }
    names = NAMES100.strip().split(b"\n")
    return files | {"meta": python2_pickle({b"fine_label_names": names, b"coarse_label_names": [b"fish"]})}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def cifar10_dir(tmp_path: Path) -> Path:
    write_folder(tmp_path / "data" / "cifar-10-batches-bin", binary10())
    return tmp_path / "data"


def test_fashion_mnist_has_mnists_files_and_its_own_names(mnist_dir):
    fashion = load("fashion_mnist", mnist_dir)
    assert (fashion.source, fashion.classes[0], fashion.classes[9]) == (
        "fashion_mnist",
        "T-shirt/top",
        "Ankle boot",
    )
    assert fashion.counts() == {"train": 440, "validation": 40, "test": 60}
    assert fashion.test.digest() == load("mnist", mnist_dir).test.digest()
    with pytest.raises(KerasCnnError, match="Fashion-MNIST's four original files"):
        load("fashion_mnist", mnist_dir.parent)


def test_cifar10_is_read_from_its_binary_files(cifar10_dir):
    cifar = load("cifar10", cifar10_dir)
    assert (cifar.channels, cifar.classes[1], len(cifar.classes)) == (3, "automobile", 10)
    assert cifar.counts() == {"train": 180, "validation": 20, "test": 40}
    np.testing.assert_array_equal(np.bincount(cifar.validation.labels), [2] * 10)
    np.testing.assert_array_equal(cifar.test.labels, np.arange(40) % 10)
    found, stored = cifar.test.images[7], planes(EACH, 5)[7]
    assert found.shape == (32, 32, 3)
    assert found[0, 1].tolist() == [stored[1], stored[1_024 + 1], stored[2_048 + 1]]
    assert found[31, 0].tolist() == [stored[992], stored[2_016], stored[3_040]]


@pytest.mark.parametrize(
    ("source", "files", "folder", "archive"),
    [
        ("cifar10", binary10, "cifar-10-batches-bin", "cifar-10-binary.tar.gz"),
        ("cifar100", binary100, "cifar-100-binary", "cifar-100-binary.tar.gz"),
    ],
)
def test_the_archive_the_folder_and_the_folder_itself_are_the_same(tmp_path, source, files, folder, archive):
    write_folder(tmp_path / "a" / folder, files())
    write_archive(tmp_path / "b" / archive, folder, files())
    digests = [load(source, tmp_path / where).digests() for where in ("a", f"a/{folder}", "b")]
    assert digests[0] == digests[1] == digests[2]
    assert [path.name for path in (tmp_path / "b").iterdir()] == [archive]  # nothing was extracted


@pytest.mark.parametrize("name", ["cifar-10-binary.tar", "cifar-10-binary.tgz", "cifar-10-binary.tar.gz"])
@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_an_archive_is_known_by_its_content(tmp_path, name, mode):
    write_archive(tmp_path / name, "cifar-10-batches-bin", binary10(), mode)
    assert load("cifar10", tmp_path).counts() == {"train": 180, "validation": 20, "test": 40}


def test_cifar100_takes_the_fine_labels(tmp_path):
    write_folder(tmp_path / "cifar-100-binary", binary100())
    cifar = load("cifar100", tmp_path)
    assert (len(cifar.classes), cifar.classes[99]) == (100, "class 99")
    assert cifar.counts() == {"train": 900, "validation": 100, "test": 200}
    np.testing.assert_array_equal(cifar.test.labels, np.arange(200) % 100)


@pytest.mark.parametrize(
    ("cifar", "python", "binary"), [(CIFAR10, python10, binary10), (CIFAR100, python100, binary100)]
)
def test_the_python_version_holds_the_same_as_the_binary_one(tmp_path, cifar, python, binary):
    write_folder(tmp_path / "binary" / cifar.binary.folder, binary())
    archive = tmp_path / "python" / cifar.python.archive
    write_archive(archive, cifar.python.folder, python())
    with pytest.raises(KerasCnnError, match="SHA-256 differs"):
        cifar.load(archive.parent)
    verified = replace(cifar, sha256=sha256(archive))
    assert verified.load(archive.parent).digests() == cifar.load(tmp_path / "binary").digests()


def test_without_a_folder_keras_downloads_the_archive_once(tmp_path, monkeypatch):
    write_archive(tmp_path / "away" / CIFAR10.python.archive, CIFAR10.python.folder, python10())
    archive = tmp_path / "away" / CIFAR10.python.archive
    verified = replace(CIFAR10, sha256=sha256(archive))
    monkeypatch.setattr(keras.utils, "get_file", partial(keras.utils.get_file, cache_dir=tmp_path))
    (tmp_path / "datasets").mkdir()
    archive.rename(tmp_path / "datasets" / "cifar-10-batches-py-target_archive")  # as Keras leaves it
    assert verified.load().counts() == {"train": 180, "validation": 20, "test": 40}


@pytest.mark.parametrize("source", ["mnist", "fashion_mnist"])
def test_the_download_is_read_like_the_files(mnist_dir, monkeypatch, source, tmp_path):
    def found(title, origin, checksum, *, name, folder="datasets"):
        assert origin.endswith(name)
        return tmp_path / name if name == "mnist.npz" else mnist_dir / name

    from_files = load(source, mnist_dir)
    train, test = mnist.MNIST.read(mnist_dir)
    np.savez(
        tmp_path / "mnist.npz",
        x_train=train.images[..., 0],
        y_train=train.labels.astype(np.uint8),
        x_test=test.images[..., 0],
        y_test=test.labels.astype(np.uint8),
    )
    for module in (mnist, fashion_mnist):
        monkeypatch.setattr(module, "downloaded", found)
    assert load(source).digests() == from_files.digests()


def _keep_downloads_in(folder):
    keras.utils.get_file = partial(keras.utils.get_file, cache_dir=folder)


@pytest.mark.parametrize("source", ["fashion_mnist", "cifar10", "cifar100"])
def test_no_network_for_a_download(cli: Cli, tmp_path, source):
    nowhere = {"https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    answer = cli("data", source, env=os.environ | nowhere, before=partial(_keep_downloads_in, tmp_path))
    refused(answer, FAILED, "could not be downloaded", "--data-dir", "--data digits")


def test_what_arrives_is_checked(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.utils, "get_file", partial(keras.utils.get_file, cache_dir=tmp_path))
    (tmp_path / "away").write_bytes(b"something else")
    with pytest.raises(KerasCnnError, match="Thing could not be downloaded"):
        download.downloaded("Thing", (tmp_path / "away").as_uri(), "0" * 64, name="thing")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "data_batch_3.bin").unlink(), ["data_batch_3.bin cannot be read"]),
        (
            lambda folder: (folder / "data_batch_3.bin").write_bytes(b"\0" * 4_000),
            ["data_batch_3.bin", "records of 3,073 bytes, it holds 4,000"],
        ),
        (
            lambda folder: (folder / "data_batch_3.bin").write_bytes(b"\0" * 3_073 * 39),
            ["199 training and 40 test images", "cut off"],
        ),
        (lambda folder: (folder / "test_batch.bin").write_bytes(b""), ["test_batch.bin", "holds 0 bytes"]),
        (
            lambda folder: (folder / "test_batch.bin").write_bytes(b"\x0b" * 3_073 * 40),
            ["test_batch.bin: labels must be 0 to 9, number 0 is 11"],
        ),
        (
            lambda folder: (folder / "batches.meta.txt").write_bytes(b"cat\ndog\n"),
            ["batches.meta.txt must name 10 classes, it names 2"],
        ),
        (lambda folder: folder.rename(folder.parent / "elsewhere"), ["has none of cifar-10-binary.tar.gz"]),
    ],
)
def test_damaged_cifar_files(cli: Cli, cifar10_dir, damage, words):
    damage(cifar10_dir / "cifar-10-batches-bin")
    refused(cli("data", "cifar10", "--data-dir", cifar10_dir), FAILED, *words)


def test_a_damaged_archive(tmp_path):
    archive = tmp_path / CIFAR10.binary.archive
    write_archive(archive, CIFAR10.binary.folder, binary10())
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(KerasCnnError, match="may be damaged or truncated"):
        CIFAR10.load(tmp_path)
    archive.write_bytes(whole[:-8] + b"\0" * 4 + whole[-4:])  # gzip's CRC
    with pytest.raises(KerasCnnError, match="may be damaged or truncated"):
        CIFAR10.load(tmp_path)
    archive.write_bytes(b"no archive")
    with pytest.raises(KerasCnnError, match="may be damaged or truncated"):
        CIFAR10.load(tmp_path)
    write_archive(archive, "another-folder", binary10())
    with pytest.raises(KerasCnnError, match=r"has no member cifar-10-batches-bin/batches\.meta\.txt"):
        CIFAR10.load(tmp_path)


def test_a_link_in_an_archive_is_not_followed(tmp_path):
    archive = tmp_path / CIFAR10.binary.archive
    with tarfile.open(archive, "w:gz") as written:
        link = tarfile.TarInfo(f"{CIFAR10.binary.folder}/test_batch.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        written.addfile(link)
    with pytest.raises(KerasCnnError, match="is not a regular file"):
        CIFAR10.load(tmp_path)


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_never_runs_anything(tmp_path):
    with pytest.raises(ValueError, match="it asks for"):
        read_pickle(pickle.dumps({"data": Hostile(tmp_path / "ran")}, protocol=2))
    assert not (tmp_path / "ran").exists()


def test_a_hostile_archive_is_refused_before_it_is_opened(tmp_path):
    hostile = pickle.dumps({b"data": Hostile(tmp_path / "ran"), b"labels": [0]}, protocol=2)
    write_archive(
        tmp_path / "x" / CIFAR10.python.archive, CIFAR10.python.folder, python10() | {"test_batch": hostile}
    )
    with pytest.raises(KerasCnnError, match="SHA-256 differs"):
        load("cifar10", tmp_path / "x")
    with pytest.raises(KerasCnnError, match="it asks for"):
        replace(CIFAR10, sha256=sha256(tmp_path / "x" / CIFAR10.python.archive)).load(tmp_path / "x")
    assert not (tmp_path / "ran").exists()


def test_lenet_trains_on_cifar10(cli: Cli, cifar10_dir):
    options = ["--data", "cifar10", "--data-dir", cifar10_dir, "--epochs", 1, "--json"]
    trained = cli("train", "lenet", *options).json
    assert trained["data"] == {"source": "cifar10", "train": 180, "validation": 20, "test": 40}


@pytest.mark.parametrize(
    ("place", "source", "text"),
    [
        ("mnist", Source("mnist"), "mnist"),
        ("/data/mnist", Source("mnist", Path("/data/mnist")), "folder mnist"),
        ("/", Source("folder", Path("/")), "folder folder"),
    ],
)
def test_a_source_in_settings_and_in_a_model_file(place, source, text):
    found = Source.of_settings(place)
    assert (found, found.place, str(found)) == (source, place, text)
    assert (str(Source.of_file(text)), Source.of_file(text).kind) == (text, source.kind)


@pytest.mark.parametrize("command", ["data", "train lenet --data"])
def test_original_files_are_no_folders_of_images(cli: Cli, tmp_path: Path, mnist_dir: Path, command: str):
    write_archive(tmp_path / "c" / CIFAR10.binary.archive, CIFAR10.binary.folder, binary10())
    for folder, name in ((mnist_dir, "mnist or fashion_mnist"), (tmp_path / "c", "cifar10")):
        use = f"use --data {name.split()[0]} --data-dir {folder}."
        told = f"{folder} holds the original files of {name}, not folders of images: {use}"
        refused(cli(*command.split(), folder), FAILED, told)
