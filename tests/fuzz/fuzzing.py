"""Fuzzing: every reader, given damaged files, reads them or refuses them in one line.

Each input follows from the seed and its number, so that what is found can be found again:

    python tests/fuzz/fuzzing.py --inputs 100000
    python tests/fuzz/fuzzing.py --seed 1 --only 4711    # that one again, with its traceback, and the file
"""

import argparse
import json
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

if __name__ == "__main__":  # its folder is known already
    sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "helpers"))

from readers import Reader, forged, litert, readers

from kerascnn.foundation.errors import KerasCnnError

SECONDS = 5.0  # of one input
MEMORY = 2**30  # bytes that it may use, beyond what the process had before
RESERVED = 6 * 2**30  # bytes that it can reserve: libraries ask for what a header claims, and fill a little
LONGEST = 1_000  # signs of a message
SILENT = 60.0  # seconds without a new input, after which the process is ended
RARE = 250  # one input of so many goes to a reader that computes with a network


class Hang(BaseException):
    """An input took too long; no reader may catch it."""


@dataclass(frozen=True)
class Finding:
    """What a reader did with an input that it neither read nor refused as it must."""

    seed: int
    number: int
    reader: str
    what: str

    def __str__(self) -> str:
        again = f"python tests/fuzz/fuzzing.py --seed {self.seed} --only {self.number}"
        return f"{self.reader}: {self.what}\n    {again}"


@dataclass(frozen=True)
class Fuzzer:
    """Readers and a seed."""

    seed: int
    bundle: Path | None = None

    def reader(self, number: int) -> Reader:
        """Return whose turn it is."""
        often, rare = _turns(self.bundle)
        turn, rest = divmod(number, RARE)
        return often[number % len(often)] if rest or not rare else rare[turn % len(rare)]

    def lay(self, number: int, folder: Path) -> Path:
        """Write an input, and what must lie beside it, into an empty folder."""
        reader, draw = self.reader(number), np.random.default_rng((self.seed, number))
        sound = _seeds(reader)
        chosen = int(draw.integers(len(sound)))
        for name, content in reader.around.items():
            write(folder / name, content())
        return write(folder / reader.file, reader.mutate(sound[chosen], sound, draw))

    def try_one(self, number: int, folder: Path) -> str:
        """Read one input; return what is wrong with how that went, nothing if it is read or refused."""
        path = self.lay(number, folder)
        peak()
        before = peak()
        try:
            with _time_limit():
                self.reader(number).read(path)
        except KerasCnnError as error:
            if wrong := _bad_message(error):
                return wrong
        except Hang:
            return f"took longer than {SECONDS:g} s"
        except Exception as error:
            return f"{type(error).__name__} at {_place(error)}: {error!s:.200}"
        return f"took more than {MEMORY:,} bytes" if peak() - before > MEMORY else ""

    def hunt(self, numbers: range, tell: Path) -> tuple[list[Finding], Counter[str]]:
        """Try inputs in turn; return what was found, and how many inputs each reader had.

        Args:
            numbers: Of the inputs.
            tell: Where the number of the input stands that is being read.
        """
        warnings.simplefilter("ignore")
        logging.disable()
        found, counts = [], Counter[str]()
        limit_memory()
        with tell.open("w") as told, tempfile.TemporaryDirectory() as place:
            for number in numbers:
                os.pwrite(told.fileno(), f"{number:12}".encode(), 0)
                folder = Path(place, "input")
                folder.mkdir()
                if what := self.try_one(number, folder):
                    found.append(Finding(self.seed, number, self.reader(number).name, what))
                counts[self.reader(number).name] += 1
                shutil.rmtree(folder)
        return found, counts


@cache
def _turns(bundle: Path | None) -> tuple[list[Reader], list[Reader]]:
    often = [reader for reader in readers(bundle) for _ in range(reader.share)]
    return often, [litert(), *([forged(bundle)] if bundle else [])]


_SEEDS: dict[str, list[bytes]] = {}


def _seeds(reader: Reader) -> list[bytes]:
    if reader.name not in _SEEDS:
        _SEEDS[reader.name] = reader.seeds()
    return _SEEDS[reader.name]


def write(path: Path, content: bytes) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@contextmanager
def _time_limit() -> Iterator[None]:
    def late(*_: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def limit_memory() -> None:
    """Let this process reserve so much more memory, and no more."""
    (pages, *_) = map(int, Path("/proc/self/statm").read_text().split())
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + RESERVED, hard))


def peak() -> int:
    """Return the bytes that this process has used at most since it was asked last."""
    status = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def _bad_message(error: KerasCnnError) -> str:
    message = str(error)
    if len(message) > LONGEST:
        return f"{type(error).__name__} at {_place(error)} with {len(message):,} signs: {message[:100]}…"
    if not message.isprintable():
        sign = next(sign for sign in message if not sign.isprintable())
        return f"{type(error).__name__} at {_place(error)} with the sign {sign!r}: {message[:200]!r}"
    return ""


def _place(error: BaseException) -> str:
    """Return where it was raised: the last place of this project, else the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if "site-packages" not in frame.filename and "/lib/python" not in frame.filename
    ]
    frame = (own or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}"


def hunt_in_a_process(words: list[str]) -> None:
    """Hunt as told and print what was found, as JSON: what a process of its own does."""
    seed, first, last, tell, bundle = words
    fuzzer = Fuzzer(int(seed), Path(bundle) if bundle else None)
    found, counts = fuzzer.hunt(range(int(first), int(last)), Path(tell))
    sys.stdout.write("\n" + json.dumps({"found": [asdict(each) for each in found], "counts": counts}) + "\n")


def hunted(seed: int, inputs: range, bundle: Path) -> tuple[list[Finding], Counter[str]]:
    """Hunt in processes of their own: what ends one is a finding, too, and the next goes on behind it."""
    found, counts, first = [], Counter[str](), inputs.start
    with tempfile.TemporaryDirectory() as folder:
        tell = Path(folder, "number")
        while first < inputs.stop:
            last = min(first + 5_000, inputs.stop)
            words = [str(seed), str(first), str(last), str(tell), str(bundle)]
            tell.write_text(f"{first:12}")
            ended = _waited([sys.executable, __file__, "--child", *words], tell)
            if ended.returncode == 0:
                told = json.loads(ended.stdout.splitlines()[-1])
                found += [Finding(**each) for each in told["found"]]
                counts.update(told["counts"])
                first = last
            else:  # what it found before is found again: the rest of its inputs is hunted in two parts
                number = int(tell.read_text())
                if number > first:
                    more, others = hunted(seed, range(first, number), bundle)
                    found, counts = found + more, counts + others
                name = Fuzzer(seed, bundle).reader(number).name
                what = f"ended its process with {ended.returncode}: {ended.stderr.strip()[-200:]}"
                found.append(Finding(seed, number, name, what))
                counts[name] += 1
                first = number + 1
            print(
                f"{first - inputs.start:,} of {len(inputs):,} inputs, {len(found)} findings",
                file=sys.stderr,
                flush=True,
            )
    return found, counts


def _waited(command: list[str], tell: Path) -> subprocess.CompletedProcess[str]:
    """Run a process; end it if it tells of no new input for too long."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
        seen, since = "", time.monotonic()
        while process.poll() is None:
            time.sleep(0.2)
            if (now := tell.read_text()) != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > SILENT:
                process.kill()
        for stream in (out, err):
            stream.seek(0)
        return subprocess.CompletedProcess(command, process.returncode, out.read(), err.read())


def made_bundle(folder: Path) -> Path:
    """Train for an epoch and make a bundle of it: 15 s."""
    for words in (
        ["train", "lenet", "--epochs", "1", "--name", "a"],
        ["quantize", "runs/a"],
        ["bundle", "runs/a", "--out", "bundle"],
    ):
        subprocess.run(
            [sys.executable, "-m", "kerascnn", *words], cwd=folder, check=True, capture_output=True
        )
    return folder / "bundle"


def main() -> int:
    """Hunt, print the counts and what was found; 1 if something was."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="else the time")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this input alone, and keep its file")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        hunt_in_a_process(given.child)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        bundle = made_bundle(Path(folder))
        if given.only is not None:
            return _again(Fuzzer(given.seed, bundle), given.only)
        print(f"seed {given.seed}", flush=True)
        found, counts = hunted(given.seed, range(given.inputs), bundle)
    for name, count in sorted(counts.items()):
        print(f"{name:14} {count:7,} inputs")
    for finding in found:
        print(finding)
    print(f"{sum(counts.values()):,} inputs, {len(found)} findings")
    return 1 if found else 0


def _again(fuzzer: Fuzzer, number: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    path = fuzzer.lay(number, folder)
    print(f"{fuzzer.reader(number).name}: {path}", flush=True)
    limit_memory()
    fuzzer.reader(number).read(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
