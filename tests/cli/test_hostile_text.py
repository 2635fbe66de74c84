"""Text of files that nobody vouches for: it moves no cursor, is no formula, and a message stays short."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image
from refusals import FAILED, USAGE, refused

from kerascnn.foundation.text.escapes import in_csv, in_markdown, printable
from kerascnn.models.description import MEMBER, ModelDescription
from kerascnn.models.network import build

ESCAPE, TURNED = "\x1b[31mred", "a\u202eb"


def test_what_is_no_letter_is_shown_as_a_question(tmp_path):
    assert printable(f"{ESCAPE}\n{TURNED}\t\ud800") == "�[31mred\na�b��"
    assert "\x1b" not in in_markdown(ESCAPE)


@pytest.mark.parametrize(
    ("cell", "safe"),
    [("=1+1", "'=1+1"), ("@a", "'@a"), ("-cmd", "'-cmd"), ("-0.5", "-0.5"), ("+.5", "+.5"), ("fc", "fc")],
)
def test_no_cell_begins_a_formula(cell, safe):
    assert in_csv(cell) == safe


def _described(path, **changes):
    """Write another description into a model file, as whoever wants to do harm would."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(members[MEMBER])
    document["preprocessing"] |= changes.pop("preprocessing", {})
    members[MEMBER] = json.dumps(document | changes).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def keras_file(run, tmp_path):
    content = (run / "model.keras").read_bytes()
    (tmp_path / "model.keras").write_bytes(content)
    Image.fromarray(np.full((32, 32), 9, np.uint8)).save(tmp_path / "image.png")
    return tmp_path / "model.keras"


def test_class_names_of_a_file_reach_no_terminal_as_they_are(cli, keras_file):
    _described(keras_file, classes=[ESCAPE, TURNED, *map(str, range(8))])
    for form in ([], ["--json"]):
        answer = cli("predict", keras_file, "image.png", "--top-k", 10, *form)
        assert answer.code == 0, answer.err
        assert "\x1b" not in answer.out
        assert "\u202e" not in answer.out
        assert "[31mred" in answer.out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": ["one"]}, "1 classes"),
        ({"preprocessing": {"height": 48, "width": 48}}, "(48, 48, 1)"),
        ({"preprocessing": {"height": 10**9, "width": 10**9}}, "(1000000000, 1000000000, 1)"),
        ({"preprocessing": {"margin": 16}}, "a margin of 16"),
    ],
)
def test_a_description_that_does_not_fit_its_network_is_refused(cli, keras_file, changes, words):
    _described(keras_file, **changes)
    answer = cli("predict", keras_file, "image.png")
    refused(answer, FAILED, "its description does not fit its network", words, "takes (32, 32, 1)")


def test_that_of_a_tflite_file_is_looked_at_too(cli, run, tmp_path):
    file = tmp_path / "model.tflite"
    file.write_bytes((run / "tflite/static_wi8_ai8.tflite").read_bytes())
    described = ModelDescription.embedded(file)
    with zipfile.ZipFile(file) as archive:
        start = min(member.header_offset for member in archive.infolist())
    file.write_bytes(file.read_bytes()[:start])
    described.model_copy(update={"classes": ("one",)}).embed(file)
    refused(cli("evaluate", file), FAILED, "its description does not fit its network", "1 classes")


def test_a_model_named_as_a_formula_is_none_in_csv(cli, tmp_path):
    build("lenet5", head="nin").save(tmp_path / "=cmd.keras")
    answer = cli("summary", "=cmd.keras", "--format", "csv")
    assert answer.code == 0, answer.err
    assert not any(line.startswith(("=", "@")) for line in answer.out.splitlines())


def test_deep_settings_and_long_messages_are_one_line(cli, tmp_path):
    (tmp_path / "deep.toml").write_text(f"a = {'[' * 50_000}")
    refused(cli("train", "lenet", "--config", "deep.toml"), USAGE, "deep.toml cannot be read as TOML")
    answer = cli("train", "lenet", "--set", f"head={'x' * 9_000}")
    refused(answer, USAGE, "xxx")
    assert len(answer.err) < 1_100


def test_a_folder_with_control_characters_is_no_class(cli, tmp_path):
    for name in ("fine", "red\x1b[31m"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "photos" / name / "a.png")
    refused(cli("data", "photos"), FAILED, "control characters in its name", r"red\x1b[31m")
