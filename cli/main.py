"""``kerascnn``: the group of all commands."""

import os
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from io import TextIOWrapper

import click

from kerascnn.cli.terminal.loading import FrameworkLoading
from kerascnn.foundation.errors import UsageError

NAMES = [
    "benchmark",
    "bundle",
    "check",
    "compare",
    "compile",
    "conv",
    "data",
    "debug",
    "doctor",
    "evaluate",
    "inspect",
    "predict",
    "quantize",
    "report",
    "runs",
    "summary",
    "surgery",
    "train",
    "verify",
    "visualize",
]


class _Commands(Mapping[str, click.Command]):
    """The commands by name; each is imported when it is asked for, from the module of its name."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in NAMES:
            raise KeyError(name)
        command: click.Command = getattr(import_module(f"kerascnn.cli.commands.{name}"), name)
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


@click.group(
    commands=_Commands(),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="kerascnn")
def kerascnn() -> None:
    """Train LeNet-5 or AlexNet with an FC or a 1×1-convolution head, quantize to full int8, compare.

    \b
    Begin with
      kerascnn train lenet                        bundled digits, no network needed
      kerascnn compare lenet --data mnist         FC head against 1×1 convolutions
      kerascnn train alexnet --data photos        a folder with a folder of images for each class
    """


def main() -> None:
    """Run the command line; the entry point of the console script."""
    # The converter is TensorFlow's, so a Keras set to another backend in ~/.keras/keras.json would fail late.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a console that lacks a sign shows "?", not a traceback
            stream.reconfigure(errors="replace")
    try:
        "".join(sys.argv).encode()
    except UnicodeEncodeError:
        click.echo("Error: files and folders must have names in UTF-8.", err=True)
        sys.exit(UsageError.exit_code)
    sys.meta_path.insert(0, FrameworkLoading())
    kerascnn()
