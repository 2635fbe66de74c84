"""What is installed is what stands in the folders, and what is written down is true."""

import configparser
from pathlib import Path

import pytest

import kerascnn
from kerascnn.cli.main import kerascnn as group

ROOT = Path(__file__).parent.parent
FOLDERS = {"kerascnn": "kerascnn", "tflite": "kerascnn.tflite", "cli": "kerascnn.cli"}

pytestmark = pytest.mark.skipif(
    not (ROOT / "Makefile").is_file(), reason="the tests run against an installed wheel, not in a checkout"
)


def _setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_every_folder_is_a_listed_package():
    found = set()
    for folder, package in FOLDERS.items():
        for init in (ROOT / folder).rglob("__init__.py"):
            parts = init.parent.relative_to(ROOT / folder).parts
            found.add(".".join((package, *parts)))
    assert set(_setup()["options"]["packages"].split()) == found


def test_every_folder_with_modules_is_a_package():
    for folder in FOLDERS:
        for module in (ROOT / folder).rglob("*.py"):
            assert (module.parent / "__init__.py").is_file(), module


def test_all_names_what_is_exported():
    assert sorted(kerascnn.__all__) == sorted(kerascnn._HOME)


@pytest.mark.parametrize("name", sorted(group.commands))
def test_the_readme_names_every_command(name):
    assert f"kerascnn {name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_architecture_names_every_module():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for folder in FOLDERS:
        for module in (ROOT / folder).rglob("*.py"):
            if module.name not in ("__init__.py", "__main__.py"):
                assert module.name in text, module


def test_the_pins_of_the_constraints_cover_every_requirement():
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    needed = [
        line.partition(">=")[0].strip().lower()
        for text in (_setup()["options"]["install_requires"], _setup()["options.extras_require"]["dev"])
        for line in text.split("\n")
        if line.strip() and not line.startswith("#")
    ]
    assert len(needed) > 10
    assert not [name for name in needed if name not in pinned]
