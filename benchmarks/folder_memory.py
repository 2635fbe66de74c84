"""Peak memory of a training on folders of 300, 3,000 and 30,000 photos.

The folders are drawn: 320×240 JPEG files in two classes. ``kerascnn train alexnet --variant small_stem --head
nin`` then trains one epoch on each, the whole command in a process of its own, once with no room for decoded
pictures and once with the usual room. What is kept grows with the folder until that room is full, by design,
as large as the input asks for: 2 kB a picture at 16×16, 27 kB at 64×64. Without it the memory must not depend
on the number of files.

    python benchmarks/folder_memory.py [--counts 300,3000,30000] [--image-size 16] [--cache-mb 0,2048]
        [--json FILE]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from contenders.measured import show
from PIL import Image

CLASSES = ("dark", "light")
SIZE = (320, 240)
FLAT = 0.10  # largest share by which the peaks may differ


def numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def paint(folder: Path, count: int) -> None:
    """Write JPEG files: coarse noise, scaled up, so that they weigh about as much as photos of that size."""
    draw = np.random.default_rng(1)
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(label, count, len(CLASSES)):
            pixels = draw.integers(100 * label, 100 * label + 155, (12, 16, 3), np.uint8)
            Image.fromarray(pixels).resize(SIZE).save(folder / name / f"{number:05}.jpg")


def trained(folder: Path, image_size: int, cache_mb: int) -> tuple[float, float]:
    """Return peak resident memory in MiB and seconds of the whole command."""
    command = [
        sys.executable,
        "-m",
        "kerascnn",
        "train",
        "alexnet",
        "--variant",
        "small_stem",
        "--head",
        "nin",
    ]
    options = ["--data", folder, "--image-size", image_size, "--cache-mb", cache_mb, "--epochs", 1]
    with tempfile.TemporaryDirectory() as runs, tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(
            [*command, *map(str, [*options, "--runs-dir", runs])], stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)  # what this one child used, not the largest of all
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{folder}: {said.read()[-2000:].decode()}")
    unit = 1 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    return used.ru_maxrss * unit / 2**20, seconds


def flatness(cache_mb: int, rows: list[dict]) -> str:
    """Return a sentence on how much the peaks of one size of cache differ."""
    peaks = [row["peak MiB"] for row in rows if row["cache MiB"] == cache_mb]
    growth = max(peaks) / min(peaks) - 1
    verdict = "met" if growth <= FLAT else "missed"
    return f"Cache of {cache_mb:,} MiB: the peaks differ by {growth:.1%} (bar {FLAT:.0%}: {verdict})."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--counts", type=numbers, default=[300, 3_000, 30_000], help="of images of the folders"
    )
    parser.add_argument("--image-size", type=int, default=16)
    parser.add_argument("--cache-mb", type=numbers, default=[0, 2_048], help="of decoded pictures")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    for count in options.counts:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "photos"
            paint(folder, count)
            for cache_mb in options.cache_mb:
                peak, seconds = trained(folder, options.image_size, cache_mb)
                rows.append({"images": count, "cache MiB": cache_mb, "peak MiB": peak, "seconds": seconds})
                print(rows[-1], file=sys.stderr)
    notes = [flatness(cache_mb, rows) for cache_mb in options.cache_mb]
    side = options.image_size
    title = f"Peak memory of a training on a folder of {SIZE[0]}×{SIZE[1]} photos, input {side}×{side}"
    show(title, rows, options.json, notes=notes)


if __name__ == "__main__":
    main()
