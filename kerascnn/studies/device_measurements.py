"""Measurements from devices, each put to the file that it measured."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.foundation.files import file_sha256, read_json
from kerascnn.studies.results.study import Measurement
from kerascnn.training.run import Run

Time = Annotated[FiniteFloat, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
#: Group, seed and name of model files by their SHA-256; copies have the same.
Files = dict[str, list[tuple[str, int, str]]]


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
    device: Annotated[dict[str, Any], Field(min_length=1)]

    def measurements(self, files: Files) -> list[Measurement]:
        """Return the entries that measured one of these files."""
        device = ", ".join(_words(self.device))
        return [
            Measurement(*file, device, **entry.model_dump(exclude={"model_sha256"}))
            for entry in self.models
            for file in files.get(entry.model_sha256, ())
        ]


def attachments(
    paths: Sequence[Path], subjects: Sequence[Mapping[str, Sequence[Run]]]
) -> list[tuple[Measurement, ...]]:
    """Read what benchmarks printed, and return what of it measured a file of each subject.

    Args:
        paths: JSON documents of ``kerascnn benchmark`` or of a bundle's ``run.py --benchmark``.
        subjects: Runs by the names of their groups.

    Raises:
        KerasCnnError: A document is missing, holds something else, or measured none of the files.
    """
    documents = {path: _read(path) for path in paths}
    found: list[tuple[Measurement, ...]] = []
    told: set[Path] = set()
    for runs in subjects:
        files = _files(runs) if documents else {}
        of_each = {path: document.measurements(files) for path, document in documents.items()}
        told |= {path for path, measured in of_each.items() if measured}
        found.append(tuple(dict.fromkeys(one for measured in of_each.values() for one in measured)))
    if strange := [path for path in documents if path not in told]:
        raise KerasCnnError(f"{strange[0]} measured other files: no SHA-256 matches a file of this report.")
    return found


def _read(path: Path) -> _Document:
    stored = read_json(path)
    try:
        return _Document.model_validate(stored if isinstance(stored, dict) else {})
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise KerasCnnError(
            f"{path} is not what `kerascnn benchmark --json` or a bundle's `run.py --benchmark --json` "
            f"prints: {'.'.join(map(str, problem['loc']))}: {problem['msg']}."
        ) from error


def _files(runs: Mapping[str, Sequence[Run]]) -> Files:
    """Return group, seed and name of each model file of some runs, by their hashes."""
    found: Files = {}
    for group, run in ((group, run) for group, of_group in runs.items() for run in of_group):
        for name in run.files:
            found.setdefault(file_sha256(run.path / name), []).append((group, run.record.seed, name))
    return found


def _words(device: dict[str, Any]) -> Iterator[str]:
    """Yield what is known of a device, a few words each."""
    for name, value in device.items():
        if isinstance(value, dict):
            yield from (f"{name} {words}" for words in _words(value))
        elif value is not None:
            yield str(value) if name in ("machine", "system") else f"{name} {value}"
