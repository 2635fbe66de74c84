"""``kerascnn``: the group of all commands."""

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click
from click.shell_completion import CompletionItem

from kerascnn.cli.terminal.loading import FrameworkLoading
from kerascnn.foundation.errors import UsageError

#: Every command under its heading, with the line that says what it is for: the first of its own help.
COMMANDS = {
    "Understand": {
        "conv": "Work out one convolution step by step, or a stack of layers",
        "pool": "Work out one pooling step by step",
        "summary": "Show the layers of a model or a run, and what they cost",
        "data": "Describe a data source, with a contact sheet",
        "evaluate": "Measure the accuracy of a run or a model on test images",
        "predict": "Classify image files of any size, grey or colour",
        "visualize": "Draw what a run has learned, as PNG and one page",
    },
    "Train": {
        "train": "Train a model and write a run folder",
        "surgery": "Rewrite the FC head of a run as convolutions",
        "runs": "List the runs: model, head, data, accuracy, files, age",
    },
    "Compare": {
        "compare": "Compare heads trained under equal conditions, or runs",
        "report": "Write reports of runs, or those of studies again",
        "benchmark": "Time .keras and .tflite files on this processor side by side",
    },
    "Deploy": {
        "quantize": "Convert a run to .tflite and compare both on test images",
        "inspect": "Show the operators, inputs and outputs of a .tflite file",
        "debug": "Measure the quantization error of each layer",
        "check": "Show which operators of a .tflite file an accelerator runs",
        "compile": "Compile a full-int8 .tflite file for the Coral Edge TPU",
        "bundle": "Write a folder that runs a model on a device, or a page",
        "verify": "Check that a bundle is complete and correct",
    },
    "This machine": {
        "doctor": "Check what kerascnn needs on this machine and what is missing",
    },
}
LINES = {name: line for commands in COMMANDS.values() for name, line in commands.items()}


class _Commands(Mapping[str, click.Command]):
    """The commands by name; each is imported from its module when needed."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in LINES:
            raise KeyError(name)
        command: click.Command = getattr(import_module(f"kerascnn.cli.commands.{name}"), name)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(LINES)

    def __len__(self) -> int:
        return len(LINES)


class Headed(click.Group):
    """A group that lists and completes its commands under headings without importing them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list."""
        width = max(map(len, LINES))
        for heading, commands in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), line) for name, line in commands.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what click refuses is a JSON document, too, where one was asked for."""
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            if as_json:
                from kerascnn.cli.terminal.display import display_failure

                display_failure(error.format_message(), error.exit_code)
            raise

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the commands and options that begin like that."""
        named = [
            CompletionItem(name, help=line) for name, line in LINES.items() if name.startswith(incomplete)
        ]
        return named + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=Headed,
    commands=_Commands(),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="kerascnn")
def kerascnn() -> None:
    """Train LeNet-5 or AlexNet with an FC or a 1×1-convolution head, quantize to full int8, compare.

    \b
    Begin with
      kerascnn train lenet                  bundled digits, no network needed
      kerascnn compare lenet --data mnist   FC head against 1×1 convolutions
      kerascnn train alexnet --data photos  a folder of images for each class
    """


def main() -> None:
    """Run the command line; the entry point of the console script."""
    # The converter is TensorFlow's, so a Keras set to another backend in ~/.keras/keras.json would fail late.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a console without a character shows "?", not a traceback
            stream.reconfigure(errors="replace")
    try:
        "".join(sys.argv).encode()
    except UnicodeEncodeError:
        click.echo("Error: files and folders must have names in UTF-8.", err=True)
        sys.exit(UsageError.exit_code)
    sys.meta_path.insert(0, FrameworkLoading())
    kerascnn()
