"""Every how-to page is walked: its commands, in their order, in one folder, on small stand-ins for data."""

import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from commands import Answer, run_command
from packages import installed, module_and_project
from pages import DOCS, pieces
from painted_photos import paint
from PIL import Image

STAND_IN = Path(__file__).parents[1] / "helpers" / "edgetpu_compiler_stand_in.py"

#: What makes AlexNet small, by the variant that a line asks for; the rest of the line is as it stands.
SMALL = {
    "": {"--variant": "small_stem", "--image-size": "16", "--batch-size": "8", "--epochs": "1"},
    "one_tower": {"--image-size": "67", "--batch-size": "8", "--epochs": "1"},
}
#: Lines, or parts of them, that a test cannot type, and why; the options in them are checked elsewhere.
LEFT_OUT = {
    "sudo apt install -y python3-venv": "needs root",
    "python3 -m venv ~/kerascnn-venv": "outside the folder, and what it would hold is here",
    ". ~/kerascnn-venv/bin/activate": "likewise",
    "python -m pip install -r requirements.txt": "needs a package index",
    " --delegate edgetpu": "needs a Coral",
    " --distribute": "several processes: test_distribution.py types such lines",
}


@dataclass(frozen=True)
class Page:
    """What a page presupposes.

    Attributes:
        run: Name of a run of digits.
        photos: Name of a run of photos.
        device: The folder that it copies to a device.
        package: Name of the module that it makes a package of.
        ends: Exit codes of a command by its name, where it may also end otherwise than with 0.
    """

    run: str = ""
    photos: str = ""
    device: str = ""
    package: str = ""
    ends: tuple[str, int] = ("", 0)


PAGES = {
    "ci": Page(run="accepted", ends=("compare", 3)),  # three epochs may miss what the page asks for
    "coral": Page(run="lenet-fc-digits-1"),
    "extending": Page(package="my_networks"),
    "gpu": Page(),
    "machines": Page(),
    "phone": Page(photos="alexnet-nin-photos-1"),
    "photos": Page(),
    "raspberry-pi": Page(run="lenet-fc-digits-1", device="lenet-fc-digits-1-raspberrypi"),
    "web": Page(run="lenet-fc-digits-1"),
}
LONG = {"ci", "extending", "phone", "photos"}  # they train, or quantize networks of photos


def lines_of(name: str) -> list[str]:
    """Return the lines to type of a page, in their order."""
    shell = [piece for piece in pieces(DOCS / "how-to" / f"{name}.md") if piece.language in ("sh", "bash")]
    lines = [line.strip() for piece in shell for line in piece.lines]
    return [line for line in lines if line and not line.startswith("#") and line != "set -e"]


def small(words: list[str]) -> list[str]:
    """Return a command's words, those of a training on photos with a small network."""
    if words[:2] != ["train", "alexnet"]:
        return words
    variant = words[words.index("--variant") + 1] if "--variant" in words else ""
    for option, value in SMALL[variant].items():
        at = words.index(option) if option in words else len(words)
        words = [*words[:at], option, value, *words[at + 2 :]]
    return words


def typed(words: list[str], folder: Path, page: Page, environment: dict[str, str]) -> Answer:
    """Run one line; those of a bundle's program in a copy, as on a device."""
    if words[0] == "kerascnn":
        before = partial(installed, folder / "installed") if page.package else None
        return run_command(*small(words[1:]), cwd=folder, env=environment, before=before)
    if words[0] == "pip":
        offline = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", "installed")
        words = ["python", "-m", *words[:2], *offline, *words[2:]]
    assert words[0] == "python", f"{shlex.join(words)}: LEFT_OUT must say why a test cannot type it"
    if page.device and not (folder / "device").exists():
        shutil.copytree(folder / page.device, folder / "device")
        shutil.copy(folder / "picture.jpg", folder / "device" / "photo.jpg")
    place = folder / "device" if page.device else folder
    ended = subprocess.run(
        [sys.executable, *words[1:]], cwd=place, capture_output=True, text=True, check=False
    )
    return Answer(ended.returncode, ended.stdout, ended.stderr)


def with_compiler(folder: Path) -> dict[str, str]:
    """Return an environment that has a stand-in for Google's compiler."""
    script = folder / "bin" / "edgetpu_compiler"
    script.parent.mkdir()
    script.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{STAND_IN}' \"$@\"\n")
    script.chmod(0o755)
    seen = {"STAND_IN": "success", "STAND_IN_SEEN": str(folder / "seen.json")}
    return os.environ | seen | {"PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}"}


def lay(page: Page, folder: Path, request: pytest.FixtureRequest) -> None:
    """Put what a page presupposes into a folder."""
    paint(folder / "photos", 20)
    Image.new("RGB", (40, 30), "red").save(folder / "picture.jpg")
    if page.package:
        code, project = module_and_project(DOCS / "how-to" / "extending.md")
        (folder / f"{page.package}.py").write_text(code, "utf-8")
        (folder / "pyproject.toml").write_text(project, "utf-8")
    if page.run:
        shutil.copytree(request.getfixturevalue("run"), folder / "runs" / page.run)
    if page.photos:
        shutil.copytree(request.getfixturevalue("on_photos") / "runs" / "a", folder / "runs" / page.photos)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (name in LONG)) for name in PAGES]
)
def test_a_page_can_be_followed(name, tmp_path, request):
    page, environment = PAGES[name], with_compiler(tmp_path)
    lay(page, tmp_path, request)
    for line in lines_of(name):
        if any(part in line for part in LEFT_OUT):
            continue
        words = shlex.split(line, comments=True)
        target = words[-1] if ">" in words else None
        answer = typed(words[:-2] if target else words, tmp_path, page, environment)
        may_end = {0, page.ends[1]} if words[1] == page.ends[0] else {0}
        assert answer.code in may_end, f"{line}\nof {name}.md ends with {answer.code}: {answer.err}"
        if target:
            (tmp_path / target).write_text(answer.out, "utf-8")


def test_every_page_is_walked_and_what_is_left_out_stands_on_one():
    assert {page.stem for page in (DOCS / "how-to").glob("*.md")} == set(PAGES)
    lines = [line for name in PAGES for line in lines_of(name)]
    assert [part for part in LEFT_OUT if not any(part in line for line in lines)] == []
