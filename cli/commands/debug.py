"""``kerascnn debug``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import RunFolder
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress


@click.command(
    cls=Command,
    example="kerascnn debug runs/lenet-fc-digits-1/tflite/static_wi8_ai8.tflite",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--run",
    type=RunFolder(),
    metavar="RUN",
    help="Run that FILE was made from.  [default: the run it is in]",
)
@click.option(
    "--samples",
    type=int,
    metavar="N",
    help="Validation images to compare on.  [default: 100, or all if there are fewer]",
)
@click.option(
    "--worst",
    type=int,
    default=3,
    show_default=True,
    metavar="N",
    help="Number of layers to plot, the worst first.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for charts and data.  [default: tflite/debug-FILE in the run]",
)
@options.overwrite_files
@options.data_dir
def debug(
    file: Path,
    run: Path | None,
    samples: int | None,
    worst: int,
    out: Path | None,
    overwrite: bool,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Measure the quantization error of each layer.

    Compares each layer of FILE with the float network of RUN, the worst first.
    """
    from kerascnn.tflite.debugging.debug import debug as debug_file

    with shown_progress() as progress:
        result = debug_file(
            file,
            run,
            samples=samples,
            worst=worst,
            out=out,
            data_dir=data_dir,
            overwrite=overwrite,
            progress=progress,
        )
    display(result, as_json=as_json)
