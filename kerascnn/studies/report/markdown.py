"""``report.md`` of a study."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from kerascnn.figures.captioned import Chapter
from kerascnn.foundation.text.escapes import in_markdown
from kerascnn.studies.report.chapters.provenance import environment, facts
from kerascnn.studies.report.table import DEVICE_HEADER, device_cells
from kerascnn.studies.report.wording import conditions, how_to_read, title
from kerascnn.studies.results.choices import choices
from kerascnn.studies.results.overview import HEADER, cells
from kerascnn.studies.results.study import Study


def markdown(study: Study, parts: Mapping[str, Sequence[Chapter]], folder: str) -> str:
    """Return the study as Markdown: verdict, table, which head for what, figures, how it was made.

    Args:
        study: The study.
        parts: The chapters of the page, of which those with figures are shown.
        folder: Of the figures, as seen from the report.
    """
    settings = study.settings
    costs = [f"{in_markdown(head.sentence)}\n" for head in study.heads] if study.verdicts else []
    devices = _table(DEVICE_HEADER, map(device_cells, study.measurements), left=range(5))
    lines = [
        f"# {in_markdown(title(study))}",
        "",
        *[f"**{in_markdown(sentence)}**\n" for sentence in study.sentences],
        *[f"{in_markdown(note)}\n" for note in study.notes],
        *_table(HEADER, map(cells, study.heads), left=(0, len(HEADER) - 1)),
        how_to_read(study),
        "",
        *_for_what(study),
        *costs,
        *(devices if study.measurements else []),
        *(line for name, chapters in parts.items() for line in _part(name, chapters, folder)),
        "## How it was made",
        "",
        *[f"- {in_markdown(line)}" for line in conditions(settings)],
        *[
            f"- {in_markdown(name)}: {in_markdown(value)}"
            for name, value in (facts(settings.to_dict()) | environment(study)).items()
        ],
        "\nTo repeat it:\n",
        *[f"    {line}" for line in settings.command.splitlines()],
    ]
    return "\n".join(lines) + "\n"


def _for_what(study: Study) -> Iterator[str]:
    if found := choices(study):
        rows = [(each.purpose, each.head, each.reason) for each in found]
        yield from ("## Which head for what", "", *_table(("for", "take", "because"), rows, left=range(3)))


def _part(name: str, chapters: Sequence[Chapter], folder: str) -> Iterator[str]:
    """Yield the chapters of a part that have figures, each under its heading."""
    drawn = [chapter for chapter in chapters if chapter.figures]
    if drawn:
        yield f"## {in_markdown(name)}\n"
    for section, figures in drawn:
        if section.title != name:
            yield f"### {in_markdown(section.title)}\n"
        if section.text:
            yield f"{in_markdown(section.text)}\n"
        for each in figures:
            yield f"![{in_markdown(each.alt)}]({folder}/{each.name}.png)\n\n{in_markdown(each.caption)}\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: Collection[int]) -> list[str]:
    """Return a table; the columns of these numbers are aligned to the left, all others to the right."""
    marks = ["---" if number in left else "---:" for number in range(len(header))]
    lines = [header, marks, *(list(map(in_markdown, row)) for row in rows)]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]
