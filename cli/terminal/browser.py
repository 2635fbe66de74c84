"""Opens pages in the user's browser."""

from collections.abc import Iterable
from pathlib import Path

import click

from kerascnn.foundation.errors import UsageError


def require_page(open_page: bool, formats: Iterable[str]) -> None:
    """Refuse to open a page that is not written.

    Raises:
        UsageError: ``html`` is not among the formats.
    """
    if open_page and "html" not in formats:
        raise UsageError("--open opens the HTML page: add --format html.")


def show(paths: Iterable[Path]) -> None:
    """Open those that are pages; where there is no browser, stderr tells where they are."""
    for path in paths:
        if path.suffix == ".html":
            visit(path.resolve().as_uri())


def visit(address: str) -> None:
    """Open an address; where there is no browser, stderr tells it."""
    import webbrowser  # with subprocess and more: every command would load them

    if not webbrowser.open(address):
        click.echo(f"No browser could be started. Open {address}", err=True)
