"""What int8 costs each head: in answers, and at each layer."""

from collections.abc import Iterator

from kerascnn.figures.captioned import CaptionedFigure, Chapter
from kerascnn.figures.page import Cell, Section, Table
from kerascnn.figures.plots import noise_of_layers
from kerascnn.studies.report.wording import basis
from kerascnn.studies.results.study import HeadResult, Study
from kerascnn.studies.results.verdict import conclusion, signed
from kerascnn.tflite.debugging.layer_errors import operator_names


def int8_costs(study: Study) -> Iterator[Chapter]:
    """Say what quantization costs each head."""
    columns = ("head", "int8 minus float, points", "95 % interval", "same answer", "outcome")
    text = (
        f"The int8 file against the Keras model it was made from, on {basis(study)}: a paired bootstrap over "
        "seeds and images."
    )
    if len(study.heads) > 1:
        level = 100 * study.heads[0].quantization.level
        text += f" All intervals of the table hold at once with 95 %; each alone has {level:.2f} %."
    rows = [
        [
            Cell(head.name),
            Cell(signed(found.points), found.points),
            Cell(f"{signed(found.low)} to {signed(found.high)}", found.low),
            Cell(f"{100 * head.agreement:.2f} %", head.agreement),
            Cell(conclusion(found, "float", "int8")),
        ]
        for head in study.heads
        for found in (head.quantization,)
    ]
    notes = [remark for head in study.heads for remark in head.remarks] if study.verdicts else []
    yield Chapter(Section("Int8 against float", text, table=Table(columns, rows), notes=notes))


def layer_noise(study: Study) -> Iterator[Chapter]:
    """Draw what quantization does to each layer."""
    images = study.heads[0].figures.images
    text = (
        "Signal to quantization noise at each operator of the first seed's int8 file: what the operator adds "
        "itself, against the float operator on the very values that it got, and all that has come together "
        f"there, against the float network. n = {images:,} validation images."
    )
    figures = [_noise_of(head, number) for number, head in enumerate(study.heads, start=1)]
    yield Chapter(Section("Quantization error by layer", text), figures)


def _noise_of(head: HeadResult, number: int) -> CaptionedFigure:
    layers = head.figures.layers
    rows = [
        (name, each.own_sqnr, each.sqnr) for name, each in zip(operator_names(layers), layers, strict=True)
    ]
    known = [(own, name) for name, own, _ in rows if own is not None]
    told = f"{head.name}: no operator's own noise is known."
    if known:
        own, noisiest = min(known)
        told = f"{head.name}: {noisiest} adds the most noise, {own:.1f} dB below its values."
    alt = f"Marks of the signal to quantization noise of each layer. {told}"
    return CaptionedFigure(f"quantization-{number}", noise_of_layers(rows, head.name), alt, told)
