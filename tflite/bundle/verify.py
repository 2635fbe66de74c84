"""``verify``: check that a bundle is complete, contains nothing else, and matches its run."""

import hashlib
import io
import json
import math
import os
import re
import stat
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from kerascnn.data.preprocessing import Preprocessing
from kerascnn.foundation.errors import KerasCnnError, first_line
from kerascnn.foundation.process import OtherProcess, ProcessError
from kerascnn.foundation.text.escapes import printable
from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.models.description import DAMAGED_ARCHIVE
from kerascnn.tflite.bundle.bundle import MODEL, NEEDED, SUMS, TESTED, programs
from kerascnn.tflite.bundle.golden import ARRAYS, LONGEST, Expected, expected, has_reference, logits_of
from kerascnn.tflite.bundle.readme import LICENSE, readme
from kerascnn.tflite.bundle.web import SUFFIX
from kerascnn.tflite.metadata.labels import LABELS, lines
from kerascnn.tflite.quantization.file_spec import FileSpec
from kerascnn.tflite.quantization.result import int8_file
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.runtime.isolated import memory_for
from kerascnn.tflite.web.check import LARGEST, page_problems
from kerascnn.training.run import Run

LARGEST_BUNDLE = 2**30  # bytes of everything in a bundle
PATIENCE = 120  # seconds for its reference images
#: Bytes of one file, by its suffix; of a text those of "".
LARGEST_OF = {".tflite": 2**29, ".npy": 2**26, ".png": 2**22, "": 2**20}
MOST = 256  # files
END_RECORD = b"PK\x05\x06"  # of an archive without a comment it begins 22 bytes before the end
CARD, REQUIREMENTS, INPUTS = "model.json", "requirements.txt", "golden/inputs.npy"
COMPILED = re.compile(r"model_\w+\.tflite")  # for an accelerator
#: Every name that a bundle can have.
NAMES = re.compile(
    "|".join(
        [
            *map(re.escape, (*programs(), SUMS, MODEL, LABELS, CARD, REQUIREMENTS)),
            *(f"golden/{name}\\.npy" for name in ARRAYS),
            COMPILED.pattern,
            r"README\.md|LICENSE|golden/\d\d-[A-Za-z0-9-]*\.png",
        ]
    )
)
SIGNATURES = {".tflite": (4, b"TFL3"), ".png": (0, b"\x89PNG\r\n\x1a\n"), ".npy": (0, b"\x93NUMPY")}
#: A place on the machine of whoever made it, in the card: the other texts are compared as they are.
PLACE = re.compile(r'"(?:/|[A-Za-z]:[\\/])')


@dataclass(frozen=True)
class Verification(Shown):
    """Result of ``verify``: the problems found.

    Attributes:
        path: The bundle.
        files: How many it holds.
        sha256: Of the list of hashes, or of a page: the same that ``bundle`` told when it made it, if it is
            that one.
        problems: One sentence each, none: it is whole.
        run: The run it was compared with.
    """

    path: Path
    files: int
    sha256: str
    problems: tuple[str, ...]
    run: Path | None

    def blocks(self) -> list[Block]:
        """Return the problems, or a line that there are none."""
        if self.problems:
            return ["\n".join(f"  {problem}" for problem in self.problems)]
        made = f", made of {self.run}" if self.run else ""
        if self.path.suffix.lower() == SUFFIX:
            return [
                f"{self.path}: complete{made}; it compares its own outputs when a browser opens it\n"
                f"sha256  {self.sha256}"
            ]
        return [
            f"{self.path}: {self.files} files, complete{made}; the reference outputs are correct here\n"
            f"sha256  {self.sha256}"
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return path, ok, files, sha256, problems and run."""
        return {
            "path": str(self.path),
            "ok": not self.problems,
            "files": self.files,
            "sha256": self.sha256,
            "problems": list(self.problems),
            "run": str(self.run) if self.run else None,
        }


def verify(path: Path | str, *, run: Run | Path | str | None = None) -> Verification:
    """Check a bundle without unpacking it and without running its program.

    Args:
        path: The folder, the archive or the page.
        run: The run that it must have been made from; ``None``: no comparison.

    Raises:
        KerasCnnError: There is no such bundle, or the run is incomplete.
    """
    path = Path(path)
    run = None if run is None else Run.of(run)
    if path.suffix.lower() == SUFFIX and path.is_file():
        return _verified_page(path, run)
    problems: list[str] = []
    content = _read(path, problems)
    problems += [*_against_sums(content), *_misshapen(content)]
    if not problems:
        problems += _oversized(content)
    if not problems:  # else the reference images would only say the same in other words
        problems += _against_itself(content)
    if run and not problems:
        problems += _against_run(content, run)
    told = tuple(map(printable, problems))
    digest = hashlib.sha256(content.get(SUMS, b"")).hexdigest()
    return Verification(path, len(content), digest, told, run.path if run else None)


def _verified_page(path: Path, run: Run | None) -> Verification:
    if path.stat().st_size > LARGEST:
        raise KerasCnnError(f"{path} has more than {LARGEST:,} bytes: it is not a page of a bundle.")
    content = path.read_bytes()
    problems = tuple(map(printable, page_problems(path, content, int8_file(run) if run else None)))
    return Verification(path, 1, hashlib.sha256(content).hexdigest(), problems, run.path if run else None)


def _read(path: Path, problems: list[str]) -> dict[str, bytes]:
    """Return the files by name; files that may not be in a bundle are reported and left out."""
    if path.is_dir():
        return dict(_files_of_folder(path, problems))
    if not path.is_file():
        raise KerasCnnError(f"{path} is neither a folder nor a file.")
    try:
        with zipfile.ZipFile(path) as archive:
            if min((member.header_offset for member in archive.infolist()), default=0):
                problems.append("there is data before the archive")
            if not _ends_at_its_end(path):
                problems.append("there is data after the archive")
            return dict(_files_of_archive(archive, problems))
    except (*DAMAGED_ARCHIVE, OSError) as error:  # the last of a place before the file's beginning
        raise KerasCnnError(f"{path} is not a complete archive: {first_line(error)}.") from error


def _ends_at_its_end(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-22, os.SEEK_END)
        return file.read(4) == END_RECORD


def _files_of_folder(path: Path, problems: list[str]) -> Iterator[tuple[str, bytes]]:
    found = sorted(islice(path.rglob("*"), MOST + 1))
    if len(found) > MOST:
        raise KerasCnnError(f"{path} holds more than {MOST} files: it is not a bundle.")
    for each in found:
        name = each.relative_to(path).as_posix()
        mode = each.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            problems.append(f"{name} is a link or not a regular file")
        elif not NAMES.fullmatch(name):
            problems.append(f"{name} does not belong to a bundle")
        else:
            _require_small(name, each.stat().st_size)
            yield name, each.read_bytes()


def _files_of_archive(archive: zipfile.ZipFile, problems: list[str]) -> Iterator[tuple[str, bytes]]:
    members = archive.infolist()
    if len(members) > MOST:
        raise KerasCnnError(f"{archive.filename} holds {len(members):,} files: it is not a bundle.")
    if sum(member.file_size for member in members) > LARGEST_BUNDLE:
        raise KerasCnnError(f"{archive.filename} holds more than {LARGEST_BUNDLE:,} bytes.")
    seen: set[str] = set()
    for member in members:
        whole = PurePosixPath(member.filename)
        name = "/".join(whole.parts[1:])
        drive = re.match("[A-Za-z]:", member.filename)
        if whole.is_absolute() or ".." in whole.parts or "\\" in member.filename or drive:
            problems.append(f"{member.filename} would be written outside the bundle's folder")
        elif stat.S_ISLNK(member.external_attr >> 16):
            problems.append(f"{name} is a link or not a regular file")
        elif member.filename.endswith("/") and name in (
            "",
            "golden",
            "examples",
        ):  # other programs list folders, too
            continue
        elif not NAMES.fullmatch(name):
            problems.append(
                f"{name or member.filename or 'a file without a name'} does not belong to a bundle"
            )
        elif name in seen:
            problems.append(f"{name} is there twice")
        else:
            seen.add(name)
            _require_small(name, member.file_size)
            yield name, archive.read(member)
    if len({PurePosixPath(member.filename).parts[:1] for member in members}) > 1:
        problems.append("the archive has more than one folder")


def _require_small(name: str, size: int) -> None:
    most = LARGEST_OF.get(PurePosixPath(name).suffix, LARGEST_OF[""])
    if size > most:
        raise KerasCnnError(f"{name} in the bundle has {size:,} bytes, more than the {most:,} it may have.")


def _against_sums(content: dict[str, bytes]) -> list[str]:
    """Compare the files with the list of hashes, in both directions."""
    if SUMS not in content:
        return [f"{SUMS} is missing"]
    parted = [line.partition("  ") for line in content[SUMS].decode(errors="replace").split("\n")[:-1]]
    if not all(name for _, _, name in parted):
        return [f"{SUMS} is damaged"]
    listed = {name: known for known, _, name in parted}
    needed = {*programs(), MODEL, LABELS, CARD, REQUIREMENTS, "README.md", "LICENSE"}
    others = content.keys() - {SUMS}
    return [
        *(f"{name} is missing" for name in sorted((listed.keys() | needed) - others)),
        *(f"{name} does not belong to this bundle" for name in sorted(others - listed.keys())),
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
            yield f"{name} is not a {suffix} file"


def _oversized(content: dict[str, bytes]) -> Iterator[str]:
    """Compare declared sizes with the actual data before anything relies on them."""
    shapes = {}
    for name, data in content.items():
        suffix = PurePosixPath(name).suffix
        if suffix == ".npy":
            shapes[name] = _shape(data)
            if not shapes[name]:
                yield f"{name} does not contain the data that it declares"
        if suffix == ".png" and max(*struct.unpack(">II", data[16:24].rjust(8, b"\xff")), 1) > LONGEST:
            yield f"{name} is larger than {LONGEST} pixels per side"
    try:
        rule = json.loads(content[CARD])["preprocessing"]
        side = [rule[name] for name in ("height", "width", "channels")]
    except (ValueError, KeyError, TypeError, RecursionError):
        yield f"its content is inconsistent: {CARD} does not describe the preprocessing"
        return
    if list(shapes.get(INPUTS, ())[1:]) != side:
        yield f"{CARD} gives images another size than the golden inputs"


def _shape(data: bytes) -> tuple[int, ...]:
    """Return the shape of an array in NumPy's format; empty if the data do not have that size."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, dtype = read[version](file)
    except (ValueError, KeyError, EOFError):
        return ()
    whole = math.prod(shape) * dtype.itemsize == len(data) - file.tell()
    return shape if whole and not dtype.hasobject else ()


def _against_itself(content: dict[str, bytes]) -> list[str]:
    """Compare the files with each other in a separate process, because the model is untrusted."""
    memory = memory_for(len(content[MODEL]))
    with OtherProcess(f"{__name__}:{Served.__name__}", "running the model", memory=memory) as process:
        try:
            problems: list[str] = process("problems", content, within=PATIENCE)
        except ProcessError as error:
            return [f"its model cannot be run: LiteRT {error.reason}"]
    return problems


class Served:
    """The server in the separate process, which opens the model."""

    def problems(self, content: dict[str, bytes]) -> list[str]:
        """Return the contradictions."""
        return _contradictions(content)


def _contradictions(content: dict[str, bytes]) -> list[str]:
    """Compare the files with ``model.json`` and run the reference images here."""
    try:
        card = {"delegates": {}} | json.loads(content[CARD])  # an earlier version told less
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / MODEL
            copy.write_bytes(content[MODEL])
            lite = LiteRTClassifier(copy)
            checks = _texts(content, card) | _model(content, card, lite) | _golden(content, card, lite)
    except Exception as error:  # damaged content raises whatever its reader meets
        return [f"its content is inconsistent: {type(error).__name__}"]
    return [problem for problem, holds in checks.items() if not holds]


def _texts(content: dict[str, bytes], card: dict[str, Any]) -> dict[str, bool]:
    """Compare the programs with those of this version; they are the same for every model."""
    made = f"kerascnn {card['kerascnn']} made it"
    written = programs() | {"README.md": readme(card).encode(), "LICENSE": LICENSE.encode()}
    pinned = "".join(rf"{name}==[0-9.]+\n" for name in NEEDED)
    return {
        **{
            f"{name} differs from what this kerascnn writes ({made})": content[name] == written[name]
            for name in written
        },
        f"{REQUIREMENTS} requires something else": bool(re.fullmatch(pinned, content[REQUIREMENTS].decode())),
        f"{CARD} contains a path of another machine": not PLACE.search(content[CARD].decode()),
    }


def _model(content: dict[str, bytes], card: dict[str, Any], lite: LiteRTClassifier) -> dict[str, bool]:
    described = lite.description
    return {
        f"the model is not the one that {CARD} names": _sha256(content[MODEL]) == card["model_sha256"],
        f"the model and {CARD} name other classes": list(described.classes) == card["classes"],
        f"the model and {LABELS} name other classes": lines(described.classes) == content[LABELS],
        f"the model and {CARD} describe different preprocessing": described.preprocessing
        == Preprocessing(**card["preprocessing"]),
        f"the model was not made from the run that {CARD} names": card["keras_sha256"].encode()
        in content[MODEL],
        f"{CARD} describes other logits": card["logits"] == logits_of(lite.path),
        "the compiled model is missing or unexpected": set(filter(COMPILED.fullmatch, content))
        == {each["model"] for each in card["delegates"].values()} - {MODEL, None},
    }


def _golden(content: dict[str, bytes], card: dict[str, Any], lite: LiteRTClassifier) -> dict[str, bool]:
    """Run the reference images with LiteRT's reference and default kernels."""
    rule = Preprocessing(**card["preprocessing"])
    inputs, *known = (
        np.load(io.BytesIO(content[f"golden/{name}.npy"]), allow_pickle=False) for name in ARRAYS
    )
    images = [Image.open(io.BytesIO(data)) for name, data in sorted(content.items()) if name.endswith(".png")]
    encoded = lite.encode(np.stack([rule.image(image) for image in images]))
    again, stored = expected(lite.path, inputs), Expected(*known)
    computed = np.stack([lite.invoke(values[np.newaxis]) for values in inputs])
    same = all(
        one.shape == other.shape and np.allclose(one, other, atol=1e-4)  # floats differ between processors
        for one, other in zip(stored, again, strict=True)
    )
    if not has_reference(lite.path):  # made by the kernels of another processor
        same = bool(((again.lowest <= stored.outputs) & (stored.outputs <= again.highest)).all())
    return {
        "the reference images do not give the golden inputs": np.array_equal(encoded, inputs),
        "the golden outputs are not those of the model": same,
        "this machine computes other outputs": bool(
            ((again.lowest <= computed) & (computed <= again.highest)).all()
        ),
    }


def _against_run(content: dict[str, bytes], run: Run) -> list[str]:
    """Compare with the run: its model, and the results recorded for the file."""
    card = json.loads(content[CARD])
    if _sha256(run.require_model().read_bytes()) != card["keras_sha256"]:
        return [f"it was made from a different model than that of {run.path}"]
    recorded = run.tflite_dir / f"{FileSpec.of(card['scheme'], card['input']).stem}.result.json"
    if not recorded.is_file():
        return [f"{run.path} has no record of this file, so its results cannot be compared"]
    tested = run.read(f"tflite/{recorded.name}")
    same = all(card["test"].get(name) == tested[name] for name in TESTED)
    return [] if same else [f"the test results in {CARD} differ from those in {recorded}"]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
