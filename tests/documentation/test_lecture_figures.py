"""The drawings of the tutorial are those that their program makes, with the lecture's numbers."""

import importlib.util

import pytest
from pages import DOCS, ROOT

pytestmark = pytest.mark.skipif(
    not (ROOT / "mkdocs.yml").is_file(), reason="the tests run against an installed wheel, not in a checkout"
)


def _program():
    spec = importlib.util.spec_from_file_location("lecture_figures", DOCS / "lecture_figures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_drawings_can_be_made_again():
    """Two networks are built for it: 3 s of processor time."""
    program = _program()
    stored = {path.stem: path.read_text("utf-8") for path in program.FOLDER.glob("*.svg")}
    assert stored == {name: made() for name, made in program.FIGURES.items()}


def test_the_drawings_hold_the_lectures_numbers():
    program = _program()
    assert program.seen(7, 3, padding=0) == [1, 2, 3, 3, 3, 2, 1]
    assert program.POOLED == [[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]
    numbers = [part.rpartition(">")[2] for part in program.pooling().split("</text>")]
    assert numbers[-5:-1] == ["6", "8", "3", "4"]


def test_every_drawing_is_shown_with_a_description():
    pages = "\n".join(page.read_text("utf-8") for page in (DOCS / "tutorial").glob("*.md"))
    for path in _program().FOLDER.glob("*.svg"):
        _, _, before = pages.partition(f"](../images/lecture/{path.name})")[0].rpartition("![")
        assert len(before) > 20, path
