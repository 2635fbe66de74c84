"""Print results on stdout, as text or as one JSON document."""

import click

from kerascnn.foundation.files import json_text
from kerascnn.foundation.text.escapes import printable
from kerascnn.foundation.text.shown import Shown


def display(result: Shown, *, as_json: bool, text: str | None = None) -> None:
    """Print a result.

    Args:
        result: The result of a library function.
        as_json: Whether to print JSON instead of text.
        text: The text to print; ``None``: the result as text.
    """
    if as_json:
        click.echo(json_text(result.to_dict()))
    else:
        click.echo(str(result) if text is None else printable(text))
