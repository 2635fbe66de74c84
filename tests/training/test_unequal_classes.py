"""What a training tells before and after it: classes, changed pictures, what no model gets, each class."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from commands import Answer, keep, kept, run_command
from painted_photos import SMALL, paint
from refusals import USAGE

from kerascnn.cli.main import kerascnn as command
from kerascnn.data.layout import layout_of
from kerascnn.data.sources import folder
from kerascnn.studies.grid.plan import plan

BASELINE = {"answer": "blue", "accuracy": pytest.approx(6 / 8)}


@pytest.fixture(scope="module")
def unequal(shared) -> tuple[Path, Answer]:
    """A run on six times as many blue photos as others, and what training printed. 8 s of processor time."""

    def fill(folder: Path) -> None:
        paint(folder / "photos", 10)
        for number in range(50):
            content = (
                folder / "photos" / "blue" / f"{number % 10:03}.{'jpg' if number % 2 else 'PNG'}"
            ).read_bytes()
            (folder / "photos" / "blue" / f"more-{number}.jpg").write_bytes(content)
        given = (
            "alexnet",
            "--data",
            "photos",
            *SMALL,
            "--epochs",
            1,
            "--augment",
            "zoom,flip",
            "--name",
            "a",
        )
        keep(run_command("train", *given, cwd=folder), folder / "answer.json")

    folder = shared("unequal", fill)
    return folder / "runs" / "a", kept(folder / "answer.json")


def test_classes_are_told_before_the_training(unequal):
    assert unequal[1].err.splitlines()[0] == "3 classes: blue, green, red"


def test_a_folder_is_listed_once(photos, monkeypatch):
    listed = []
    monkeypatch.setattr(folder, "layout_of", lambda path: listed.append(path) or layout_of(path))
    (photos / "red" / "bad.png").write_text("no picture")  # ends the command before it trains
    ended = CliRunner().invoke(command, ["train", "alexnet", "--data", str(photos), *map(str, SMALL)])
    assert "bad.png cannot be decoded" in ended.output
    assert listed == [photos]


def test_what_is_done_to_pictures_is_told_unless_it_was_chosen(unequal, on_photos):
    assert "Training images" not in unequal[1].err
    told = kept(on_photos / "answer.json")
    notes = [line for line in told.err.splitlines() if line.startswith("Note: ")]
    assert notes == [
        "Note: 1 file is not an image that Pillow can open: 1 .txt (first: red/notes.txt).",
        "Note: Training images are mirrored and cropped at random. --augment chooses what is done, for "
        "instance --augment shift; --no-augment leaves them as they are.",
    ]


def test_the_parts_are_kept_with_the_run(unequal):
    assert tomllib.loads((unequal[0] / "config.toml").read_text())["augment"] == ["flip", "zoom"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--augment", "flop"], ["'flop' is not all, none, or some of flip, shift, crop, rotate, zoom"]),
        (["--augment", "flip,"], ["'flip,' is not all"]),
        (
            ["--set", "augment=flop"],
            ["augment must be all, none, or some of flip", "Received: augment='flop'"],
        ),
        (["--set", "augment=[1]"], ["augment must be all, none, or some of flip"]),
        (["--set", "augment=3"], ["augment must be all, none, or some of flip"]),
    ],
)
def test_parts_that_do_not_exist(cli, options, words):
    answer = cli("train", "lenet", *options)
    assert answer.code == USAGE
    assert all(word in answer.err.splitlines()[-1] for word in words), answer.err


def test_the_accuracy_stands_beside_what_no_model_gets(cli, unequal):
    run, answer = unequal
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["baseline"] == BASELINE
    assert {name: found["n"] for name, found in metrics["recall"].items()} == {
        "blue": 6,
        "green": 1,
        "red": 1,
    }
    for text in (answer.out, (run / "card.md").read_text()):
        assert "75.00 % for always blue, the most frequent class" in text
        assert "% of 6, green " in text
    shown = cli("evaluate", run)
    assert "baseline 75.00 % for always blue, the most frequent class\n" in shown.out
    assert cli("evaluate", run, "--json").json["baseline"] == BASELINE


@pytest.mark.long
def test_the_report_shows_each_class(cli, tmp_path, unequal):
    cli("report", unequal[0], "--format", "html,json")
    document = json.loads((unequal[0] / "report" / "report.json").read_text())
    assert document["baseline"] == BASELINE
    assert "Without any network: 75.00 % for always blue, the most frequent class." in document["notes"]
    page = (unequal[0] / "report" / "report.html").read_text()
    assert "training images</" in page.lower()


def test_equal_classes_need_no_figure_each(run):
    metrics = json.loads((run / "metrics.json").read_text())
    assert "recall" not in metrics
    assert 0.08 < metrics["baseline"]["accuracy"] < 0.12


def test_equal_classes_are_called_equal(cli, photos):
    assert "imbalance      none: 16 of each class\n" in cli("data", photos).out


@pytest.mark.parametrize(
    ("augment", "option"),
    [(None, ""), (False, " --no-augment"), (True, " --augment"), ("shift,flip", " --augment flip,shift")],
)
def test_a_study_is_repeated_with_what_it_did_to_pictures(augment, option):
    study = plan(
        "lenet", ["fc", "nin"], 1, data="digits", augment=augment
    )  # the recipe's for digits: nothing
    assert study.settings(0.2).command.endswith(f"--precision float32{option}")
