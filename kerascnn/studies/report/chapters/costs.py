"""What each head's network consists of and costs, in figures and tables."""

from collections.abc import Iterator

from kerascnn.analysis.profiling.explanation import explain
from kerascnn.arithmetic.formulas import volume
from kerascnn.figures.captioned import CaptionedFigure, Chapter
from kerascnn.figures.page import Cell, Section, Table
from kerascnn.foundation.text.wording import DASH
from kerascnn.studies.report import charts
from kerascnn.studies.report.table import DEVICE_HEADER, device_cells, device_orders, orders
from kerascnn.studies.report.wording import basis, how_to_read
from kerascnn.studies.results.overview import HEADER, cells
from kerascnn.studies.results.study import HeadResult, Study


def all_figures(study: Study) -> Iterator[Chapter]:
    """Tabulate what is counted and measured of each head."""
    rows = [[Cell(*both) for both in zip(cells(head), orders(head), strict=True)] for head in study.heads]
    yield Chapter(Section("The heads", how_to_read(study), table=Table(HEADER, rows)))


def parameters(study: Study) -> Iterator[Chapter]:
    """Draw how many parameters each layer has."""
    figure = charts.parameters_of_layers({head.name: head.layers for head in study.heads})
    told = "; ".join(
        f"{head.name}: {head.head_parameters:,} of {head.parameters:,} in the head ({100 * head.share:.1f} %)"
        for head in study.heads
    )
    alt = f"Bars of the parameters of each layer. {told}"
    shown = CaptionedFigure("parameters", figure, alt, f"{told}.")
    yield Chapter(Section("Where the parameters are"), [shown])


def layer_tables(study: Study) -> Iterator[Chapter]:
    """Tabulate the layers of each head's network."""
    return map(_layer_table, study.heads)


def _layer_table(head: HeadResult) -> Chapter:
    """Tabulate volumes and formulas of a head's network."""
    columns = ("layer", "kind", "in", "out", "parameters", "multiply-adds", "arithmetic")
    rows = [
        [
            Cell(row.name),
            Cell(row.kind),
            Cell(volume(row.input)),
            Cell(volume(row.output)),
            _count(row.parameters),
            _count(row.multiply_adds),
            Cell("; ".join(f"{name}: {text}" for name, text in told.formulas.items()) or DASH),
        ]
        for row, told in zip(head.layers.layers, explain(head.layers.layers, {}), strict=True)
    ]
    text = (
        "Volumes are height×width×depth. N is a side of the input, F of the filter, D the depth, K the "
        "number of filters, S the stride, P the padding. Multiply-adds are for one image."
    )
    return Chapter(Section(f"Layers with {head.name}", text, table=Table(columns, rows)))


def _count(number: int | None) -> Cell:
    return Cell(DASH) if number is None else Cell(f"{number:,}", number)


def costs(study: Study) -> Iterator[Chapter]:
    """Draw what accuracy costs in bytes and time, where there are several heads."""
    if len(study.heads) < 2:
        return
    text = (
        f"The int8 files: {basis(study)}; bars are 95 % Wilson intervals for the number of images. Latency "
        f"is one inference on one thread, {study.heads[0].latency.runs:,} measured. The grey line joins "
        "the Pareto front: those to which no smaller or faster one is superior."
    )
    sizes = "; ".join(
        f"{head.name} {100 * head.int8.mean:.2f} % with {head.bytes:,} bytes" for head in study.heads
    )
    times = "; ".join(
        f"{head.name} {100 * head.int8.mean:.2f} % in {head.latency.median:,.1f} µs" for head in study.heads
    )
    by_size, by_latency = charts.accuracy_against_size, charts.accuracy_against_latency
    figures = [
        CaptionedFigure("costs-size", by_size(study.heads), f"Accuracy against size: {sizes}", f"{sizes}."),
        CaptionedFigure(
            "costs-latency", by_latency(study.heads), f"Accuracy against latency: {times}", f"{times}."
        ),
    ]
    yield Chapter(Section("Accuracy against size and latency", text), figures)


def devices(study: Study) -> Iterator[Chapter]:
    """Tabulate what was measured elsewhere and attached, if anything."""
    if not study.measurements:
        return
    text = "One inference of one image, measured on the device itself; each file is known by its SHA-256."
    rows = [
        [Cell(*both) for both in zip(device_cells(found), device_orders(found), strict=True)]
        for found in study.measurements
    ]
    yield Chapter(Section("Measured on devices", text, table=Table(DEVICE_HEADER, rows)))
