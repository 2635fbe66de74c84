"""Schemas of a run's JSON files: types and ranges of their values."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, FiniteFloat

from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import read_json
from kerascnn.foundation.settings import Settings
from kerascnn.models.architecture import ArchitectureRecord

Count = Annotated[int, Field(ge=0)]
Share = Annotated[FiniteFloat, Field(ge=0, le=1)]
Time = Annotated[FiniteFloat, Field(ge=0)]


class _Part(Settings):
    """Required keys; further ones are allowed."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Tested(_Part):
    accuracy: Share
    low: Share
    high: Share
    n: Annotated[int, Field(ge=1)]


class _Images(_Part):
    source: str
    train: Count
    validation: Count
    test: Count


class _Baseline(_Part):
    answer: str
    accuracy: Share


class _Metrics(ArchitectureRecord, _Part):
    parameters: Count
    data: _Images
    test: _Tested
    epochs: Count
    kept_epoch: Count
    seconds: Time
    baseline: _Baseline | None = None
    recall: dict[str, _Tested | None] | None = None


class _MadeWith(_Part):
    versions: dict[str, str | None]


class _Environment(_MadeWith):
    python: str
    data_sha256: dict[str, str]
    skipped_files: Annotated[list[dict[str, Any]], Field(default_factory=list)]
    resumed: Annotated[list[_MadeWith], Field(default_factory=list)]


class _Latency(_Part):
    median: Time


class _Quantized(_Tested):
    file: str
    bytes: Count
    agreement: Share
    drop_points: FiniteFloat
    latency_us: _Latency | None


class _Preprocessing(_Part):
    height: Count
    width: Count
    channels: Count
    margin: Count


class _Described(_Part):
    classes: Annotated[list[str], Field(min_length=1)]
    preprocessing: _Preprocessing


SHAPES: dict[str, type[_Part]] = {
    "metrics.json": _Metrics,
    "environment.json": _Environment,
    "model.json": _Described,
    "tflite/*.result.json": _Quantized,
}


def read_record(folder: Path, name: str) -> dict[str, Any]:
    """Read one of the JSON files of a run.

    Args:
        folder: The run's.
        name: Name of a file in it that has a schema.

    Raises:
        KerasCnnError: It is missing or damaged.
    """
    path, document = folder / name, read_json(folder / name)
    if not isinstance(document, dict):
        raise KerasCnnError(f"{path} is damaged: it is not a JSON object.")
    shape = next(shape for pattern, shape in SHAPES.items() if fnmatchcase(name, pattern))
    try:
        shape(**document)
    except UsageError as error:
        raise KerasCnnError(f"{path} is damaged: {error}.") from error
    return document
