"""The formats of a report, known before anything that writes one is loaded."""

from collections.abc import Sequence

from kerascnn.foundation.errors import UsageError

FORMATS = ("html", "md", "csv", "tex", "json")


def require_formats(formats: Sequence[str]) -> None:
    """Make sure that these formats exist.

    Raises:
        UsageError: One of them is unknown.
    """
    if unknown := [form for form in formats if form not in FORMATS]:
        raise UsageError(f"Unknown format {unknown[0]!r}. Available: {', '.join(FORMATS)}.")
