"""Nothing of others is replaced unasked, and no planted link leads a command to write elsewhere."""

import shutil

import pytest
from refusals import FAILED, refused

INT8 = "tflite/static_wi8_ai8.tflite"
OTHERS = "my diary"


@pytest.fixture
def copied(run, tmp_path):
    """A copy of the trained run."""
    return shutil.copytree(run, tmp_path / "runs" / "a")


def _command(name, copied):
    return {
        "data": ("data", "digits", "--out", "mine/sheet.png"),
        "visualize": ("visualize", copied, "--out", "mine"),
        "debug": ("debug", copied / INT8, "--samples", 10, "--out", "mine"),
        "report": ("report", copied, "--format", "md,csv,tex,json"),
    }[name]


WRITTEN = [
    ("data", "mine/sheet.png"),
    ("visualize", "mine/index.html"),
    ("visualize", "mine/filters-conv1.png"),
    ("debug", "mine/layers.json"),
    ("debug", "mine/noise.png"),
    ("debug", "mine/model-explorer-sqnr.json"),
    *(("report", f"runs/a/report/report.{form}") for form in ("md", "csv", "tex", "json")),
    ("report", "runs/a/report/figures/parameters.svg"),
]


@pytest.mark.parametrize(("name", "file"), WRITTEN)
def test_a_file_of_others_stays(cli, copied, tmp_path, name, file):
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(OTHERS)
    message = f"{file} was not made by kerascnn. Add --overwrite to replace it, or move it elsewhere."
    refused(cli(*_command(name, copied)), FAILED, message)
    assert (tmp_path / file).read_text() == OTHERS


def test_a_link_of_others_stays(cli, tmp_path):
    (tmp_path / "diary").write_text(OTHERS)
    (tmp_path / "sheet.png").symlink_to("diary")
    refused(cli("data", "digits", "--out", "sheet.png"), FAILED, "sheet.png was not made by kerascnn")
    assert cli("data", "digits", "--out", "sheet.png", "--overwrite").code == 0
    assert not (tmp_path / "sheet.png").is_symlink()
    (tmp_path / "digits-contact-sheet.png").symlink_to("nowhere")  # another name is taken
    assert "digits-contact-sheet-2.png" in cli("data", "digits").out
    assert (tmp_path / "diary").read_text() == OTHERS


@pytest.mark.parametrize("name", ["debug", "report"])  # other tests draw the figures of a report twice
def test_what_the_same_command_made_is_replaced(cli, copied, name):
    for _ in range(2):
        answer = cli(*(word.replace("md,", "") for word in map(str, _command(name, copied))))
        assert answer.code == 0, answer.err


@pytest.mark.parametrize(
    ("place", "command"),
    [
        ("learned", ("visualize", "runs/a")),
        ("report", ("report", "runs/a", "--format", "md")),
        ("report/figures", ("report", "runs/a", "--format", "md")),
        ("tflite/debug-static_wi8_ai8", ("debug", f"runs/a/{INT8}", "--samples", 10)),
        ("tflite", ("quantize", "runs/a")),
    ],
)
def test_no_link_leads_out_of_a_run(cli, copied, tmp_path, place, command):
    outside = tmp_path / "outside"
    outside.mkdir()
    if (copied / place).exists():
        (copied / place).rename(outside / "before")
    (copied / place).parent.mkdir(exist_ok=True)
    (copied / place).symlink_to(outside)
    before = sorted(outside.rglob("*"))
    refused(cli(*command), FAILED, f"{place} is a link", "nothing is written through it")
    assert sorted(outside.rglob("*")) == before
