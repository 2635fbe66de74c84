"""Read the output of the Edge TPU compiler: sizes, counts, the operator table, and errors."""

import re
from dataclasses import dataclass
from typing import Any

from kerascnn.foundation.errors import KerasCnnError, TargetError
from kerascnn.tflite.accelerators.edgetpu.install import PROGRAM

MAPPED = "Mapped to Edge TPU"
TRANSIENT = "Internal compiler error"  # another try can succeed

_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

#: What the compiler writes when it fails, and what it means; the first that is found says most. A parse error
#: names its operator before it, so the bare one comes last.
_FAILURES = (
    (
        r"Didn't find op for builtin opcode '(?P<name>\w+)' version '(?P<version>\d+)'",
        TargetError,
        "it cannot parse operator {name} of version {version}",
    ),
    (
        "dynamic-sized tensors",
        TargetError,
        "the model has tensors of dynamic size; rebuild it with Input(batch_size=1) and convert it again",
    ),
    (
        "Model not quantized",
        TargetError,
        "the model is not quantized; convert it with int8 weights and activations (--scheme static_wi8_ai8)",
    ),
    (
        "large activation tensors",
        TargetError,
        "the activations of the model are too large for the chip; train it on smaller images (--image-size)",
    ),
    (TRANSIENT, KerasCnnError, "internal compiler error, also at a second attempt"),
    ("Model could not be parsed", TargetError, "the compiler cannot parse the model and gives no reason"),
)


@dataclass(frozen=True)
class Row:
    """One row of the compiler's table: operator name, count and status."""

    name: str
    count: int
    status: str

    @property
    def mapped(self) -> bool:
        """Whether they run on the Edge TPU."""
        return self.status == MAPPED

    def to_dict(self) -> dict[str, Any]:
        """Return name, count, status."""
        return vars(self).copy()


@dataclass(frozen=True)
class Report:
    """The compiler's report on one output file; ``None`` for values it did not print.

    Attributes:
        output: Its name.
        cached_bytes: Parameters kept on the chip; ``free_bytes`` could be kept besides.
        streamed_bytes: Parameters sent at each inference.
        subgraphs: Pieces on the Edge TPU.
        rows: The rows of its operator table.
    """

    output: str
    cached_bytes: int | None
    free_bytes: int | None
    streamed_bytes: int | None
    subgraphs: int | None
    on_target: int
    on_cpu: int
    rows: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the name."""
        return {
            "cached_bytes": self.cached_bytes,
            "free_bytes": self.free_bytes,
            "streamed_bytes": self.streamed_bytes,
            "subgraphs": self.subgraphs,
            "on_target": self.on_target,
            "on_cpu": self.on_cpu,
            "operators": [row.to_dict() for row in self.rows],
        }


def read_version(text: str) -> str:
    """Return the compiler's version, or ``unknown``."""
    return _found(r"Edge TPU Compiler version (\S+)", text) or "unknown"


def read_reports(text: str) -> list[Report]:
    """Return the report on each output file; there is one per segment."""
    _, *blocks = re.split(r"^Input model: ", text, flags=re.MULTILINE)
    return [_report(block) for block in blocks]


def read_rows(text: str) -> tuple[Row, ...]:
    """Return the rows of the operator table; none if there is no table."""
    _, *tables = re.split(r"^Operator +Count +Status *$", text, flags=re.MULTILINE)
    rows = re.findall(r"^(\S+) +(\d+) +(\S.*?) *$", "".join(tables), flags=re.MULTILINE)
    return tuple(Row(name, int(count), status) for name, count, status in rows)


def failure(text: str, path: object) -> KerasCnnError:
    """Return the error for the compiler's message about a file."""
    for pattern, kind, message in _FAILURES:
        if match := re.search(pattern, text):
            return kind(f"{PROGRAM} refuses {path}: {message.format(**match.groupdict())}.")
    said = [line.strip() for line in text.splitlines() if line.strip()]
    last = next((line for line in reversed(said) if not line.startswith("Compilation ")), "nothing")
    return KerasCnnError(f"{PROGRAM} failed on {path} without a reason; its last line: {last!r}.")


def _report(block: str) -> Report:
    rows = read_rows(block)
    total = _number("Total number of operations", block) or sum(row.count for row in rows)
    mapped = _number("Number of operations that will run on Edge TPU", block)
    if mapped is None:  # only said where something is left over
        mapped = sum(row.count for row in rows if row.mapped) if rows else total
    return Report(
        output=_found(r"^Output model: (.*?)\s*$", block),
        cached_bytes=_size("On-chip memory used for caching model parameters", block),
        free_bytes=_size("On-chip memory remaining for caching model parameters", block),
        streamed_bytes=_size("Off-chip memory used for streaming uncached model parameters", block),
        subgraphs=_number("Number of Edge TPU subgraphs", block),
        on_target=mapped,
        on_cpu=total - mapped,
        rows=rows,
    )


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, flags=re.MULTILINE)
    return match[1] if match else ""


def _number(name: str, text: str) -> int | None:
    digits = _found(rf"^{name}: (\d+)", text)
    return int(digits) if digits else None


def _size(name: str, text: str) -> int | None:
    match = re.search(rf"^{name}: ([\d.]+)([KMG]?i?B)", text, flags=re.MULTILINE)
    return round(float(match[1]) * _UNITS[match[2]]) if match else None
