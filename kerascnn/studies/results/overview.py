"""The heads of a study as a table for people."""

from kerascnn.foundation.text.wording import DASH
from kerascnn.studies.results.study import EdgeTpu, HeadResult, SeedAccuracies

HEADER = (
    *("head", "parameters", "head's share", "multiply-adds", "float accuracy", "int8 accuracy"),
    *("int8 bytes", "int8 latency", "Edge TPU"),
)


def cells(head: HeadResult) -> list[str]:
    """Return a head's row, its name first."""
    return [
        head.name,
        f"{head.parameters:,}",
        f"{100 * head.share:.1f} %",
        DASH if head.multiply_adds is None else f"{head.multiply_adds:,}",
        _accuracy(head.accuracy),
        _accuracy(head.int8),
        f"{head.bytes:,}",
        f"{head.latency.median:,.1f} µs",
        _on_edgetpu(head.edgetpu),
    ]


def _on_edgetpu(found: EdgeTpu) -> str:
    if found.verdict != "maps":
        return {"partly": "in part", "cpu": "not at all"}.get(found.verdict, found.verdict)
    return f"all, {found.streamed_bytes / 2**20:.1f} MiB streamed" if found.streamed_bytes else "all"


def _accuracy(found: SeedAccuracies) -> str:
    low, high = found.interval
    spread = f" ± {100 * found.sd:.2f}" if found.sd is not None else ""
    return f"{100 * found.mean:.2f}{spread} % ({100 * low:.2f} to {100 * high:.2f})"
