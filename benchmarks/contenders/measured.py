"""A table on the screen and a JSON file: what every benchmark ends with."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from kerascnn.foundation.text.columns import table


def show(title: str, rows: list[dict], path: Path | None, notes: Sequence[str] = ()) -> None:
    """Print the rows with date, machine and versions; write them as JSON where a path is given."""
    about = {
        "title": title,
        "date": date.today().isoformat(),
        "processors": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("kerascnn", "keras", "tensorflow", "torch")},
    }
    print(title)
    print(", ".join(f"{name} {value}" for name, value in about["versions"].items() if value), end="; ")
    print(f"{about['processors']} processors, {about['date']}\n")
    print(table(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows]))
    for note in notes:
        print(f"\n{note}")
    if path:
        path.write_text(
            json.dumps(about | {"rows": rows, "notes": list(notes)}, indent=2) + "\n", encoding="utf-8"
        )


def judged(what: str, figure: float, *least: float) -> str:
    """Return a sentence that says how a figure stands to its bar, and to its aim where it has one."""
    marks = zip(("bar", "aim"), least, strict=False)
    verdicts = (f"{mark} {least:g}: {'met' if figure >= least else 'missed'}" for mark, least in marks)
    return f"{what}: {figure:.4g} ({', '.join(verdicts)})."


def _cell(value: object) -> str:
    if isinstance(value, list | tuple):
        return "  ".join(_cell(one) for one in value)
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1_000 else f"{value:.4g}"
    return str(value)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
