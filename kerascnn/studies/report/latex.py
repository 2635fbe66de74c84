r"""``report.tex`` of a study: a table and the verdicts, to be taken into an article with ``\input``."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.foundation.text.escapes import in_latex
from kerascnn.foundation.text.wording import DASH
from kerascnn.studies.report.wording import basis, how_to_read, title
from kerascnn.studies.results.choices import choices
from kerascnn.studies.results.study import HeadResult, SeedAccuracies, Study

WIDTH = 106  # columns of a line
LABEL = "tab:heads"
#: Headings of two lines, so that the table is not wider than the text of ``article``.
HEADER = (
    ("", "head"),
    ("para-", "meters"),
    ("multiply-", "adds"),
    ("float", "accuracy, %"),
    ("int8", "accuracy, %"),
    ("int8 file,", "kB"),
    ("latency,", "µs"),
)
NAME = "6.2em"  # width of the column of names, which are broken where they are longer
LONG = 20  # signs of a word: LaTeX may be unable to break what is longer
_PIECES = re.compile(r".{1,6}?[-_/.]+|.{1,6}")  # signs that stay together


def latex(study: Study) -> str:
    r"""Return a ``table`` with caption and label, and the verdicts as text below it."""
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            "% and \\usepackage[utf8]{inputenc} in a LaTeX older than 2018",
            "\\begin{table}",
            "\\centering\\small\\setlength{\\tabcolsep}{3pt}",
            *_wrapped(f"\\caption{{{_caption(study)}}}"),
            f"\\label{{{LABEL}}}",
            *_tabular(study.heads),
            "\\end{table}",
            "",
            "\\begin{sloppypar}",
            *(line for each in _told(study) for line in (*_wrapped(_breakable(each)), "")),
            "\\end{sloppypar}",
            "",
        ]
    )


def _breakable(text: str) -> str:
    """Return a text that LaTeX prints as it is, whose long words may be broken anywhere."""
    return " ".join(_in_pieces(word) if len(word) > LONG else in_latex(word) for word in text.split())


def _in_pieces(word: str) -> str:
    return r"\hspace{0pt}".join(map(in_latex, _PIECES.findall(word)))


def _caption(study: Study) -> str:
    return _breakable(f"{title(study)} {basis(study)}. {how_to_read(study)}")


def _told(study: Study) -> Iterator[str]:
    yield from study.sentences
    yield from study.notes
    for each in choices(study):
        yield f"{each.purpose.capitalize()}: {each.head} ({each.reason})."


def _tabular(heads: Sequence[HeadResult]) -> Iterator[str]:
    columns = f"p{{{NAME}}}{'r' * (len(HEADER) - 1)}"
    yield f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}"
    yield "\\toprule"
    for line in zip(*HEADER, strict=True):
        yield _row(map(in_latex, line))
    yield "\\midrule"
    for head in heads:
        name, *figures = _cells(head)
        yield _row([f"\\raggedright {' '.join(map(_in_pieces, name.split()))}", *map(in_latex, figures)])
    yield "\\bottomrule"
    yield "\\end{tabular}"


def _cells(head: HeadResult) -> list[str]:
    return [
        head.name,
        f"{head.parameters:,}",
        DASH if head.multiply_adds is None else f"{head.multiply_adds:,}",
        _accuracy(head.accuracy),
        _accuracy(head.int8),
        f"{head.bytes / 1000:,.1f}",
        f"{head.latency.median:,.1f}",
    ]


def _accuracy(found: SeedAccuracies) -> str:
    spread = "" if found.sd is None else f" ± {100 * found.sd:.2f}"
    return f"{percent(found.mean).removesuffix(' %')}{spread}"


def _row(texts: Iterable[str]) -> str:
    return f"{' & '.join(texts)} \\\\"


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
