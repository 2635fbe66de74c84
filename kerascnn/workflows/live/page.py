"""The page that shows a training: one HTML file that asks only the server that it came from."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kerascnn.foundation.own_files import MAKER
from kerascnn.tflite.web.script import digest

ASSETS = Path(__file__).parent / "assets"


@cache
def page() -> str:
    """Return the HTML document."""
    environment = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    template = environment.get_template("page.html.jinja")
    return template.render(generator=MAKER, style=_asset("style.css"), script=_asset("live.js"))


@cache
def policy() -> str:
    """Return the page's content security policy: its own script, and its own server."""
    return (
        f"default-src 'none'; script-src '{digest(_asset('live.js'))}'; style-src 'unsafe-inline'; "
        "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
