"""``kerascnn compile``."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.terminal.display import display, facts, size, table
from kerascnn.cli.terminal.progress import shown_progress
from kerascnn.tflite.accelerators.edgetpu.install import CONTAINER, LINES, NOTEBOOK

if TYPE_CHECKING:
    from kerascnn.tflite.accelerators.edgetpu.compile import Compilation, CompiledFile

_LINES = "\n".join(f"  {line}" for line in LINES)
HELP = f"""Compile a full-int8 .tflite file for the Coral Edge TPU.

Runs Google's edgetpu_compiler. Writes FILE_edgetpu.tflite, whole or not at all, with the description and
metadata of FILE, and a .log; compares what was mapped with what kerascnn check had expected.

\b
The compiler runs on x86-64 Debian and Ubuntu, where these lines install it:
{_LINES}

\b
Elsewhere, the same lines without sudo in a container:
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
    help="Folder of the compiled file.  [default: that of FILE]",
)
@options.overwrite_files
@click.option("--min-runtime", type=int, metavar="10…14", help="The oldest runtime that must load it.")
@click.option("--timeout", type=int, metavar="SECONDS", help="For the compiler.  [default: 180]")
@click.option("--num-segments", type=int, metavar="N", help="Cut it in N files for N Edge TPUs in a row.")
@click.option("--search-delegate", is_flag=True, help="Look for a part that compiles if the whole does not.")
@click.option("--delegate-step", type=int, metavar="N", help="Operators by which that search moves.")
@click.option("--multiple-subgraphs", is_flag=True, help="Allow several pieces on the Edge TPU.")
def compile(  # noqa: A001  (of the command's name)
    file: Path, as_json: bool, **settings: Any
) -> None:
    """Compile a file; the help is above, because it holds the lines that install the compiler."""
    from kerascnn.tflite.accelerators.edgetpu.compile import compile_for_edgetpu

    with shown_progress() as progress:
        result = compile_for_edgetpu(file, progress=progress, **options.given(settings))
    display(result, as_json=as_json, text=_text)


def _text(result: "Compilation") -> str:
    total = result.on_target + result.on_cpu
    all_of = "all " if not result.on_cpu else f"{result.on_target:,} of "
    again = ", at the second try" if result.retried else ""
    sections = [
        f"edgetpu_compiler {result.version}{again}: {all_of}{total:,} operators run on the Edge TPU",
        *(_file(file) for file in result.files),
        "\n".join(_agreement(result)),
    ]
    return "\n\n".join(sections)


def _file(file: "CompiledFile") -> str:
    rows = [[row.name, row.status, f"{row.count:,}"] for row in file.report.rows]
    return "\n\n".join(
        [
            *([table(["operator", "status", "count"], rows, left=2)] if rows else []),
            facts(
                {
                    "on chip": f"{_known(file.report.cached_bytes)} of parameters, "
                    f"{_known(file.report.free_bytes)} free",
                    "streamed": _streamed(file.report.streamed_bytes),
                    "file": f"{quote(str(file.path))}, {file.bytes:,} bytes",
                }
            ),
        ]
    )


def _streamed(count: int | None) -> str:
    return f"{_known(count)} at each inference" if count != 0 else "nothing"


def _known(count: int | None) -> str:
    return "unknown" if count is None else size(count)


def _agreement(result: "Compilation") -> list[str]:
    if not result.disagreements:
        return ["kerascnn check had expected the same."]
    return [
        "kerascnn check had expected otherwise:",
        *(
            f"  {each.about}: the compiler {each.compiler}, check {each.check}"
            for each in result.disagreements
        ),
    ]
