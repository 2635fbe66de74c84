"""The real command as tests run it, what it answers, and small files that it is given."""

import gzip
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from warm_command import TIME_LIMIT, WarmProcess, kerascnn_command

COMMAND = [sys.executable, "-m", "kerascnn"]


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


def fresh_command(*arguments: object, cwd: Path, env: Mapping[str, str] | None = None) -> Answer:
    """Run the command in a process that starts from nothing, as a user's shell does."""
    ended = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIME_LIMIT,
        check=False,
    )
    return Answer(ended.returncode, ended.stdout, ended.stderr)


def background(*arguments: object, cwd: Path, **kwargs: Any) -> WarmProcess:
    """Start the command in a process of its own; see ``WarmProcess`` for what else it takes."""
    return WarmProcess(kerascnn_command, [*map(str, arguments)], cwd, **kwargs)


def run_command(*arguments: object, cwd: Path, **kwargs: Any) -> Answer:
    """Run the command in a process of its own and wait for its end."""
    with background(*arguments, cwd=cwd, **kwargs) as process:
        return Answer(process.wait(), process.out, process.err)


def keep(answer: Answer, file: Path) -> None:
    """Write what a successful command said, for other workers."""
    assert answer.code == 0, answer.err
    file.write_text(json.dumps(asdict(answer)), "utf-8")


def kept(file: Path) -> Answer:
    """Read what a command said to whichever worker ran it."""
    return Answer(**json.loads(file.read_text("utf-8")))


def begun_part(study: Path, heads: list[str], folder: Path, cells: list[str]) -> None:
    """Begin a study of some of another's heads, with some of its cells."""
    begun = json.loads((study / "study.json").read_text())
    del begun["ending"]
    units = begun["settings"]["head_units"]
    begun["settings"] |= {"heads": heads, "head_units": {head: units[head] for head in heads}}
    for cell in cells:
        shutil.copytree(study / "runs" / cell, folder / "runs" / cell)
    (folder / "study.json").write_text(json.dumps(begun))


def write_idx(path: Path, values: np.ndarray, magic: bytes | None = None) -> None:
    header = magic or b"\0\0\x08" + bytes([values.ndim])
    content = header + struct.pack(f">{values.ndim}I", *values.shape) + values.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_mnist(folder: Path) -> Path:
    """Make a folder in MNIST's format: 480 training and 60 test images, one bright row for each label."""
    folder.mkdir()
    for prefix, n in (("train", 480), ("t10k", 60)):
        labels = np.arange(n) % 10
        images = np.random.default_rng(n).integers(0, 60, (n, 28, 28))
        images[np.arange(n), 2 * labels + 4] = 255
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)
    return folder
