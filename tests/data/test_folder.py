"""A folder of class folders: split, hashed, read when looked at, cropped."""

import shutil
import time

import numpy as np
import pytest
from painted_photos import CLASSES, paint, paths
from PIL import Image

from kerascnn.data.bad_files import bad_files
from kerascnn.data.image_files import AHEAD, read_each
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import KerasCnnError

TINY = Preprocessing(height=4, width=4, channels=3, fit="crop")


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


def test_a_class_may_have_no_test_image(tmp_path):
    paint(tmp_path / "train", 12)
    paint(tmp_path / "test", 2, first=50)
    shutil.rmtree(tmp_path / "test" / "green")
    shutil.rmtree(tmp_path / "test" / "red")
    (tmp_path / "test" / "red").mkdir()
    found = load(str(tmp_path))
    assert np.bincount(found.test.labels, minlength=3).tolist() == [2, 0, 0]


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
