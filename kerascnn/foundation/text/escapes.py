"""Escape any text for a terminal, LaTeX, Markdown and CSV, so that nothing in it acts as a command."""

import re

#: What LaTeX reads as a command, and signs that not every LaTeX can print.
_LATEX = str.maketrans(
    {sign: f"\\{sign}" for sign in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {sign: f"{{{sign}}}" for sign in "[]"}  # \\[…] and \item[…] take arguments
    | {sign: f"${sign}$" for sign in "<>|"}
    | {"×": r"$\times$", "·": r"$\cdot$", "−": "$-$", "±": r"$\pm$", "→": r"$\to$", "µ": r"$\mu$"}
    | {"–": "--", "“": "``", "”": "''", "…": r"\dots{}"}
)


LONGEST = 1_000  # signs of a message: what a damaged file holds can be of any length


def printable(text: str) -> str:
    """Replace control characters, so that a text moves no cursor and sets no colour; line breaks stay.

    >>> printable("a\\x1b[31mb")
    'a�[31mb'
    """
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)


def one_line(text: str) -> str:
    """Return a message as one line of at most 1,000 characters without control characters.

    >>> one_line("a\\n  b\\x1b")
    'a b�'
    """
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def in_csv(cell: str) -> str:
    """Escape a cell, so that no spreadsheet reads it as a formula; numbers stay numbers.

    >>> in_csv("=1+2"), in_csv("-0.5")
    ("'=1+2", '-0.5')
    """
    formula = cell.startswith(("=", "@", "\t", "\r")) or re.match(r"[+-](?![\d.])", cell)
    return f"'{cell}" if formula else cell


def in_latex(text: str) -> str:
    """Escape a text for LaTeX.

    >>> in_latex("50 % of [a_b]")
    '50 \\\\% of {[}a\\\\_b{]}'
    """
    return _in_one_line(text).translate(_LATEX)


def in_markdown(text: str) -> str:
    """Escape a text for Markdown, also for a cell of a table.

    >>> in_markdown("a|b")
    'a\\\\|b'
    """
    return re.sub(r"([\\|*_`~&<\[\]])", r"\\\1", _in_one_line(text))


def _in_one_line(text: str) -> str:
    """Join the lines of a text: a line break would end a paragraph, a cell or a list."""
    return printable(" ".join(line for line in text.splitlines() if line.strip()))
