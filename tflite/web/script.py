"""The page's modules as one script, and its style."""

import base64
import hashlib
import posixpath
import re
from functools import cache
from importlib.resources import files

ENTRY = "main.js"
_IMPORT = re.compile(r'^import\b[^;]*?\bfrom "(\.[\w./-]+\.js)";\n', re.MULTILINE)
_COMMENT = re.compile(r"^\s*(//[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)
_INDENT = re.compile(r"^\s+", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async |const|class|function|let))", re.MULTILINE)


@cache
def script() -> str:
    """Return all modules that the entry needs, each behind those that it imports."""
    order: dict[str, str] = {}
    _collect(ENTRY, order)
    return "".join(map(squeezed, order.values()))


@cache
def style() -> str:
    """Return the style sheet."""
    return asset("style.css")


def asset(name: str) -> str:
    """Return a file of the page as text."""
    return files("kerascnn.tflite.web").joinpath("assets", name).read_text(encoding="utf-8")


def squeezed(text: str) -> str:
    """Return a module without its comments and indents; no text in it may go over a line."""
    return _INDENT.sub("", _COMMENT.sub("", text))


def digest(text: str) -> str:
    """Return the hash by which the page's policy allows a text and no other."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _collect(name: str, order: dict[str, str]) -> None:
    if name in order:
        return
    order[name] = ""  # two modules that import each other
    text = asset(name)
    for needed in _IMPORT.findall(text):
        _collect(posixpath.normpath(posixpath.join(posixpath.dirname(name), needed)), order)
    del order[name]
    order[name] = _EXPORT.sub("", _IMPORT.sub("", text))
