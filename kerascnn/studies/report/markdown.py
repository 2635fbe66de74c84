"""``report.md`` of a study."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from kerascnn.figures.captioned import CaptionedFigure
from kerascnn.foundation.text.escapes import in_markdown
from kerascnn.studies.report.provenance import environment, facts
from kerascnn.studies.report.table import DEVICE_HEADER, device_cells
from kerascnn.studies.report.wording import conditions, how_to_read, title
from kerascnn.studies.results.overview import HEADER, cells
from kerascnn.studies.results.study import Study


def markdown(study: Study, figures: Mapping[str, CaptionedFigure]) -> str:
    """Return the study as Markdown: verdict, table, figures, how it was made.

    Args:
        study: The study.
        figures: By their files, as seen from the report.
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
        *costs,
        *(devices if study.measurements else []),
        *[
            f"![{in_markdown(each.alt)}]({file})\n\n{in_markdown(each.caption)}\n"
            for file, each in figures.items()
        ],
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


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: Collection[int]) -> list[str]:
    """Return a table; the columns of these numbers are aligned to the left, all others to the right."""
    marks = ["---" if number in left else "---:" for number in range(len(header))]
    lines = [header, marks, *(list(map(in_markdown, row)) for row in rows)]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]
