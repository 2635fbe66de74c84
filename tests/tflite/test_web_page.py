"""``bundle --target web``: what is on the page, which runs it takes, and what ``verify`` finds."""

import json
import re
import shutil

import numpy as np
import pytest
from refusals import FAILED, USAGE, refused

from kerascnn.analysis.profiling.explanation import explain
from kerascnn.foundation.errors import TargetError
from kerascnn.tflite.bundle.verify import verify
from kerascnn.tflite.program.build import integer_program
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.web import network
from kerascnn.tflite.web.network import Network
from kerascnn.tflite.web.packed import Parts, packed, unpacked
from kerascnn.tflite.web.page import GoldenImage, page
from kerascnn.tflite.web.volumes import volumes
from kerascnn.workflows.summary import summary

UNSUPPORTED = 4
LARGEST = 250_000  # bytes of a page of LeNet-5 with one head


def facts(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="facts">(.*?)</script>', text, re.DOTALL)[1])


def test_the_command_writes_one_small_file(cli, bundled_run, tmp_path):
    printed = cli("bundle", bundled_run, "--target", "web", "--json").json
    assert (printed["path"], printed["files"]) == ("digits-fc-web.html", ["digits-fc-web.html"])
    made = tmp_path / printed["path"]
    assert made.stat().st_size < LARGEST
    assert verify(made).sha256 == printed["sha256"]
    text = made.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r'(src|href)="?https?:', text)
    refused(cli("bundle", bundled_run, "--target", "web"), FAILED, "digits-fc-web.html exists", "--out")
    again = cli("bundle", bundled_run, "--target", "web", "--out", "again.html", "--json").json
    assert again["sha256"] == printed["sha256"]


def test_a_study_gives_its_heads_beside_each_other(cli, part_of_study, tmp_path):
    study, _ = part_of_study("fc,nin", seeds=1)
    cli("bundle", study, "--target", "web", "--out", "page.html")
    told = facts(tmp_path / "page.html")
    assert [(one["name"], one["parameters"]) for one in told["networks"]] == [("fc", 61_706), ("nin", 2_742)]
    runs = sorted((study / "runs").glob("*-1"))
    cli("bundle", *runs, "--target", "web", "--out", "runs.html")
    assert (tmp_path / "runs.html").read_bytes() == (tmp_path / "page.html").read_bytes()
    assert not verify(tmp_path / "page.html", run=runs[0]).problems
    refused(cli("bundle", study), USAGE, "holds one run; several, or a study, need the target web")


def test_volumes_have_the_formulas_of_the_summary(bundled_run):
    """Both are the lecture's, from the same place; the page's come from the file alone."""
    found = volumes(integer_program(bundled_run / "tflite" / "static_wi8_ai8.tflite"))
    known = {row.name: row for row in summary("lenet").profile.layers}
    told = {one.layer: one.formulas for one in explain(list(known.values()), {})}
    named = [volume.row.name for volume in found if volume.row.name in told]
    assert named[-8:] == ["conv1", "pool1", "conv2", "pool2", "flatten", "fc1", "fc2", "logits"]
    for volume in found:
        if volume.row.name in told and volume.row.name != "input":
            assert dict(volume.formulas) == dict(told[volume.row.name]), volume.row.name
    assert sum(volume.row.parameters for volume in found) == 61_706


def test_nothing_in_a_class_name_becomes_a_part_of_the_page(bundled_run, tmp_path):
    lite = LiteRTClassifier(bundled_run / "tflite" / "static_wi8_ai8.tflite")
    hostile = ("</script><script>alert(1)</script>", "<!--", "a\u2028b", '"', *map(str, range(6)))
    lite.description = lite.description.model_copy(update={"classes": hostile})
    pixels = np.zeros((8, 8, 1), np.uint8)
    shown = GoldenImage(pixels, 0, [np.zeros((32, 32, 1), np.uint8)])
    text = page("<b>title", [Network("<i>name", lite, {"accuracy": 1.0})], [shown])
    assert text.count("<script") == text.count("</script") == 3
    for forbidden in ("<!--", "<b>title", "<i>name", "alert(1)</script>", "\u2028"):
        assert forbidden not in text
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    assert facts(tmp_path / "page.html")["classes"] == list(hostile)


# what cannot be shown


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--out", "page.zip"], USAGE, "must end in .html"),
        (["--scheme", "float16"], UNSUPPORTED, "is not supported"),
        (["--scheme", "dynamic_wi8_afp32"], UNSUPPORTED, "supported"),
        (["--open", "--target", "generic"], USAGE, "--open needs --target web"),
    ],
)
def test_pages_that_make_no_sense(cli, bundled_run, options, code, words):
    refused(cli("bundle", bundled_run, "--target", "web", *options), code, words)


@pytest.mark.parametrize(
    ("name", "most", "words"),
    [
        ("MOST_CLASSES", 9, "has 10 classes; a page shows at most 9."),
        ("LONGEST_SIDE", 31, "takes images of 32×32; a page shows at most 31×31."),
        ("MOST_VALUES", 1, "MiB of maps; a page holds at most"),
    ],
)
def test_limits_are_told(monkeypatch, bundled_run, name, most, words):
    lite = LiteRTClassifier(bundled_run / "tflite" / "static_wi8_ai8.tflite")
    monkeypatch.setattr(network, name, most)
    with pytest.raises(TargetError, match=re.escape(words)):
        Network("fc", lite, {}).facts(np.zeros((1, 32, 32, 1), np.uint8), Parts())


def test_runs_with_different_classes_do_not_share_a_page(cli, bundled_run, on_photos, tmp_path):
    photos = shutil.copytree(on_photos / "runs" / "a", tmp_path / "photos")
    answer = cli("bundle", bundled_run, photos, "--target", "web", "--data-dir", on_photos / "photos")
    assert answer.code != 0


# verify


def test_verify_finds_every_change(web_page, tmp_path, bundled_run):
    assert not verify(web_page, run=bundled_run).problems
    text = web_page.read_text(encoding="utf-8")
    changed = {
        "script": (text.replace("const LEAST", "alert(1); const LEAST"), "differs from what this kerascnn"),
        "policy": (text.replace("default-src 'none'", "default-src *"), "differs from what this kerascnn"),
        "margin": (re.sub(r'"margin":\d', '"margin":3', text, count=1), "do not give the inputs of fc"),
    }
    for name, (content, words) in changed.items():
        assert content != text, name
        (tmp_path / "page.html").write_text(content, encoding="utf-8")
        (problem,) = verify(tmp_path / "page.html").problems
        assert words in problem, name


@pytest.mark.parametrize("content", ["", "<html></html>", '<script type="a" id="facts">[]</script>'])
def test_verify_refuses_another_page(cli, tmp_path, content):
    (tmp_path / "page.html").write_text(content)
    refused(
        cli("verify", "page.html"),
        FAILED,
        "page.html is not a page that `kerascnn bundle --target web` wrote",
    )


def test_packed_bytes_come_back():
    draw = np.random.default_rng(1)
    for count in (*range(30), 5000):
        for content in (draw.bytes(count), bytes(count), b"<\r\0" * count):
            text = packed(content)
            assert not {"\0", "\r", "<"} & set(text)
            assert unpacked(text, 2**20) == content
    with pytest.raises(ValueError, match="longer"):
        unpacked(packed(bytes(100)), 50)
