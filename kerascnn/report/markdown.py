"""``report.md`` of a study."""

from collections.abc import Mapping

from kerascnn.escapes import in_markdown
from kerascnn.exhibits import Exhibit
from kerascnn.report.making import environment, facts
from kerascnn.report.table import HEADER, cells
from kerascnn.report.words import conditions, how_to_read, title
from kerascnn.study import HeadResult, Study


def markdown(study: Study, figures: Mapping[str, Exhibit]) -> str:
    """Return the study as Markdown: verdict, table, figures, how it was made.

    Args:
        study: The study.
        figures: By their files, as seen from the report.
    """
    settings = study.settings
    lines = [
        f"# {in_markdown(title(study))}",
        "",
        *[f"**{in_markdown(verdict.sentence)}**\n" for verdict in study.verdicts],
        *[f"{in_markdown(note)}\n" for note in study.notes],
        f"| {' | '.join(HEADER)} |",
        f"|---|{'---:|' * (len(HEADER) - 2)}---|",
        *[_row(head) for head in study.heads],
        "",
        how_to_read(study),
        "",
        *[
            f"![{in_markdown(each.alt)}]({file})\n\n{in_markdown(each.caption)}\n"
            for file, each in figures.items()
        ],
        "## How it was made",
        "",
        *[f"- {in_markdown(line)}" for line in conditions(settings)],
        *[
            f"- {in_markdown(name)}: {in_markdown(value)}"
            for name, value in (facts(settings) | environment(study)).items()
        ],
        f"- again: `{settings['command']}`",
    ]
    return "\n".join(lines) + "\n"


def _row(head: HeadResult) -> str:
    return f"| {' | '.join(map(in_markdown, cells(head)))} |"
