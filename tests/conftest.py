"""What several test files share: the real command, one real training, small files in MNIST's format."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from commands import (
    Answer,
    Cli,
    begun_part,
    fresh_command,
    keep,
    kept,
    run_command,
    write_mnist,
)
from painted_photos import SMALL, paint
from waiting import wait_until

#: What a user may have set, and what tests set where they ask for it.
OF_THE_USER = (
    *("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "TTY_INTERACTIVE"),
    *("PYTHONIOENCODING", "PYTHONWARNINGS", "PYTHONPATH", "TF_USE_LEGACY_KERAS", "XLA_FLAGS"),
    *("KERASCNN_COORDINATOR", "KERASCNN_PROCESSES", "KERASCNN_PROCESS_INDEX", "KERASCNN_JOIN_SECONDS"),
)
for name in OF_THE_USER:
    os.environ.pop(name, None)
    os.unsetenv(name)  # readline, which pytest loads, sets COLUMNS behind Python's back
_keras_home = tempfile.TemporaryDirectory()  # of a user's own, settings and downloads would be found
os.environ |= {
    "KERAS_HOME": _keras_home.name,
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",  # the same processor for all
    "JAX_PLATFORMS": "cpu",
    "MATPLOTLIBRC": os.devnull,
    "PYTHONUTF8": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def pytest_runtest_setup() -> None:
    """Give a test the same random numbers whatever ran before it in its process."""
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(1)


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """The real command in a process of its own, with an empty current directory.

    ``fresh=True`` starts it from nothing; ``env`` are its environment variables.
    """

    def call(*arguments: object, cwd: Path = tmp_path, fresh: bool = False, **kwargs: Any) -> Answer:
        return (fresh_command if fresh else run_command)(*arguments, cwd=cwd, **kwargs)

    return call


Shared = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def filled_once(tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """A function that returns a folder which the first test to ask for its name fills, for all workers."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def folder_of(name: str, fill: Callable[[Path], None]) -> Path:
        folder, filled = root / f"shared-{name}", root / f"shared-{name}.filled"
        with (root / f"shared-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another worker fills it: this one waits
            if not folder.exists():
                folder.mkdir()
                fill(folder)
                filled.touch()
        assert filled.exists(), f"{name} could not be filled, see the first test that asked for it"
        return folder

    return folder_of


@pytest.fixture(scope="session")
def shared(filled_once: Shared, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """The same with a copy for each worker: a command holds a run or a study that it works on."""

    def copy_of(name: str, fill: Callable[[Path], None]) -> Path:
        folder, own = filled_once(name, fill), tmp_path_factory.getbasetemp() / f"own-{name}"
        if not own.exists():
            shutil.copytree(folder, own, symlinks=True)
        return own

    return copy_of


@pytest.fixture(scope="session")
def trained(shared: Shared) -> tuple[Path, Answer]:
    """A run of three epochs on the digits, quantized to full int8, and what training printed.

    10 s of processor time.
    """

    def fill(folder: Path) -> None:
        given = ("train", "lenet", "--epochs", 3, "--name", "digits-fc", "--json")
        keep(run_command(*given, cwd=folder), folder / "answer.json")
        quantized = run_command("quantize", "runs/digits-fc", cwd=folder)
        assert quantized.code == 0, quantized.err

    folder = shared("trained", fill)
    return folder / "runs" / "digits-fc", kept(folder / "answer.json")


@pytest.fixture(scope="session")
def whole_study(shared: Shared) -> tuple[Path, Any]:
    """A study of three heads with two seeds, and what the command printed. 2 minutes of processor time.

    Tests must not change it; those that need another one take a part of it.
    """

    def fill(folder: Path) -> None:
        heads = ("--heads", "fc,1x1,nin", "--seeds", 2, "--epochs", 2)
        keep(run_command("compare", "lenet", *heads, "--json", cwd=folder), folder / "answer.json")

    folder = shared("study", fill)
    return folder / "studies" / "lenet-digits-1", kept(folder / "answer.json").json


@pytest.fixture(scope="session")
def part_of_study(whole_study: tuple[Path, Any], shared: Shared) -> Callable[..., tuple[Path, Any]]:
    """A function that ends a study of some of these heads and seeds, and returns the same of it.

    Its trainings are those of the whole study. 5 s of processor time a head.
    """

    def part(heads: str, seeds: int) -> tuple[Path, Any]:
        def fill(folder: Path) -> None:
            named = heads.split(",")
            cells = [f"{head}-{seed}" for head in named for seed in range(1, seeds + 1)]
            begun_part(whole_study[0], named, folder / "study", cells)
            given = ("--heads", heads, "--seeds", seeds, "--epochs", 2, "--out", "study", "--json")
            keep(run_command("compare", "lenet", *given, cwd=folder), folder / "answer.json")

        folder = shared(f"study-{heads}-{seeds}", fill)
        return folder / "study", kept(folder / "answer.json").json

    return part


@pytest.fixture(scope="session")
def warm_tuner() -> Iterator[tuple[str, ...]]:
    """What starts a process of fine-tuning that has its libraries loaded. 12 s of processor time."""
    program = str(Path(__file__).parent / "helpers" / "warm_tuner.py")
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        place = Path(folder, "socket")
        with subprocess.Popen([sys.executable, program, "serve", place], stdin=subprocess.PIPE) as server:
            wait_until(place.exists, "the libraries of fine-tuning are loaded", server)
            yield sys.executable, "-I", "-S", program, str(place)
            server.kill()


@pytest.fixture(scope="session")
def bundled_run(trained: tuple[Path, Answer], shared: Shared) -> Path:
    """A copy of the trained run: bundling may quantize."""
    return shared("bundled", lambda folder: shutil.copytree(trained[0], folder / "digits-fc")) / "digits-fc"


@pytest.fixture(scope="session")
def pi_bundle(bundled_run: Path, shared: Shared) -> Path:
    """Its bundle for a Raspberry Pi; tests must not change it. 2 s of processor time."""
    from kerascnn.tflite.bundle.bundle import bundle

    return shared("bundle", lambda folder: bundle(bundled_run, out=folder / "pi")) / "pi"


@pytest.fixture(scope="session")
def web_page(bundled_run: Path, shared: Shared) -> Path:
    """Its page for a browser; tests must not change it. 2 s of processor time."""
    from kerascnn.studies.bundle import bundle

    return (
        shared("web", lambda folder: bundle(bundled_run, target="web", out=folder / "page.html"))
        / "page.html"
    )


@pytest.fixture
def changeable(pi_bundle: Path, tmp_path: Path) -> Path:
    """A copy of that bundle."""
    return Path(shutil.copytree(pi_bundle, tmp_path / "bundle"))


@pytest.fixture
def run(trained: tuple[Path, Answer]) -> Path:
    """The folder of the trained and quantized run; tests must not change it."""
    return trained[0]


@pytest.fixture
def mnist_dir(tmp_path: Path) -> Path:
    """A small folder in MNIST's format."""
    return write_mnist(tmp_path / "mnist")


@pytest.fixture(scope="session")
def on_mnist(shared: Shared) -> tuple[Path, Answer]:
    """A run of eight epochs on such a folder beside it, and what training printed. 8 s of processor time."""

    def fill(folder: Path) -> None:
        write_mnist(folder / "mnist")
        given = ("--data", "mnist", "--data-dir", "mnist", "--epochs", 8, "--name", "a", "--json")
        keep(run_command("train", "lenet", *given, cwd=folder), folder / "answer.json")

    folder = shared("mnist", fill)
    return folder / "runs" / "a", kept(folder / "answer.json")


@pytest.fixture(scope="session")
def of_1998(shared: Shared) -> tuple[Path, Answer, Answer]:
    """A run of LeNet-5 as in the paper, what training printed, and quantizing. 20 s of processor time."""

    def fill(folder: Path) -> None:
        given = ("--variant", "paper", "--epochs", 3, "--name", "paper", "--json")
        keep(run_command("train", "lenet", *given, cwd=folder), folder / "trained.json")
        keep(run_command("quantize", "runs/paper", cwd=folder), folder / "quantized.json")

    folder = shared("1998", fill)
    return folder / "runs" / "paper", kept(folder / "trained.json"), kept(folder / "quantized.json")


@pytest.fixture(scope="session")
def on_photos(shared: Shared) -> Path:
    """A folder with photos and a file that is none, a run on them, and what training printed.

    Under ``then`` is what the run was after two of its four epochs. 9 s of processor time.
    """
    from signalled import copy_at, exists

    def fill(folder: Path) -> None:
        paint(folder / "photos", 20)
        (folder / "photos" / "red" / "notes.txt").write_text("no picture")
        after_two = {"then": exists("runs/a/checkpoints/epoch-000002.npz")}
        given = ("alexnet", "--data", "photos", *SMALL, "--epochs", 4, "--class-weights", "--name", "a")
        before = partial(copy_at, after_two, folder, folder)
        keep(run_command("train", *given, "--json", cwd=folder, before=before), folder / "answer.json")

    return shared("photos", fill)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with 20 small photos of each of three classes."""
    paint(tmp_path / "photos", 20)
    return tmp_path / "photos"
