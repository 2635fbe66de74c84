"""``kerascnn summary``: figures with their formulas, what the notes count otherwise, forms to take along."""

import csv
import doctest
import io
import json
import re

import keras
import pytest
from click.testing import CliRunner
from keras import layers

import kerascnn
from kerascnn.arithmetic import formulas
from kerascnn.arithmetic import layer as arithmetic
from kerascnn.cli.main import kerascnn as group
from kerascnn.foundation.text.escapes import in_latex, in_markdown
from kerascnn.workflows.summary import summary

ALEXNET = ("alexnet", "--variant", "two_towers", "--norm", "lrn")


def shown(*arguments):
    """What the command prints, in this process: starting another one for each form would take minutes."""
    answer = CliRunner().invoke(group, ["summary", *map(str, arguments)])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


@pytest.fixture(scope="module")
def published():
    """AlexNet as published, explained: as text and as JSON."""
    found = summary("alexnet", variant="two_towers", norm="lrn", explain=True)
    return found, {one.layer: one for one in found.explanations}


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A file of another program with most kinds of layers, an unknown one, and two inputs."""
    pixels, numbers = keras.Input((16, 16, 3), name="pixels"), keras.Input((5,), name="numbers")
    maps = layers.Conv2D(8, 3, 2, padding="same", use_bias=False, name="uneven_%_conv")(pixels)
    maps = layers.BatchNormalization(name="norm")(maps)
    maps = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depthwise")(maps)
    maps = layers.SeparableConv2D(8, 3, depth_multiplier=2, padding="same", name="separable")(maps)
    maps = layers.Conv2D(8, (1, 3), groups=4, name="oblong")(maps)
    twice = layers.Conv2D(8, 3, padding="same", name="twice")
    maps = layers.AveragePooling2D(3, 2, name="rounded")(twice(twice(maps)))
    maps = layers.Conv2DTranspose(2, 3, name="unknown")(maps)
    frozen = layers.Dense(3, name="frozen")
    values = layers.Concatenate(name="joined")([layers.Flatten(name="flat")(maps), numbers])
    model = keras.Model([pixels, numbers], frozen(values))
    frozen.trainable = False
    path = tmp_path_factory.mktemp("foreign") / "other.keras"
    model.save(path)
    return path


@pytest.mark.parametrize("module", [arithmetic, formulas])
def test_the_docstrings_examples_hold(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted > 9
    assert outcome.failed == 0


# Through the real command.


def test_explained_alexnet(cli):
    answer = cli("summary", *ALEXNET, "--explain")
    assert (answer.code, answer.err) == (0, "")
    assert max(map(len, answer.out.splitlines())) <= 110
    title, note = answer.out.splitlines()[:2]
    assert title == "alexnet (two_towers), head fc, norm lrn; 1 multiply-add = 2 FLOPs, for one image"
    assert note.startswith("The published form: two towers")
    for words in (
        "torchvision's alexnet is another network",
        "total                 60,965,224    724,406,816",
        "conv1a, conv1b: Conv2D, 227×227×3 → 55×55×48",
        "(N + 2P − F)/S + 1 = (227 + 2·0 − 11)/4 + 1 = 216/4 + 1 = 55",
        "(F·F·D + 1)·K = (11·11·3 + 1)·48 = 17,472",
        "F·F·D·K = 11·11·3·48 = 17,424",
        "363 · 145,200 = 52,707,600",
        "55·55·48·(11·11·3 + 1) = 52,852,800, the parameters without weight sharing",
        "R + (F − 1)·J = 11 + (3 − 1)·4 = 19 pixels a side, neighbours J·S = 4·2 = 8 apart",
        "(inputs + 1)·outputs = (9,216 + 1)·4,096 = 37,752,832",
        "244×244, the paper 224×224: (244 − 11)/4 + 1 = 59.25, (224 − 11)/4 + 1 = 54.25",
        "lecture         5·5·48·128·2 = 307,200 in the notes: two halves, without biases",
        "177,209,344 in the notes, which leave out pool5",
    ):
        assert words in answer.out


def test_json_is_one_document_with_formulas_and_lecture(cli):
    document = cli("summary", *ALEXNET, "--explain", "--format", "json").json
    assert "torchvision" in document["note"]
    by_name = {layer["name"]: layer for layer in document["layers"]}
    assert by_name["fc2"]["formulas"]["multiply-adds"] == "4,096 · 4,096 = 16,777,216"
    assert by_name["fc2"]["lecture"] == "2,048·2·2,048·2 = 16,777,216 in the notes, without biases"
    assert by_name["dropout1"] | {"formulas": {}, "lecture": None} == by_name["dropout1"]


def test_an_unknown_form_is_wrong_usage(cli):
    answer = cli("summary", "lenet", "--format", "yaml")
    assert (answer.code, answer.out) == (2, "")
    assert "'yaml' is not one of 'table', 'markdown', 'csv', 'latex', 'json'" in answer.err


# Formulas.


def _values(text):
    """The values of a chain of equal expressions, those with letters left out."""
    numbers = text.replace(",", "").translate(str.maketrans("·−", "*-"))
    return [eval(part) for part in numbers.split(" = ") if re.fullmatch(r"[\d.()+*/ -]+", part)]


def _explained(found):
    return zip(found.profile.layers, found.explanations, strict=True)


@pytest.mark.parametrize(
    "network",
    [
        {"model": "lenet5"},
        {"model": "lenet5", "head": "conv1x1"},
        {"model": "lenet5", "head": "nin"},
        {"model": "lenet5", "variant": "paper"},
        {"model": "alexnet", "variant": "small_stem", "head": "conv1x1"},
        {"model": "alexnet", "variant": "two_towers", "head": "nin"},
    ],
)
def test_every_formula_is_true_and_gives_the_figure_of_the_table(network):
    checked = set()
    for row, told in _explained(summary(**network, explain=True)):
        figures = {
            "output side": row.output[0],
            "parameters": row.parameters,
            "without biases": row.parameters_without_bias,
            "multiply-adds": row.multiply_adds,
            "connections": row.connections,
            "sees": row.receptive_field,
        }
        for name in told.formulas.keys() & figures.keys() - ({"parameters"} if "norm" in row.name else set()):
            chain = re.split(r"[,:] (?!\d)| pixels", told.formulas[name])[0]
            values = _values(chain)
            assert set(values) == {figures[name]}, (row.name, told.formulas[name])
            checked.add(name)
        assert row.multiply_adds == 0 or "multiply-adds" in told.formulas
        assert row.connections == 0 or "connections" in told.formulas
        assert row.parameters == 0 or "parameters" in told.formulas
        assert row.kernel is None or {"output side", "sees"} <= told.formulas.keys()
    assert checked == {"output side", "parameters", "without biases", "multiply-adds", "connections", "sees"}


def test_what_is_special_of_lenet5_of_1998():
    told = {one.layer: one.formulas for one in summary("lenet5", variant="paper", explain=True).explanations}
    assert told["S2"]["parameters"] == "2·6 = 12: one coefficient and one bias for each map"
    assert told["C3"]["parameters"] == "5·5·60 + 16 = 1,516: 60 of 6·16 pairs of maps are joined"
    assert told["C3"]["connections"] == "10·10·(5·5·60 + 16) = 151,600"
    assert told["RBF"]["multiply-adds"] == "84 · 10 = 840: squared distances to 10 fixed codes"


def test_batch_normalization_says_what_it_adds():
    filters = 96 + 256 + 384 + 384 + 256
    found = summary("alexnet", variant="small_stem", head="nin", explain=True)
    assert (
        f"adds {2 * filters:,} trained numbers (scales, shifts) and {2 * filters:,} that"
        in found.normalization
    )
    told = {one.layer: one.formulas for one in found.explanations}
    assert told["norm1"]["parameters"].startswith(
        "2·96 = 192 trained (scales, shifts) and 2·96 = 192 not trained"
    )
    assert found.normalization.split("(")[0] in shown("alexnet", "--variant", "small_stem", "--head", "nin")
    assert summary("lenet5").normalization is None


# What the notes count differently.


def test_the_notes_beside_every_layer_of_the_published_network(published):
    found, told = published
    noted = {name: one.lecture for name, one in told.items() if one.lecture}
    layers_of_notes = [f"conv{n}a" for n in range(1, 6)]
    assert list(noted) == ["pixels", *layers_of_notes, "fc1", "fc2", "logits"]
    sums = [34_848, 307_200, 884_736, 663_552, 442_368]
    assert [re.search(r"= ([\d,]+)", noted[name])[1] for name in layers_of_notes] == [f"{n:,}" for n in sums]
    halves = {row.name: row.parameters_without_bias for row in found.profile.layers}
    assert [2 * halves[name] for name in layers_of_notes] == sums
    assert 13 * 13 * 128 * 2 * 2_048 * 2 == 177_209_344
    assert "177,209,344" in noted["fc1"]
    assert "9,216·4,096 = 37,748,736" in noted["fc1"]
    assert 55 * 55 * 96 * (11 * 11 * 3 + 1) == 105_705_600
    assert "one note counts 105,415,600, but 55·55·96·(11·11·3 + 1) = 105,705,600" in noted["conv1a"]


@pytest.mark.parametrize(("variant", "layer"), [("modern", "conv1"), ("paper", "C1")])
def test_the_brackets_that_a_note_has_lost(variant, layer):
    told = {one.layer: one for one in summary("lenet5", variant=variant, explain=True).explanations}
    assert "(32 − 5)/1 + 1 = 28" in told[layer].lecture
    assert [one.layer for one in told.values() if one.lecture] == [layer]


@pytest.mark.parametrize(
    ("network", "noted"),
    [
        ({"head": "nin"}, ["pixels", *(f"conv{number}" for number in range(1, 6))]),
        ({"head": "conv1x1"}, ["pixels", *(f"conv{number}" for number in range(1, 6))]),
        ({"head_units": (8, 4)}, ["pixels", *(f"conv{number}" for number in range(1, 6))]),
        ({"head": "nin", "classes": 10}, []),
        ({"head": "nin", "channels": 1}, []),
        ({"head": "nin", "image_size": 259}, []),
    ],
)
def test_the_notes_speak_of_one_size_and_of_dense_layers(network, noted):
    found = summary("alexnet", variant="one_tower", explain=True, **network)
    assert [one.layer for one in found.explanations if one.lecture] == noted


# Models of others.


def test_a_foreign_file_is_shown_with_dashes_and_without_names(foreign):
    text = shown(foreign)
    assert text.startswith("other; 1 multiply-add = 2 FLOPs")
    assert "unknown" not in text.splitlines()[0]
    (line,) = [line for line in text.splitlines() if line.startswith("unknown ")]
    assert line.split()[-2:] == [f"{3 * 3 * 8 * 2 + 2}", "–"]
    assert text.splitlines()[-1].split()[-1] == "–"


def test_a_foreign_file_explained(foreign):
    told = {one.layer: one.formulas for one in summary(foreign, explain=True).explanations}
    assert told["unknown"] == {"not known": "what a layer Conv2DTranspose computes"}
    assert told["uneven_%_conv"]["output side"].startswith("N/S = 16/2, rounded up to 8: “same”")
    assert "without biases" not in told["uneven_%_conv"]
    assert told["depthwise"]["parameters"] == "(F·F·D + 1)·K = (3·3·1 + 1)·16 = 160"
    assert told["separable"]["parameters"].endswith("3·3·32 + 32·8 + 8 = 552")
    assert told["separable"]["multiply-adds"] == f"6·6·(3·3·32 + 32·8) = {36 * (288 + 256):,}"
    assert told["oblong"]["multiply-adds"] == f"6 · {6 * 4 * 8} = {6 * 6 * 4 * 8:,}"
    assert told["twice:2"]["parameters"] == "those of the first use of this layer, counted there"
    assert told["rounded"]["output height"].endswith("3/2 + 1 = 2.5, rounded down to 2")
    assert told["frozen"]["trained"] == "none of them: the layer is frozen"
    assert all(one.lecture is None for one in summary(foreign, explain=True).explanations)


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "latex", "json"])
@pytest.mark.parametrize("explain", [(), ("--explain",)])
def test_flexible_sizes_are_told_in_every_form(tmp_path, form, explain):
    pixels = keras.Input((None, None, 3))
    maps = layers.MaxPooling2D(2)(layers.SeparableConv2D(4, 3)(layers.Conv2D(4, 3)(pixels)))
    both = layers.Add()([layers.GlobalMaxPooling2D()(maps), layers.GlobalAveragePooling2D()(maps)])
    keras.Model(pixels, layers.Dense(2)(both)).save(tmp_path / "flexible.keras")
    text = shown(tmp_path / "flexible.keras", "--format", form, *explain)
    assert "112" in text
    assert "None" not in text
    assert f"{arithmetic.dense_parameters(4, 2)}" in text


# Forms to take along.


def test_csv_has_plain_integers_and_empty_cells(foreign):
    rows = list(csv.DictReader(io.StringIO(shown(foreign, "--explain", "--format", "csv"))))
    document = json.loads(shown(foreign, "--format", "json"))
    assert [row["layer"] for row in rows] == [layer["name"] for layer in document["layers"]]
    for key in ("parameters", "multiply_adds", "connections", "activation_bytes", "int8_weight_bytes"):
        counted = [int(row[key]) if row[key] else None for row in rows]
        assert counted == [layer[key] for layer in document["layers"]]
    assert rows[1]["output"] == "8x8x8"
    assert [rows[1][key] for key in ("kernel", "stride", "padding")] == ["3", "2", ""]
    parameters = sum(
        int(row["parameters"]) for row in csv.DictReader(io.StringIO(shown("lenet", "--format", "csv")))
    )
    assert parameters == 61_706


def test_markdown_is_one_table_and_lists():
    lines = shown("lenet", "--head", "conv1x1", "--explain", "--format", "markdown").splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in table} == {table[0].count("|")}
    assert table[1] == "| :--- | :--- " + "| ---: " * 10 + "|"
    assert "| conv1x1\\_1 | Conv2D | 5×5×120 | 1×1 | 1 | 0 | 2,040 | 48,000 |" in "\n".join(table)
    assert "- parameters: (F·F·D + 1)·K = (1·1·16 + 1)·120 = 2,040" in lines
    assert lines[2].startswith("The usual modern form")


def test_latex_is_balanced_and_escaped(foreign):
    text = shown(foreign, "--explain", "--format", "latex")
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    assert [line for line in lines if line.startswith("\\begin") or line.startswith("\\end")] == [
        "\\begin{tabular}{llrrrrrrrrrr}",
        "\\end{tabular}",
        "\\begin{description}",
        "\\end{description}",
    ]
    (toprule, bottomrule) = (lines.index(f"\\{rule}") for rule in ("toprule", "bottomrule"))
    cells = [line for line in lines[toprule + 1 : bottomrule] if line.endswith("\\\\")]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in cells[1:]} == {11}
    assert "uneven\\_\\%\\_conv" in text
    assert "8$\\times$8$\\times$8" in text
    body = "\n".join(lines)
    assert body.isascii()
    assert len(re.findall(r"(?<!\\)\$", body)) % 2 == 0
    assert not re.findall(r"(?<!\\)[#%_^~]", body)
    assert len(re.findall(r"(?<!\\){", body)) == len(re.findall(r"(?<!\\)}", body))


def test_latex_signs():
    assert in_latex(r"a_b & 5% #1 {x} ~^ \n [2] 3×3·4 − 1 → –") == (
        r"a\_b \& 5\% \#1 \{x\} \textasciitilde{}\textasciicircum{} \textbackslash{}n {[}2{]} "
        r"3$\times$3$\cdot$4 $-$ 1 $\to$ --"
    )


def test_a_line_break_ends_no_cell_and_no_item():
    for escaped in (in_latex, in_markdown):
        assert escaped("a class\r\n\n# of two\u2028lines").replace("\\", "") == "a class # of two lines"


def test_the_function_gives_what_the_command_shows():
    found = kerascnn.summary("lenet", explain=True)
    assert json.loads(json.dumps(found.to_dict())) == json.loads(shown("lenet", "--explain", "--json"))
    assert kerascnn.summary("lenet").explanations == ()
    assert "formulas" not in kerascnn.summary("lenet").to_dict()["layers"][0]
