"""``kerascnn compile``."""

from pathlib import Path
from typing import Any

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress
from kerascnn.tflite.accelerators.edgetpu.install import CONTAINER, LINES, NOTEBOOK

_LINES = "\n".join(f"  {line}" for line in LINES)
HELP = f"""Compile a full-int8 .tflite file for the Coral Edge TPU.

Runs Google's edgetpu_compiler. Writes FILE_edgetpu.tflite with the description and
metadata of FILE, and a .log; compares the mapping with the prediction of kerascnn check.

\b
The compiler runs on x86-64 Debian and Ubuntu. These commands install it:
{_LINES}

\b
On other systems, run the same commands without sudo in a container:
  {CONTAINER}
or Google's notebook:
  {NOTEBOOK}
"""


@click.command("compile", cls=Command, help=HELP, example="kerascnn compile model.tflite")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the compiled file.  [default: that of FILE]",
)
@options.overwrite_files
@click.option(
    "--min-runtime", type=int, metavar="10…14", help="Oldest Edge TPU runtime that must load the file."
)
@click.option("--timeout", type=int, metavar="SECONDS", help="Time limit for the compiler.  [default: 180]")
@click.option(
    "--num-segments",
    type=int,
    metavar="N",
    help="Split the model into N files for a pipeline of N Edge TPUs.",
)
@click.option(
    "--search-delegate", is_flag=True, help="Search for a part that compiles if the whole model does not."
)
@click.option("--delegate-step", type=int, metavar="N", help="Step of that search in operators.")
@click.option("--multiple-subgraphs", is_flag=True, help="Allow several subgraphs on the Edge TPU.")
def compile(  # noqa: A001  (of the command's name)
    file: Path, as_json: bool, **settings: Any
) -> None:
    """Compile a file; the help is above, because it holds the lines that install the compiler."""
    from kerascnn.tflite.accelerators.edgetpu.compile import compile_for_edgetpu

    with shown_progress() as progress:
        result = compile_for_edgetpu(file, progress=progress, **options.given(settings))
    display(result, as_json=as_json)
