"""Help lists and completion offers the names there are, as the shell asks for them."""

import shutil
from functools import partial
from typing import Literal, get_args, get_origin

import click
import pytest
from completing import complete
from packages import installed, lay_package, lay_package_of
from pages import DOCS
from warm_command import call_warm

from kerascnn.cli.main import COMMANDS, LINES
from kerascnn.cli.main import kerascnn as group
from kerascnn.cli.names import Name
from kerascnn.data.augmentation import PARTS
from kerascnn.data.sources.registry import sources
from kerascnn.models.family import families, family
from kerascnn.models.heads import heads
from kerascnn.studies.report.formats import FORMATS
from kerascnn.tflite.bundle.devices import devices
from kerascnn.tflite.quantization.schemes import schemes
from kerascnn.training.config import TrainingConfig
from kerascnn.training.recipes import RECIPES


@pytest.fixture
def offered(tmp_path):
    """A function from a line to what bash is told: names, or a kind of path to look for."""

    def ask(line, *packages):
        code, out, err = call_warm(complete, [f"kerascnn {line}", *map(str, packages)], tmp_path)
        assert (code, err) == (0, "")
        kinds = [each.split(",", 1) for each in out.split()]
        return [value if kind == "plain" else kind for kind, value in kinds]

    return ask


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("train ", list(families)),
        ("train le", ["lenet5"]),
        ("summary a", ["alexnet"]),
        ("compare a", ["alexnet"]),
        ("train lenet --head ", list(heads)),
        ("summary lenet --head n", ["nin"]),
        ("compare lenet --heads ", list(heads)),
        ("compare lenet --heads fc,n", ["fc,nin"]),
        ("compare lenet --heads fc,", ["fc,conv1x1", "fc,nin"]),
        ("train lenet --variant ", list(family("lenet5").variants)),
        ("train alexnet --epochs 3 --variant ", list(family("alexnet").variants)),
        ("compare alexnet --variant ", list(family("alexnet").variants)),
        ("train --variant ", []),
        ("train nope --variant ", []),
        ("train alexnet --norm ", ["batch", "lrn", "none"]),
        ("summary lenet --norm ", ["none"]),
        ("train lenet --data ", list(sources)),
        ("train lenet --data photo", ["dir"]),
        ("data cifar10", ["cifar10", "cifar100"]),
        ("train lenet --recipe ", list(RECIPES)),
        ("train lenet --augment ", list(PARTS)),
        ("train lenet --augment flip,s", ["flip,shift"]),
        ("quantize runs/a --scheme ", list(schemes)),
        ("bundle runs/a --scheme float", ["float16", "float32"]),
        ("bundle runs/a --target ", list(devices)),
        ("quantize runs/a --target ", ["mobile", "edgetpu"]),
        ("report runs/a --format ", list(FORMATS)),
        ("re", ["report"]),
        ("train --heads", []),
        ("train --head-", ["--head-units"]),
    ],
)
def test_completion_offers_the_names_that_fit(offered, line, names):
    assert offered(line) == names


def test_completion_offers_the_runs_and_studies_there_are(offered, tmp_path, run):
    for name in ("a", "b"):
        shutil.copytree(run, tmp_path / "runs" / name)
    (tmp_path / "runs" / "no-run").mkdir()
    (tmp_path / "studies" / "one").mkdir(parents=True)
    (tmp_path / "studies" / "one" / "study.json").write_text("{}")
    shutil.copytree(run, tmp_path / "other" / "c")
    for line in (
        "quantize ",
        "evaluate ",
        "surgery r",
        "train --resume ",
        "train lenet --weights runs/",
        "verify x --run ",
    ):
        assert offered(line) == ["runs/a", "runs/b"], line
    assert offered("predict model") == ["file"]
    assert offered("quantize runs/a/") == ["file"]
    assert offered("report ") == ["studies/one", "runs/a", "runs/b"]
    assert offered("summary ") == [*families, "runs/a", "runs/b"]
    assert offered("compare runs/a ") == [*families, "runs/a", "runs/b"]
    assert offered("train --runs-dir other --resume ") == ["other/c"]


def test_what_a_study_and_a_run_are_known_by_are_their_records():
    from kerascnn.studies.grid.record import RECORD as STUDY
    from kerascnn.training.run import RECORD as RUN

    assert (RUN, STUDY) == ("run.json", "study.json")


def test_a_package_is_in_help_and_completion(cli, offered, tmp_path):
    own = lay_package_of(DOCS / "how-to" / "extending.md", tmp_path / "packages")
    assert offered("train lenet --head p", own) == ["peak"]
    assert offered("train o", own) == ["onestage"]
    assert offered("train onestage --variant ", own) == ["plain"]
    shown = [cli(name, "--help", before=partial(installed, own)).out for name in ("train", "data")]
    train, data = (" ".join(each.split()) for each in shown)
    assert "MODEL is alexnet, lenet5 or onestage." in train
    assert "fc, conv1x1, nin or peak." in train
    assert "SOURCE is digits, mnist, fashion_mnist, cifar10, cifar100 or stripes, or a folder" in data


def test_a_broken_package_does_not_break_completion(offered, tmp_path):
    own = lay_package(tmp_path / "packages", "torn", {"kerascnn.models": {"torn": "torn:TORN"}}, "1 / 0\n")
    assert offered("train t", own) == ["torn"]
    assert offered("train torn --variant ", own) == []


def named_parameters():
    return [
        pytest.param(name, param, id=f"{name} {param.opts[0]}")
        for name, command in group.commands.items()
        for param in command.params
        if isinstance(param.type, Name)
    ]


@pytest.mark.parametrize(("name", "param"), named_parameters())
def test_help_lists_every_name_that_completion_offers(cli, name, param):
    context = click.Context(group.commands[name], info_name=name)
    shown = " ".join(cli(name, "--help").out.split())
    assert "NAMES" not in shown
    if param.name not in ("augment", "what", "model"):
        assert param.type.listed(context) in shown


def test_every_command_is_under_one_heading_with_the_first_line_of_its_help(cli):
    assert sum(len(commands) for commands in COMMANDS.values()) == len(LINES) == 21
    for name, line in LINES.items():
        assert group.commands[name].get_short_help_str(200).rstrip(".") == line
    lines = cli("--help").out.splitlines()
    for heading, commands in COMMANDS.items():
        assert f"{heading}:" in lines
        for name, line in commands.items():
            assert f"  {name:9}  {line}" in lines  # whole, whatever the width of the terminal
            assert len(f"  {name:9}  {line}") <= 80


def test_help_names_every_value_of_a_setting_that_has_few():
    context = click.Context(group.commands["train"])
    told = {param.name: param.get_help_record(context) for param in context.command.params[1:]}
    fields = {name: field.annotation for name, field in TrainingConfig.model_fields.items()}
    few = {
        name: [
            value
            for part in (kind, *get_args(kind))
            if get_origin(part) is Literal
            for value in get_args(part)
        ]
        for name, kind in fields.items()
    }
    assert [name for name, values in few.items() if values] == [
        *("recipe", "optimizer", "schedule", "backend", "precision"),
    ]
    assert [
        (name, value) for name, values in few.items() for value in values if value not in told[name][1]
    ] == []
