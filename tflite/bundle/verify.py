"""``verify``: whether a bundle is whole, holds nothing else, and computes what its run does."""

import hashlib
import io
import json
import re
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from kerascnn.data.preprocessing import Preprocessing
from kerascnn.description import DAMAGED_ARCHIVE
from kerascnn.errors import KerasCnnError, first_line
from kerascnn.run import Run
from kerascnn.tflite.bundle.bundling import COMPILED, MODEL, SUMS
from kerascnn.tflite.interpreter import LiteRTClassifier
from kerascnn.tflite.labels import LABELS, names

LARGEST = 2**30  # bytes of everything in a bundle
SIGNATURES = {".tflite": (4, b"TFL3"), ".png": (0, b"\x89PNG\r\n\x1a\n"), ".npy": (0, b"\x93NUMPY")}
TEXTS = (".md", ".json", ".py", ".txt")
#: A place on the machine of whoever made it.
PLACES = re.compile(r"/(?:home|root|Users|tmp|work|mnt)/\w|[A-Z]:\\\\?\w")


@dataclass(frozen=True)
class Verification:
    """What was found.

    Attributes:
        path: The bundle.
        files: How many it holds.
        problems: One sentence each, none: it is whole.
        run: What it was compared with.
    """

    path: Path
    files: int
    problems: tuple[str, ...]
    run: Path | None

    def to_dict(self) -> dict[str, Any]:
        """Return path, ok, files, problems and run."""
        return {
            "path": str(self.path),
            "ok": not self.problems,
            "files": self.files,
            "problems": list(self.problems),
            "run": str(self.run) if self.run else None,
        }


def verify(path: Path | str, *, run: Run | Path | str | None = None) -> Verification:
    """Look into a bundle, without unpacking it anywhere and without running its program.

    Args:
        path: The folder or the archive.
        run: What it must have been made of; ``None``: nothing to compare with.

    Raises:
        KerasCnnError: There is no such bundle, or the run is incomplete.
    """
    path = Path(path)
    if run is not None and not isinstance(run, Run):
        run = Run.open(run)
    problems: list[str] = []
    content = _read(path, problems)
    problems += _against_sums(content)
    problems += _misshapen(content)
    if not problems:  # else the golden pictures would only say the same in other words
        problems += _against_itself(path, content)
        problems += _against_run(content, run) if run else []
    return Verification(path, len(content), tuple(problems), run.path if run else None)


def _read(path: Path, problems: list[str]) -> dict[str, bytes]:
    """Return the files by name; what may not be in a bundle is a problem and is left out."""
    if path.is_dir():
        return dict(_files_of_folder(path, problems))
    if not path.is_file():
        raise KerasCnnError(f"{path} does not exist.")
    try:
        with zipfile.ZipFile(path) as archive:
            return dict(_files_of_archive(archive, problems))
    except DAMAGED_ARCHIVE as error:
        raise KerasCnnError(f"{path} is not a whole archive: {first_line(error)}.") from error


def _files_of_folder(path: Path, problems: list[str]) -> Iterator[tuple[str, bytes]]:
    for each in sorted(path.rglob("*")):
        name = each.relative_to(path).as_posix()
        mode = each.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            problems.append(f"{name} is a link or no plain file")
        else:
            yield name, each.read_bytes()


def _files_of_archive(archive: zipfile.ZipFile, problems: list[str]) -> Iterator[tuple[str, bytes]]:
    members = archive.infolist()
    if sum(member.file_size for member in members) > LARGEST:
        raise KerasCnnError(f"{archive.filename} holds more than {LARGEST:,} bytes.")
    seen: set[str] = set()
    for member in members:
        whole = PurePosixPath(member.filename)
        name = "/".join(whole.parts[1:])
        odd = whole.is_absolute() or ".." in whole.parts or "\\" in member.filename or ":" in member.filename
        if odd or not name:
            problems.append(f"{member.filename} would land outside the bundle's folder")
        elif stat.S_ISLNK(member.external_attr >> 16):
            problems.append(f"{name} is a link or no plain file")
        elif name in seen:
            problems.append(f"{name} is there twice")
        else:
            seen.add(name)
            yield name, archive.read(member)
    if len({PurePosixPath(member.filename).parts[:1] for member in members}) > 1:
        problems.append("the archive has more than one folder")


def _against_sums(content: dict[str, bytes]) -> list[str]:
    """Compare every file with the list of hashes, and the list with the files."""
    if SUMS not in content:
        return [f"{SUMS} is missing"]
    lines = content[SUMS].decode(errors="replace").splitlines()
    listed = {name: known for known, _, name in (line.partition("  ") for line in lines)}
    others = content.keys() - {SUMS}
    return [
        *(f"{name} is missing" for name in sorted(listed.keys() - others)),
        *(f"{name} is not of the bundle" for name in sorted(others - listed.keys())),
        *(
            f"{name} has changed"
            for name in sorted(others & listed.keys())
            if hashlib.sha256(content[name]).hexdigest() != listed[name]
        ),
    ]


def _misshapen(content: dict[str, bytes]) -> Iterator[str]:
    for name, data in content.items():
        suffix = PurePosixPath(name).suffix
        place, mark = SIGNATURES.get(suffix, (0, b""))
        if data[place : place + len(mark)] != mark:
            yield f"{name} is no {suffix} file"
        if suffix in TEXTS and (found := PLACES.search(data.decode(errors="replace"))):
            yield f"{name} names a place of another machine: {found.group()}…"


def _against_itself(path: Path, content: dict[str, bytes]) -> list[str]:
    """Compare the model with its card, and compute the golden pictures here."""
    try:
        card = json.loads(content["model.json"])
        rule = Preprocessing(**card["preprocessing"])
        inputs, outputs = (
            np.load(io.BytesIO(content[f"golden/{name}.npy"]), allow_pickle=False)
            for name in ("inputs", "outputs")
        )
        pictures = [
            Image.open(io.BytesIO(data)) for name, data in sorted(content.items()) if name.endswith(".png")
        ]
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / MODEL
            copy.write_bytes(content[MODEL])
            lite = LiteRTClassifier(copy)
        encoded = lite.encode(np.stack([rule.image(picture) for picture in pictures]))
        computed = np.stack([lite.invoke(values[np.newaxis]) for values in inputs])
        steps = np.abs(computed.astype(np.float64) - outputs).max() / card["output_step"]
        checks = {
            "the model is not the one that model.json names": hashlib.sha256(content[MODEL]).hexdigest()
            == card["model_sha256"],
            "labels.txt and model.json name other classes": list(names(content[LABELS])) == card["classes"],
            "the compiled model is missing or surplus": (COMPILED in content) == bool(card["edgetpu_model"]),
            "the golden pictures do not become the golden inputs": np.array_equal(encoded, inputs),
            f"the golden outputs differ by {steps:.3g} steps of quantization": steps <= 1,
        }
    except Exception as error:  # damaged content raises whatever its reader meets
        return [f"{path}: its content does not fit together: {type(error).__name__}: {first_line(error)}"]
    return [problem for problem, holds in checks.items() if not holds]


def _against_run(content: dict[str, bytes], run: Run) -> list[str]:
    made_of = json.loads(content["model.json"]).get("keras_sha256")
    if hashlib.sha256(run.require_model().read_bytes()).hexdigest() != made_of:
        return [f"it was made of another model than that of {run.path}"]
    return []
