"""Print results on stdout, as text or as one JSON document."""

import click

from kerascnn.cli.terminal.starting import started
from kerascnn.foundation.files import json_text
from kerascnn.foundation.text.escapes import printable
from kerascnn.foundation.text.shown import Shown

DISPLAYED = f"{__name__}.displayed"


def display(result: Shown, *, as_json: bool, text: str | None = None) -> None:
    """Print a result.

    Args:
        result: The result of a library function.
        as_json: Whether to print JSON instead of text.
        text: The text to print; ``None``: the result as text.
    """
    started()
    click.get_current_context().meta[DISPLAYED] = True
    if as_json:
        click.echo(json_text(result.to_dict()))
    else:
        click.echo(str(result) if text is None else printable(text))


def display_failure(message: str, code: int) -> None:
    """Print why a command failed as one JSON document, unless its result has been printed."""
    if DISPLAYED not in click.get_current_context().meta:
        click.echo(json_text({"error": message, "exit_code": code}))
