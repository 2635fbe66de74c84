"""What is installed is what stands in the folders, on every Python, and what is written down is true."""

import ast
import configparser
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from kerascnn.cli.main import kerascnn as group

ROOT = Path(__file__).parents[2]
FOLDERS = {"kerascnn": "kerascnn", "tflite": "kerascnn/tflite", "cli": "kerascnn/cli"}
MINORS = ("3.11", "3.12", "3.13")
PINNED = ("test", "docs", "live", "jax")  # with the main job all that `make test` installs
UNPINNED = ("benchmark", "gpu", "jax-gpu")


def _setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def _requirements(*extras):
    """Return the lines of the main job and of the extras, as pip reads them."""
    setup = _setup()
    return "\n".join(
        [setup["options"]["install_requires"], *(setup["options.extras_require"][extra] for extra in extras)]
    )


def _pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line.partition("#")[0]) for line in lines if not line.startswith("#")]


def test_what_is_built_is_what_stands_in_the_folders(tmp_path):
    code = "import setuptools; setuptools.setup()"
    command = [sys.executable, "-c", code, "--quiet", "build_py", "--build-lib", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True)
    built = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    folders = {
        f"{package}/{path.relative_to(ROOT / folder).as_posix()}"
        for folder, package in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert built == folders


def test_every_folder_with_modules_is_a_package():
    for folder in FOLDERS:
        for module in (ROOT / folder).rglob("*.py"):
            assert (module.parent / "__init__.py").is_file(), module


@pytest.mark.parametrize("name", sorted(group.commands))
def test_the_readme_names_every_command(name):
    assert f"kerascnn {name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def _sentence(package):
    return ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""


def test_every_package_says_in_a_sentence_what_it_is():
    packages = [init.parent for folder in FOLDERS for init in (ROOT / folder).rglob("__init__.py")]
    assert len(packages) > 30
    assert [package for package in packages if not re.match(r"[A-Z].{15,}\.", _sentence(package))] == []


def test_architecture_has_each_floor_with_its_sentence():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    floors = [
        ROOT / "tflite",
        ROOT / "cli",
        *(init.parent for init in (ROOT / "kerascnn").glob("*/__init__.py")),
    ]
    assert len(floors) == 11
    rows = [f"| `{floor.relative_to(ROOT).as_posix()}/` | {_sentence(floor)} |" for floor in floors]
    assert [row for row in rows if row not in text] == []


def test_what_the_architecture_names_exists():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    names = re.findall(r"`([\w/]+(?:\.py|\.toml|/))`", text)
    assert len(names) > 40
    folders = [ROOT / folder for folder in (*FOLDERS, "tests", "benchmarks", "docs")]
    paths = [*ROOT.iterdir(), *(path for folder in folders for path in folder.rglob("*"))]
    ends = [f"/{path.relative_to(ROOT).as_posix()}" for path in paths]
    missing = [name for name in names if not any(end.endswith("/" + name.rstrip("/")) for end in ends)]
    assert missing == []


def test_the_pins_cover_every_requirement():
    pinned = {canonicalize_name(pin.name) for pin in _pins()}
    lines = [line for line in _requirements(*PINNED).split("\n") if line]
    assert len(lines) > 20
    assert not [line for line in lines if canonicalize_name(Requirement(line).name) not in pinned]


def test_the_extras_are_known():
    assert set(_setup()["options.extras_require"]) == {*PINNED, *UNPINNED}


def test_every_pin_is_a_release_for_every_python():
    """Requires-Python of what is installed: uv, which makes the constraints, overlooks its upper end."""
    judged = 0
    for pin in _pins():
        try:
            installed = distribution(pin.name)
        except PackageNotFoundError:  # of another system, or of an extra that is not here
            continue
        if not pin.specifier.contains(installed.version, prereleases=True):
            continue
        allowed = SpecifierSet(installed.metadata.get("Requires-Python", ""))
        for minor in MINORS:
            here = {"python_version": minor, "python_full_version": f"{minor}.0"}
            if pin.marker is None or pin.marker.evaluate(here):
                judged += 1
                assert allowed.contains(f"{minor}.0"), f"{pin} is for Python {allowed}"
    assert judged > 100


@pytest.mark.parametrize("minor", MINORS)
def test_every_purpose_installs_on_every_python(minor):
    """All at once, from wheels alone: what installs together installs alone, and nobody needs a compiler."""
    pytest.importorskip("uv", reason="uv is not installed: pip install 'kerascnn[test]'")
    found = _pythons(minor)
    everything = _requirements(*PINNED, *UNPINNED)
    # Linux, whatever this machine is: CUDA's libraries are for no other system.
    wheels = ("--python-platform=linux", "--only-binary=:all:", "--constraint=constraints.txt")
    for python in [f"--python={python}" for python in found] or [f"--python-version={minor}.0"]:
        if _uv(everything, *wheels, python, "--offline"):  # most often what uv has in its cache is enough
            if no_index := _no_index():
                pytest.skip(f"no package index answers: {no_index}")
            assert not _uv(everything, *wheels, python), python
    if not found:
        pytest.skip(f"no Python {minor} on this machine: resolved as for {minor}.0 only")


@cache
def _no_index():
    """Return the reason if no package index answers."""
    return _uv("packaging", "--no-cache", UV_HTTP_RETRIES="0").strip().rpartition("\n")[2].strip()


def _uv(requirements, *options, **variables):
    """Let uv resolve requirements; return what it says if they cannot be resolved."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--system-certs", *options, "-"]
    # In the project, whose pyproject.toml has a line for uv.
    ended = subprocess.run(
        command, cwd=ROOT, env=os.environ | variables, input=requirements, capture_output=True, text=True
    )
    return ended.stderr or "uv gave no reason" if ended.returncode else ""


def _pythons(minor):
    """Return the Pythons of a minor version on this machine: on the PATH, Debian's, and pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    places = [*map(Path, os.get_exec_path()), Path("/usr/bin"), *pyenv.glob(f"versions/{minor}.*/bin")]
    return sorted({python.resolve() for place in places if _runs(python := place / f"python{minor}")})


def _runs(python):
    """Whether this is a Python, not a shim that leads nowhere."""
    return python.is_file() and not subprocess.run([python, "-c", ""], capture_output=True).returncode


@pytest.mark.parametrize(
    ("target", "extras"),
    [
        ("train", []),
        ("docs", ["docs"]),
        ("check", ["test", "live", "docs"]),
        ("test", ["test", "live", "docs", "jax"]),
        ("benchmark", ["benchmark"]),
        (".venv/gpu", ["gpu"]),
        (".venv/jax-gpu", ["jax-gpu"]),
    ],
)
def test_a_target_installs_what_it_uses(tmp_path, target, extras):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("setup.cfg", "constraints.txt"):
        (tmp_path / name).touch()
    make = shutil.which("make")
    assert make
    planned = subprocess.run([make, "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True)
    installs = re.findall(r"pip install .*", planned.stdout)
    assert [line.split()[-2:] for line in installs if "-e" in line.split()] == [["-e", "."]]
    assert sorted(line.split()[-1] for line in installs if "-r" in line.split()) == sorted(
        f".venv/{extra}.txt" for extra in extras
    )


def test_make_says_in_one_line_that_there_is_no_python(tmp_path):
    for name in ("Makefile", "setup.cfg", "constraints.txt"):
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
