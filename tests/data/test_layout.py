"""Folders as people have them: splits of any name, wrapped and copied folders, what systems leave in them."""

import shutil
from pathlib import Path

import pytest
from painted_photos import CLASSES, SMALL, paint, paths
from PIL import Image
from refusals import FAILED, refused

from kerascnn.data.layout import split_kind
from kerascnn.data.sources.registry import load
from kerascnn.foundation.errors import KerasCnnError

OWN_SPLITS = {"train": 27, "validation": 3, "test": 6}


def painted(place: Path, n: int, first: int = 0) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    paint(place, n, first)
    return place


def loose(folder: Path, n: int = 3, suffix: str = "png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(folder / f"{number}.{suffix}")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("seg_train/seg_train", "seg_test/seg_test"),
        ("training_set/training_set", "test_set/test_set"),
        ("training_set", "test_set"),
        ("Training", "Testing"),
        ("TRAIN", "Test"),
        ("train_images", "test_images"),
        ("images/train", "images/test"),
        ("archive/data/train", "archive/data/test"),
        ("asl_alphabet_train/asl_alphabet_train", "asl_alphabet_test/asl_alphabet_test"),
        ("train2017", "test2017"),
        ("train/images", "test"),
    ],
)
def test_splits_by_other_names_are_splits(tmp_path, train, test):
    painted(tmp_path / "photos" / train, 10)
    painted(tmp_path / "photos" / test, 2, first=50)
    found = load(str(tmp_path / "photos"))
    assert (found.classes, found.counts()) == (CLASSES, OWN_SPLITS)
    (note,) = found.notes
    assert f"{train} as train" in note
    assert f"{test} as test" in note


@pytest.mark.parametrize("name", ["val", "valid", "Validation", "dev", "validation_set"])
def test_a_validation_split_by_another_name(tmp_path, name):
    painted(tmp_path / "train", 10)
    painted(tmp_path / name, 4, first=50)
    assert load(str(tmp_path)).counts() == {"train": 27, "validation": 12, "test": 3}


def test_usual_names_are_not_worth_a_note(tmp_path):
    for number, name in enumerate(("train", "validation", "test")):
        painted(tmp_path / name, 2, first=10 * number)
    assert load(str(tmp_path)).notes == ()


@pytest.mark.parametrize(
    "name", ["training_station", "test_tube", "trained", "protest", "valid_class", "cat"]
)
def test_names_that_are_no_split(name):
    assert split_kind(name) is None


@pytest.mark.parametrize("pictures", ["seg_pred/seg_pred", "pred", "Unlabeled"])
def test_pictures_without_a_class_are_left_out(tmp_path, pictures):
    photos = tmp_path / "photos"
    painted(photos / "train", 10)
    painted(photos / "test", 2, first=50)
    loose(photos / pictures)
    found = load(str(photos))
    assert found.counts() == OWN_SPLITS
    assert found.notes == (f"photos/{pictures.split('/')[0]} is left out: its images have no class.",)


@pytest.mark.parametrize("inner", ["photos", "pictures/of_2024"])
def test_a_folder_that_only_wraps_another(tmp_path, inner):
    painted(tmp_path / "photos" / inner, 10)
    (tmp_path / "photos" / "README.txt").write_text("read me")
    found = load(str(tmp_path / "photos"))
    assert (found.classes, len(found.train)) == (CLASSES, 24)
    assert found.notes == (f"The classes are the folders of {inner}, the only folder in photos.",)


def test_a_copy_of_all_classes_is_no_class(tmp_path):
    painted(tmp_path / "photos", 10)
    shutil.copytree(tmp_path / "photos", tmp_path / "photos" / "again", dirs_exist_ok=False)
    found = load(str(tmp_path / "photos"))
    assert (found.classes, sum(found.counts().values())) == (CLASSES, 30)
    assert found.notes == ("photos/again is left out: it holds the other classes again.",)
    shutil.rmtree(tmp_path / "photos" / "again" / "red")
    with pytest.raises(KerasCnnError, match="again contains folders named like other classes"):
        load(str(tmp_path / "photos"))


def test_a_copy_of_all_splits_is_left_out(tmp_path):
    for name, n in (("train", 10), ("test", 2)):
        painted(tmp_path / "xray" / name, n, first=n)
        painted(tmp_path / "xray" / "xray" / name, n, first=n)
    found = load(str(tmp_path / "xray"))
    assert found.counts() == OWN_SPLITS
    assert found.notes == ("xray/xray is left out: it holds the same splits again.",)


def test_a_folder_without_pictures_beside_splits_is_left_out(tmp_path):
    for name, n in (("train", 10), ("test", 2)):
        painted(tmp_path / "photos" / name, n, first=n)
    (tmp_path / "photos" / "docs" / "de").mkdir(parents=True)
    (tmp_path / "photos" / "docs" / "de" / "notes.txt").write_text("made in spring")
    found = load(str(tmp_path / "photos"))
    assert found.counts() == OWN_SPLITS
    assert found.notes == ("photos/docs is left out: it holds no image.",)
    (tmp_path / "photos" / "docs").rename(tmp_path / "photos" / "Red")  # may be a class in a wrong place
    with pytest.raises(KerasCnnError, match="Red is beside splits, but is not called train"):
        load(str(tmp_path / "photos"))


def test_classes_whose_folders_are_numbered_alike_are_classes(tmp_path):
    for digit in "123":
        for person in "123":
            loose(tmp_path / digit / person, 4)
    assert load(str(tmp_path)).classes == ("1", "2", "3")


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (
            ["cat", "dog", "test"],
            ["photos/test may be a split or a class like cat", "rename a class", "test_class"],
        ),
        (["bus", "car", "train"], ["photos/train may be a split or a class like bus"]),
        (["cat", "dog", "unlabeled"], ["photos/unlabeled may be a split or a class like cat"]),
        (
            ["train/cat", "train/dog", "test/cat", "extra"],
            ["photos/extra is beside splits, but is not called train"],
        ),
        (["train/cat", "train/dog", "training/cat"], ["holds train and training, both train images"]),
        (["train", "test"], ["photos/train has no folder for each class"]),
        (["train/cat", "train/dog", "test"], ["photos/test has no folder for each class"]),
        (["test/cat", "val/cat"], ["holds test, val but no train folder"]),
        (
            ["cat/train", "cat/test", "dog/train", "dog/test"],
            ["photos/cat holds test, train", "above classes"],
        ),
        (["images/train/cat", "labels/train/cat"], ["photos/images holds train", "with --data"]),
    ],
)
def test_what_is_a_split_and_what_a_class_cannot_be_told(cli, tmp_path, folders, words):
    for folder in folders:
        loose(tmp_path / "photos" / folder)
    refused(cli("data", "photos"), FAILED, *words)


def test_valid_may_be_a_class(tmp_path):
    for name in ("valid", "invalid"):
        loose(tmp_path / name, 12)
    assert load(str(tmp_path)).classes == ("invalid", "valid")


def test_what_systems_leave_behind_is_no_picture(cli, tmp_path, photos):
    thumbnail = photos / "red" / "000.PNG"
    left = (
        "@eaDir/red",
        "red/@eaDir/000.PNG",
        "red/2024/@EADIR/a.jpg",
        "__MACOSX/red",
        "#recycle/red",
        "lost+found",
        "red/.thumbnails",
        "red/thumbs",
        "$RECYCLE.BIN",
    )
    for folder in left:
        (photos / folder).mkdir(parents=True)
        shutil.copy(thumbnail, photos / folder / "SYNOPHOTO_THUMB_M.jpg")
    for name in ("Thumbs.db", "._000.PNG", "desktop.ini", ".DS_Store"):
        (photos / "red" / name).write_bytes(b"\0\1")
    found = cli("data", "photos", "--json").json
    assert found["splits"]["train"]["n"] == 48
    assert (found["copies"], found["unreadable"], found["classes"]) == ([], [], list(CLASSES))
    (note,) = found["notes"]
    assert "2 @eaDir" in note
    assert "1 __MACOSX" in note
    assert "red/thumbs" in found["left_out"]


def test_pictures_of_any_suffix_are_read_and_others_are_named(cli, photos):
    picture = Image.open(photos / "red" / "000.PNG")
    for name, kind in (
        ("a.jfif", "JPEG"),
        ("b.JPE", "JPEG"),
        ("c.tif", "TIFF"),
        ("d.tiff", "TIFF"),
        ("e", "PNG"),
        ("f.jpg_large", "JPEG"),
        ("g.jpg?w=640", "JPEG"),
        ("h.PNG ", "PNG"),
    ):
        picture.save(photos / "red" / name, kind)
    (photos / "blue" / "x.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    (photos / "blue" / "clip.mpg").write_bytes(b"\0\0\1\xb3" + bytes(40))
    (photos / "blue" / "notes.TXT").write_text("no picture")
    (photos / "blue" / "nothing").write_bytes(b"")
    loose(photos, 2)
    found = cli("data", "photos", "--json").json
    assert sum(sum(split["classes"].values()) for split in found["splits"].values()) == 68
    assert found["unreadable"] == []
    assert found["left_out"] == [
        "0.png",
        "1.png",
        *(f"blue/{n}" for n in ("clip.mpg", "notes.TXT", "nothing", "x.heic")),
    ]
    files, unplaced = found["notes"]
    assert files.startswith("4 files are not images that Pillow can open: ")
    assert all(
        part in files
        for part in ("1 .heic", "1 .mpg", "1 .txt", "1 without suffix", "(first: blue/clip.mpg)")
    )
    assert unplaced == "2 images are in no class's folder (first: 0.png)."
    assert f"  {files}" in cli("data", "photos").out


def test_no_known_picture_is_opened_to_list_a_folder(photos, monkeypatch):
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("a file is opened"))
    assert sum(load(str(photos)).counts().values()) == 60


def test_a_class_with_too_few_images_is_named(cli, photos):
    loose(photos / "rare", 1)
    answer = cli("train", "alexnet", "--data", photos, *SMALL, "--epochs", 1)
    refused(answer, FAILED, f"The class rare in {photos} has 1 image to train on", "needs 3 or more")


def test_a_folder_too_small_to_be_split(cli, tmp_path):
    painted(tmp_path / "photos", 3)
    refused(cli("data", "photos"), FAILED, "holds 9 images of 3 classes", "30 are needed")


def test_the_split_of_usual_files_has_not_changed(tmp_path):
    """The files of the test split as the first version of this project drew them."""
    painted(tmp_path / "photos", 20)
    found = sorted(f"{path.parent.name}/{path.stem}" for path in paths(load(str(tmp_path / "photos")).test))
    assert found == ["blue/003", "blue/014", "green/001", "green/011", "red/002", "red/019"]


def test_folds_are_classes_with_a_note(tmp_path):
    for number, name in enumerate(("fold1", "fold2")):
        painted(tmp_path / "photos" / name, 8, first=100 * number)
    found = load(str(tmp_path / "photos"))
    assert found.classes == ("fold1", "fold2")
    (note,) = found.notes
    assert "fold1, fold2 holds folders of the same names" in note
