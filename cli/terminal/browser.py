"""Opens a page in the user's browser."""

import webbrowser
from pathlib import Path

import click


def show(page: Path) -> None:
    """Open a page; where there is no browser, stderr tells where the page is."""
    address = page.resolve().as_uri()
    if not webbrowser.open(address):
        click.echo(f"No browser could be started. Open {address}", err=True)
