"""The result of ``debug`` as text and tables."""

from typing import TYPE_CHECKING

from kerascnn.foundation.text.shown import Block, Facts
from kerascnn.foundation.text.tables import Table
from kerascnn.foundation.text.wording import DASH

if TYPE_CHECKING:
    from kerascnn.tflite.debugging.debug import LayerErrors
    from kerascnn.tflite.debugging.layer_errors import LayerError


def blocks(result: "LayerErrors") -> list[Block]:
    """Return the layers, the worst first, and the paths of the charts."""
    header = ["layer", "operator", "own noise", "all noise", "cosine", "saturated", "steps", "range"]
    record, noise, histograms, *_ = map(str, result.written)
    words = [
        "noise: signal-to-quantization-noise ratio, of the layer alone and with inherited noise.",
        "saturated: at an end of the type and wrong there; steps, range: how much of the type is used.",
        f"Compared with {result.run} on {result.n:,} validation images of {result.source}.",
        *([f"The file's weights are {result.tuned}; the noise includes this."] if result.tuned else []),
    ]
    places = {
        "figures": record,
        "charts": f"{noise}, {histograms}",
        "for Model Explorer": str(result.written[0].parent / "model-explorer-*.json"),
    }
    return [
        Table(header, [_row(layer) for layer in result.layers], left=2),
        "\n".join(words),
        Facts(places),
    ]


def _row(layer: "LayerError") -> list[str]:
    return [
        layer.layer,
        layer.operator,
        _decibels(layer.own_sqnr),
        _decibels(layer.sqnr),
        f"{layer.cosine:.4f}",
        *(DASH if share is None else f"{share:.1%}" for share in _shares(layer)),
    ]


def _shares(layer: "LayerError") -> tuple[float | None, float | None, float | None]:
    return layer.saturation, layer.steps_used, layer.range_used


def _decibels(sqnr: float | None) -> str:
    return "none" if sqnr is None else f"{sqnr:.1f} dB"
