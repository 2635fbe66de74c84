"""Folders that cannot be trained on, and files in them that are no pictures."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from painted_photos import CLASSES, SMALL, paint, paths
from PIL import Image
from refusals import FAILED, USAGE, nothing_written, refused

from kerascnn.data.bad_files import bad_files, without
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.data.sources.folder import load_folder
from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import KerasCnnError

TINY = Preprocessing(height=4, width=4, channels=3, fit="crop")


@pytest.mark.parametrize(
    ("link", "target"),
    [("red/loop", "photos"), ("red/loop", "photos/red"), ("loop", "photos"), ("red/a/b", ".")],
)
def test_a_link_to_a_folder_above_it(cli, tmp_path, photos, link, target):
    (photos / link).parent.mkdir(exist_ok=True)
    (photos / link).symlink_to(tmp_path / target, target_is_directory=True)
    refused(cli("data", "photos"), FAILED, f"photos/{link} is a link to", "a folder above it")


def test_links_that_lead_nowhere_or_to_themselves_are_bad_files(photos):
    (photos / "red" / "gone.jpg").symlink_to(photos / "red" / "nothing")
    (photos / "red" / "self.jpg").symlink_to(photos / "red" / "self.jpg")
    assert {bad.path.name: bad.reason for bad in bad_files(load(str(photos)))} == {
        "gone.jpg": "does not exist",
        "self.jpg": "cannot be read: Too many levels of symbolic links",
    }


def test_bad_files_are_found_in_every_split(photos):
    found = load(str(photos))
    broken = [sorted(paths(split))[3] for split in found.splits().values()]
    for path in broken:
        path.write_bytes(b"no picture")
    told = []
    bad = bad_files(load(str(photos)), progress=lambda *step: told.append(step))
    assert [file.path for file in bad] == broken
    assert {file.reason for file in bad} == {
        "cannot be decoded as an image: its content is of no known format"
    }
    assert [told[0], told[-1]] == [("checking files", 0, 60, ""), ("checking files", 60, 60, "")]
    assert [done for _, done, *_ in told] == list(range(61))
    assert bad_files(load("digits")) == ()


def test_what_is_left_out_moves_no_other_file(photos):
    found = load(str(photos))
    bad = [sorted(paths(split))[0] for split in found.splits().values()]
    kept = without(found, bad)
    assert kept.counts() == {"train": 47, "validation": 5, "test": 5}
    for name, split in kept.splits().items():
        assert paths(split) == paths(found.splits()[name]) - set(bad)
        assert [path.parent.name for path in split.images.paths] == [CLASSES[n] for n in split.labels]
    assert without(found, []).digests() == found.digests()
    assert without(load("digits"), bad).counts() == load("digits").counts()


def test_a_class_or_a_split_that_nothing_is_left_of(photos):
    found = load(str(photos))
    with pytest.raises(KerasCnnError, match="No training image of green in photos can be read"):
        without(found, [path for path in paths(found.train) if path.parent.name == "green"])
    with pytest.raises(KerasCnnError, match="No test image of photos can be read"):
        without(found, paths(found.test))
    greenless = [path for path in paths(found.test) if path.parent.name == "green"]
    assert without(found, greenless).counts()["test"] == 4  # the accuracy of green is then unknown


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (Path.unlink, "has vanished"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\0"), "has changed"),
        (lambda path: os.utime(path, (1, 1)), "has changed"),
        (lambda path: (path.unlink(), path.symlink_to("nowhere")), "has vanished"),
    ],
)
def test_a_folder_that_changes_while_it_is_read(photos, change, word):
    found = load(str(photos))
    path = sorted(paths(found.train))[3]
    change(path)
    for reading in (
        lambda: bad_files(found),
        found.digests,
        lambda: found.train.images[:],
        lambda: without(found, [sorted(paths(found.train))[0]]).train.prepared(TINY).images[:],
    ):
        with pytest.raises(KerasCnnError, match=f"{path.name} {word} since its folder was read"):
            reading()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("Cat", "cat", "dog"), ["holds Cat and cat, the same name in two ways"]),
        (("caf\u00e9", "cafe\u0301", "tea"), ["the same name in two ways"]),
        (("STRASSE", "straße", "weg"), ["the same name in two ways"]),
        (("Train", "Test"), ["photos/Train has no folder for each class"]),
        (("training", "val"), ["photos/training has no folder for each class"]),
        (("only",), ["two classes or more, it holds 1"]),
        ((), ["two classes or more, it holds 0"]),
    ],
)
def test_classes_that_are_none(cli, tmp_path, names, words):
    (tmp_path / "photos").mkdir()
    for name in names:
        (tmp_path / "photos" / name).mkdir()
        Image.new("RGB", (4, 4)).save(tmp_path / "photos" / name / "a.png")
    if len(list((tmp_path / "photos").iterdir())) < len(names):
        pytest.skip("this file system cannot hold both names")
    refused(cli("data", "photos"), FAILED, *words)


def test_a_class_in_other_case_than_in_training(cli, tmp_path):
    paint(tmp_path / "photos" / "train", 12)
    paint(tmp_path / "photos" / "test", 2)
    (tmp_path / "photos" / "test" / "red").rename(tmp_path / "photos" / "test" / "Red")
    refused(cli("data", "photos"), FAILED, "test/Red", "training split does not have, they have red")


def test_a_name_that_is_no_text(cli, photos):
    try:
        os.mkdir(os.fsencode(photos) + b"/caf\xe9")  # noqa: PTH102  # a path of bytes
    except OSError:
        pytest.skip("this file system holds UTF-8 names only")
    refused(cli("data", "photos"), FAILED, r"'caf\udce9'", "is not UTF-8")


@contextmanager
def as_nobody():
    """Drop root's right to read everything for a while."""
    if os.geteuid():
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("locked", [".", "red", "red/below"])
@pytest.mark.parametrize("rights", [0o000, 0o444])
def test_a_folder_that_must_not_be_read(locked, rights):
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to others
        Path(place).chmod(0o755)
        photos = Path(place) / "photos"
        paint(photos, 4)
        (photos / "red" / "below").mkdir()
        shutil.copy(photos / "red" / "000.PNG", photos / "red" / "below")
        (photos / locked).chmod(rights)
        with as_nobody(), pytest.raises(KerasCnnError, match="cannot be read: Permission denied"):
            load_folder(photos)
        (photos / locked).chmod(0o755)


def test_a_file_that_must_not_be_read_is_a_bad_file():
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        photos = Path(place) / "photos"
        paint(photos, 10)
        (photos / "red" / "003.jpg").chmod(0)
        with as_nobody():
            (bad,) = bad_files(load_folder(photos))
    assert (bad.path.name, bad.reason) == ("003.jpg", "cannot be read: Permission denied")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda folder: [(folder / name).rename(folder.parent / name) for name in ("red", "blue")],
            ["holds 1"],
        ),
        (lambda folder: [path.unlink() for path in (folder / "red").iterdir()], ["red holds no image"]),
        (
            lambda folder: [path.unlink() for path in sorted((folder / "red").iterdir())[1:]],
            ["The class red in", "has 1 image to train on, each class needs 3 or more"],
        ),
        (lambda folder: (folder / "test").mkdir(), ["photos/test may be a split or a class like blue"]),
    ],
)
def test_a_folder_that_cannot_be_split(cli, tmp_path, photos, change, words):
    change(photos)
    refused(cli("train", "alexnet", "--data", photos, *SMALL), FAILED, *words)
    assert nothing_written(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [("val", ["val holds no image"]), ("validation", ["validation holds no image"])],
)
def test_a_split_that_is_named_otherwise_or_empty(cli, tmp_path, name, words):
    paint(tmp_path / "photos" / "train", 12)
    (tmp_path / "photos" / name).mkdir()
    refused(cli("train", "alexnet", "--data", "photos"), FAILED, *words)


def test_a_class_that_training_does_not_have(cli, tmp_path):
    paint(tmp_path / "photos" / "train", 12)
    (tmp_path / "photos" / "validation" / "purple").mkdir(parents=True)
    refused(cli("train", "alexnet", "--data", "photos"), FAILED, "purple", "training split does not have")


@pytest.mark.parametrize(
    "data", ["./photos/none", "/nowhere/photos", "./photoz", "photoz", "~/x", "~no-user-has-this-name/x", ""]
)
def test_no_such_folder(cli, tmp_path, data):
    home = os.environ | {"HOME": str(tmp_path)}
    refused(cli("train", "alexnet", "--data", data, env=home), USAGE, data)
    assert nothing_written(tmp_path)


def test_a_folder_takes_no_data_dir(cli, photos):
    refused(cli("train", "alexnet", "--data", photos, "--data-dir", photos), USAGE, "--data-dir is for mnist")
