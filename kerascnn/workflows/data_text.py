"""The result of ``data`` as text and tables."""

from typing import TYPE_CHECKING

from kerascnn.data.dataset import UNEQUAL
from kerascnn.foundation.text.shown import Block, Facts
from kerascnn.foundation.text.tables import Table

if TYPE_CHECKING:
    from kerascnn.workflows.describe_data import Copies, DataDescription

MOST = 10  # lines of one kind; JSON has all


def blocks(found: "DataDescription") -> list[Block]:
    """Return the counts and the findings."""
    total = sum(sum(counts) for counts in found.counts.values())
    tint = "grey" if found.channels == 1 else "colour"
    splits = list(found.counts)
    rows = [
        [name, *(f"{found.counts[split][label]:,}" for split in splits)]
        for label, name in enumerate(found.classes)
    ]
    rows.append(["total", *(f"{sum(found.counts[split]):,}" for split in splits)])
    sections: list[Block] = [
        f"{found.source}: {len(found.classes)} classes, {total:,} images in {tint}",
        Table(["class", *splits], rows),
        Facts(_facts(found)),
        _listed("The same image in two splits", [_line(one) for one in found.copies if one.across]),
        _listed("Unreadable", [str(file) for file in found.unreadable]),
        _listed("Notes", list(found.notes)),
    ]
    return [section for section in sections if section]


def _facts(found: "DataDescription") -> dict[str, str]:
    across = [copies for copies in found.copies if copies.across]
    contradict = sum(copies.contradict for copies in found.copies)
    labels = f"; {contradict:,} of them in different classes" if contradict else ""
    return {
        "sizes": ", ".join(f"{name} {width}×{height}" for name, (width, height) in found.sizes.items()),
        **({"files": ", ".join(f"{n:,} {kind}" for kind, n in found.kinds.items())} if found.kinds else {}),
        "imbalance": _imbalance(found),
        "copies": f"{len(across):,} across splits, {len(found.copies) - len(across):,} within one{labels}",
        "unreadable": f"{len(found.unreadable):,}",
        "contact sheet": f"{found.contact_sheet}{_sample(found)}",
    }


def _sample(found: "DataDescription") -> str:
    total = len(found.classes)
    return f", {found.on_sheet} of {total:,} classes, evenly spread" if found.on_sheet < total else ""


def _imbalance(found: "DataDescription") -> str:
    counts = dict(zip(found.classes, found.counts["train"], strict=True))
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if found.imbalance is None:
        return f"no training image of {least}"
    if most == least:
        return f"none: {counts[most]:,} of each class"
    hint = "; train with --class-weights" if found.imbalance > UNEQUAL else ""
    return f"{found.imbalance:.1f}: {counts[most]:,} of {most}, {counts[least]:,} of {least}{hint}"


def _line(copies: "Copies") -> str:
    return " = ".join(f"{place.split} {place.label} {place.image}" for place in copies.places)


def _listed(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    more = [f"… and {len(lines) - MOST:,} more (--json has all)"] if len(lines) > MOST else []
    return "\n".join([f"{title}:", *(f"  {line}" for line in [*lines[:MOST], *more])])
