"""Any text on a terminal, in LaTeX, Markdown and CSV: what they would read as a command is shown as it is."""

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
    """Return a text that moves no cursor, sets no colour and turns no direction; line breaks stay.

    >>> printable("a\\x1b[31mb")
    'a�[31mb'
    """
    return "".join(sign if sign.isprintable() or sign == "\n" else "�" for sign in text)


def one_line(text: str) -> str:
    """Return a message of at most 1,000 signs in one line that moves no cursor.

    >>> one_line("a\\n  b\\x1b")
    'a b�'
    """
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def in_csv(cell: str) -> str:
    """Return a cell that no spreadsheet reads as a formula; numbers stay numbers.

    >>> in_csv("=1+2"), in_csv("-0.5")
    ("'=1+2", '-0.5')
    """
    formula = cell.startswith(("=", "@", "\t", "\r")) or re.match(r"[+-](?![\d.])", cell)
    return f"'{cell}" if formula else cell


def in_latex(text: str) -> str:
    """Return a text that LaTeX prints as it is.

    >>> in_latex("50 % of [a_b]")
    '50 \\\\% of {[}a\\\\_b{]}'
    """
    return _in_one_line(text).translate(_LATEX)


def in_markdown(text: str) -> str:
    """Return a text that Markdown prints as it is, also in a cell of a table.

    >>> in_markdown("a|b")
    'a\\\\|b'
    """
    return re.sub(r"([\\|*_`~&<\[\]])", r"\\\1", _in_one_line(text))


def _in_one_line(text: str) -> str:
    """Return a text without line breaks, which would end a paragraph, a cell or a list."""
    return printable(" ".join(line for line in text.splitlines() if line.strip()))
