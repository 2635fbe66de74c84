"""Fill the page of the commands from the commands themselves, when mkdocs builds the site."""

import html
import inspect
from typing import Any

import click

PAGE = "reference/commands.md"
AS_IT_STANDS = "\b"  # how click marks a paragraph whose lines it must not join


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Append the reference to its page; mkdocs calls this for every page."""
    return markdown + command_reference() if page.file.src_uri == PAGE else markdown


def command_reference() -> str:
    """Return every command with its usage, help, options and example, as Markdown."""
    from kerascnn.cli.main import kerascnn as group

    above = click.Context(group, info_name=group.name, **group.context_settings)
    return "\n".join(_section(name, command, above) for name, command in group.commands.items())


def _section(name: str, command: click.Command, above: click.Context) -> str:
    context = click.Context(command, parent=above, info_name=name)
    options = [param for param in command.get_params(context) if isinstance(param, click.Option)]
    example = (command.epilog or "").partition("Example:\n")[2].strip()
    return "\n".join(
        [
            f"\n## {name}\n",
            _fenced(command.get_usage(context).removeprefix("Usage: ")),
            *[_paragraph(text) for text in inspect.cleandoc(command.in_words(context)).split("\n\n")],
            "| option | what it does |\n|---|---|",
            *[_row(option, context) for option in options],
            "\nFor example:\n",
            _fenced(example),
        ]
    )


def _fenced(text: str) -> str:
    return f"```sh\n{text}\n```\n"


def _paragraph(text: str) -> str:
    lines = text.removeprefix(AS_IT_STANDS).strip("\n")
    return _fenced(lines) if text.startswith(AS_IT_STANDS) else f"{lines}\n"


def _row(option: click.Option, context: click.Context) -> str:
    names, told = option.get_help_record(context) or ("", "")
    return f"| `{names}` | {html.escape(told, quote=False).replace('|', '&#124;')} |"
