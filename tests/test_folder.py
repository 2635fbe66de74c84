"""A folder of class folders: split, read when looked at, cropped; trained through the real command."""

import json
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_bad_input import FAILED, USAGE, nothing_written, refused

from kerascnn.data.bad_files import bad_files, without
from kerascnn.data.folder import load_folder
from kerascnn.data.image_files import AHEAD, read_each
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.data.sources import load
from kerascnn.errors import KerasCnnError
from kerascnn.training.config import TrainingConfig
from kerascnn.training.trainer import train

CLASSES = ("blue", "green", "red")
TINY = Preprocessing(height=4, width=4, channels=3, fit="crop")
SMALL = ["--variant", "small_stem", "--image-size", 16, "--head", "nin", "--batch-size", 8]


def paint(folder: Path, n: int, first: int = 0) -> None:
    """Write n photos of different sizes for each class, each with its class's colour and some noise."""
    for channel, name in enumerate(reversed(CLASSES)):
        (folder / name).mkdir(parents=True)
        for number in range(first, first + n):
            draw = np.random.default_rng((channel, number))
            pixels = draw.integers(0, 90, (20 + number % 3, 24, 3), np.uint8)
            pixels[..., channel] += 150
            Image.fromarray(pixels).save(folder / name / f"{number:03}.{'jpg' if number % 2 else 'PNG'}")


def paths(split) -> set[Path]:
    return set(split.images.paths)


@pytest.fixture
def photos(tmp_path):
    paint(tmp_path / "photos", 20)
    return tmp_path / "photos"


def test_a_flat_folder_is_split_80_10_10_by_class_and_always_alike(photos):
    found = load(str(photos))
    assert (found.source, found.classes, found.channels) == ("photos", CLASSES, 3)
    assert found.counts() == {"train": 48, "validation": 6, "test": 6}
    for split in (found.train, found.validation, found.test):
        np.testing.assert_array_equal(np.bincount(split.labels), len(split) // 3)
    assert not paths(found.train) & paths(found.validation)
    assert not paths(found.test) & (paths(found.train) | paths(found.validation))
    assert load(str(photos)).digests() == found.digests()


def test_without_a_test_folder_a_tenth_of_train_is_set_aside(tmp_path):
    paint(tmp_path / "train", 20)
    paint(tmp_path / "validation", 4, first=50)
    found = load(str(tmp_path))
    assert found.counts() == {"train": 54, "validation": 12, "test": 6}
    assert {path.parts[-3] for path in paths(found.test)} == {"train"}
    paint(tmp_path / "test", 2, first=70)
    assert load(str(tmp_path)).counts() == {"train": 60, "validation": 12, "test": 6}


def test_a_changed_picture_changes_the_hash(photos):
    before = load(str(photos)).digests()
    path = next(iter(paths(load(str(photos)).test)))
    path.write_bytes(path.read_bytes() + b"\0")
    after = load(str(photos)).digests()
    assert after["test"] != before["test"]
    assert after["train"] == before["train"]


def test_hidden_files_and_other_files_are_passed_over(photos):
    (photos / "red" / ".hidden.jpg").write_bytes(b"")
    (photos / "red" / "notes.txt").write_text("no picture")
    (photos / ".cache").mkdir()
    found = load(str(photos))
    assert sum(found.counts().values()) == 60


def test_renamed_classes_change_the_hash(photos):
    before = load(str(photos)).digests()
    (photos / "green").rename(photos / "grey")
    assert set(load(str(photos)).digests().values()).isdisjoint(before.values())


def test_nested_folders_and_upper_case_suffixes_belong_to_the_class(photos):
    (photos / "red" / "2024" / "May").mkdir(parents=True)
    for name in ("a.JPEG", "b.Png", "c.BMP", "d.GIF", "e.WebP", ".DS_Store", "._a.JPEG", "Thumbs.db"):
        shutil.copy(photos / "red" / "000.PNG", photos / "red" / "2024" / "May" / name)
    (photos / "red" / ".thumbnails").mkdir()
    shutil.copy(photos / "red" / "000.PNG", photos / "red" / ".thumbnails")
    found = load(str(photos))
    assert sum(found.counts().values()) == 65
    assert bad_files(found) == ()


def test_links_to_files_and_folders_are_followed_once(tmp_path, photos):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (photos / "red" / "000.PNG").rename(elsewhere / "a.png")
    (photos / "red" / "001.jpg").rename(tmp_path / "b.jpg")
    (photos / "red" / "b.jpg").symlink_to(tmp_path / "b.jpg")
    for name in ("more", "more-again"):
        (photos / "red" / name).symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / "back").symlink_to(photos / "red", target_is_directory=True)
    (photos / "green").rename(tmp_path / "greens")
    (photos / "green").symlink_to(tmp_path / "greens", target_is_directory=True)
    found = load(str(photos))
    assert sum(found.counts().values()) == 60
    assert bad_files(found) == ()


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


def test_a_class_may_have_no_test_image(tmp_path):
    paint(tmp_path / "train", 12)
    paint(tmp_path / "test", 2, first=50)
    shutil.rmtree(tmp_path / "test" / "green")
    shutil.rmtree(tmp_path / "test" / "red")
    (tmp_path / "test" / "red").mkdir()
    found = load(str(tmp_path))
    assert np.bincount(found.test.labels, minlength=3).tolist() == [2, 0, 0]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("Cat", "cat", "dog"), ["holds Cat and cat, the same name in two ways"]),
        (("caf\u00e9", "cafe\u0301", "tea"), ["the same name in two ways"]),
        (("STRASSE", "straße", "weg"), ["the same name in two ways"]),
        (("Train", "Test"), ["holds Test, Train: call its splits train, validation and test"]),
        (("training", "val"), ["holds training, val: call its splits"]),
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
    refused(cli("data", "photos"), FAILED, "test/Red", "training images do not have, they have red")


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


def test_pictures_are_read_when_looked_at(photos):
    broken = sorted(paths(load(str(photos)).train))[0]
    broken.write_bytes(b"no picture")
    split = load(str(photos)).train.prepared(Preprocessing(height=8, width=8, channels=3, fit="crop"))
    where = split.images.paths.index(broken)
    assert split.images[where + 1 : where + 3].shape == (2, 8, 8, 3)
    with pytest.raises(KerasCnnError, match="cannot be decoded"):
        split.images[where : where + 1]


def test_files_wait_to_be_read_until_those_before_are_taken():
    begun = []
    read = read_each(range(5 * AHEAD), begun.append)
    next(read)
    time.sleep(0.2)  # the readers go on meanwhile
    assert len(begun) <= AHEAD
    assert len(list(read)) == 5 * AHEAD - 1
    assert sorted(begun) == list(range(5 * AHEAD))


def test_a_photo_fills_the_input_and_loses_its_ends():
    photo = Image.new("RGB", (40, 20), "red")
    photo.paste("blue", (20, 0, 40, 20))
    square = Preprocessing(height=20, width=20, channels=3, fit="crop").image(photo)
    np.testing.assert_array_equal(square, np.asarray(photo)[:, 10:30])
    tall = Preprocessing(height=10, width=10, channels=1, fit="crop").image(photo.rotate(90, expand=True))
    assert tall.shape == (10, 10, 1)
    assert (tall[0, 0, 0], tall[9, 0, 0]) == (29, 76)  # blue turned up, red down, in Pillow's grey


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
            ["41 images of 3 classes are too few to set 4 aside"],
        ),
        (lambda folder: (folder / "test").mkdir(), ["holds test but no train folder"]),
    ],
)
def test_a_folder_that_cannot_be_split(cli, tmp_path, photos, change, words):
    change(photos)
    refused(cli("train", "alexnet", "--data", photos, *SMALL), FAILED, *words)
    assert nothing_written(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [("val", ["val is none of train, validation and test"]), ("validation", ["validation holds no image"])],
)
def test_a_split_that_is_named_otherwise_or_empty(cli, tmp_path, name, words):
    paint(tmp_path / "photos" / "train", 12)
    (tmp_path / "photos" / name).mkdir()
    refused(cli("train", "alexnet", "--data", "photos"), FAILED, *words)


def test_a_class_that_training_does_not_have(cli, tmp_path):
    paint(tmp_path / "photos" / "train", 12)
    (tmp_path / "photos" / "validation" / "purple").mkdir(parents=True)
    refused(cli("train", "alexnet", "--data", "photos"), FAILED, "purple", "training images do not have")


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_photo_that_cannot_be_decoded_ends_the_training_with_its_name(cli, tmp_path, photos, split):
    broken = sorted(paths(getattr(load(str(photos)), split)))[3]
    broken.write_bytes(b"no picture")
    refused(cli("train", "alexnet", "--data", photos, *SMALL), FAILED, broken.name, "cannot be decoded")
    assert nothing_written(tmp_path)


@pytest.mark.parametrize("data", ["./photos/none", "/nowhere/photos", "./photoz", "photoz", "~nobody/x", ""])
def test_no_such_folder(cli, tmp_path, data):
    refused(cli("train", "alexnet", "--data", data), USAGE, data)
    assert nothing_written(tmp_path)


def test_a_bad_file_is_left_out_recorded_and_stays_out(cli, tmp_path, photos):
    bad = sorted(paths(load(str(photos)).train))[0]
    bad.write_bytes(b"no picture")
    options = ["alexnet", "--data", "photos", *SMALL, "--epochs", 1, "--name", "a"]
    refused(cli("train", *options), FAILED, bad.name, "leave such files out with --skip-bad-files")
    assert nothing_written(tmp_path)
    heads = ["--heads", "conv1x1,nin", "--head-units", "4", "--variant", "small_stem", "--image-size", 16]
    compared = ["compare", "alexnet", "--data", "photos", *heads, "--batch-size", 8, "--epochs", 1]
    refused(cli(*compared), FAILED, bad.name, "--skip-bad-files")
    assert cli(*compared, "--skip-bad-files").code == 0
    trained = cli("train", *options, "--skip-bad-files", "--json").json
    assert trained["data"]["train"] == 47
    made_with = json.loads((tmp_path / "runs/a/environment.json").read_text())
    (skipped,) = made_with["skipped_files"]
    assert skipped["path"] == str(bad.relative_to(photos))
    assert "cannot be decoded" in skipped["reason"]
    (tmp_path / "link").symlink_to(photos)
    assert cli("evaluate", "runs/a", "--data-dir", "link", "--json").json["n"] == 6
    assert cli("quantize", "runs/a").code == 0
    bad.unlink()
    refused(cli("evaluate", "runs/a"), FAILED, bad.name, "is gone, and the split was drawn with it")


def test_a_folder_takes_no_data_dir(cli, photos):
    refused(cli("train", "alexnet", "--data", photos, "--data-dir", photos), USAGE, "--data-dir is for mnist")


def test_train_evaluate_quantize_and_predict_on_photos(cli, tmp_path, photos):
    trained = cli("train", "alexnet", "--data", "photos", *SMALL, "--epochs", 4, "--json").json
    assert trained["run"] == "runs/alexnet-nin-photos-1"
    assert (trained["variant"], trained["data"]["source"], trained["test"]["n"]) == (
        "small_stem",
        "photos",
        6,
    )
    run = tmp_path / trained["run"]
    assert str(tmp_path) not in (run / "model.json").read_text()
    evaluated = cli("evaluate", run, "--json").json
    assert (evaluated["accuracy"], evaluated["n"]) == (trained["test"]["accuracy"], 6)

    (file,) = cli("quantize", run, "--json").json["files"]
    assert (file["n"], file["scheme"]) == (6, "static_wi8_ai8")
    assert file["agreement"] >= 5 / 6  # six images; random noise may tip one
    predicted = cli("predict", tmp_path / file["path"], photos / "red" / "000.PNG", "--json").json
    assert [each["label"] for each in predicted[0]["classes"]].count("red") == 1

    photos.rename(tmp_path / "moved")
    refused(cli("quantize", run), FAILED, "photos", "Name it with --data-dir")
    refused(cli("evaluate", run), FAILED, "photos", "Name it with --data-dir")
    assert cli("evaluate", run, "--data-dir", "moved", "--json").json["n"] == 6
    assert cli("quantize", run, "--data-dir", "moved").code == 0
    alone = tmp_path / "alone.keras"
    (run / "model.keras").rename(alone)
    refused(cli("evaluate", alone), USAGE, "trained on the folder photos", "--data")
    assert cli("evaluate", alone, "--data", "moved", "--json").json["n"] == 6
    refused(cli("evaluate", alone, "--data", "digits"), FAILED, "blue, green, red", "do not fit")


@pytest.mark.parametrize(("cache_mb", "read_again"), [(0, True), (1, False)])
def test_a_picture_is_read_again_in_the_next_epoch_unless_it_is_kept(tmp_path, photos, cache_mb, read_again):
    path = sorted(paths(load(str(photos)).train))[0]

    def remove_after_the_first_epoch(stage, done, total, figures):
        if stage == "training" and figures.finished:
            path.unlink(missing_ok=True)

    settings = {"variant": "small_stem", "image_size": 16, "head": "nin", "batch_size": 8, "epochs": 2}
    config = TrainingConfig(
        model="alexnet", data=str(photos), runs_dir=tmp_path, cache_mb=cache_mb, **settings
    )
    if read_again:
        with pytest.raises(KerasCnnError, match=f"{path.name} has vanished"):
            train(config, progress=remove_after_the_first_epoch)
    else:
        assert train(config, progress=remove_after_the_first_epoch).metrics()["epochs"] == 2
    assert not path.exists()


def test_the_same_seed_crops_and_flips_alike(cli, tmp_path, photos):
    histories = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        options = ["--data", photos, *SMALL, "--epochs", 1, "--name", name, "--seed", seed]
        assert cli("train", "alexnet", *options).code == 0
        rows = (tmp_path / "runs" / name / "history.csv").read_text().splitlines()
        histories.append([row.split(",")[:-1] for row in rows])  # but for the seconds
    assert histories[0] == histories[1]
    assert histories[0] != histories[2]
