"""The first screen: the answer in a sentence a pair, all differences, a small table, which head for what."""

from collections.abc import Iterator, Mapping

from kerascnn.analysis.evaluation.significance import PairedDifference
from kerascnn.figures.captioned import CaptionedFigure, Chapter
from kerascnn.figures.page import Cell, Section, Table
from kerascnn.studies.report.forest import Row, forest
from kerascnn.studies.report.wording import basis
from kerascnn.studies.results.choices import choices
from kerascnn.studies.results.study import HeadResult, SeedAccuracies, Study
from kerascnn.studies.results.verdict import conclusion, signed

COLUMNS = (
    *("head", "parameters", "flash in kB", "latency in µs", "float accuracy in %", "int8 accuracy in %"),
    "runs on",
)
NETWORKS = "web.html"  # beside the report: what ``bundle --target web`` wrote there
EVERYWHERE = ("phone", "Raspberry Pi")
EDGE_TPU = {"maps": "Edge TPU", "partly": "Edge TPU in part"}


def answer(study: Study) -> Iterator[Chapter]:
    """Say what a study shows, with all differences in one figure."""
    rows = differences(study)
    told = "; ".join(
        f"{name}, {kind}: {signed(found.points)} ({signed(found.low)} to {signed(found.high)})"
        for name, by_kind in rows
        for kind, found in by_kind.items()
    )
    simultaneous = "simultaneous " if len(study.verdicts) > 1 else ""
    caption = (
        f"Differences of accuracy with their {simultaneous}95 % intervals, {basis(study)}. In the grey band "
        "two count as equivalent."
    )
    figure = CaptionedFigure(
        "differences", forest(rows, study.margin), f"Differences of accuracy in points. {told}", caption
    )
    section = Section("The answer", lead=_in_short(study), notes=study.caveats, beside=True)
    yield Chapter(section, [figure])


def _in_short(study: Study) -> list[str]:
    """Return the outcome of each pair, or of a head alone what int8 costs it, without the numbers."""
    told = [(each.a.name, each.b.name, each.precisions) for each in study.verdicts]
    if not told:
        return list(study.sentences)
    return [f"{b} against {a}: {_outcome(a, b, found)}." for a, b, found in told]


def _outcome(a: str, b: str, found: Mapping[str, PairedDifference]) -> str:
    words = {kind: conclusion(each, a, b) for kind, each in found.items()}
    (first, *others) = dict.fromkeys(words.values())
    if others:
        return "; ".join(f"in {kind} {each}" for kind, each in words.items())
    return f"{first}, in {' and in '.join(words)}"


def how_sure(study: Study) -> Iterator[Chapter]:
    """Say every difference with its interval, where the uncertainty comes from and what would decide."""
    yield Chapter(Section("How sure this is", lead=study.sentences, notes=study.remarks))


def side_by_side(study: Study) -> Iterator[Chapter]:
    """Tabulate what decides: size, speed, accuracy, where a head runs."""
    text = (
        "Parameters are those of the whole network, flash and latency those of its int8 file; accuracy is "
        "the mean over the seeds, ± their standard deviation."
    )
    page = NETWORKS if (study.path / NETWORKS).is_file() else ""
    if page:
        text += " Follow a head's name to see it think."
    table = Table(COLUMNS, [_row(head, page) for head in study.heads], stacks=True)
    yield Chapter(Section("Side by side", text, table=table))


def differences(study: Study) -> list[Row]:
    """Return the differences of every pair, float and int8, or of a head alone between the two."""
    pairs: list[Row] = [(f"{each.b.name} minus {each.a.name}", each.precisions) for each in study.verdicts]
    return pairs or [(f"{head.name}: int8 minus float", {"int8": head.quantization}) for head in study.heads]


def _row(head: HeadResult, page: str) -> list[Cell]:
    return [
        Cell(head.name, link=page),
        Cell(f"{head.parameters:,}", head.parameters),
        Cell(f"{head.bytes / 1000:,.1f}", head.bytes),
        Cell(f"{head.latency.median:,.1f}", head.latency.median),
        *(Cell(_accuracy(found), found.mean) for found in (head.accuracy, head.int8)),
        Cell(runs_on(head)),
    ]


def _accuracy(found: SeedAccuracies) -> str:
    spread = "" if found.sd is None else f" ± {100 * found.sd:.2f}"
    return f"{100 * found.mean:.2f}{spread}"


def runs_on(head: HeadResult) -> str:
    """Return where a head's int8 file runs."""
    edge_tpu = EDGE_TPU.get(head.edgetpu.verdict)
    return ", ".join([*EVERYWHERE, *([edge_tpu] if edge_tpu else [])])


def for_what(study: Study) -> Iterator[Chapter]:
    """Tabulate which head is the one for what."""
    if found := choices(study):
        rows = [[Cell(each.purpose), Cell(each.head), Cell(each.reason)] for each in found]
        yield Chapter(
            Section("Which head for what", table=Table(("for", "take", "because"), rows, stacks=True))
        )
