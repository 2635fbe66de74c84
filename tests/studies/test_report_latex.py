"""``report.tex`` is taken into an article: it compiles, and nothing is wider than the text."""

import shutil
import subprocess

import pytest
from made_up_study import made_up_study

from kerascnn.studies.report.latex import latex

PDFLATEX = shutil.which("pdflatex")
ARTICLE = r"""\documentclass{article}
\usepackage{booktabs}
\begin{document}
\input{report}
See Table~\ref{tab:heads}.
\end{document}
"""


@pytest.mark.skipif(not PDFLATEX, reason="it compiles LaTeX: apt install texlive-latex-recommended")
@pytest.mark.parametrize(
    "names",
    [
        ("fc", "conv1x1", "nin"),
        (
            r"<b>&\#_{|}$%~^[x]",
            "alexnet-one_tower-fc-photos-of-my/own.garden_2026-with-a-name-that-never-ends",
        ),
        ("W" * 80, "a head of several words"),
    ],
)
def test_an_article_takes_it_without_an_overfull_box(tmp_path, names):
    (tmp_path / "report.tex").write_text(latex(made_up_study(*names)), encoding="utf-8")
    (tmp_path / "article.tex").write_text(ARTICLE, encoding="utf-8")
    command = [PDFLATEX, "-interaction=nonstopmode", "-halt-on-error", "article.tex"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    told = [line for line in ended.stdout.splitlines() if line.startswith(("!", "Overfull"))]
    assert (ended.returncode, told) == (0, [])
