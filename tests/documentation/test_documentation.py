"""What the pages say is true: their pieces run, their commands exist, the site holds together."""

import contextlib
import csv
import importlib.util
import io
import json
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import click
import pytest
from made_up_study import made_up_study
from pages import DOCS, FENCE, KOREAN, PAGES, ROOT, TEXTS, Piece, pieces
from warm_command import call_warm

import kerascnn
from kerascnn.cli.main import kerascnn as group
from kerascnn.studies.report.figures_csv import figures_csv, verdicts_csv

LEFT_OUT = "…"  # a line that stands for any number of lines
OFFLINE = ("conv", "pool", "summary")  # what they print depends on nothing but their arguments

pytestmark = pytest.mark.skipif(
    not (ROOT / "mkdocs.yml").is_file(), reason="the tests run against an installed wheel, not in a checkout"
)


def python_pieces(page: Path) -> list[Piece]:
    return [piece for piece in pieces(page) if piece.language == "python"]


def as_shown(printed: str, shown: str) -> bool:
    parts = [re.escape(part) for part in re.split(rf"^{LEFT_OUT}\n", shown, flags=re.MULTILINE)]
    return re.fullmatch("(?s:.*)".join(parts), printed) is not None


def names(pages: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in pages]


def run_in_turn(codes: list[str]) -> None:
    """Run pieces in one namespace and print, as JSON, what each printed."""
    namespace: dict[str, object] = {"__name__": "page"}
    printed = []
    for number, code in enumerate(codes, start=1):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(code, f"piece {number}", "exec"), namespace)
        printed.append(out.getvalue())
    sys.stdout.write(json.dumps(printed))


def run_pieces(page: Path, folder: Path) -> list[str]:
    """Run the Python pieces of a page in turn, in a process of their own; return what each printed."""
    code, out, err = call_warm(run_in_turn, [piece.code for piece in python_pieces(page)], folder)
    assert code == 0, err
    printed: list[str] = json.loads(out.splitlines()[-1])  # libraries may have written lines before
    return printed


WITH_PYTHON = [page for page in TEXTS if python_pieces(page)]
LONG = ("heads.md", "quantization.md")  # of the tutorial: each trains, as the README does


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.long] * (page.parent.name == "tutorial" and page.name in LONG))
        for page in WITH_PYTHON
    ],
    ids=names(WITH_PYTHON),
)
def test_the_python_of_a_page_runs_and_prints_what_it_shows(page, tmp_path):
    for piece, printed in zip(python_pieces(page), run_pieces(page, tmp_path), strict=True):
        assert as_shown(printed, piece.output or ""), f"{piece.code}\nprints\n{printed}\nnot\n{piece.output}"


@pytest.mark.parametrize("page", KOREAN, ids=names(list(KOREAN)))
def test_a_korean_page_has_the_examples_of_the_english_one(page):
    assert pieces(page) == pieces(KOREAN[page])
    assert shape(page) == shape(KOREAN[page])


def shape(page: Path) -> dict[str, int]:
    """Return how much of each kind a page has, whatever its language."""
    text = FENCE.sub("", page.read_text("utf-8"))
    marks = {"headings": r"^#+ ", "rows of tables": r"^\|", "items": r"^(?:-|\d\.) "}
    return {what: len(re.findall(mark, text, re.MULTILINE)) for what, mark in marks.items()}


@pytest.mark.parametrize("page", KOREAN, ids=names(list(KOREAN)))
def test_a_korean_page_names_the_commands_and_figures_of_the_english_one(page):
    assert named(page) == named(KOREAN[page])


def named(page: Path) -> dict[str, list[str]]:
    """Return the pieces of code inside sentences and the files of figures, in any order."""
    text = FENCE.sub("", page.read_text("utf-8"))
    figures = re.findall(r"!\[[^\]]*\]\((?:\.\./)*([^)]+)\)", text)
    return {"code": sorted(re.findall(r"`[^`]+`", text)), "figures": sorted(figures)}


def test_every_chapter_of_the_tutorial_is_in_korean():
    assert {page.name for page in (DOCS / "tutorial").glob("*.md")} == {
        page.name for page in (DOCS / "tutorial" / "ko").glob("*.md")
    }


def arguments(line: str) -> list[str]:
    """Return the words behind ``kerascnn``, without a comment, a pipe or a redirection."""
    words = shlex.split(line, comments=True)
    ends = [index for index, word in enumerate(words) if word in ("|", ">", "&&", "||", ";")]
    return words[1 : min(ends, default=len(words))]


def fenced_commands() -> list[str]:
    return [
        line.strip()
        for page in TEXTS
        for piece in pieces(page)
        for line in piece.lines
        if line.strip().startswith("kerascnn ")
    ]


def named_commands() -> list[str]:
    """Commands inside a sentence: they may name a placeholder where a value would stand."""
    text = "\n".join(FENCE.sub("", page.read_text(encoding="utf-8")) for page in TEXTS)
    return re.findall(r"`(kerascnn [^`]+)`", text)


@pytest.mark.parametrize("line", sorted(set(fenced_commands())))
def test_a_command_line_of_a_page_is_understood(line):
    name, *given = arguments(line)
    if name.startswith("-") or "--help" in given:
        return
    group.commands[name].make_context(name, given)


@pytest.mark.parametrize("line", sorted(set(named_commands())))
def test_a_command_inside_a_sentence_has_these_options(line):
    name, *given = arguments(line.replace("\n", " ").replace("\\|", "|"))
    if name in group.commands:
        command = group.commands[name]
        known = {opt for param in command.params for opt in (*param.opts, *param.secondary_opts)} | {"--help"}
        assert not [word for word in given if word.startswith("-") and word not in known]
    else:
        assert name in ("COMMAND", "--help", "--version")


SHOWN = {
    piece.code: piece.output
    for page in TEXTS
    for piece in pieces(page)
    if piece.output is not None and piece.code.startswith(tuple(f"kerascnn {name} " for name in OFFLINE))
}


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_that_needs_nothing_prints_what_the_page_shows(cli, line):
    answer = cli(*arguments(line))
    printed = answer.out + answer.err
    assert as_shown(printed, SHOWN[line]), f"{line}prints\n{printed}\nnot\n{SHOWN[line]}"


def hook(name: str) -> ModuleType:
    """Return a hook of mkdocs, as mkdocs loads it."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reference() -> dict[str, str]:
    """Return the reference of the commands as the site holds it, by command."""
    sections = re.split(r"^## ", hook("command_reference").command_reference(), flags=re.MULTILINE)[1:]
    return {name: text for name, _, text in (section.partition("\n") for section in sections)}


def test_names_stay_whole_and_printed_sentences_wrap_but_tables_do_not():
    sentence, row = (
        "two heads are alike " * 5 + "see --margin\n",
        "fc    61,706   95.8 %   416,520   " * 4 + "\n",
    )
    block = f'<div class="language-text highlight"><pre><span></span><code>{row}{sentence}</code></pre></div>'
    shell = '<div class="language-sh highlight"><pre><code>train <span>--jit</span></code></pre></div>'
    seen = hook("page_lines").on_page_content(f"<p>95 % of <code>train --out-dir X</code></p>{block}{shell}")
    name = '<span class="whole">{}</span>'.format
    assert f"<p>95\N{NO-BREAK SPACE}% of <code>train {name('--out-dir')} X</code></p>" in seen
    assert (
        f'<code>{row}<span class="sentence">{sentence.replace("--margin", name("--margin"))}</span></code>'
        in seen
    )
    assert f"train <span>{name('--jit')}</span>" in seen


def test_a_korean_page_says_that_it_is_korean():
    for source, language in (("tutorial/ko/heads.md", "ko"), ("tutorial/heads.md", "en")):
        page = SimpleNamespace(file=SimpleNamespace(src_uri=source))
        assert hook("page_lines").on_post_page('<html lang="en">', page) == f'<html lang="{language}">'


def test_the_reference_holds_every_command():
    assert set(reference()) == set(group.commands)


@pytest.mark.parametrize("name", sorted(group.commands))
def test_the_reference_holds_every_option_and_argument_of_a_command(name):
    section, command = reference()[name], group.commands[name]
    usage = section.split("```")[1]
    rows = re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE)
    shown = set(re.split(r"[ ,/]+", " ".join(rows)))
    for param in command.params:
        if isinstance(param, click.Option):
            assert {*param.opts, *param.secondary_opts} <= shown
        else:
            assert param.make_metavar(click.Context(command)) in usage


def test_the_python_reference_holds_every_exported_name():
    text = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    homes = {f"kerascnn.{name}": ".".join(home) for name, home in kerascnn._HOMES.items()}
    shown = {homes.get(name, name) for name in re.findall(r"^::: (\S+)$", text, re.MULTILINE)}
    assert [name for name, home in homes.items() if home not in shown] == []


@pytest.mark.parametrize("name", ["README.md", "README.ko.md", "CONTRIBUTING.md"])
def test_the_links_of_a_page_outside_the_site_lead_to_files(name):
    targets = re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (ROOT / target).is_file()] == []


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:")[2]
    listed = re.findall(r"[\w/-]+\.md", navigation)
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES)


SITE = ROOT / "build" / "site"


@pytest.mark.skipif(not SITE.is_dir(), reason="the site is not built: make docs")
def test_the_site_loads_nothing_from_elsewhere():
    """``make docs``, a part of ``make test``, has built it; a broken link is an error there."""
    pages = list(SITE.rglob("*.html"))
    assert len(pages) > len(PAGES)
    loaded = re.compile(r"""<(?:script|img|iframe|link)\b[^>]*?(?:src|href)=["']?(?:https?:)?//[^>]*>""")
    assert [found for page in pages for found in loaded.findall(page.read_text(encoding="utf-8"))] == []


def test_the_example_says_what_its_report_says():
    folder = DOCS / "example"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    told = (folder / "index.md").read_text(encoding="utf-8")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert [head["accuracy"]["seeds"] for head in report["heads"]] == [3, 3, 3]
    for verdict in report["verdicts"]:
        assert f"> {verdict['sentence']}\n" in told
        assert verdict["sentence"] in page
    for head in report["heads"]:
        assert f"{head['head']} {100 * head['int8']['mean']:.2f} %" in told


def test_the_page_of_the_example_has_the_networks_of_its_report():
    folder = DOCS / "example"
    heads = json.loads((folder / "report.json").read_text(encoding="utf-8"))["heads"]
    _, _, rest = (folder / "web.html").read_text(encoding="utf-8").partition('id="facts">')
    networks = json.loads(rest.partition("</script>")[0])["networks"]
    shown = [(each["name"], each["file_bytes"], each["parameters"]) for each in networks]
    assert shown == [(head["name"], head["bytes"], head["parameters"]) for head in heads]


@pytest.mark.parametrize(
    ("file", "written"), [("report.csv", figures_csv), ("report-verdicts.csv", verdicts_csv)]
)
def test_the_columns_of_a_csv_file_are_explained(file, written):
    _, _, section = (DOCS / "runs.md").read_text("utf-8").partition(f"### The columns of {file}\n")
    rows = re.findall(r"^\| (`[^|]+`) \|", section.partition("\n#")[0], re.MULTILINE)
    explained = re.findall(r"`(\w+)`", " ".join(rows))
    columns = next(csv.reader(io.StringIO(written(made_up_study("a", "b")))))
    assert sorted(explained) == sorted(columns)


def test_smaller_photos_are_recommended_by_what_they_cost():
    def billions(variant, size):
        found = kerascnn.summary("alexnet", variant=variant, image_size=size, head="nin", classes=10)
        return f"{found.to_dict()['multiply_adds'] / 1e9:.2f}"

    text = " ".join((DOCS / "how-to/photos.md").read_text(encoding="utf-8").split())
    small, whole, stem = billions("one_tower", 131), billions("one_tower", 227), billions("small_stem", 64)
    assert f"{small} billion per image instead of {whole}." in text
    assert f"at 64×64 it needs {stem} billion" in text
    assert float(small) < float(whole) < float(stem)
