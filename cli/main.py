"""``kerascnn``: the group of all commands."""

import os
import sys
from io import TextIOWrapper

import click

from kerascnn.cli.benchmark import benchmark
from kerascnn.cli.bundle import bundle
from kerascnn.cli.check import check
from kerascnn.cli.compare import compare
from kerascnn.cli.compile import compile_file
from kerascnn.cli.conv import conv
from kerascnn.cli.data import data
from kerascnn.cli.debug import debug
from kerascnn.cli.doctor import doctor
from kerascnn.cli.evaluate import evaluate
from kerascnn.cli.inspect import inspect
from kerascnn.cli.loading import FrameworkLoading
from kerascnn.cli.predict import predict
from kerascnn.cli.quantize import quantize
from kerascnn.cli.report import report
from kerascnn.cli.runs import runs
from kerascnn.cli.summary import summary
from kerascnn.cli.surgery import surgery
from kerascnn.cli.train import train
from kerascnn.cli.verify import verify
from kerascnn.cli.visualize import visualize
from kerascnn.errors import UsageError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kerascnn")
def kerascnn() -> None:
    """Train LeNet-5 or AlexNet with an FC or a 1×1-convolution head, quantize to full int8, compare.

    \b
    Begin with
      kerascnn train lenet                        bundled digits, no network needed
      kerascnn compare lenet --data mnist         FC head against 1×1 convolutions
      kerascnn train alexnet --data photos        a folder with a folder of images for each class
    """


for command in (
    data,
    train,
    evaluate,
    visualize,
    quantize,
    inspect,
    debug,
    check,
    compile_file,
    benchmark,
    bundle,
    verify,
    predict,
    surgery,
    summary,
    conv,
    compare,
    report,
    runs,
    doctor,
):
    kerascnn.add_command(command)


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
