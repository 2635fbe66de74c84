"""The pages of the documentation, and the fenced blocks on them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
#: The Korean pages, each with the page whose examples it has; these are run once, on the English page.
KOREAN = {page: DOCS / "tutorial" / page.name for page in (DOCS / "tutorial" / "ko").glob("*.md")}
KOREAN |= dict.fromkeys(ROOT.glob("README.ko.md"), ROOT / "README.md")
ENGLISH = [page for page in PAGES if page not in KOREAN]
TEXTS = [*ENGLISH, *ROOT.glob("README.md"), *ROOT.glob("CONTRIBUTING.md")]  # an installed wheel has neither


@dataclass(frozen=True)
class Piece:
    """A fenced block of a page and, if one follows, the ```text block with what it prints."""

    language: str
    code: str
    output: str | None

    @property
    def lines(self) -> list[str]:
        """The shell lines, each continued one in one piece."""
        return self.code.replace("\\\n", " ").splitlines()


FENCE = re.compile(r"(?ms)^```(?P<language>\w*)\n(?P<code>.*?)^```$(?:\n+```text\n(?P<output>.*?)^```$)?")


def pieces(page: Path) -> list[Piece]:
    found = FENCE.finditer(page.read_text(encoding="utf-8"))
    return [Piece(each["language"], each["code"], each["output"]) for each in found]
