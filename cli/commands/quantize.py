"""``kerascnn quantize``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun, Name, NamedOption
from kerascnn.cli.terminal.display import display, facts, table
from kerascnn.cli.terminal.formats import DASH
from kerascnn.cli.terminal.progress import shown_progress
from kerascnn.tflite.quantization.targets import PROCESSOR, target_names

if TYPE_CHECKING:
    from kerascnn.tflite.fine_tuning.record import Tuning
    from kerascnn.tflite.quantization.parity import Step
    from kerascnn.tflite.quantization.result import FileResult, QuantizationResult, QuantizedFile


@click.command(cls=Command, example="kerascnn quantize runs/lenet-fc-digits-1 --target edgetpu")
@click.argument("run", type=ExistingRun())
@click.option(
    "--scheme",
    cls=NamedOption,
    type=Name(options.SCHEMES),
    multiple=True,
    help="NAMES; repeatable.  [default: static_wi8_ai8, full int8]",
)
@click.option("--all", "every", is_flag=True, help="Every scheme.")
@click.option(
    "--target",
    cls=NamedOption,
    type=Name(lambda context: target_names()),
    default=PROCESSOR.name,
    show_default=True,
    help="NAMES.",
)
@click.option("--io", help="Type of input and output: int8 (for full int8 the default), uint8 or float32.")
@click.option("--method", default="ptq", show_default=True, help="ptq, or qat: train with int8 in the loop.")
@click.option("--prune", type=float, metavar="SPARSITY", help="Share of weights that become 0, before int8.")
@click.option("--cluster", type=int, metavar="N", help="Different weights that a layer keeps, before int8.")
@click.option(
    "--fine-tuning-epochs",
    type=int,
    metavar="N",
    help="Of each of qat, prune and cluster.  [default: 3]",
)
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
    help="Points that full int8 may lose; else layers stay in float, qat is tried, or the exit code is 3.",
)
@options.data_dir
def quantize(
    run: Path,
    scheme: tuple[str, ...],
    every: bool,
    target: str,
    io: str | None,
    method: str,
    prune: float | None,
    cluster: int | None,
    fine_tuning_epochs: int | None,
    calibration_samples: int | None,
    max_drop: float | None,
    data_dir: Path | None,
    as_json: bool,
) -> None:
    """Convert a run to .tflite and compare both on test images."""
    from kerascnn.foundation.errors import QualityError
    from kerascnn.tflite.quantization.schemes import FULL_INT8, schemes

    if every and scheme:
        raise click.UsageError("--all is every scheme: it goes without --scheme.")
    names = list(schemes) if every else scheme or FULL_INT8
    from kerascnn.tflite.quantization.quantize import quantize as quantize_run

    with shown_progress() as progress:
        result = quantize_run(
            run,
            scheme=names,
            target=target,
            io=io,
            method=method,
            prune=prune,
            cluster=cluster,
            fine_tuning_epochs=fine_tuning_epochs,
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
    rows = [["Keras", f"{keras.bytes:,}", "", _latency(keras), "", ""]]
    rows += [
        [
            file.path.stem,
            f"{file.bytes:,}",
            f"{file.zipped:,}",
            _latency(file),
            f"{0.0 - file.drop_points:+.2f}",
            f"{100 * file.agreement:.2f} %",
        ]
        for file in result.files
    ]
    overview = table(["", "bytes", "zipped", "latency, median", "accuracy, points", "same class"], rows)
    return "\n\n".join([overview, *map(_steps, result.files)])


def _latency(file: "FileResult") -> str:
    return f"{file.latency.median:,.1f} µs" if file.latency else DASH


def _judged(step: "Step") -> str:
    return " (breaks)" if step.breaks else " (rounding)" if step.is_rounding else ""


def _steps(file: "QuantizedFile") -> str:
    first, *others = file.ladder.steps
    rows = [[first.name, str(first.accuracy), "", "", ""]]
    rows += [
        [
            step.name,
            str(step.accuracy),
            f"{100 * step.agreement:.2f} %{_judged(step)}",
            f"{step.largest:.4f}",
            f"{step.mean:.5f}",
        ]
        for step in others
    ]
    header = [file.path.stem, "test accuracy", "same class", "probability off by", "on average"]
    told = {"file": str(file.path)}
    if file.break_told:
        told["breaks at"] = file.break_told
    told |= _tuned(file.tunings, clustered=file.plan.clusters is not None)
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


def _tuned(tunings: Sequence["Tuning"], *, clustered: bool) -> dict[str, str]:
    """Return what was done to the weights, and that it began from the same network."""
    from kerascnn.analysis.evaluation.metrics import percent

    told: dict[str, str] = {}
    for tuning in tunings:
        for stage in tuning.stages:
            epochs = f"{len(stage.epochs)} epoch{'s' if len(stage.epochs) > 1 else ''}"
            told[stage.stage] = f"{epochs}, then validation {percent(stage.epochs[-1].val_accuracy)}"
        if tuning.zeros is not None:
            values = f"; no layer has more than {tuning.most_values:,} different ones" if clustered else ""
            told["weights"] = f"{percent(tuning.zeros)} are 0{values}"
    if tunings:
        off = max(tuning.twin_difference for tuning in tunings)
        told["twin"] = (
            f"on tf_keras, off by at most {off:.1g} in a probability before the first step "
            f"({tunings[0].twin_compared} images)"
        )
    return told
