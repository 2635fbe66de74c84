"""A study as page, CSV and LaTeX: the same figures everywhere, nothing blank, any name, no network."""

import base64
import csv
import io
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from conftest import run_command
from PIL import Image

from kerascnn.answers import Answers
from kerascnn.class_map import class_map, class_maps
from kerascnn.data.dataset import Split
from kerascnn.description import ModelDescription
from kerascnn.models.family import build
from kerascnn.profile import LayerProfile, Profile
from kerascnn.reliability import Reliability
from kerascnn.report.chapters import chapters
from kerascnn.report.evidence import Evidence, Group
from kerascnn.report.gallery import disagreements
from kerascnn.report.html import html
from kerascnn.report.latex import latex
from kerascnn.report.markdown import markdown
from kerascnn.report.table import HEADER, cells, comma_separated
from kerascnn.report.writing import write_reports
from kerascnn.results import Latency
from kerascnn.statistics import paired_difference
from kerascnn.study import EdgeTpu, HeadResult, SeedAccuracies, Study, Verdict

NASTY = r"<b>&\#_{|}$%~^[x]"
VOID = {"meta", "img"}

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


class Page(HTMLParser):
    """A page: its text, tables and addresses; every tag must be closed by its own."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.addresses, self.tables, self.alts = [], "", [], [], []
        self.pictures, self.captions = [], []
        self.source = text
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [named[name] for name in ("src", "href") if name in named]
        if tag == "img":
            self.alts.append(named["alt"])
            kind, content = named["src"].removeprefix("data:image/").split(";base64,")
            self.pictures.append((kind, base64.b64decode(content)))
        if tag == "figcaption":
            self.captions.append("")
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data
        if self.open and self.open[-1] == "figcaption":
            self.captions[-1] += data
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


def pixels(file):
    with Image.open(file) as picture:
        return np.asarray(picture.convert("L"))


def no_blank_or_network(page):
    assert all(address.startswith(("#", "data:image/")) for address in page.addresses)
    assert not re.search(r"https?:", page.source)
    assert "None" not in page.text
    assert "nan" not in re.findall(r"\w+", page.text)
    assert all(cell.strip() for table in page.tables for row in table for cell in row)
    assert all(alt.strip() for alt in page.alts)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The folder of a study, and what the command printed about it."""
    folder = tmp_path_factory.mktemp("study")
    arguments = ("--seeds", 2, "--epochs", 2, "--out", "study", "--json")
    answer = run_command("compare", "lenet", *arguments, cwd=folder)
    return folder / "study", answer.json


@pytest.fixture(scope="module")
def page(study):
    return Page((study[0] / "report.html").read_text(encoding="utf-8"))


def made_up_head(name, correct):
    table = Profile((LayerProfile("conv1", "Conv2D", (8, 8, 1), (6, 6, 4), parameters=40),))
    return HeadResult(
        head=name,
        layers=Profile((*table.layers, LayerProfile("fc1", "Dense", (144,), (3,), parameters=435))),
        accuracy=SeedAccuracies(correct),
        int8=SeedAccuracies(correct),
        quantization=paired_difference(correct, correct),
        agreement=1.0,
        bytes=1000,
        latency=Latency(10.0, 12.0, 15.0, 100),
        edgetpu=EdgeTpu("maps", 0, 0.1),
    )


def made_up_study(*names):
    """Return a study of heads with these names, without any training."""
    correct = np.random.default_rng(0).random((len(names), 2, 50)) < 0.9
    heads = [made_up_head(name, each) for name, each in zip(names, correct, strict=True)]
    difference = paired_difference(correct[0], correct[1])
    settings = {
        **{"model": "lenet", "data": "photos", "margin_points": 0.2, "seeds": [1, 2], "differing": {}},
        **{"variant": "modern", "norm": "none", "image_size": 32, "channels": None, "epochs": 2},
        **{"batch_size": 64, "learning_rate": 0.1, "weight_decay": 0.0, "command": "kerascnn compare lenet"},
    }
    environment = {
        **{"python": "3.11", "platform": "Linux", "processors": 2, "git": None},
        **{"versions": {"keras": "3"}, "data_sha256": {"test": "ab"}},
    }
    verdicts = (Verdict(heads[0], heads[1], difference, (1.0, 1.0)),)
    return Study(Path("study"), settings, environment, tuple(heads), verdicts, ())


def made_up_evidence(study, classes):
    """Return answers that fit a made-up study: right where its heads are right, else the next class."""
    images, count = study.heads[0].accuracy.correct.shape[1], len(classes)
    labels = (np.arange(images) % count).astype(np.int32)
    groups = []
    for head in study.heads:
        answers = np.where(head.accuracy.correct, labels, (labels + 1) % count)
        shares = 0.7 * np.eye(count, dtype=np.float32)[answers] + np.float32(0.3 / count)
        groups.append(Group(head.head, [], [Answers(seed, seed) for seed in shares]))
    pictures = np.random.default_rng(0).integers(0, 255, (images, 8, 8, 1), np.uint8)
    return Evidence(classes, Split(pictures, labels), groups)


def test_every_report_is_written_and_listed(study):
    folder, document = study
    forms = ("html", "md", "csv", "tex", "json")
    assert document["reports"] == [f"study/report.{form}" for form in forms]
    assert all((folder / f"report.{form}").stat().st_size for form in forms)
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == document


def test_the_page_says_what_the_json_says(study, page):
    _, document = study
    no_blank_or_network(page)
    for sentence in [verdict["sentence"] for verdict in document["verdicts"]] + document["notes"]:
        assert sentence in page.text
    header, *rows = page.tables[0]
    assert header == list(HEADER)
    for row, head in zip(rows, document["heads"], strict=True):
        found, int8 = head["accuracy"], head["int8"]
        share = 100 * head["head_parameters"] / head["parameters"]
        assert row[:4] == [
            head["head"],
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
        for name in settings:
            assert name == "command" or name.replace("_", " ") in told


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


@pytest.mark.skipif(
    shutil.which("node") is None, reason="node, which runs the page's script here, is missing"
)
def test_a_click_sorts_and_what_is_not_known_comes_last(page, tmp_path):
    (script,) = re.findall(r"<script>(.*?)</script>", page.source, re.DOTALL)
    (tmp_path / "page.js").write_text(BROWSER + script + CLICKS, encoding="utf-8")
    ended = subprocess.run(
        ["node", tmp_path / "page.js"], capture_output=True, text=True, check=True, timeout=60
    )
    expected = ["abc ascending", "bac descending", "abc ascending", "cba descending"]
    assert ended.stdout.splitlines() == expected


def test_head_parameters_are_those_behind_the_convolutions(study):
    _, document = study
    found = {head["head"]: head["head_parameters"] for head in document["heads"]}
    # 120·84 and so on with biases: conv5 is the first layer of either head
    assert found == {"fc": 48_120 + 10_164 + 850, "conv1x1": 15_626 - 156 - 2_416}
    for head in document["heads"]:
        assert sum(row["parameters"] for row in head["layers"]) == head["parameters"]


def test_csv_holds_the_numbers_of_the_json(study):
    folder, document = study
    rows = list(csv.DictReader(io.StringIO((folder / "report.csv").read_text(encoding="utf-8"))))
    for row, head in zip(rows, document["heads"], strict=True):
        assert row["head"] == head["head"]
        for name in ("parameters", "head_parameters", "multiply_adds", "bytes"):
            assert int(row[name]) == head[name]
        for group, names in (("accuracy", ("mean", "sd", "low", "high", "n")), ("latency_us", ("p95",))):
            for name in names:
                assert float(row[f"{group}_{name}"]) == head[group][name]


def test_latex_has_a_row_a_head_and_as_many_cells_as_columns(study):
    folder, document = study
    text = (folder / "report.tex").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
    assert [row.split(" & ")[0] for row in rows] == ["head", *(head["head"] for head in document["heads"])]
    assert {len(row.split(" & ")) for row in rows} == {len(HEADER)}
    assert text.index("\\toprule") < text.index("\\midrule") < text.index("\\bottomrule")
    assert "360 test images, 2 seeds" in text
    assert all(ord(sign) < 128 for row in rows for sign in row)


def test_names_are_escaped_everywhere():
    made = made_up_study(NASTY, "b")
    page = Page(html(made, []))
    no_blank_or_network(page)
    assert page.tables[0][1][0] == NASTY
    assert "<b>" not in page.source
    assert r"$<$b$>$\&\textbackslash{}\#\_\{$|$\}\$\%\textasciitilde{}\textasciicircum{}{[}x{]} &" in latex(
        made
    )
    row = next(line for line in markdown(made, {}).splitlines() if line.startswith(r"| \<b"))
    assert len(re.findall(r"(?<!\\)\|", row)) == len(HEADER) + 1
    assert next(csv.DictReader(io.StringIO(comma_separated(made))))["head"] == NASTY


def test_what_is_not_known_is_a_dash_and_empty_in_csv():
    known = made_up_head("a", np.ones((1, 20), bool))
    unknown = LayerProfile("odd", "Odd", (8,), (8,), parameters=5, multiply_adds=None)
    found = replace(known, layers=Profile((unknown,)))
    assert (cells(found)[2], cells(found)[3]) == ("0.0 %", "–")
    made = made_up_study("a", "b")
    made = replace(made, heads=(found, found), verdicts=())
    assert next(csv.DictReader(io.StringIO(comma_separated(made))))["multiply_adds"] == ""
    no_blank_or_network(Page(html(made, [])))


def test_figures_are_files_and_lie_in_the_page(study, page):
    folder, _ = study
    expected = [
        "parameters",
        "costs",
        "learning-curves",
        "confusion-1",
        "confusion-2",
        "classes-1",
        "reliability",
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
        assert f"{head['head']}, 360 test images, 2 seeds; counts are means over the seeds." in page.text
    assert "(n = 720 answers)" in page.text
    assert "The mean over 2 seeds, and a band" in page.text
    assert "n = 1,257 training and 180 validation images." in page.text
    assert "conv1x1 minus fc, 10 classes, n is the number of their test images." in page.text


def test_layers_and_their_arithmetic(study, page):
    _, document = study
    for number, head in enumerate(document["heads"], start=1):
        header, *rows = page.tables[number]
        assert header[:4] == ["layer", "kind", "in", "out"]
        assert [row[0] for row in rows] == [layer["name"] for layer in head["layers"]]
        told = {row[0]: row for row in rows}
        assert told["conv1"][2:5] == ["32×32×1", "28×28×6", "156"]
        assert "(5·5·1 + 1)·6 = 156" in told["conv1"][6]


def test_confusion_is_the_mean_over_the_seeds(study):
    made = made_up_study("a", "b")
    evidence = made_up_evidence(made, ("x", "y", "z"))
    counts = evidence.groups[0].confusion(evidence.test.labels)
    assert counts.sum() == pytest.approx(50)
    assert np.trace(counts) / 50 == pytest.approx(made.heads[0].accuracy.mean)


def test_calibration_error_by_hand():
    # two answers with 0.9, one right; two with 0.6, both right: (2·|0.5 − 0.9| + 2·|1 − 0.6|) / 4
    shares = np.array([[[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]]], np.float32)
    found = Reliability.of(shares, np.array([0, 1, 0, 1]))
    assert (found.n, [each.n for each in found.bins]) == (4, [2, 2])
    assert found.error == pytest.approx(0.4)


def test_hundreds_of_classes_with_any_name(tmp_path):
    classes = (NASTY, *(f"class {number} with quite a long name of its own" for number in range(299)))
    correct = np.random.default_rng(1).random((2, 2, 600)) < 0.8
    heads = [made_up_head(name, each) for name, each in zip(("a", NASTY), correct, strict=True)]
    difference = paired_difference(*correct)
    made = replace(
        made_up_study("a", NASTY),
        path=tmp_path,
        heads=tuple(heads),
        verdicts=(Verdict(*heads, difference, (1.0, 1.0)),),
    )
    write_reports(made, made_up_evidence(made, classes))
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    no_blank_or_network(page)
    assert "<b>" not in page.source
    assert len(page.source) < 1_500_000
    confusions = next(table for table in page.tables if table[0][:3] == ["head", "truth", "taken for"])
    assert len(confusions) == 1 + 2 * 15
    counts = [float(row[3]) for row in confusions[1:16]]
    assert counts == sorted(counts, reverse=True)
    assert "the 30 of 300 classes that differ most" in page.text
    assert "No history of the training is kept of a" in page.text
    assert not list((tmp_path / "figures").glob("confusion*"))
    drawn = [pixels(file) for file in (tmp_path / "figures").glob("*.png")]
    assert max(map(len, drawn)) < 2000


def test_classes_without_test_images_are_named():
    made = made_up_study("a", "b")
    evidence = made_up_evidence(made, tuple(map(str, range(60))))
    told = [section.text for section, _ in chapters(made, evidence)]
    assert any("10 of 60 classes have no test image." in text for text in told)


def test_a_report_of_runs_that_exist(study, cli):
    folder, _ = study
    told = cli(
        "compare", folder / "runs/conv1x1-1", folder / "runs/conv1x1-2", "--out", folder / "again", "--json"
    )
    page = Page((folder / "again/report.html").read_text(encoding="utf-8"))
    no_blank_or_network(page)
    assert told.json["verdicts"][0]["sentence"] in page.text
    assert "One seed: how much another one would differ is not known." in page.text
    assert [row[1] for row in page.tables[-1][1:]] == ["conv1x1-1", "conv1x1-2"]
    assert "Where conv1x1-1 and conv1x1-2 disagree" in page.text


def test_disagreements_begin_where_both_are_sure():
    a = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.7, 0.3]])
    b = np.array([[0.2, 0.8], [0.4, 0.6], [0.9, 0.1], [0.1, 0.9]])
    assert disagreements(a, b).tolist() == [0, 3, 1]


def test_the_gallery_shows_what_the_answers_say(study, page):
    folder, _ = study
    answers = {
        head: Answers.read(folder / f"runs/{head}-1/answers.npz", (360, 10)) for head in ("fc", "conv1x1")
    }
    fc, conv = (answers[head].floating for head in ("fc", "conv1x1"))
    apart = np.flatnonzero(fc.argmax(axis=1) != conv.argmax(axis=1))
    assert f"{len(apart)} of 360 test images (first seed) are answered differently." in page.text
    cards = [caption.split("\n") for caption in page.captions if caption.startswith("test image")]
    heads = [card for card in cards if card[1].startswith("fc: ")]
    assert len(heads) == min(len(apart), 12)
    for told, a, b, maps in heads:
        number = int(re.match(r"test image (\d+), true: \d$", told)[1]) - 1
        assert number in apart
        for head, line, shares in (("fc", a, fc), ("conv1x1", b, conv)):
            label = shares[number].argmax()
            assert line == f"{head}: {label} ({100 * shares[number, label]:.1f} %)"
        assert maps == f"maps: conv1x1 for {conv[number].argmax()}"
    for head, found in answers.items():
        differing = int((found.floating.argmax(axis=1) != found.int8.argmax(axis=1)).sum())
        mine = [card for card in cards if card[1].startswith(f"{head} float: ")]
        assert len(mine) == min(differing, 12)
        assert all((len(card) == 4) == (head == "conv1x1") for card in mine)
    assert sum(kind == "png" for kind, _ in page.pictures) == len(cards)


def test_maps_of_many_pictures_are_those_of_each():
    model = build("lenet", head="nin")
    described = ModelDescription.model_validate(
        {
            **{"model": "lenet5", "variant": "modern", "norm": "none", "head": "nin", "source": "digits"},
            **{"preprocessing": {"height": 32, "width": 32, "channels": 1}, "output": "logits"},
            **{"classes": list("0123456789"), "parameters": 1},
        }
    )
    draw = np.random.default_rng(0)
    sizes = ((32, 32), (32, 64), (32, 32))
    drawn = [Image.fromarray(draw.integers(0, 255, size, np.uint8)) for size in sizes]
    for found, picture in zip(class_maps(model, described, drawn), drawn, strict=True):
        alone = class_map(model, described, picture)
        np.testing.assert_array_equal(found.scores, alone.scores)
        np.testing.assert_array_equal(found.pixels, alone.pixels)
