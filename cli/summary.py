"""``kerascnn summary``."""

from typing import TYPE_CHECKING, Any

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.display import display, table

if TYPE_CHECKING:
    from kerascnn.layer_table import Summary
    from kerascnn.profile import LayerProfile


@click.command(cls=Command, example="kerascnn summary lenet --head conv1x1")
@click.argument("model", metavar="MODEL_OR_RUN")
@click.option("--head", help="For a model's name: fc, conv1x1 or nin.  [default: fc]")
@options.network
def summary(model: str, as_json: bool, **network: Any) -> None:
    """Show the layers of a model, a run or a .keras file: volumes, filters, parameters, multiply-adds."""
    from kerascnn.layer_table import summary as summarize

    display(summarize(model, **network), as_json=as_json, text=_text)


def _text(found: "Summary") -> str:
    header = ["layer", "kind", "output", "filter", "stride", "padding", "parameters", "multiply-adds"]
    rows = [_row(layer) for layer in found.profile.layers]
    total = ["total", *[""] * 5, f"{found.profile.parameters:,}", _number(found.profile.multiply_adds)]
    return "\n".join(
        [
            f"{found.model} ({found.variant}), head {found.head}; 1 multiply-add = 2 FLOPs, for one image",
            "",
            table(header, [*rows, total], left=2),
        ]
    )


def _row(layer: "LayerProfile") -> list[str]:
    return [
        layer.name,
        layer.kind,
        "×".join(map(str, layer.output)),
        f"{layer.kernel}×{layer.kernel}" if layer.kernel else "",
        _number(layer.stride, ""),
        _number(layer.padding, ""),
        f"{layer.parameters:,}",
        _number(layer.multiply_adds),
    ]


def _number(value: int | None, unknown: str = "–") -> str:
    return unknown if value is None else f"{value:,}"
