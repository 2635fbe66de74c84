"""``kerascnn data``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display, facts, table
from kerascnn.cli.terminal.progress import shown_progress

if TYPE_CHECKING:
    from kerascnn.workflows.describe_data import Copies, DataDescription

MOST = 10  # lines of one kind; JSON has all


@click.command(cls=Command, example="kerascnn data photos")
@click.argument("source", type=options.SOURCE)
@options.data_dir
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="The contact sheet.  [default: SOURCE-contact-sheet.png, numbered if there is one]",
)
@options.overwrite_files
def data(source: str, data_dir: Path | None, out: Path | None, overwrite: bool, as_json: bool) -> None:
    """Show what a data source holds, with a contact sheet.

    Counts, sizes, imbalance, copies, unreadable files. SOURCE is NAMES, or a folder with a folder of images
    for each class.
    """
    from kerascnn.workflows.describe_data import describe_data

    with shown_progress() as progress:
        found = describe_data(source, data_dir=data_dir, out=out, overwrite=overwrite, progress=progress)
    display(found, as_json=as_json, text=_text)


def _text(found: "DataDescription") -> str:
    total = sum(sum(counts) for counts in found.counts.values())
    tint = "grey" if found.channels == 1 else "colour"
    splits = list(found.counts)
    rows = [
        [name, *(f"{found.counts[split][label]:,}" for split in splits)]
        for label, name in enumerate(found.classes)
    ]
    rows.append(["total", *(f"{sum(found.counts[split]):,}" for split in splits)])
    sections = [
        f"{found.source}: {len(found.classes)} classes, {total:,} pictures in {tint}",
        table(["class", *splits], rows),
        facts(_facts(found)),
        _listed("The same picture in two splits", [_line(one) for one in found.copies if one.across]),
        _listed("Unreadable", [str(file) for file in found.unreadable]),
        _listed("Notes", list(found.notes)),
    ]
    return "\n\n".join(section for section in sections if section)


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
    from kerascnn.data.dataset import UNEQUAL

    counts = dict(zip(found.classes, found.counts["train"], strict=True))
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if found.imbalance is None:
        return f"no training picture of {least}"
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
