"""``kerascnn predict``."""

from pathlib import Path

import click

from kerascnn.cli import options
from kerascnn.cli.command import Command
from kerascnn.cli.names import ExistingRun
from kerascnn.cli.terminal.display import display


@click.command(cls=Command, example="kerascnn predict runs/lenet-fc-mnist-1 photo.jpg --invert")
@click.argument("model", metavar="RUN_OR_MODEL", type=ExistingRun())
@click.argument("images", metavar="IMAGE...", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--top-k", type=int, default=3, show_default=True, help="Classes to show per image.")
@click.option(
    "--heatmap", is_flag=True, help="Write a class activation map of the top class to IMAGE-heatmap.png."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the heatmaps.  [default: the current folder]",
)
@click.option("--invert", is_flag=True, help="Invert images of dark digits on light paper.")
@options.overwrite_files
@options.foreign
def predict(
    model: Path,
    images: tuple[Path, ...],
    top_k: int,
    heatmap: bool,
    out: Path | None,
    invert: bool,
    overwrite: bool,
    input_range: str | None,
    labels: Path | None,
    as_json: bool,
) -> None:
    """Classify image files of any size, grey or colour."""
    from kerascnn.workflows.predict import predict as predict_images

    if out and not heatmap:
        raise click.UsageError("--out is the folder for heatmaps and requires --heatmap.")
    if overwrite and not heatmap:
        raise click.UsageError("--overwrite replaces heatmaps and requires --heatmap.")
    folder = out or Path() if heatmap else None
    predictions = predict_images(
        model,
        images,
        top_k=top_k,
        invert=invert,
        heatmap_dir=folder,
        overwrite=overwrite,
        input_range=input_range,
        labels=labels,
    )
    display(predictions, as_json=as_json)
