"""Sources: fixed disjoint splits, MNIST's files read exactly, everything checked before use."""

import gzip
import hashlib

import numpy as np
import pytest
from commands import write_idx

from kerascnn.data.dataset import Split
from kerascnn.data.formats import published
from kerascnn.data.formats.idx import read_idx
from kerascnn.data.sources.registry import load
from kerascnn.data.split import stratified_indices, stratified_sample
from kerascnn.foundation.errors import KerasCnnError


def test_digits_are_split_the_same_way_everywhere():
    digits = load("digits")
    assert digits.counts() == {"train": 1_257, "validation": 180, "test": 360}
    # Written down once: another split would make accuracies incomparable.
    assert digits.test.digest() == "e9abd88ab42337c0b0397e8e3cadf0fc4dc3b81e640ad77c0c6695241f3f10e2"


def test_digits_are_those_of_the_published_file():
    """Scikit-learn, which packs the same file, is the oracle here and below; it takes 2 s to load."""
    datasets = pytest.importorskip("sklearn.datasets", reason="pip install 'kerascnn[test]'")
    pixels, labels = datasets.load_digits(return_X_y=True)
    digits = load("digits")
    splits = digits.splits().values()
    found = np.concatenate([split.images.reshape(-1, 64) for split in splits])
    expected = np.round(pixels * 255 / 16).astype(np.uint8)
    assert _sorted(found, np.concatenate([split.labels for split in splits])) == _sorted(expected, labels)


def _sorted(images, labels):
    return sorted((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True))


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_split_is_that_of_scikit_learn(classes):
    selection = pytest.importorskip("sklearn.model_selection", reason="pip install 'kerascnn[test]'")
    rng = np.random.default_rng(classes)
    for case in range(100):
        images = int(rng.integers(3 * classes, 500))
        drawn = rng.integers(0, classes, images - 2 * classes)  # unequal; in every other case nearly equal
        others = drawn if case % 2 else np.arange(images - 2 * classes) % classes
        labels = rng.permutation(np.concatenate([np.repeat(np.arange(classes), 2), others])).astype(np.int32)
        size = int(rng.integers(classes, images - classes + 1))
        expected = selection.train_test_split(
            np.arange(images), test_size=size, stratify=labels, random_state=case
        )
        for found, same in zip(stratified_indices(labels, size, case), expected, strict=True):
            assert found.tolist() == sorted(same)


@pytest.mark.parametrize("seed", [None, 1])
def test_a_sample_has_each_class_in_its_share(seed):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(4), [40, 20, 20, 20])).astype(np.int32)
    found = stratified_sample(labels, 10, seed)
    assert (np.diff(found) > 0).all()
    assert np.bincount(labels[found]).tolist() == [4, 2, 2, 2]
    np.testing.assert_array_equal(stratified_sample(labels, 10, seed), found)
    np.testing.assert_array_equal(stratified_sample(labels, 100, seed), np.arange(100))
    assert not np.array_equal(stratified_sample(labels, 10, 2), found)


def test_digits_are_stratified_disjoint_and_whole():
    digits = load("digits")
    splits = (digits.train, digits.validation, digits.test)
    for split in splits:
        share = np.bincount(split.labels) / len(split)
        np.testing.assert_allclose(share, 0.1, atol=0.01)
        assert (split.images.min(), split.images.max()) == (0, 255)
    together = np.concatenate([split.images.reshape(-1, 64) for split in splits])
    assert len(np.unique(together, axis=0)) == 1_797


def test_mnist_is_framed_with_zeros_to_32(mnist_dir):
    mnist = load("mnist", mnist_dir)
    assert mnist.counts() == {"train": 440, "validation": 40, "test": 60}
    prepared = mnist.test.prepared(mnist.preprocessing(32)).images
    assert prepared.shape == (60, 32, 32, 1)
    np.testing.assert_array_equal(prepared[:, 2:30, 2:30], mnist.test.images)
    assert prepared.sum() == mnist.test.images.sum()


def test_mnist_takes_uncompressed_files_too(mnist_dir):
    expected = load("mnist", mnist_dir).digests()
    for path in list(mnist_dir.iterdir()):
        write_idx(path.with_suffix(""), read_idx(path, 3 if "images" in path.name else 1))
        path.unlink()
    assert load("mnist", mnist_dir).digests() == expected


@pytest.mark.parametrize(
    "renamed",
    [
        lambda path: path.with_suffix(""),  # compressed without saying so
        lambda path: path.with_name(path.name.replace("-idx", ".idx")),
        lambda path: path.with_name(path.name.split("-idx")[0] + ".bin"),
        lambda path: path.with_name(path.name.split("-idx")[0].replace("-", "_").title()),
        lambda path: path.with_suffix("") / path.with_suffix("").name,  # a folder of the file's name
    ],
)
def test_mnists_files_are_known_by_other_names(mnist_dir, renamed):
    expected = load("mnist", mnist_dir).digests()
    for path in list(mnist_dir.iterdir()):
        renamed(path).parent.mkdir(exist_ok=True)
        path.rename(renamed(path))
    assert load("mnist", mnist_dir).digests() == expected


def test_a_file_that_was_unpacked_and_kept_its_name(mnist_dir):
    expected = load("mnist", mnist_dir).digests()
    for path in mnist_dir.iterdir():
        path.write_bytes(gzip.decompress(path.read_bytes()))
    assert load("mnist", mnist_dir).digests() == expected


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"])
@pytest.mark.parametrize("known", ["by what it holds", "as it is published"])
def test_another_published_set_is_refused(mnist_dir, monkeypatch, name, known):
    content = (mnist_dir / name).read_bytes()
    if known == "by what it holds":
        monkeypatch.setitem(published.HELD, hashlib.sha256(gzip.decompress(content)).hexdigest(), "MNIST")
    else:
        monkeypatch.setitem(published.PACKED, hashlib.md5(content).hexdigest(), "MNIST")
    assert load("mnist", mnist_dir).counts()["test"] == 60
    with pytest.raises(
        KerasCnnError, match=f"{name} is a file of MNIST, not of Fashion-MNIST: use --data mnist"
    ):
        load("fashion_mnist", mnist_dir)


def test_an_archive_that_was_not_unpacked_is_named(mnist_dir):
    for path in mnist_dir.iterdir():
        path.unlink()
    (mnist_dir / "archive.zip").touch()
    for source in ("mnist", "cifar10"):
        with pytest.raises(KerasCnnError, match=r"Unpack archive\.zip there\."):
            load(source, mnist_dir)


def test_idx_is_read_exactly(tmp_path):
    values = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    write_idx(tmp_path / "values.gz", values)
    np.testing.assert_array_equal(read_idx(tmp_path / "values.gz", 3), values)


def test_a_header_that_claims_too_much_is_refused_before_reading(tmp_path):
    (tmp_path / "huge").write_bytes(b"\0\0\x08\x03" + b"\xff" * 12)
    with pytest.raises(KerasCnnError, match="its header is damaged"):
        read_idx(tmp_path / "huge", 3)


def test_a_digest_sees_pixels_labels_and_shape():
    images, labels = np.zeros((4, 2, 2, 1), np.uint8), np.zeros(4, np.int32)
    digests = {
        Split(images, labels).digest(),
        Split(images, labels + 1).digest(),
        Split(images + 1, labels).digest(),
        Split(images.reshape(4, 4, 1, 1), labels).digest(),
    }
    assert len(digests) == 4
