"""The result of ``compile`` as text and tables."""

from shlex import quote
from typing import TYPE_CHECKING

from kerascnn.foundation.text.shown import Block, Facts
from kerascnn.foundation.text.tables import Table
from kerascnn.foundation.text.wording import size

if TYPE_CHECKING:
    from kerascnn.tflite.accelerators.edgetpu.compile import Compilation, CompiledFile


def blocks(result: "Compilation") -> list[Block]:
    """Return the mapping, each file, and the differences from ``check``."""
    total = result.on_target + result.on_cpu
    all_of = "all " if not result.on_cpu else f"{result.on_target:,} of "
    again = ", at the second attempt" if result.retried else ""
    return [
        f"edgetpu_compiler {result.version}{again}: {all_of}{total:,} operators run on the Edge TPU",
        *(block for file in result.files for block in _file(file)),
        "\n".join(_agreement(result)),
    ]


def _file(file: "CompiledFile") -> list[Block]:
    rows = [[row.name, row.status, f"{row.count:,}"] for row in file.report.rows]
    return [
        *([Table(["operator", "status", "count"], rows, left=2)] if rows else []),
        Facts(
            {
                "on chip": f"{_known(file.report.cached_bytes)} of parameters, "
                f"{_known(file.report.free_bytes)} free",
                "streamed": _streamed(file.report.streamed_bytes),
                "file": f"{quote(str(file.path))}, {file.bytes:,} bytes",
            }
        ),
    ]


def _streamed(count: int | None) -> str:
    return f"{_known(count)} per inference" if count != 0 else "nothing"


def _known(count: int | None) -> str:
    return "unknown" if count is None else size(count)


def _agreement(result: "Compilation") -> list[str]:
    if not result.disagreements:
        return ["kerascnn check predicted the same."]
    return [
        "kerascnn check predicted otherwise:",
        *(
            f"  {each.about}: the compiler {each.compiler}, check {each.check}"
            for each in result.disagreements
        ),
    ]
