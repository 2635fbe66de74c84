"""Parts of a report on made-up studies: any name, hundreds of classes, figures by hand."""

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from made_up_study import answered, made_up_head, made_up_study
from PIL import Image
from report_page import Page, no_blank_or_network, pixels

from kerascnn.analysis.evaluation.reliability import Reliability
from kerascnn.analysis.evaluation.significance import paired_difference
from kerascnn.analysis.interpretability.class_activation import class_map, class_maps
from kerascnn.analysis.profiling.profile import LayerProfile, Profile
from kerascnn.figures.page import page
from kerascnn.models.description import ModelDescription
from kerascnn.models.network import build
from kerascnn.studies.report.chapters.gallery import disagreements
from kerascnn.studies.report.contents import FIRST, PARTS
from kerascnn.studies.report.figures_csv import figures_csv, verdicts_csv
from kerascnn.studies.report.latex import latex
from kerascnn.studies.report.markdown import markdown
from kerascnn.studies.report.write import write_reports
from kerascnn.studies.results.overview import HEADER, cells
from kerascnn.studies.results.verdict import Verdict

NASTY = r"<b>&\#_{|}$%~^[x]"


def page_of(study):
    """Return the part of a study's page that is seen at once, without its figures."""
    return Page(page("study", [chapter.section for draw in FIRST for chapter in draw(study)]))


def rows_of(text):
    return csv.DictReader(io.StringIO(text))


def test_names_are_escaped_everywhere():
    made = made_up_study(NASTY, "b")
    seen = page_of(made)
    no_blank_or_network(seen)
    assert seen.tables[-1][1][0] == NASTY
    assert "<b>" not in seen.source
    name = r"$<$b$>$\&\textbackslash{}\#\_\{$|$\}\$\%\textasciitilde{}\textasciicircum{}{[}x{]} &"
    assert name in latex(made).replace(r"\hspace{0pt}", "")
    text = markdown(made, {}, "figures")
    row = next(line for line in text.splitlines() if line.startswith(r"| \<b"))
    assert len(re.findall(r"(?<!\\)\|", row)) == len(HEADER) + 1
    assert next(rows_of(figures_csv(made)))["name"] == NASTY
    assert next(rows_of(verdicts_csv(made)))["a"] == NASTY


def test_the_page_of_the_networks_is_linked_where_it_is(tmp_path):
    made = replace(made_up_study("a", "b"), path=tmp_path)
    assert "web.html" not in page_of(made).source
    (tmp_path / "web.html").touch()
    assert page_of(made).addresses.count("web.html") == 2  # of each head


def test_what_is_not_known_is_a_dash_and_empty_in_csv():
    known = made_up_head("a", np.ones((1, 20), bool))
    unknown = LayerProfile("odd", "Odd", (8,), (8,), parameters=5, multiply_adds=None)
    found = replace(known, layers=Profile((unknown,)))
    assert (cells(found)[2], cells(found)[3]) == ("0.0 %", "–")
    made = made_up_study("a", "b")
    made = replace(made, heads=(found, found), verdicts=())
    assert next(rows_of(figures_csv(made)))["multiply_adds"] == ""
    no_blank_or_network(page_of(made))


def test_confusion_is_the_mean_over_the_seeds():
    made = made_up_study("a", "b")
    counts = made.groups[0].confusion(made.evidence.test.labels)
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
        verdicts=(Verdict(*heads, difference, difference),),
    )
    write_reports(answered(made, classes))
    seen = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    no_blank_or_network(seen)
    assert "<b>" not in seen.source
    assert len(seen.source) < 1_500_000
    confusions = next(table for table in seen.tables if table[0][:3] == ["head", "truth", "taken for"])
    assert len(confusions) == 1 + 2 * 15
    shares = [float(row[3].removesuffix(" %")) for row in confusions[1:16]]
    assert shares == sorted(shares, reverse=True)
    assert "the 30 of 300 classes that differ in most images" in seen.text
    assert "No history of the training is kept of a" in seen.text
    assert not list((tmp_path / "figures").glob("confusion*"))
    drawn = [pixels(file) for file in (tmp_path / "figures").glob("*.png")]
    assert max(map(len, drawn)) < 2000


def test_classes_without_test_images_are_named():
    made = answered(made_up_study("a", "b"), tuple(map(str, range(60))))
    told = [section.text for draw in PARTS["Class by class"] for section, _ in draw(made)]
    assert any("10 of 60 classes have no test image." in text for text in told)


def test_disagreements_begin_where_both_are_sure():
    a = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.7, 0.3]])
    b = np.array([[0.2, 0.8], [0.4, 0.6], [0.9, 0.1], [0.1, 0.9]])
    assert disagreements(a, b).tolist() == [0, 3, 1]


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
