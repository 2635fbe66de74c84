"""Everything that reads a file which somebody else may have written, with where damage begins."""

import gzip
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mutations
import seeds

from kerascnn.data.formats.idx import read_idx
from kerascnn.data.images import decode
from kerascnn.data.sources.cifar import CIFAR10
from kerascnn.foundation.files import read_json
from kerascnn.models.description import ModelDescription
from kerascnn.studies.device_measurements import attachments
from kerascnn.studies.grid.record import Record
from kerascnn.studies.results.predictions import Predictions
from kerascnn.tflite.accelerators.check import check
from kerascnn.tflite.bundle.bundle import SUMS
from kerascnn.tflite.bundle.verify import verify
from kerascnn.tflite.inspection.inspect import inspect
from kerascnn.tflite.metadata import labels
from kerascnn.tflite.metadata.metadata import read_metadata
from kerascnn.tflite.program.build import integer_program
from kerascnn.tflite.program.encoding import encode
from kerascnn.training.config import ResolvedConfig, TrainingConfig
from kerascnn.training.records.checkpoint import Checkpoints
from kerascnn.training.records.history import read_history
from kerascnn.training.run import Run, list_runs
from kerascnn.workflows.predict import predict


@dataclass(frozen=True)
class Reader:
    """One way in.

    Attributes:
        file: Where its input lies, below an empty folder.
        read: Reads it; what it returns is of no matter.
        seeds: Return sound inputs.
        mutate: How they are damaged.
        share: How many inputs it gets, beside one of the others.
        around: Sound files that lie beside the input.
    """

    name: str
    file: str
    read: Callable[[Path], Any]
    seeds: Callable[[], list[bytes]]
    mutate: mutations.Mutation
    share: int = 1
    around: dict[str, Callable[[], bytes]] = field(default_factory=dict)


def _inspected(path: Path) -> None:
    found = inspect(path)
    found.to_dict()
    str(found)


def _checked(path: Path) -> None:
    found = check(path)
    found.to_dict()
    assert found.problem.isprintable()


def _programmed(path: Path) -> None:
    found = integer_program(path)
    found.to_dict()
    encode(found)


def _picture(path: Path) -> None:
    found = decode(path)
    assert found.image.mode in ("L", "RGB")


def _published(path: Path) -> None:
    """Read pickles as if the damaged archive were the one that was published."""
    replace(CIFAR10, sha256=hashlib.sha256(path.read_bytes()).hexdigest()).load(path.parent)


def _run(path: Path) -> None:
    Run.open(path.parent).to_dict()
    str(list_runs(path.parent.parent))


def _measured(path: Path) -> None:
    attachments([path], [{"a": [Run.open(path.parent / "runs" / "a")]}])


def _verified(path: Path) -> None:
    found = verify(path)
    assert all(problem.isprintable() and len(problem) <= 1_000 for problem in found.problems), found.problems


def _other_facts(content: bytes, words: Sequence[bytes], draw: mutations.Draw) -> bytes:
    """Damage what a page says of itself, or all of it."""
    if draw.random() < 0.2:
        return mutations.text(content, words, draw)
    before, mark, rest = content.partition(b'id="facts">')
    facts, end, behind = rest.partition(b"</script>")
    return before + mark + mutations.text(facts, words, draw) + end + behind


def readers(bundle: Path | None = None) -> list[Reader]:
    """Return all readers that can be run here.

    Args:
        bundle: A sound one, for ``verify``; ``None``: it is left out.
    """
    description, one = mutations.zipped(mutations.text), mutations.zipped(mutations.binary)
    run = {"runs/a/run.json": seeds.run_record, "runs/a/metrics.json": seeds.metrics}
    measured = {"runs/a/run.json": seeds.run_record, "runs/a/model.keras": lambda: seeds.MEASURED}
    alone = {"runs/a/run.json": seeds.run_record}
    found = [
        Reader("inspect", "model.tflite", _inspected, seeds.models, mutations.binary, 5),
        Reader("check", "model.tflite", _checked, seeds.models, mutations.binary, 4),
        Reader("program", "model.tflite", _programmed, lambda: seeds.models()[:2], mutations.binary, 4),
        Reader("metadata", "model.tflite", read_metadata, seeds.models, mutations.binary, 2),
        Reader("description", "model.keras", ModelDescription.embedded, seeds.described, description, 2),
        Reader("picture", "picture", _picture, seeds.pictures, mutations.binary, 6),
        Reader("idx", "images", lambda path: read_idx(path, 3), lambda: [seeds.idx(3)], mutations.binary),
        Reader(
            "idx.gz",
            "labels.gz",
            lambda path: read_idx(path, 1),
            lambda: _gz(seeds.idx(1)),
            mutations.gzipped,
        ),
        Reader(
            "cifar",
            CIFAR10.binary.archive,
            lambda path: CIFAR10.load(path.parent),
            lambda: [seeds.cifar_archive()],
            mutations.gzipped,
        ),
        Reader(
            "pickle",
            CIFAR10.python.archive,
            _published,
            lambda: [seeds.cifar_pickles()],
            mutations.gzipped,
            2,
        ),
        Reader("run.json", "runs/a/run.json", _run, lambda: [seeds.run_record()], mutations.text, around=run),
        Reader(
            "metrics.json", "runs/a/metrics.json", _run, lambda: [seeds.metrics()], mutations.text, around=run
        ),
        Reader(
            "history",
            "runs/a/history.csv",
            lambda path: read_history(Run.open(path.parent)),
            lambda: [seeds.history()],
            mutations.text,
            around=alone,
        ),
        Reader("config.toml", "config.toml", ResolvedConfig.read, lambda: [seeds.config()], mutations.text),
        Reader("--config", "config.toml", TrainingConfig.load, lambda: [seeds.config()], mutations.text),
        Reader(
            "study.json", "study.json", lambda path: Record.read(path.parent), seeds.studies, mutations.text
        ),
        Reader(
            "answers",
            "answers.npz",
            lambda path: Predictions.read(path, [], (4, 3)),
            lambda: [seeds.answers()],
            one,
        ),
        Reader(
            "checkpoint",
            "epoch-000001.npz",
            lambda path: Checkpoints(path.parent).newest(),
            lambda: [seeds.checkpoint()],
            one,
        ),
        Reader(
            "benchmark", "bench.json", _measured, lambda: [seeds.benchmark()], mutations.text, around=measured
        ),
        Reader("page", "page.html", _verified, lambda: [seeds.page()], _other_facts),
        Reader("json", "any.json", read_json, lambda: [seeds.metrics()], mutations.text),
        Reader(
            "labels",
            "labels.txt",
            lambda path: labels.names(path.read_bytes()),
            lambda: [seeds.labels()],
            mutations.text,
        ),
    ]
    if bundle:
        archive = seeds.archived(bundle)
        found.append(Reader("verify", "bundle.zip", _verified, lambda: [archive], one))
    return found


def resummed(members: dict[str, bytes]) -> dict[str, bytes]:
    """Return a bundle whose list of hashes is written anew, as a forger would."""
    sums = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name.partition('/')[2]}\n"
        for name, content in members.items()
        if not name.endswith(f"/{SUMS}")
    )
    return members | {f"bundle/{SUMS}": sums.encode()}


def forged(bundle: Path) -> Reader:
    """Return ``verify`` of bundles that fit their hashes: it runs the reference images, so it gets few."""
    archive = seeds.archived(bundle)
    mutate = mutations.zipped(mutations.binary, resummed)
    return Reader("verify, forged", "bundle.zip", _verified, lambda: [archive], mutate)


def litert() -> Reader:
    """Return the one that LiteRT runs: a process for each input, so it gets few."""

    def predicted(path: Path) -> None:
        picture = path.with_name("picture.png")
        predict(path, [picture])

    around = {"picture.png": lambda: seeds.pictures()[0]}
    return Reader(
        "LiteRT", "model.tflite", predicted, lambda: seeds.models()[:2], mutations.binary, around=around
    )


def _gz(content: bytes) -> list[bytes]:
    return [gzip.compress(content, 1, mtime=0)]
