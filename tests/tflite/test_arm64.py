"""A bundle in the userland of a Raspberry Pi: Debian for arm64 under emulation, with the wheels for it.

Raspberry Pi OS is built from these packages. Everything is unpacked, nothing is configured, so that only the
bundle's program is emulated. ``make test-long`` installs the tools where it may; elsewhere these tests skip,
unless ``make test-arm64`` asks for them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from commands import run_command
from painted_photos import paint

TOOLS = {"mmdebstrap": "mmdebstrap", "qemu-aarch64-static": "qemu-user-static", "chroot": "coreutils"}
#: Debian has chroot and what mmdebstrap calls in the last two, which an ordinary user's PATH does not hold.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}  # of a Debian, so of the Raspberry Pi OS made from it
TAGS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")

#: One core of a Raspberry Pi 4. The emulator shows the host's file otherwise, and LiteRT crashes on it.
CPU = """processor\t: {}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""


def _missing():
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it needs root on Linux"
    lacking = [package for tool, package in TOOLS.items() if not _tool(tool)]
    return f"it needs apt install {' '.join(lacking)}" if lacking else ""


def _tool(name):
    return shutil.which(name, path=PATH)


ASKED_FOR = "KERASCNN_ARM64" in os.environ  # what is missing is then a failure
pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(_missing()) and not ASKED_FOR, reason=_missing())]


def _mirror():
    """Where the host gets Debian's packages from, if it is a Debian, or else the usual place."""
    lists = [*Path("/etc/apt/sources.list.d").glob("debian.sources"), Path("/etc/apt/sources.list")]
    text = "\n".join(path.read_text() for path in lists if path.is_file())
    found = re.search(r"^(?:URIs:|deb(?: \[.*?\])?) +(\S+/debian/?)(?: |$)", text, re.MULTILINE)
    return found[1] if found else "http://deb.debian.org/debian"


@pytest.fixture(scope="session", params=PYTHONS)
def userland(request, filled_once):
    """The folder of an arm64 Debian with Python, and Python's version. 40 s for each Debian."""
    assert not _missing(), _missing()
    release = request.param

    def fill(folder):
        root = folder / "root"
        packages = "base-files,python3-minimal,python3,libstdc++6"  # base-files: trixie's /lib is a link
        made = subprocess.run(
            [
                *(_tool("mmdebstrap"), "--variant=extract", "--arch=arm64", f"--include={packages}"),
                *(release, root, _mirror()),
            ],
            env=os.environ | {"PATH": PATH},
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            (folder / "failed").write_text(made.stderr)
            return
        (root / "proc").mkdir(exist_ok=True)
        (root / "proc" / "cpuinfo").write_text("".join(CPU.format(core) for core in range(4)))
        shutil.copy(_tool("qemu-aarch64-static"), root / "usr" / "bin")
        (root / "opt").mkdir(exist_ok=True)

    folder = filled_once(f"arm64-{release}", fill)
    if (folder / "failed").exists():
        why = (folder / "failed").read_text()
        assert not ASKED_FOR, why
        pytest.skip(f"no arm64 packages are to be had: {why.strip().splitlines()[-1]}")
    return folder / "root", PYTHONS[release]


def _install(root, version, requirements, folder):
    """Unpack the wheels for arm64 that a bundle asks for."""
    tag = version.replace(".", "")
    platforms = [part for name in TAGS for part in ("--platform", name)]
    target = ["--python-version", tag, "--implementation", "cp", "--abi", f"cp{tag}", "--abi", "abi3"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", *platforms, *target]
    got = subprocess.run(
        [*command, "--abi", "none", "--dest", folder, "-r", requirements],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not (got.returncode and ASKED_FOR), got.stderr
    if got.returncode:
        (folder / "failed").write_text(got.stderr.strip().splitlines()[-1])
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(root / "opt" / "site")


PHOTOS = ["--data", "photos", "--variant", "one_tower", "--image-size", 67, "--epochs", 4, "--batch-size", 8]
NETWORKS = {
    **{f"lenet-{head}": ["lenet", "--head", head] for head in ("fc", "conv1x1", "nin")},
    "lenet-paper": ["lenet", "--variant", "paper"],
    "alexnet-nin": ["alexnet", "--head", "nin", *PHOTOS],
}


@pytest.fixture(scope="session", params=NETWORKS)
def bundled(request, shared):
    """The bundle of a network that is trained to its accuracy. 20 s of processor time each."""

    def fill(folder):
        paint(folder / "photos", 20)
        trained = run_command("train", *NETWORKS[request.param], "--name", "run", "--json", cwd=folder)
        assert trained.json["test"]["accuracy"] > 0.95
        made = run_command("bundle", "runs/run", "--out", "bundle", cwd=folder)
        assert made.code == 0, made.err

    return shared(f"arm64-{request.param}", fill) / "bundle"


def _selftest(root, version, bundle):
    """Run the self-test of a bundle on an emulated device and return what it says."""
    there = root / "opt" / bundle.parent.name
    if not there.exists():
        shutil.copytree(bundle, there)
    program = ["/usr/bin/qemu-aarch64-static", f"/usr/bin/python{version}", f"/opt/{there.name}/run.py"]
    answer = subprocess.run(
        [_tool("chroot"), root, *program, "--selftest", "--json"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": "/opt/site", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        check=False,
    )
    assert answer.stdout, answer.stderr
    return json.loads(answer.stdout)


def test_the_selftest_of_a_bundle_passes_there(userland, bundled, filled_once):
    root, version = userland
    folder = filled_once(
        f"arm64-site-{version}",
        lambda folder: _install(root, version, bundled / "requirements.txt", folder),
    )
    if (folder / "failed").exists():
        pytest.skip(f"no wheels for arm64 are to be had: {(folder / 'failed').read_text()}")
    told = _selftest(root, version, bundled)
    assert told["passed"] is True, told
    assert (told["inputs_differ"], told["outputs_wrong"], told["classes_differ"]) == ([], 0, 0)
    assert told["images"] > 0
