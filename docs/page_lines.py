"""A hook of mkdocs: where the lines of a page break: names stay whole, printed sentences fit a phone."""

import re
from typing import Any

BLOCK = re.compile(r"(?s)<pre>.*?</pre>")
PRINTED = re.compile(r"(?<=<pre><span></span><code>)[^<]+(?=</code></pre>)")  # a block without colours
SHELL = re.compile(r'(?s)(?<=<div class="language-sh highlight">)<pre>.*?</pre>')
TEXT = re.compile(r"(?<=>)[^<>]+(?=<)")
CODE = re.compile(r"(?<=<code>)[^<]+(?=</code>)")
PERCENT = re.compile(r"(?<=\d) (?=%)")
HYPHENATED = re.compile(r"[^\s/|]*-[^\s/|]*")
COLUMNS = re.compile(r"\S {2,}\S")
LONGEST_NAME = 26  # signs: longer ones may break
LONGEST_ROWS = (80, 110)  # signs of a row, by its gaps between columns: what is longer is a sentence


def on_page_content(html: str, **_: Any) -> str:
    """Mark names and sentences of a page; mkdocs calls this for every page."""
    html = PRINTED.sub(_printed, SHELL.sub(lambda block: TEXT.sub(_whole, block[0]), html))
    blocks = BLOCK.findall(html)
    prose = [CODE.sub(_whole, PERCENT.sub("\N{NO-BREAK SPACE}", part)) for part in BLOCK.split(html)]
    return "".join(part for pair in zip(prose, [*blocks, ""], strict=True) for part in pair)


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Name the language of a page, by which browsers break lines and read aloud."""
    is_korean = page.file.src_uri.startswith("tutorial/ko/")
    return output.replace('<html lang="en"', '<html lang="ko"', 1) if is_korean else output


def _whole(text: re.Match[str]) -> str:
    return HYPHENATED.sub(_held, text[0])


def _held(name: re.Match[str]) -> str:
    return f'<span class="whole">{name[0]}</span>' if len(name[0]) <= LONGEST_NAME else name[0]


def _printed(block: re.Match[str]) -> str:
    return "".join(map(_sentence, block[0].splitlines(keepends=True)))


def _sentence(line: str) -> str:
    gaps = len(COLUMNS.findall(line))
    is_one = gaps < len(LONGEST_ROWS) and len(line) > LONGEST_ROWS[gaps]
    return f'<span class="sentence">{HYPHENATED.sub(_held, line)}</span>' if is_one else line
