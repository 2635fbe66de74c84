"""``kerascnn quantize``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun, Name, NamedOption
from kerascnn.cli.terminal.display import display
from kerascnn.cli.terminal.progress import shown_progress
from kerascnn.tflite.quantization.targets import PROCESSOR, target_names


@click.command(cls=Command, example="kerascnn quantize runs/lenet-fc-digits-1 --target edgetpu")
@click.argument("run", type=ExistingRun())
@click.option(
    "--scheme",
    cls=NamedOption,
    type=Name(options.SCHEMES),
    multiple=True,
    help="Quantization scheme: NAMES; repeatable.  [default: static_wi8_ai8, full int8]",
)
@click.option("--all", "every", is_flag=True, help="Use every scheme.")
@click.option(
    "--target",
    cls=NamedOption,
    type=Name(lambda context: target_names()),
    default=PROCESSOR.name,
    show_default=True,
    help="NAMES.",
)
@click.option("--io", help="Type of input and output: int8 (for full int8 the default), uint8 or float32.")
@click.option(
    "--method",
    default="ptq",
    show_default=True,
    help="ptq (after training) or qat (quantization-aware training).",
)
@click.option(
    "--prune", type=float, metavar="SPARSITY", help="Share of weights to prune to 0 before quantization."
)
@click.option(
    "--cluster", type=int, metavar="N", help="Number of distinct weights per layer after clustering."
)
@click.option(
    "--fine-tuning-epochs",
    type=int,
    metavar="N",
    help="Epochs for each of qat, prune and cluster.  [default: 3]",
)
@click.option(
    "--calibration-samples",
    type=int,
    metavar="N",
    help="Training images that set the int8 ranges.  [default: 500, or all if there are fewer]",
)
@click.option(
    "--max-drop",
    type=float,
    metavar="POINTS",
    help="Percentage points that int8 may lose. Beyond it, layers stay in float or qat is tried; else exit "
    "code 3.",
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
        raise click.UsageError("--all already includes every scheme: omit --scheme.")
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
    display(result, as_json=as_json)
    for missed in filter(None, (file.misses for file in result.files)):
        raise QualityError(missed)
