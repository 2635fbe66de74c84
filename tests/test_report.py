"""A study as page, CSV and LaTeX: the same figures everywhere, nothing blank, any name, no network."""

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from conftest import run_command

from kerascnn.profile import LayerProfile, Profile
from kerascnn.report.html import html
from kerascnn.report.latex import latex
from kerascnn.report.markdown import markdown
from kerascnn.report.table import HEADER, cells, comma_separated
from kerascnn.results import Latency
from kerascnn.statistics import paired_difference
from kerascnn.study import EdgeTpu, HeadResult, SeedAccuracies, Study, Verdict

NASTY = r"<b>&\#_{|}$%~^[x]"
VOID = {"meta", "img"}


class Page(HTMLParser):
    """A page: its text, tables and addresses; every tag must be closed by its own."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.addresses, self.tables, self.alts = [], "", [], [], []
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
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


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


def test_the_page_repeats_settings_environment_hashes_and_command_in_full(study, page):
    _, document = study
    for value in [
        *document["environment"]["data_sha256"].values(),
        *filter(None, document["environment"]["versions"].values()),
        document["environment"]["platform"],
        document["settings"]["command"],
        str(document["settings"]["learning_rate"]),
        document["settings"]["optimizer"],
    ]:
        assert value in page.text


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
    page = Page(html(made))
    no_blank_or_network(page)
    assert page.tables[0][1][0] == NASTY
    assert "<b>" not in page.source
    assert r"$<$b$>$\&\textbackslash{}\#\_\{$|$\}\$\%\textasciitilde{}\textasciicircum{}{[}x{]} &" in latex(
        made
    )
    row = next(line for line in markdown(made).splitlines() if line.startswith(r"| \<b"))
    assert len(re.findall(r"(?<!\\)\|", row)) == len(HEADER) + 1
    assert next(csv.DictReader(io.StringIO(comma_separated(made))))["head"] == NASTY


def test_what_is_not_known_is_a_dash_and_empty_in_csv():
    known = made_up_head("a", np.ones((1, 20), bool))
    unknown = LayerProfile("odd", "Odd", (8,), (8,), parameters=5, multiply_adds=None)
    found = HeadResult(**{**vars(known), "layers": Profile((unknown,))})
    assert (cells(found)[2], cells(found)[3]) == ("0.0 %", "–")
    made = made_up_study("a", "b")
    made = Study(**{**vars(made), "heads": (found, found), "verdicts": ()})
    assert next(csv.DictReader(io.StringIO(comma_separated(made))))["multiply_adds"] == ""
    no_blank_or_network(Page(html(made)))
