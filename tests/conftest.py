"""What several test files share: the real command, one real training, small files in MNIST's format."""

import gzip
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from painted_photos import paint
from warm_command import run_warm

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"

COMMAND = [sys.executable, "-m", "kerascnn"]


def pytest_runtest_setup() -> None:
    """Give a test the same random numbers whatever ran before it in its process."""
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(1)


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Cli = Callable[..., Answer]


def run_command(*arguments: object, cwd: Path, **kwargs: Any) -> Answer:
    ended = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        **kwargs,
    )
    return Answer(ended.returncode, ended.stdout, ended.stderr)


def interrupted(command: list[str], folder: Path, begun: str, how: int) -> str:
    """Start a command, send a signal once a file or folder appears; return the last line it says."""
    with subprocess.Popen(
        [*COMMAND, *command],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        while not (folder / begun).exists():
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        os.killpg(process.pid, how)
        rest = process.stderr.read()
        assert process.wait(timeout=60) in (130, -signal.SIGKILL)
    return (rest.splitlines() or [""])[-1]


def ends_soon(group: int) -> bool:
    """Whether no process of a group is left within ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The real command in a process of its own, with an empty current directory.

    ``fresh=True``, or any argument of ``subprocess.run``, starts it from nothing, as a user's shell does.
    """

    def call(*arguments: object, cwd: Path = tmp_path, fresh: bool = False, **kwargs: Any) -> Answer:
        if fresh or kwargs:
            return run_command(*arguments, cwd=cwd, **kwargs)
        return Answer(*run_warm([*map(str, arguments)], cwd))

    return call


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    """A run of three epochs on the digits, quantized to full int8, and what training printed."""
    folder = tmp_path_factory.mktemp("trained")
    answer = run_command("train", "lenet", "--epochs", 3, "--name", "digits-fc", "--json", cwd=folder)
    assert answer.code == 0, answer.err
    run = folder / "runs" / "digits-fc"
    quantized = run_command("quantize", run, cwd=folder)
    assert quantized.code == 0, quantized.err
    return run, answer


@pytest.fixture(scope="module")
def bundled_run(trained: tuple[Path, Answer], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the trained run: bundling may quantize."""
    return Path(shutil.copytree(trained[0], tmp_path_factory.mktemp("run") / "digits-fc"))


@pytest.fixture(scope="module")
def pi_bundle(bundled_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its bundle for a Raspberry Pi; tests must not change it."""
    from kerascnn.tflite.bundle.bundling import bundle

    return bundle(bundled_run, out=tmp_path_factory.mktemp("bundle") / "pi").path


@pytest.fixture
def changeable(pi_bundle: Path, tmp_path: Path) -> Path:
    """A copy of that bundle."""
    return Path(shutil.copytree(pi_bundle, tmp_path / "bundle"))


@pytest.fixture
def run(trained: tuple[Path, Answer]) -> Path:
    """The folder of the trained and quantized run; tests must not change it."""
    return trained[0]


def write_idx(path: Path, values: np.ndarray, magic: bytes | None = None) -> None:
    header = magic or b"\0\0\x08" + bytes([values.ndim])
    content = header + struct.pack(f">{values.ndim}I", *values.shape) + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture
def mnist_dir(tmp_path: Path) -> Path:
    """A small folder in MNIST's format: 480 training and 60 test images, one bright row for each label."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    for prefix, n in (("train", 480), ("t10k", 60)):
        labels = np.arange(n) % 10
        images = np.random.default_rng(n).integers(0, 60, (n, 28, 28))
        images[np.arange(n), 2 * labels + 4] = 255
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with 20 small photos of each of three classes."""
    paint(tmp_path / "photos", 20)
    return tmp_path / "photos"
