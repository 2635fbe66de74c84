"""``kerascnn debug``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import RunFolder
from kerascnn.cli.terminal.display import display, facts, table
from kerascnn.cli.terminal.progress import shown_progress

if TYPE_CHECKING:
    from kerascnn.tflite.debugging.debug import LayerErrors
    from kerascnn.tflite.debugging.layer_errors import LayerError


@click.command(
    cls=Command,
    example="kerascnn debug runs/lenet-fc-digits-1/tflite/static_wi8_ai8.tflite --run runs/lenet-fc-digits-1",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--run",
    type=RunFolder(),
    metavar="RUN",
    help="What FILE was made from; without it the run it lies in.",
)
@click.option(
    "--samples",
    type=int,
    metavar="N",
    help="Validation images to compare on; without it 100, or all where there are fewer.",
)
@click.option(
    "--worst",
    type=int,
    default=3,
    show_default=True,
    metavar="N",
    help="Of how many layers histograms are drawn.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="For charts and records; without it tflite/debug-FILE in the run.",
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
    """Find the layers of a quantized file that lose most.

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
    display(result, as_json=as_json, text=_text)


def _text(result: "LayerErrors") -> str:
    header = ["layer", "operator", "own noise", "all noise", "cosine", "saturated", "steps", "range"]
    record, noise, histograms, *_ = map(str, result.written)
    return "\n".join(
        [
            table(header, [_row(layer) for layer in result.layers], left=2),
            "",
            "noise: signal to quantization noise, of the layer and with all it inherited; more is better.",
            "saturated: at an end of the type and wrong there; steps, range: how much of the type is used.",
            f"Compared with {result.run} on {result.n:,} validation images of {result.source}.",
            *([f"The file's weights are {result.tuned}: noise holds that too."] if result.tuned else []),
            "",
            facts(
                {
                    "figures": record,
                    "charts": f"{noise}, {histograms}",
                    "for Model Explorer": str(result.written[0].parent / "model-explorer-*.json"),
                }
            ),
        ]
    )


def _row(layer: "LayerError") -> list[str]:
    return [
        layer.layer,
        layer.operator,
        _decibels(layer.own_sqnr),
        _decibels(layer.sqnr),
        f"{layer.cosine:.4f}",
        *("–" if share is None else f"{share:.1%}" for share in _shares(layer)),
    ]


def _shares(layer: "LayerError") -> tuple[float | None, float | None, float | None]:
    return layer.saturation, layer.steps_used, layer.range_used


def _decibels(sqnr: float | None) -> str:
    return "none" if sqnr is None else f"{sqnr:.1f} dB"
