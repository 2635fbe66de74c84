"""A bundle in the userland of a Raspberry Pi: Debian for arm64 under emulation, with the wheels for it.

Raspberry Pi OS is built from these packages. Everything is unpacked, nothing is configured, so that only the
bundle's program is emulated. ``make test-long`` installs the tools where it may; elsewhere these tests skip,
unless ``make test-arm64`` asks for them.
"""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import run_command
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


def _debian():
    """The host's release and its own list of package sources where it is a Debian, or else the usual ones."""
    told = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    release = told.get("VERSION_CODENAME", "").strip('"')
    if told.get("ID") != "debian" or release not in PYTHONS:
        return "bookworm", []
    lists = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    return release, [str(path) for path in lists if path.is_file() and path.stat().st_size][:1]


@pytest.fixture(scope="module")
def userland(tmp_path_factory):
    """The folder of an arm64 Debian with Python."""
    assert not _missing(), _missing()
    root = tmp_path_factory.mktemp("arm64") / "root"
    release, sources = _debian()
    packages = "python3-minimal,python3,libstdc++6"
    made = subprocess.run(
        [
            *(_tool("mmdebstrap"), "--variant=extract", "--arch=arm64", f"--include={packages}"),
            *(release, root, *sources),
        ],
        env=os.environ | {"PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not (made.returncode and ASKED_FOR), made.stderr
    if made.returncode:
        pytest.skip(f"no arm64 packages are to be had: {made.stderr.strip().splitlines()[-1]}")
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc" / "cpuinfo").write_text("".join(CPU.format(core) for core in range(4)))
    shutil.copy(_tool("qemu-aarch64-static"), root / "usr" / "bin")
    (root / "opt").mkdir(exist_ok=True)
    return root, PYTHONS[release]


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
        pytest.skip(f"no wheels for arm64 are to be had: {got.stderr.strip().splitlines()[-1]}")
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(root / "opt" / "site")


LENET = ["lenet", "--epochs", 2]
ALEXNET = ["alexnet", "--data", "photos", "--variant", "one_tower", "--image-size", 67, "--head", "nin"]


@pytest.mark.parametrize("network", [LENET, [*ALEXNET, "--epochs", 1, "--batch-size", 8]], ids=lambda n: n[0])
def test_the_selftest_of_a_bundle_passes_there(userland, tmp_path, network):
    root, version = userland
    paint(tmp_path / "photos", 20)
    trained = run_command("train", *network, "--name", "run", cwd=tmp_path)
    assert trained.code == 0, trained.err
    made = run_command("bundle", "runs/run", "--out", root / "opt" / network[0], cwd=tmp_path)
    assert made.code == 0, made.err
    if not (root / "opt" / "site").exists():
        _install(root, version, root / "opt" / network[0] / "requirements.txt", tmp_path / "wheels")
    program = ["/usr/bin/qemu-aarch64-static", f"/usr/bin/python{version}", f"/opt/{network[0]}/run.py"]
    answer = subprocess.run(
        [_tool("chroot"), root, *program, "--selftest", "--json"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": "/opt/site", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert told["passed"] is True
    assert told["inputs_differ"] == []
    assert told["largest_steps"] <= 1
    assert told["pictures"] > 0
