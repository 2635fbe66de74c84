"""A hook of mkdocs: examples in docstrings, lines behind ``>>>``, become code instead of quotes in quotes."""

from typing import Any

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor

BEFORE_FENCES = 28  # behind the cleaning of blanks, before code between fences is taken out


class _Examples(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        """Put fences around each example, which ends with an empty line."""
        written: list[str] = []
        inside = fenced = False
        for line in lines:
            fenced ^= line.lstrip().startswith("```")
            if not inside and not fenced and line.startswith(">>> "):
                written += ["", "```pycon"]
                inside = True
            elif inside and not line.strip():
                written.append("```")
                inside = False
            written.append(line)
        return [*written, "```"] if inside else written


class Doctests(Extension):
    """The extension that mkdocs and mkdocstrings use."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        """Register it."""
        md.preprocessors.register(_Examples(md), "doctests", BEFORE_FENCES)


def on_config(config: Any) -> Any:
    """Add it to the extensions of the site."""
    config.markdown_extensions.append(Doctests())
    return config
