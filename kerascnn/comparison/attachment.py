"""Measurements from devices, each put to the file that it measured."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from kerascnn.errors import KerasCnnError
from kerascnn.files import read_json
from kerascnn.run import Run
from kerascnn.study import Measurement

Time = Annotated[FiniteFloat, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class _Entry(BaseModel):
    """One file with one number of threads, as ``kerascnn benchmark`` and a bundle's ``run.py`` tell it."""

    model_sha256: str
    threads: Count
    runs: Count
    init_ms: Time
    first_us: Time
    median_us: Time
    p95_us: Time
    p99_us: Time
    delegate: str = "cpu"
    memory_mib: Time | None = None


class _Document(BaseModel):
    models: Annotated[list[_Entry], Field(min_length=1)]
    device: dict[str, Any]


@dataclass(frozen=True)
class Attachment:
    """A benchmark's JSON document."""

    path: Path
    document: _Document

    @classmethod
    def read(cls, path: Path) -> "Attachment":
        """Read what a benchmark printed.

        Raises:
            KerasCnnError: The file is missing or holds something else.
        """
        try:
            return cls(path, _Document.model_validate(read_json(path)))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            place = ".".join(map(str, problem["loc"])) or "document"
            raise KerasCnnError(
                f"{path} is not what `kerascnn benchmark --json` or a bundle's `run.py --benchmark --json` "
                f"prints: {place}: {problem['msg']}."
            ) from error

    def measurements(self, runs: Mapping[str, Sequence[Run]]) -> tuple[Measurement, ...]:
        """Return the entries that measured a file of these runs, which stand by the names of their groups."""
        files = {digest: place for name, of_group in runs.items() for digest, place in _files(name, of_group)}
        device = ", ".join(_words(self.document.device))
        return tuple(
            Measurement(*files[entry.model_sha256], device, **entry.model_dump(exclude={"model_sha256"}))
            for entry in self.document.models
            if entry.model_sha256 in files
        )


def _files(group: str, runs: Sequence[Run]) -> Iterator[tuple[str, tuple[str, int, str]]]:
    """Yield the hash of each model file of a group, with its group, seed and name."""
    for run in runs:
        for name in run.files:
            with (run.path / name).open("rb") as file:
                yield hashlib.file_digest(file, "sha256").hexdigest(), (group, run.record.seed, name)


def _words(device: dict[str, Any]) -> Iterator[str]:
    """Yield what is known of a device, a few words each."""
    for name, value in device.items():
        if isinstance(value, dict):
            yield from (f"{name} {words}" for words in _words(value))
        elif value is not None:
            yield str(value) if name in ("machine", "system") else f"{name} {value}"
