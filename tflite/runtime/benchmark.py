"""``benchmark``: measure the speed of model files on this machine, side by side."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import file_sha256
from kerascnn.foundation.machine import machine
from kerascnn.foundation.process import OtherProcess
from kerascnn.foundation.progress import Progress, Telling, teller
from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.tflite.accelerators.check import is_compiled
from kerascnn.tflite.accelerators.registry import accelerators
from kerascnn.tflite.file_format.graph import read_graph
from kerascnn.training.run import Run

STOPWATCH = "kerascnn.tflite.runtime.stopwatch:Stopwatch"
MOST_THREADS = 256
MOST, LEAST, SECONDS = 1_000, 50, 20.0  # inferences that are timed: fewer where 1,000 would take longer
ROUNDS = 20  # turns of each model
RATES = 3  # turns with many images
AT_ONCE = 0.5  # seconds that the many images take about
FEWEST_IMAGES, MOST_IMAGES = 16, 2_000


@dataclass(frozen=True)
class Speed:
    """The speed of one file with one number of threads.

    Attributes:
        path: The file.
        model_sha256: SHA-256 of its content.
        threads: That computed.
        runs: Inferences of one image that were timed, after a warm-up.
        init_ms: Milliseconds to open it, libraries being loaded.
        first_us: Microseconds of the first inference.
        median_us: Likewise of all later ones; p95_us, p99_us, mean_us and sd_us, their deviation, also.
        memory_mib: Peak memory without the libraries; ``None``: the system does not
            tell.
        images_per_second: One image at a time, as the input tensor takes it.
        many_images: Given at once, several per batch or one for each thread, for the next figure.
        many_images_per_second: Then, from pixels to probabilities; the median of three.
    """

    path: str
    model_sha256: str
    threads: int
    runs: int
    init_ms: float
    first_us: float
    median_us: float
    p95_us: float
    p99_us: float
    mean_us: float
    sd_us: float
    memory_mib: float | None
    images_per_second: float
    many_images: int
    many_images_per_second: float


@dataclass(frozen=True)
class Benchmark(Shown):
    """Result of ``benchmark``: files side by side.

    Attributes:
        models: One entry for each file and number of threads.
        device: The machine.
        versions: Versions of the libraries.
    """

    models: tuple[Speed, ...]
    device: dict[str, Any]
    versions: dict[str, str]

    def blocks(self) -> list[Block]:
        """Return times, costs and their explanation."""
        from kerascnn.tflite.runtime.benchmark_text import blocks

        return blocks(self)

    def to_dict(self) -> dict[str, Any]:
        """Return models, device and versions."""
        return {
            "models": [asdict(speed) for speed in self.models],
            "device": self.device,
            "versions": self.versions,
        }


def benchmark(
    models: Sequence[Run | Path | str],
    *,
    threads: Sequence[int] = (1,),
    runs: int | None = None,
    progress: Telling = None,
) -> Benchmark:
    """Time models on the CPU: each file in its own process, in turns, one at a time.

    An inference goes from an image as the input tensor takes it to the output row; of a Keras model from raw
    pixels by ``predict_on_batch``. The images are noise.

    Args:
        models: ``.keras`` and ``.tflite`` files; a run is all of its files.
        threads: Each file runs with each of these numbers of threads.
        runs: Inferences to time; ``None``: 1,000, fewer (at least 50) where they would take above 20 seconds.
        progress: Called with the progress.

    Raises:
        UsageError: There is nothing to time, or a number makes no sense.
        KerasCnnError: A file is missing, damaged or does not classify images.
    """
    progress = teller(progress)
    numbers = tuple(dict.fromkeys(threads))
    if not numbers or not all(1 <= number <= MOST_THREADS for number in numbers):
        raise UsageError(f"threads must be 1 to {MOST_THREADS}. Received: threads={list(threads)}")
    if runs is not None and runs < 1:
        raise UsageError(f"runs must be at least 1. Received: runs={runs}")
    pairs = [(file, number) for file in _files(models) for number in numbers]
    with ExitStack() as stack:
        timed = [
            _Timed(stack.enter_context(OtherProcess(STOPWATCH, "timing")), file, number)
            for file, number in pairs
        ]
        _run(timed, runs, progress)
        speeds = tuple(each.speed() for each in timed)
    versions = {name: version(name) for name in ("kerascnn", "keras", "tensorflow", "ai-edge-litert")}
    return Benchmark(speeds, machine(), versions)


class _Timed:
    """One file with one number of threads, and its measurements so far."""

    def __init__(self, call: OtherProcess, file: Path, threads: int) -> None:
        self.file, self._call, self._threads = file, call, threads
        self._times: list[NDArray[np.float64]] = []
        self._rates: list[float] = []

    def begin(self, runs: int | None) -> None:
        self._init = self._call("open", self.file, self._threads)
        self._first, likely = self._call("first")
        self._runs = runs or int(np.clip(SECONDS / likely, LEAST, MOST))
        self._shares = [len(share) for share in np.array_split(np.arange(self._runs), ROUNDS)]
        self._images = int(np.clip(AT_ONCE * self._threads / likely, FEWEST_IMAGES, MOST_IMAGES))

    def take_turn(self, turn: int) -> None:
        self._times.append(self._call("times", self._shares[turn]))

    def take_memory(self) -> None:
        self._memory = self._call("memory")

    def take_rate(self) -> None:
        self._rates.append(self._call("rate", self._images))

    def speed(self) -> Speed:
        """Return the figures, rounded to a hundredth of their unit."""
        microseconds = 1e6 * np.concatenate(self._times)
        median, p95, p99 = np.percentile(microseconds, [50, 95, 99])
        mean = microseconds.mean()
        figures = {
            "init_ms": 1e3 * self._init,
            "first_us": 1e6 * self._first,
            "median_us": median,
            "p95_us": p95,
            "p99_us": p99,
            "mean_us": mean,
            "sd_us": microseconds.std(),
            "images_per_second": 1e6 / mean,
            "many_images_per_second": np.median(self._rates),
        }
        return Speed(
            path=str(self.file),
            model_sha256=file_sha256(self.file),
            threads=self._threads,
            runs=self._runs,
            memory_mib=None if self._memory is None else round(self._memory / 2**20, 2),
            many_images=self._images,
            **{name: round(float(figure), 2) for name, figure in figures.items()},
        )


def _run(timed: Sequence[_Timed], runs: int | None, progress: Progress) -> None:
    """Run all files in turns; no two run at the same time."""
    stages: list[tuple[str, int, Callable[[_Timed, int], None]]] = [
        ("opening", 1, lambda each, turn: each.begin(runs)),
        ("timing one image", ROUNDS, lambda each, turn: each.take_turn(turn)),
        ("measuring memory", 1, lambda each, turn: each.take_memory()),  # before many images need more
        ("timing many images", RATES, lambda each, turn: each.take_rate()),
    ]
    for stage, turns, act in stages:
        for done, (turn, each) in enumerate(product(range(turns), timed)):
            progress(stage, done, turns * len(timed), each.file.name)
            act(each, turn)
        progress(stage, turns * len(timed), turns * len(timed), "")


def _runnable(run: Run) -> list[Path]:
    """Return a run's files except those compiled for an accelerator, which run only there."""
    files = [run.path / name for name in run.files]
    known = accelerators.loadable()
    return [file for file in files if file.suffix != ".tflite" or not is_compiled(read_graph(file), *known)]


def _files(models: Sequence[Run | Path | str]) -> list[Path]:
    """Return the distinct files, those of a run in its order."""
    found: dict[Path, Path] = {}
    for model in models:
        path = Path(model)
        run = Run.open(path) if path.is_dir() else None
        files = _runnable(run) if run else [path]
        for file in files:
            if not file.exists():
                raise KerasCnnError(f"{file} does not exist. `kerascnn runs` lists the runs.")
            if file.suffix not in (".keras", ".tflite"):
                raise KerasCnnError(f"{file} is neither a run folder nor a .keras or .tflite file.")
            found.setdefault(file.resolve(), file)
    if not found:
        raise UsageError("Give at least one run or model file with something to time.")
    return list(found.values())
