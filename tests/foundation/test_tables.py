"""One table in five formats: figures for people, plain numbers for programs, every text as it is."""

import csv
import io

from kerascnn.foundation.text.tables import Table

TABLE = Table(
    header=["name", "output", "bytes", "share"],
    rows=[["a|b_c", "28×28×6", 1234, 0.5], ["=1+2", "10", None, None]],
    left=2,
    title="Layers & <heads>",
    total=["total", "", 1234, 0.5],
    keys=["name", "output", "size", "share"],
)


def test_text_is_aligned_and_ends_with_the_total():
    assert TABLE.text().splitlines() == [
        "Layers & <heads>",
        "name   output   bytes  share",
        "─────  ───────  ─────  ─────",
        "a|b_c  28×28×6  1,234    0.5",
        "=1+2   10           –      –",
        "total           1,234    0.5",
    ]


def test_markdown_escapes_what_would_be_markup():
    assert TABLE.markdown().splitlines() == [
        r"**Layers \& \<heads>**",
        "",
        "| name | output | bytes | share |",
        "| :--- | :--- | ---: | ---: |",
        r"| a\|b\_c | 28×28×6 | 1,234 | 0.5 |",
        "| =1+2 | 10 | – | – |",
        "| total |  | 1,234 | 0.5 |",
    ]


def test_csv_has_keys_plain_numbers_no_formula_and_no_total():
    assert list(csv.reader(io.StringIO(TABLE.csv()))) == [
        ["name", "output", "size", "share"],
        ["a|b_c", "28x28x6", "1234", "0.5"],
        ["'=1+2", "10", "", ""],
    ]


def test_latex_sets_rules_around_title_rows_and_total():
    assert TABLE.latex().splitlines() == [
        r"\begin{tabular}{llrr}",
        r"\toprule",
        r"\multicolumn{4}{l}{Layers \& $<$heads$>$} \\",
        r"\midrule",
        r"name & output & bytes & share \\",
        r"\midrule",
        r"a$|$b\_c & 28$\times$28$\times$6 & 1,234 & 0.5 \\",
        r"=1+2 & 10 & – & – \\".replace("–", "--"),
        r"\midrule",
        r"total &  & 1,234 & 0.5 \\",
        r"\bottomrule",
        r"\end{tabular}",
    ]


def test_html_is_escaped_and_aligned():
    html = TABLE.html()
    assert '<caption style="text-align: left">Layers &amp; &lt;heads&gt;</caption>' in html
    assert '<td style="text-align: right">1,234</td>' in html
    assert html.count("<tr>") == 4
