"""What commands print fits the terminal: no line is longer, no word is broken, none is lost."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import click
import pytest
from made_up_study import made_up_study
from PIL import Image
from rich.cells import cell_len

import kerascnn
from kerascnn.cli.main import LINES
from kerascnn.cli.main import kerascnn as group
from kerascnn.foundation.text.columns import table
from kerascnn.foundation.text.shown import Shown
from kerascnn.foundation.text.wrapping import facts
from kerascnn.studies.report_on import Reports
from kerascnn.tflite.accelerators.edgetpu.compile import Compilation, CompiledFile, Disagreement
from kerascnn.tflite.accelerators.edgetpu.compiler_log import Report, Row
from kerascnn.tflite.bundle.bundle import Bundle
from kerascnn.training.run import Run, Runs
from kerascnn.workflows.surgery import Surgery
from kerascnn.workflows.visualize import SavedFigure, Visualization

WIDTHS = (60, 80, 120)
SIGNS = "■□━…⋮─"  # of drawings and rules


def _compilation(file: Path) -> Compilation:
    rows = (Row("CONV_2D", 3, "Mapped to Edge TPU"), Row("RESIZE_BILINEAR", 1, "Operation not supported"))
    report = Report("", 1000, 7_000_000, 0, 1, 3, 1, rows)
    differing = (Disagreement("RESIZE_BILINEAR", "left it on the CPU", "expected it on the Edge TPU"),)
    compiled = CompiledFile(file.with_name(f"{file.stem}_edgetpu.tflite"), 70_000, report)
    return Compilation(file, "16.0.384591198", False, (compiled,), differing)


def _figures(run: Path) -> tuple[SavedFigure, ...]:
    return (SavedFigure("filters", run / "learned" / "filters-conv1.png", "The filters of the first layer"),)


def results(run: Path, bundle: Path, folder: Path) -> dict[str, Shown]:
    """Return a result of every command; trainings are those of the fixtures."""
    file = run / "tflite" / "static_wi8_ai8.tflite"
    copy = shutil.copytree(run, folder / "copy")
    image = folder / "a-photo-of-an-eight.png"
    Image.new("L", (28, 28)).save(image)
    study = replace(made_up_study("fc", "conv1x1"), reports=(Path("studies/lenet-digits-1/report.html"),))
    opened = Run.open(run)
    return {
        "conv": kerascnn.conv("227x227x3", filters=96, kernel=11, stride=4),
        "pool": kerascnn.pool("224x224x64", kernel=2),
        "summary": kerascnn.summary("alexnet", explain=True),
        "data": kerascnn.describe_data("digits", out=folder / "sheet.png"),
        "evaluate": kerascnn.evaluate(run),
        "predict": kerascnn.predict(run, [image, image]),
        "visualize": Visualization(run, "test image 1", _figures(run), run / "learned" / "index.html"),
        "train": opened,
        "surgery": Surgery(run, "lenet5", 61_706, 61_706, 1e-7, 1.0, 360, 40, 3),
        "runs": Runs([opened]),
        "compare": study,
        "report": Reports([study]),
        "benchmark": kerascnn.benchmark([file], runs=5),
        "quantize": kerascnn.quantize(copy, scheme=("static_wi8_ai8", "float16")),
        "inspect": kerascnn.inspect(file),
        "debug": kerascnn.debug(file, run, out=folder / "debug", samples=10),
        "check": kerascnn.check(file),
        "compile": _compilation(file),
        "bundle": Bundle(folder / "bundle.zip", "raspberrypi", ("run.py",), 64 * "a"),
        "verify": kerascnn.verify(bundle),
        "doctor": kerascnn.doctor(),
    }


def words(text: str) -> set[str]:
    """Return the text as a reader sees it; a backslash continues a command."""
    return {
        word for word in text.split() if word != "\\" and not set(word) <= set(SIGNS) and not word.isdigit()
    }


def too_long(text: str, width: int) -> list[str]:
    """Return lines that are too long and not one word alone; a shell takes what is in quotes as one."""
    lines = [line.removesuffix(" \\").strip() for line in text.splitlines() if cell_len(line) > width]
    return [line for line in lines if " " in line and not line.startswith("'")]


def test_every_result_fits_at_every_width(run, pi_bundle, tmp_path):
    """10 s of processor time, beside the fixtures' trainings."""
    shown = results(run, pi_bundle, tmp_path)
    assert shown.keys() == LINES.keys()
    for command, result in shown.items():
        whole = result.text()
        for width in WIDTHS:
            fitted = result.text(width)
            assert too_long(fitted, width) == [], command
            assert words(fitted) == words(whole), command


def test_the_command_measures_the_terminal(cli):
    answer = cli("summary", "lenet", env={**os.environ, "COLUMNS": "60"})
    assert too_long(answer.out, 60) == []
    assert answer.out.count("layer ") == 2  # two groups of columns
    assert "multiply-adds" in cli("summary", "lenet").out.splitlines()[5]  # no terminal: in one


@pytest.mark.parametrize("command", ["", *LINES])
def test_help_fits_80_columns(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    context = click.Context(group, info_name="kerascnn")
    shown = group.commands[command] if command else group
    text = shown.get_help(click.Context(shown, info_name=command, parent=context if command else None))
    examples = [line for line in text.splitlines() if len(line) > 80]
    assert all(line.startswith("  ") and command == "compile" for line in examples)
    assert command or not examples


def test_columns_without_room_go_below_behind_the_first_one():
    header = ["layer", "kind", "parameters", "multiply-adds"]
    rows = [["conv1", "Conv2D", "156", "117,600"], ["logits", "Dense", "850", "840"]]
    assert table(header, rows, left=2, width=30).splitlines() == [
        "layer   kind    parameters",
        "──────  ──────  ──────────",
        "conv1   Conv2D         156",
        "logits  Dense          850",
        "",
        "layer   multiply-adds",
        "──────  ─────────────",
        "conv1         117,600",
        "logits            840",
    ]


def test_words_and_headings_are_wrapped_before_that():
    rows = [["disk", "41.9 GiB free here, of which a study needs 1 GiB"]]
    assert table(["", "what was found here"], rows, left=2, width=30).splitlines() == [
        "      what was found here",
        "────  ────────────────────────",
        "disk  41.9 GiB free here, of",
        "      which a study needs 1",
        "      GiB",
    ]
    assert table(["a", "at most 8 bytes"], [["x", "1,234"]], width=12).splitlines()[:3] == [
        "   at most 8",
        "a      bytes",
        "─  ─────────",
    ]


def test_a_row_without_room_becomes_lines():
    path = "runs/lenet-fc-digits-1/tflite/static_wi8_ai8.tflite"
    assert table(["", "median"], [[path, "12.3 ± 0.4 in 1,000"]], width=60).splitlines() == [
        path,
        "  median  12.3 ± 0.4 in 1,000",
    ]


def test_a_wrapped_command_can_be_copied():
    shown = facts([("next", "kerascnn predict runs/lenet-fc-digits-1 'my photo.jpg' --heatmap")], 40)
    assert shown.splitlines() == [
        "next  kerascnn predict \\",
        "        runs/lenet-fc-digits-1 \\",
        "        'my photo.jpg' --heatmap",
    ]
