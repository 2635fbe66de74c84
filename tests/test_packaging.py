"""What is installed is what stands in the folders, and what is written down is true."""

import configparser
import shutil
import subprocess
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
    pinned = {
        line.partition("==")[0].lower().replace("-", "_")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    extras = _setup()["options.extras_require"]
    needed = [
        line.partition(">=")[0].partition("[")[0].strip().lower()
        for text in (_setup()["options"]["install_requires"], extras["dev"], extras["docs"])
        for line in text.split("\n")
        if line.strip() and not line.startswith("#")
    ]
    assert len(needed) > 10
    assert not [name for name in needed if name.replace("-", "_") not in pinned]


def test_make_says_in_one_line_that_there_is_no_python(tmp_path):
    for name in ("Makefile", "setup.cfg", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    tools = tmp_path / "bin"
    tools.mkdir()
    old = tools / "python3"  # one that is there but too old, or a shim that leads nowhere
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    make = shutil.which("make")
    assert make
    ended = subprocess.run(
        [make, "train"], cwd=tmp_path, env={"PATH": str(tools)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    first, *rest = ended.stderr.splitlines()
    assert first.startswith("kerascnn needs Python 3.11, 3.12 or 3.13")
    assert all(line.startswith("make: ***") for line in rest)
    assert not (tmp_path / ".venv").exists()
