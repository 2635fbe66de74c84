"""``debug``: compare each layer of a quantized file with the float network, as record and charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerascnn.data.dataset import Split
from kerascnn.data.split import stratified_sample
from kerascnn.figures.plots import noise_of_layers, save_figure, spreads_of_layers
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.files import write_json
from kerascnn.foundation.lock import held
from kerascnn.foundation.own_files import require_own
from kerascnn.foundation.progress import Progress, Telling, teller
from kerascnn.foundation.text.shown import Block, Shown
from kerascnn.models.description import ModelDescription
from kerascnn.models.keras_file import load_model
from kerascnn.tflite.debugging.layer_errors import (
    LayerError,
    measure_layers,
    operator_names,
    read_quantized,
    worst_first,
)
from kerascnn.tflite.debugging.model_explorer import node_data
from kerascnn.tflite.file_format.graph import ModelGraph
from kerascnn.tflite.runtime.isolated import require_runs
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run

DEFAULT_SAMPLES = 100
DEFAULT_WORST = 3
FILES = ("layers.json", "noise.png", "histograms.png")

#: What Model Explorer shows: an attribute of a layer's error, and whether low values are bad.
SHOWN = {"own_sqnr": True, "sqnr": True, "saturation": False}


@dataclass(frozen=True)
class LayerErrors(Shown):
    """Result of ``debug``: the quantization error of each layer.

    Attributes:
        file: The quantized file; ``run`` what it was made from.
        source: Source of the images; ``n`` is the number of validation images used.
        layers: The worst first.
        written: The record, the charts and the files for Model Explorer.
        tuned: How the file's weights differ from the run's: the noise then holds that difference too.
    """

    file: Path
    run: Path
    source: str
    n: int
    layers: tuple[LayerError, ...]
    written: tuple[Path, ...]
    tuned: str = ""

    def blocks(self) -> list[Block]:
        """Return the layers, the worst first, and the paths of the charts."""
        from kerascnn.tflite.debugging.debug_text import blocks

        return blocks(self)

    def to_dict(self) -> dict[str, Any]:
        """Return file, run, images, layers and the written files."""
        return {
            "file": str(self.file),
            "run": str(self.run),
            "tuned": self.tuned,
            "images": {"source": self.source, "split": "validation", "n": self.n},
            "layers": [layer.to_dict() for layer in self.layers],
            "written": [str(path) for path in self.written],
        }


def debug(
    file: Path | str,
    run: Run | Path | str | None = None,
    *,
    samples: int | None = None,
    worst: int = DEFAULT_WORST,
    out: Path | str | None = None,
    data_dir: Path | str | None = None,
    overwrite: bool = False,
    progress: Telling = None,
) -> LayerErrors:
    """Compare each layer of a quantized file with the float network on images that it was not calibrated on.

    These are validation images: training images set its ranges, test images are for the final figure.

    Args:
        file: A ``.tflite`` file with quantized tensors.
        run: The run it was made from; ``None``: the run that contains it.
        samples: How many images, of all classes; ``None`` takes 100, or all where there are fewer.
        worst: Number of layers to plot.
        out: The folder for the charts and records; ``None``: ``tflite/debug-<file>`` in the run.
        data_dir: New place of the source's files if they were moved after training.
        overwrite: Whether files there may be replaced that this program did not make.
        progress: Called after each image.

    Raises:
        UsageError: No run is known, there are not so many images, or ``worst`` is less than 1.
        TargetError: The file is float.
        KerasCnnError: A file cannot be read, is of another network or training, the data changed, the run is
            in use, or a file of others would be replaced.
    """
    progress = teller(progress)
    if worst < 1:
        raise UsageError(f"worst must be at least 1. Received: worst={worst}")
    graph = read_quantized(Path(file))
    run = run if isinstance(run, Run) else _run_of(graph.path, run)
    folder = Path(out) if out else run.tflite_dir / f"debug-{graph.path.stem}"
    written = tuple(folder / name for name in (*FILES, *(f"model-explorer-{name}.json" for name in SHOWN)))
    require_own(written, overwrite=overwrite)
    require_runs(graph.path)
    with held(run.path):
        return _debugged(graph, run, samples, worst, written, data_dir, progress)


def _debugged(
    graph: ModelGraph,
    run: Run,
    samples: int | None,
    worst: int,
    written: tuple[Path, ...],
    data_dir: Path | str | None,
    progress: Progress,
) -> LayerErrors:
    """Compare a file with its run and write the record and the charts."""
    model, description = load_model(run.require_model())
    chosen = chosen_images(load_trained_data(run, data_dir).validation, samples)
    images = chosen.prepared(description.preprocessing).images
    errors = measure_layers(graph.path, model, images, run=run.path, progress=progress)
    own = ModelDescription.embedded(graph.path)
    result = LayerErrors(
        file=graph.path,
        run=run.path,
        source=run.record.source,
        n=len(images),
        layers=worst_first(errors),
        written=written,
        tuned=own.tuned if own else "",
    )
    _write(result, graph, errors, worst)
    return result


def _write(result: LayerErrors, graph: ModelGraph, errors: Sequence[LayerError], worst: int) -> None:
    record, noise, histograms, *shown = result.written
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, result.to_dict())
    names = dict(zip((error.index for error in errors), operator_names(errors), strict=True))
    save_figure(noise_of_layers([(names[each.index], each.own_sqnr, each.sqnr) for each in errors]), noise)
    panels = [(names[each.index], each.weights, each.activations) for each in result.layers[:worst]]
    save_figure(spreads_of_layers(panels), histograms)
    for path, (name, low_is_bad) in zip(shown, SHOWN.items(), strict=True):
        values = {error.tensor: getattr(error, name) for error in errors}
        write_json(path, node_data(graph, values, low_is_bad=low_is_bad))


def _run_of(file: Path, run: Path | str | None) -> Run:
    found = Run.open(run) if run else Run.around(file)
    if found is None:
        raise UsageError(f"{file} is not in a run: name the run it was made from with --run.")
    return found


def chosen_images(split: Split, samples: int | None = None) -> Split:
    """Take images, each class in its share.

    Args:
        split: The validation images.
        samples: How many; ``None`` takes 100, or all where there are fewer.

    Raises:
        UsageError: There are not so many.
    """
    if samples is None:
        samples = min(DEFAULT_SAMPLES, len(split))
    if not 1 <= samples <= len(split):
        raise UsageError(
            f"samples must be 1 to {len(split):,}, the number of validation images. "
            f"Received: samples={samples}"
        )
    return split.take(stratified_sample(split.labels, samples))
