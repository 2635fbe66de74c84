"""``summary --diagram``: a network's volumes as boxes; ``keras:`` networks without a download."""

import re
import xml.etree.ElementTree as ET

import pytest


def _texts(file):
    return [node.text for node in ET.parse(file).iter("{http://www.w3.org/2000/svg}text")]


def test_lenets_boxes(cli, tmp_path):
    answer = cli("summary", "lenet", "--diagram", "out/lenet.svg", "--json")
    assert answer.json["diagram"].endswith("lenet.svg")
    texts = _texts(tmp_path / "out/lenet.svg")
    for sides in ("32×32×1", "28×28×6", "14×14×6", "10×10×16", "5×5×16", "120", "84", "10"):
        assert sides in texts
    assert texts.count("2×2, stride 2") == 2
    first = (tmp_path / "out/lenet.svg").read_bytes()
    assert cli("summary", "lenet", "--diagram", "out/lenet.svg").code == 0
    assert (tmp_path / "out/lenet.svg").read_bytes() == first


def test_alexnets_halves_stand_below_each_other_and_meet_twice(cli, tmp_path):
    assert cli("summary", "alexnet", "--variant", "two_towers", "--diagram", "a.svg").code == 0
    drawn = (tmp_path / "a.svg").read_text("utf-8")
    places = {
        name: (float(x), float(y))
        for x, y, name in re.findall(r'<text x="([\d.]+)" y="([\d.]+)" font-size="12"[^>]*>([^<]+)<', drawn)
    }
    assert places["conv1a"][0] == places["conv1b"][0]
    assert places["conv1a"][1] < places["conv1b"][1]
    assert places["conv2a"][0] < places["conv3a"][0] < places["fc1"][0]


@pytest.mark.parametrize(
    ("given", "words"),
    [("out.png", "A diagram is an SVG file: name it *.svg"), ("mine.svg", "was not made by kerascnn")],
)
def test_a_diagram_replaces_nothing_else(cli, tmp_path, given, words):
    (tmp_path / "mine.svg").write_text("<svg/>")
    answer = cli("summary", "lenet", "--diagram", given)
    assert answer.code != 0
    assert words in answer.err
    assert (tmp_path / "mine.svg").read_text() == "<svg/>"


def test_a_network_of_keras_without_its_weights(cli):
    """ResNet50 has bottlenecks; VGG16's 138 million weights would take seconds. 4 s of processor time."""
    told = cli("summary", "keras:ResNet50", "--json").json
    assert (told["model"], told["parameters"] + told["parameters_fixed"]) == ("ResNet50", 25_636_712)
    answer = cli("summary", "keras:resnet5")
    assert answer.code == 2
    assert "did you mean ResNet50?" in answer.err
    assert cli("summary", "keras:VGG16", "--head", "nin").code == 2
