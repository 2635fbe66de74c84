"""The report of a real study: the same figures in every form, nothing blank, no network."""

import csv
import io
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from report_page import Page, no_blank_or_network, pixels

from kerascnn.data.sources.registry import load
from kerascnn.foundation.text.escapes import in_latex
from kerascnn.studies.grid.cell import kept_predictions
from kerascnn.studies.results.overview import HEADER
from kerascnn.training.run import Run

#: As much of a browser as the page's script touches: one table, whose first columns are clicked.
BROWSER = """
const cell = (text, order) => ({textContent: text, dataset: order === undefined ? {} : {order}});
const head = () => ({
  childNodes: [], marks: {}, append(button) { this.button = button; },
  getAttribute(name) { return this.marks[name] ?? null; },
  setAttribute(name, value) { this.marks[name] = value; },
  removeAttribute(name) { delete this.marks[name]; },
});
const heads = [head(), head()];
const rows = [["b", cell("10", "10")], ["a", cell("9", "9")], ["c", cell("–")]];
const body = {
  rows: rows.map(([name, number]) => ({cells: [cell(name), number]})),
  append(...sorted) { this.rows = sorted; },
};
const document = {
  querySelectorAll: () => [{tBodies: [body], tHead: {rows: [{cells: heads}]}}],
  createElement: () => ({append() {}, addEventListener(_, clicked) { this.click = clicked; }}),
};
"""
CLICKS = """
for (const column of [1, 1, 0, 0]) {
  heads[column].button.click();
  console.log(body.rows.map((row) => row.cells[0].textContent).join(""), heads[column].marks["aria-sort"]);
}
"""


@pytest.fixture(scope="module")
def study(part_of_study):
    """The folder of a study, and what the command printed about it."""
    return part_of_study("fc,conv1x1", seeds=2)


@pytest.fixture(scope="module")
def page(study):
    return Page((study[0] / "report.html").read_text(encoding="utf-8"))


def test_every_report_is_written_and_listed(study):
    folder, document = study
    files = [f"report{each}" for each in (".html", ".md", ".csv", "-verdicts.csv", ".tex", ".json")]
    assert document["reports"] == [f"study/{file}" for file in files]
    assert all((folder / file).stat().st_size for file in files)
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == document


def test_the_page_says_what_the_json_says(study, page):
    _, document = study
    no_blank_or_network(page)
    for sentence in [verdict["sentence"] for verdict in document["verdicts"]] + document["notes"]:
        assert sentence in page.text
    _, *rows = next(table for table in page.tables if table[0] == list(HEADER))
    for row, head in zip(rows, document["heads"], strict=True):
        found, int8 = head["accuracy"], head["int8"]
        share = 100 * head["head_parameters"] / head["parameters"]
        assert row[:4] == [
            head["name"],
            f"{head['parameters']:,}",
            f"{share:.1f} %",
            f"{head['multiply_adds']:,}",
        ]
        for cell, figures in ((row[4], found), (row[5], int8)):
            numbers = [round(100 * figures[name], 2) for name in ("mean", "sd", "low", "high")]
            assert [float(number) for number in re.findall(r"[\d.]+", cell)] == numbers
        assert row[6] == f"{head['bytes']:,}"
        assert row[7] == f"{head['latency_us']['median']:.1f} µs"
    assert "on the same 360 test images" in page.text


def test_page_and_text_repeat_settings_environment_hashes_and_command_in_full(study, page):
    folder, document = study
    settings, environment = document["settings"], document["environment"]
    text = (folder / "report.md").read_text(encoding="utf-8").replace("\\", "")
    for told in (page.text, text):
        for value in [
            *environment["data_sha256"].values(),
            *filter(None, environment["versions"].values()),
            environment["platform"],
            settings["command"],
        ]:
            assert value in told
        for name, value in settings.items():
            assert name == "command" or value in (None, "", [], {}) or name.replace("_", " ") in told
    assert "channels: none" not in text


def test_the_page_lists_every_run_with_its_time(study, page):
    folder, _ = study
    header, *rows = page.tables[-1]
    assert header[-2:] == ["time in s", "float accuracy"]
    assert [row[1] for row in rows] == ["fc-1", "fc-2", "conv1x1-1", "conv1x1-2"]
    for row in rows:
        found = json.loads((folder / "runs" / row[1] / "metrics.json").read_text())
        test = found["test"]
        interval = f"95 % interval {100 * test['low']:.2f} to {100 * test['high']:.2f}, n = 360"
        assert row[4:6] == ["2", str(found["kept_epoch"])]
        assert row[6:] == [f"{found['seconds']:.1f}", f"{100 * test['accuracy']:.2f} % ({interval})"]


def test_the_page_is_for_screen_phone_and_paper(page):
    for rule in ("width=device-width", "prefers-color-scheme: dark", "@media print", "default-src 'none'"):
        assert rule in page.source


@pytest.mark.skipif(shutil.which("node") is None, reason="it runs the page's script: apt install nodejs")
def test_a_click_sorts_and_what_is_not_known_comes_last(page, tmp_path):
    _, script = re.findall(r"<script>(.*?)</script>", page.source, re.DOTALL)
    (tmp_path / "page.js").write_text(BROWSER + script + CLICKS, encoding="utf-8")
    ended = subprocess.run(
        ["node", tmp_path / "page.js"], capture_output=True, text=True, check=True, timeout=60
    )
    expected = ["abc ascending", "bac descending", "abc ascending", "cba descending"]
    assert ended.stdout.splitlines() == expected


def test_head_parameters_are_those_behind_the_convolutions(study):
    _, document = study
    found = {head["name"]: head["head_parameters"] for head in document["heads"]}
    # 120·84 and so on with biases: conv5 is the first layer of either head
    assert found == {"fc": 48_120 + 10_164 + 850, "conv1x1": 15_626 - 156 - 2_416}
    for head in document["heads"]:
        assert sum(row["parameters"] for row in head["layers"]) == head["parameters"]


def test_csv_has_a_row_a_head_seed_and_precision(study):
    folder, document = study
    rows = table_of(folder / "report.csv")
    assert [(row["name"], row["seed"], row["precision"]) for row in rows] == [
        (head, seed, precision)
        for head in ("fc", "conv1x1")
        for precision in ("float32", "int8")
        for seed in ("1", "2")
    ]
    for row, head in zip(rows[2::4], document["heads"], strict=True):  # int8, the first seed
        assert float(row["accuracy_percent"]) == pytest.approx(100 * head["by_seed"][0]["int8"])
        assert int(row["correct_images"]) == round(360 * head["by_seed"][0]["int8"])
        assert (row["test_images"], int(row["parameters"])) == ("360", head["parameters"])
        assert int(row["file_bytes"]) == head["bytes"]
        assert float(row["latency_p95_us"]) == head["latency_us"]["p95"]
    assert all(row["file_bytes"] == "" for row in rows if row["precision"] == "float32")


def test_csv_of_verdicts_holds_every_difference_of_the_json(study):
    folder, document = study
    floating, int8, *quantized = table_of(folder / "report-verdicts.csv")
    (verdict,) = document["verdicts"]
    for row, found in ((floating, verdict), (int8, verdict["int8"])):
        assert (row["a"], row["b"], row["outcome"]) == ("fc", "conv1x1", found["outcome"])
        assert float(row["difference_points"]) == found["difference_points"]
        assert (float(row["low_points"]), float(row["high_points"])) == (found["low"], found["high"])
    for row, head in zip(quantized, document["heads"], strict=True):
        assert (row["a"], row["a_precision"], row["b_precision"]) == (head["name"], "float32", "int8")
        assert float(row["difference_points"]) == head["quantization"]["difference_points"]


def table_of(file):
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


def test_json_has_what_the_page_draws(study):
    folder, document = study
    labels = load("digits").test.labels
    for head in document["heads"]:
        assert [each["seed"] for each in head["by_seed"]] == [1, 2]
        assert np.mean([each["float"] for each in head["by_seed"]]) == pytest.approx(head["accuracy"]["mean"])
        assert [each["test_images"] for each in head["by_class"]] == np.bincount(labels).tolist()
        wrong = sum(each["images"] for each in head["confusions"])
        assert wrong == pytest.approx(360 * (1 - head["accuracy"]["mean"]))
        for found in head["calibration"].values():
            assert (sum(each["n"] for each in found["bins"]), found["answers"]) == (720, 720)
        for run in head["runs"]:
            metrics = json.loads((folder / "runs" / run["run"] / "metrics.json").read_text())
            assert (run["seconds"], len(run["history"])) == (metrics["seconds"], 2)
    (pair,) = document["by_class"]
    assert (pair["a"], pair["b"], len(pair["classes"])) == ("fc", "conv1x1", 10)


def test_the_first_screen_says_which_head_for_what(study, page):
    _, document = study
    header, *rows = page.tables[0]
    assert header == ["for", "take", "because"]
    assert rows == [[each["purpose"], each["head"], each["reason"]] for each in document["choices"]]
    header, *rows = page.tables[1]
    assert header[:3] == ["head", "parameters", "flash in kB"]
    for row, head in zip(rows, document["heads"], strict=True):
        assert row[:3] == [head["name"], f"{head['parameters']:,}", f"{head['bytes'] / 1000:,.1f}"]
        assert row[-1] == "phone, Raspberry Pi, Edge TPU"


def test_latex_has_a_row_a_head_and_the_verdicts_as_text(study):
    folder, document = study
    text = (folder / "report.tex").read_text(encoding="utf-8").replace(r"\hspace{0pt}", "")
    rows = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert {len(row.split(" & ")) for row in rows} == {7}
    assert [row.split(" & ")[0].split()[-1] for row in rows[1:]] == ["head", "fc", "conv1x1"]
    assert all(ord(sign) < 128 for row in rows for sign in row)
    assert text.index("\\caption{") < text.index("\\label{tab:heads}") < text.index("\\toprule")
    told = " ".join(text[text.index("\\end{table}") :].split())
    for verdict in document["verdicts"]:
        assert in_latex(verdict["sentence"]) in told


def test_mcnemar_of_each_seed_is_told(study, page):
    folder, document = study
    _, *rows = next(table for table in page.tables if "p, McNemar" in table[0])
    told = [row for row in rows if row[:2] == ["fc", "conv1x1"]]
    (verdict,) = document["verdicts"]
    assert [row[2] for row in told] == ["1", "2"]
    for row, p_value, corrected in zip(told, verdict["p_values"], verdict["p_values_adjusted"], strict=True):
        assert row[5:] == [f"{p_value:.2g}", f"{corrected:.2g}"]
        labels = load("digits").test.labels
        a, b = (
            kept_predictions(Run.open(folder / f"runs/{head}-{row[2]}")).floating.argmax(axis=1) == labels
            for head in ("fc", "conv1x1")
        )
        assert row[3:5] == [str((a > b).sum()), str((b > a).sum())]
    assert [row[:3] for row in rows[2:]] == [
        [f"{head} float", f"{head} int8", seed] for head in ("fc", "conv1x1") for seed in ("1", "2")
    ]


def test_figures_are_files_and_lie_in_the_page(study, page):
    folder, _ = study
    expected = [
        "differences",
        "parameters",
        "costs-size",
        "costs-latency",
        "quantization-1",
        "quantization-2",
        "learning-curves-loss",
        "learning-curves-accuracy",
        "confusion-1",
        "confusion-2",
        "classes-1",
        "reliability-1",
        "reliability-2",
    ]
    names = {path.name for path in (folder / "figures").iterdir()}
    assert names == {f"{name}.{form}" for name in expected for form in ("svg", "png")}
    drawn = [content for kind, content in page.pictures if kind == "svg+xml"]
    assert drawn == [(folder / f"figures/{name}.svg").read_bytes() for name in expected]
    for content in drawn:
        assert ET.fromstring(content).tag.endswith("svg")
        assert not re.search(rb"(?:href|src)=.https?:", content)
    for name in expected:
        assert np.ptp(pixels(folder / f"figures/{name}.png")) > 100
        assert f"](figures/{name}.png)" in (folder / "report.md").read_text(encoding="utf-8")


def test_figures_say_on_what_they_rest(study, page):
    _, document = study
    for head in document["heads"]:
        share = 100 * head["head_parameters"] / head["parameters"]
        told = f"{head['head_parameters']:,} of {head['parameters']:,} in the head ({share:.1f} %)"
        assert f"{head['head']}: {told}" in page.text
        assert f"{head['head']}: most often" in page.text
    assert "share of the row in per cent, the mean over the seeds (360 test images, 2 seeds)." in page.text
    assert "(n = 720 answers)" in page.text
    assert "The mean over 2 seeds, and a band" in page.text
    assert "n = 1,257 training and 180 validation images." in page.text
    assert "conv1x1 minus fc, 10 classes, n is the number of their test images." in page.text


def test_layers_and_their_arithmetic(study, page):
    _, document = study
    tables = [table for table in page.tables if table[0][0] == "layer"]
    for (header, *rows), head in zip(tables, document["heads"], strict=True):
        assert header[:4] == ["layer", "kind", "in", "out"]
        assert [row[0] for row in rows] == [layer["name"] for layer in head["layers"]]
        told = {row[0]: row for row in rows}
        assert told["conv1"][2:5] == ["32×32×1", "28×28×6", "156"]
        assert "(5·5·1 + 1)·6 = 156" in told["conv1"][6]


@pytest.mark.long
def test_a_report_of_runs_that_exist(study, cli, tmp_path):
    folder, _ = study
    told = cli(
        *("compare", folder / "runs/conv1x1-1", folder / "runs/conv1x1-2", "--out", tmp_path / "again"),
        *("--format", "html", "--json"),
    )
    page = Page((tmp_path / "again/report.html").read_text(encoding="utf-8"))
    no_blank_or_network(page)
    assert told.json["verdicts"][0]["sentence"] in page.text
    assert "One seed: how much another would differ is unknown." in page.text
    assert [row[1] for row in page.tables[-1][1:]] == ["conv1x1-1", "conv1x1-2"]
    assert "Where conv1x1-1 and conv1x1-2 disagree" in page.text


def test_the_gallery_shows_what_the_answers_say(study, page):
    folder, _ = study
    answers = {head: kept_predictions(Run.open(folder / f"runs/{head}-1")) for head in ("fc", "conv1x1")}
    fc, conv = (answers[head].floating for head in ("fc", "conv1x1"))
    apart = np.flatnonzero(fc.argmax(axis=1) != conv.argmax(axis=1))
    labels = load("digits").test.labels
    right = [int((shares.argmax(axis=1)[apart] == labels[apart]).sum()) for shares in (fc, conv)]
    assert (
        f"{len(apart)} of 360 test images (first seed) are answered differently: fc is right on {right[0]}, "
        f"conv1x1 is right on {right[1]}, neither on {len(apart) - sum(right)}."
    ) in page.text
    cards = [caption.split("\n") for caption in page.captions if "test image " in caption]
    heads = [card for card in cards if card[2][2:].startswith("fc: ")]
    assert len(heads) == min(len(apart), 12)
    for who, told, a, b, maps in heads:
        number = int(re.match(r"test image (\d+), true: \d$", told)[1]) - 1
        assert number in apart
        correct = []
        for head, line, shares in (("fc", a, fc), ("conv1x1", b, conv)):
            label = shares[number].argmax()
            correct += [head] if label == labels[number] else []
            mark = "✓" if label == labels[number] else "✗"
            assert line == f"{mark} {head}: {label} ({100 * shares[number, label]:.1f} %)"
        assert who == f"{correct[0] if correct else 'neither'} is right"
        assert maps == f"maps: conv1x1 for {conv[number].argmax()}"
    for head, found in answers.items():
        differing = int((found.floating.argmax(axis=1) != found.int8.argmax(axis=1)).sum())
        mine = [card for card in cards if card[2][2:].startswith(f"{head} float: ")]
        assert len(mine) == min(differing, 12)
        assert all((len(card) == 5) == (head == "conv1x1") for card in mine)
    assert sum(kind == "png" for kind, _ in page.pictures) == len(cards)
