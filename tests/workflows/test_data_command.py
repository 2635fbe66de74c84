"""``kerascnn data``: counts, sizes, copies, unreadable files, the contact sheet, through the real command."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from commands import Cli
from PIL import Image
from refusals import FAILED, USAGE, refused

COLOURS = {"blue": 2, "green": 1, "red": 0}


def photo(channel: int, number: int, size: tuple[int, int] = (24, 20)) -> Image.Image:
    """Return noise in a class's colour; no two are alike."""
    pixels = np.random.default_rng((channel, number)).integers(0, 90, (size[1], size[0], 3), np.uint8)
    pixels[..., channel] += 150
    return Image.fromarray(pixels)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve training, two validation and two test photos of each class; three times as many blue ones."""
    for split, n in (("train", 12), ("validation", 2), ("test", 2)):
        for name, channel in COLOURS.items():
            folder = tmp_path / "photos" / split / name
            folder.mkdir(parents=True)
            for number in range(n * (4 if (split, name) == ("train", "blue") else 1)):
                photo(channel, 100 * len(split) + number).save(folder / f"{number:02}.png")
    return tmp_path / "photos"


def test_what_a_folder_holds(cli: Cli, tmp_path, photos):
    Image.new("L", (40, 10), 7).save(photos / "train" / "red" / "grey.jpg")
    answer = cli("data", "photos", "--json")
    found = answer.json
    assert answer.err.splitlines() == ["reading images: 0/85", "reading images: 85/85"]
    assert (found["source"], found["folder"], found["channels"]) == ("photos", str(photos), 3)
    assert found["classes"] == ["blue", "green", "red"]
    assert found["splits"] == {
        "train": {"n": 73, "classes": {"blue": 48, "green": 12, "red": 13}},
        "validation": {"n": 6, "classes": {"blue": 2, "green": 2, "red": 2}},
        "test": {"n": 6, "classes": {"blue": 2, "green": 2, "red": 2}},
    }
    assert found["sizes"] == {"smallest": [40, 10], "median": [24, 20], "largest": [24, 20]}
    assert found["kinds"] == {"PNG RGB": 84, "JPEG L": 1}
    assert (found["imbalance"], found["copies"], found["unreadable"]) == (4.0, [], [])
    assert found["contact_sheet"] == "photos-contact-sheet.png"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["photos-contact-sheet.png"]


def test_the_text_says_what_to_do(cli: Cli, photos):
    shown = cli("data", "photos").out
    assert "photos: 3 classes, 84 images in colour" in shown
    assert "total     72           6     6" in shown
    assert "4.0: 48 of blue, 12 of green; train with --class-weights" in shown
    assert "copies         0 across splits, 0 within one\n" in shown


def test_copies_are_found_by_their_upright_pixels(cli: Cli, photos):
    original = Image.open(photos / "train" / "red" / "03.png")
    original.save(photos / "test" / "red" / "copy.bmp")  # another format
    turned = Image.Exif()
    turned[0x0112] = 6  # to be shown a quarter turn clockwise
    original.rotate(90, expand=True).save(photos / "train" / "green" / "turned.png", exif=turned)
    Image.open(photos / "test" / "blue" / "00.png").save(photos / "test" / "blue" / "again.png")
    across, within = cli("data", "photos", "--json").json["copies"]
    assert across == {
        "across_splits": True,
        "different_classes": True,
        "pictures": [
            {"split": "train", "class": "green", "image": "train/green/turned.png"},
            {"split": "train", "class": "red", "image": "train/red/03.png"},
            {"split": "test", "class": "red", "image": "test/red/copy.bmp"},
        ],
    }
    assert (within["across_splits"], within["different_classes"]) == (False, False)
    assert [place["image"] for place in within["pictures"]] == ["test/blue/00.png", "test/blue/again.png"]
    shown = cli("data", "photos").out
    assert "1 across splits, 1 within one; 1 of them in different classes" in shown
    assert "train/red/03.png = test red test/red/copy.bmp" in shown


def test_grey_stored_as_colour_is_the_same_picture(cli: Cli, photos):
    grey = photo(0, 1).convert("L")
    grey.save(photos / "train" / "red" / "grey.png")
    grey.convert("RGB").save(photos / "validation" / "red" / "colour.png")
    (copies,) = cli("data", "photos", "--json").json["copies"]
    assert copies["across_splits"]


def test_many_copies_are_not_all_shown(cli: Cli, photos):
    for path in (photos / "train" / "green").iterdir():
        Image.open(path).save(photos / "test" / "green" / f"copy-{path.name}")
    shown = cli("data", "photos").out
    assert shown.count(" = test green") == 10
    assert "… and 2 more (--json has all)" in shown


def test_unreadable_files_are_listed_and_the_rest_is_shown(cli: Cli, photos):
    (photos / "train" / "red" / "00.png").write_bytes(b"no picture")
    (photos / "test" / "blue" / "empty.jpg").write_bytes(b"")
    found = cli("data", "photos", "--json").json
    assert found["unreadable"] == [
        {
            "path": "train/red/00.png",
            "reason": "cannot be decoded as an image: its content is of no known format",
        },
        {"path": "test/blue/empty.jpg", "reason": "cannot be decoded as an image: it is empty"},
    ]
    assert sum(found["kinds"].values()) == 83
    assert "test/blue/empty.jpg cannot be decoded as an image: it is empty" in cli("data", "photos").out


def test_the_contact_sheet_shows_each_class_in_its_row(cli: Cli, tmp_path, photos):
    assert cli("data", "photos", "--out", "sheets/mine.png").code == 0
    sheet = np.asarray(Image.open(tmp_path / "sheets" / "mine.png").convert("RGB")).astype(int)
    height, width = sheet.shape[:2]
    for row, channel in enumerate(COLOURS.values()):
        band = sheet[round(height * (row + 0.3) / 3) : round(height * (row + 0.7) / 3), round(width * 0.3) :]
        pictures = band[band.min(axis=-1) < 150]  # without the white between them
        assert set(pictures.argmax(axis=-1).tolist()) == {channel}


def test_a_sheet_replaces_nothing_but_what_is_named(cli: Cli, tmp_path, photos):
    (tmp_path / "photos-contact-sheet.png").write_bytes(b"mine")
    assert cli("data", "photos", "--json").json["contact_sheet"] == "photos-contact-sheet-2.png"
    assert (tmp_path / "photos-contact-sheet.png").read_bytes() == b"mine"
    named = ("data", "photos", "--out", "photos-contact-sheet.png")
    refused(cli(*named), FAILED, "photos-contact-sheet.png was not made by kerascnn. Add --overwrite")
    assert cli(*named, "--overwrite").code == cli(*named).code == 0  # the second time it is the program's own
    assert (tmp_path / "photos-contact-sheet.png").read_bytes().startswith(b"\x89PNG")


def test_sources_in_memory(cli: Cli, tmp_path, mnist_dir):
    digits = cli("data", "digits", "--json").json
    assert (digits["splits"]["train"]["n"], digits["folder"], digits["kinds"]) == (1_257, None, {})
    assert digits["sizes"] == {"smallest": [8, 8], "median": [8, 8], "largest": [8, 8]}
    assert digits["copies"] == []
    mnist = cli("data", "mnist", "--data-dir", mnist_dir, "--out", tmp_path / "m.png", "--json").json
    assert mnist["splits"]["test"]["classes"] == {str(digit): 6 for digit in range(10)}


def test_names_in_any_script(cli: Cli, tmp_path):
    for name, channel in (("猫", 0), ("كلب", 1), ("🐦 bird, Vögel", 2)):
        (tmp_path / "写真" / name).mkdir(parents=True)
        for number in range(10):
            photo(channel, number).save(tmp_path / "写真" / name / f"صورة {number} 🖼.png")
    found = cli("data", "写真", "--json")
    assert set(found.json["classes"]) == {"猫", "كلب", "🐦 bird, Vögel"}
    assert found.json["contact_sheet"] == "写真-contact-sheet.png"
    assert "Glyph" not in found.err
    shown = cli("data", "写真", env=os.environ | {"PYTHONIOENCODING": "ascii"}, fresh=True)
    assert shown.code == 0


def test_a_file_name_that_is_no_text(cli: Cli, tmp_path, photos):
    name = os.fsencode(photos / "train" / "red") + b"/caf\xe9.png"
    try:
        with open(name, "wb") as broken:  # noqa: PTH123  # a path of bytes
            broken.write(b"no picture")
    except OSError:
        pytest.skip("this file system holds UTF-8 names only")
    (bad,) = json.loads(cli("data", "photos", "--json").out)["unreadable"]
    assert bad["path"].startswith("train/red/caf")
    assert "train/red/caf" in cli("data", "photos").out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["digit"], USAGE, ["did you mean digits?"]),
        (["nowhere/photos"], USAGE, ["neither a source", "nor a folder"]),
        (["digits", "--out", "sheet.jpg"], USAGE, ["is a PNG file", "sheet.jpg"]),
        (["digits", "--data-dir", "."], USAGE, ["--data-dir has no meaning"]),
        (["digits", "--out", "taken/sheet.png"], FAILED, ["taken"]),
    ],
)
def test_what_makes_no_sense(cli: Cli, tmp_path, arguments, code, words):
    (tmp_path / "taken").write_text("a file in the way")
    refused(cli("data", *arguments), code, *words)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_no_permission_to_write(cli: Cli, tmp_path):
    (tmp_path / "locked").mkdir()
    (tmp_path / "locked").chmod(0o555)
    if os.access(tmp_path / "locked", os.W_OK):
        pytest.skip("this user may write everywhere")
    answer = cli("data", "digits", cwd=tmp_path / "locked")
    refused(answer, FAILED, "digits-contact-sheet.png could not be written: Permission denied")


def test_the_contact_sheet_of_many_classes_is_a_sample_that_opens(cli: Cli, tmp_path):
    for number in range(130):
        for place, split in enumerate(("train", "validation", "test")):
            folder = tmp_path / "many" / split / f"{number:03}"
            folder.mkdir(parents=True)
            Image.new("L", (8, 8), number + place).save(folder / "a.png")
    answer = cli("data", "many")
    assert "many-contact-sheet.png, 100 of 130 classes, evenly spread" in answer.out, answer.err
    with Image.open(tmp_path / "many-contact-sheet.png") as sheet:
        assert max(sheet.size) < 12_000
