"""``kerascnn quantize``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.display import display, facts, table
from kerascnn.cli.progress import shown_progress

if TYPE_CHECKING:
    from kerascnn.tflite.measured import QuantizationResult, QuantizedFile


@click.command(cls=Command, example="kerascnn quantize runs/lenet-fc-digits-1 --target edgetpu")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--scheme",
    multiple=True,
    help="static_wi8_ai8 (full int8, the default), static_wi8_ai16, dynamic_wi8_afp32, float16 or float32; "
    "repeatable.",
)
@click.option("--all", "every", is_flag=True, help="Every scheme.")
@click.option("--target", default="mobile", show_default=True, help="mobile or edgetpu.")
@click.option("--io", help="Type of input and output: int8 (for full int8 the default), uint8 or float32.")
@click.option(
    "--calibration-samples",
    type=int,
    metavar="N",
    help="Training images that set the int8 ranges; without it 500, or all where there are fewer.",
)
@click.option(
    "--max-drop",
    type=float,
    metavar="POINTS",
    help="Percentage points that full int8 may lose; layers are left in float, or the exit code is 3.",
)
@options.data_dir
def quantize(
    run: Path,
    scheme: tuple[str, ...],
    every: bool,
    target: str,
    io: str | None,
    calibration_samples: int | None,
    max_drop: float | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Convert the model of RUN to .tflite and compare both on the same test images."""
    from kerascnn.errors import QualityError
    from kerascnn.tflite.schemes import FULL_INT8, schemes

    if every and scheme:
        raise click.UsageError("--all is every scheme: it goes without --scheme.")
    names = list(schemes) if every else scheme or FULL_INT8
    from kerascnn.tflite.quantization import quantize as quantize_run

    with shown_progress() as progress:
        result = quantize_run(
            run,
            scheme=names,
            target=target,
            io=io,
            calibration_samples=calibration_samples,
            max_drop=max_drop,
            data_dir=data_dir,
            progress=progress,
        )
    display(result, as_json=as_json, text=_text)
    for missed in filter(None, (file.misses for file in result.files)):
        raise QualityError(missed)


def _text(result: "QuantizationResult") -> str:
    keras = result.original
    rows = [["Keras", f"{keras.bytes:,}", f"{keras.latency.median:,.1f} µs", "", ""]]
    rows += [
        [
            file.path.stem,
            f"{file.bytes:,}",
            f"{file.latency.median:,.1f} µs",
            f"{0.0 - file.drop_points:+.2f}",
            f"{100 * file.agreement:.2f} %",
        ]
        for file in result.files
    ]
    overview = table(["", "bytes", "latency, median", "accuracy, points", "same class"], rows)
    return "\n\n".join([overview, *map(_steps, result.files)])


def _steps(file: "QuantizedFile") -> str:
    first, *others = file.ladder.steps
    rows = [[first.name, str(first.accuracy), "", "", ""]]
    rows += [
        [
            step.name,
            str(step.accuracy),
            f"{100 * step.agreement:.2f} %{' (breaks)' if step.breaks else ''}",
            f"{step.largest:.4f}",
            f"{step.mean:.5f}",
        ]
        for step in others
    ]
    header = [file.path.stem, "test accuracy", "same class", "probability off by", "on average"]
    told = {"file": str(file.path)}
    if file.ladder.first_break:
        told["breaks at"] = f"{file.ladder.first_break}: more answers differ from the step before than may"
    if file.note:
        told["note"] = file.note
    stable = file.stability
    if stable:
        told["calibration"] = (
            f"two disjoint halves ({' and '.join(map(str, stable.samples))} images): scales within "
            f"{100 * stable.largest_scale_difference:.1f} %, {100 * stable.agreement:.2f} % of {stable.n:,} "
            "validation images alike"
        )
    parts = [table(header, rows), facts(told)]
    if file.budget:
        tries = [
            [each.what, f"{0.0 - each.drop_points:+.2f}", f"{each.bytes:,}"] for each in file.budget.tries
        ]
        parts.insert(1, table(["tried", "validation accuracy, points", "bytes"], tries))
    return "\n\n".join(parts)
