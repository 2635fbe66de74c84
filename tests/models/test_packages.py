"""Heads, models and sources of other packages: found by name, loaded when used, harmless where broken."""

import os
from functools import partial

import pytest
from packages import installed, lay_package, lay_package_of
from pages import DOCS


@pytest.fixture
def own(tmp_path):
    """The package of the page on extending."""
    return lay_package_of(DOCS / "how-to" / "extending.md", tmp_path / "packages")


@pytest.fixture
def broken(tmp_path):
    """Packages each of which has something wrong."""
    folder = tmp_path / "packages"
    heads = {"away": "broken_heads:AWAY", "number": "broken_heads:NUMBER", "lost": "broken_heads_too:X"}
    good = "from kerascnn.models.heads import Head, nin\nGOOD = Head(nin, has_units=False)\nNUMBER = 3\n"
    lay_package(folder, "broken-heads", {"kerascnn.heads": heads | {"good": "broken_heads:GOOD"}}, good)
    sources = {"nothing": "broken_sources:NOTHING", "word": "broken_sources:WORD"}
    code = "from kerascnn.data.sources.loader import Loader\nNOTHING = Loader(lambda _: None)\nWORD = 'a'\n"
    lay_package(folder, "broken-sources", {"kerascnn.sources": sources}, code)
    lay_package(folder, "script", {"kerascnn.models": {"ends": "script:ENDS"}}, "raise SystemExit('wrong')\n")
    for name in ("one", "two"):
        offered = {"kerascnn.heads": {"both": f"{name}:BOTH", "nin": f"{name}:NIN"}}
        lay_package(folder, name, offered if name == "one" else {"kerascnn.heads": {"both": "two:BOTH"}})
    return folder


def test_a_package_brings_a_head_a_model_and_a_source(cli, own):
    """4 s: from nothing, with a package where Python looks for them."""
    answer = cli(
        "summary", "onestage", "--head", "peak", "--json", fresh=True, env=os.environ | {"PYTHONPATH": own}
    )
    assert (answer.json["model"], answer.json["head"], answer.json["parameters"]) == ("onestage", "peak", 298)


def test_lenet_takes_a_head_of_a_package(cli, own):
    before = partial(installed, own)
    assert cli("summary", "lenet", "--head", "peak", "--json", before=before).json["parameters"] == 2_742
    assert (
        "head fc only" in cli("summary", "lenet", "--variant", "paper", "--head", "peak", before=before).err
    )


def test_a_source_of_a_package_is_read_and_known_by_its_name(cli, own):
    found = cli("data", "stripes", "--json", before=partial(installed, own)).json
    assert (found["source"], found["classes"]) == ("stripes", ["lying", "upright"])


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("summary lenet --head away", 1, "The head 'away' cannot be loaded: AttributeError"),
        ("summary lenet --head lost", 1, "ModuleNotFoundError: No module named 'broken_heads_too'."),
        (
            "summary lenet --head number",
            1,
            "The head 'number' must be a Head, not int.",
        ),
        ("data word", 1, "The data source 'word' must be a Loader, not str."),
        ("data nothing", 1, "'nothing' returns a NoneType, not a Dataset"),
        ("summary ends", 1, "The model 'ends' cannot be loaded: SystemExit: wrong."),
        (
            "summary lenet --head both",
            1,
            "The packages one and two each offer a head 'both'. Remove all but one.",
        ),
    ],
)
def test_a_broken_package_is_one_line_where_its_name_is_used(cli, broken, command, code, said):
    answer = cli(*command.split(), before=partial(installed, broken))
    assert (answer.code, answer.err.count("\n"), answer.out) == (code, 1, "")
    assert said in answer.err
    assert "package" in answer.err


def test_other_names_go_on_working_beside_a_broken_package(cli, broken):
    before = partial(installed, broken)
    assert cli("summary", "lenet", "--head", "good", "--json", before=before).json["parameters"] == 2_742
    plain = cli("summary", "lenet", "--json", before=before)
    assert (plain.json["parameters"], plain.err) == (61_706, "")
    assert "did you mean good?" in cli("summary", "lenet", "--head", "goood", before=before).err


def test_a_name_that_kerascnn_has_keeps_its_meaning_and_is_noted(cli, broken):
    answer = cli("summary", "lenet", "--head", "nin", "--json", before=partial(installed, broken))
    assert answer.json["parameters"] == 2_742
    assert answer.err.startswith("Note: The head 'nin' of the package one is not used")
    assert answer.err.count("\n") == 1


def test_the_recipe_of_a_package_is_what_its_training_starts_from(cli, own):
    module = own / "my_networks.py"
    code = module.read_text("utf-8").replace(
        "build=build)", "build=build, recipe=Path(__file__).with_name('a.toml'))"
    )
    module.write_text(f"from pathlib import Path\n{code}", "utf-8")
    before = partial(installed, own)
    (own / "a.toml").write_text("[default]\nepochs = 'many'\n")
    assert "epochs must be" in cli("train", "onestage", before=before).err
    (own / "a.toml").write_text("[")
    assert (
        "a.toml, the recipe of the model 'onestage', cannot be read"
        in cli("train", "onestage", before=before).err
    )
