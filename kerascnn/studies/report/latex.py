"""``report.tex`` of a study."""

import textwrap
from collections.abc import Sequence

from kerascnn.foundation.text.escapes import in_latex
from kerascnn.studies.report.wording import basis, how_to_read, title
from kerascnn.studies.results.overview import HEADER, cells
from kerascnn.studies.results.study import Study

WIDTH = 106  # columns of a comment


def latex(study: Study) -> str:
    r"""Return a ``tabular`` for a document with ``\usepackage{booktabs}``; the verdict is a comment."""
    told = [*study.sentences, *study.notes, how_to_read(study)]
    return "\n".join(
        [
            "% needs \\usepackage{booktabs}",
            *(f"% {line}" for each in (title(study), *told) for line in textwrap.wrap(each, WIDTH)),
            f"\\begin{{tabular}}{{l{'r' * (len(HEADER) - 2)}l}}",
            "\\toprule",
            _row(HEADER),
            "\\midrule",
            *(_row(cells(head)) for head in study.heads),
            "\\bottomrule",
            f"\\multicolumn{{{len(HEADER)}}}{{l}}{{{in_latex(basis(study))}}} \\\\",
            "\\end{tabular}",
            "",
        ]
    )


def _row(texts: Sequence[str]) -> str:
    return f"{' & '.join(map(in_latex, texts))} \\\\"
