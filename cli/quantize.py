"""``kerascnn quantize``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.display import display, table
from kerascnn.cli.progress import shown_progress

if TYPE_CHECKING:
    from kerascnn.tflite.quantization import MeasuredFile, QuantizationResult


@click.command(cls=Command, example="kerascnn quantize runs/lenet-fc-digits-1")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--scheme",
    default="static_wi8_ai8",
    show_default=True,
    help="static_wi8_ai8 (full int8), float16, dynamic_wi8_afp32 or float32.",
)
@click.option(
    "--calibration-samples",
    type=int,
    metavar="N",
    help="Training images that set the int8 ranges; without it 500, or all where there are fewer.",
)
@options.data_dir
def quantize(
    run: Path, scheme: str, calibration_samples: int | None, data_dir: Path | None, as_json: bool
) -> None:
    """Convert the model of RUN to .tflite and compare both on the same test images."""
    from kerascnn.tflite.quantization import quantize as quantize_run

    with shown_progress() as progress:
        result = quantize_run(
            run,
            scheme=scheme,
            calibration_samples=calibration_samples,
            data_dir=data_dir,
            progress=progress,
        )
    display(result, as_json=as_json, text=_text)


def _text(result: "QuantizationResult") -> str:
    from kerascnn.results import percent

    header = ["", "test accuracy", "bytes", "latency, median"]
    n = result.file.evaluation.accuracy.n
    return "\n".join(
        [
            table(header, [_row("Keras, float32", result.original), _row(result.file.scheme, result.file)]),
            "",
            f"On all {n:,} test images: {percent(result.agreement)} the same class, accuracy "
            f"{0.0 - result.drop_points:+.2f} points.",
            f"file  {result.file.path}",
        ]
    )


def _row(name: str, file: "MeasuredFile") -> list[str]:
    return [name, str(file.evaluation.accuracy), f"{file.bytes:,}", f"{file.latency.median:,.1f} µs"]
