"""``surgery``: rewrite a trained FC head as convolutions and check that the outputs are equal."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from kerascnn.analysis.evaluation.evaluation import keras_scores
from kerascnn.analysis.interpretability.class_activation import resized_to_map
from kerascnn.data.dataset import Split
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import read_json, write_json
from kerascnn.foundation.lock import held
from kerascnn.foundation.text.shown import Block, Facts, Shown
from kerascnn.models.description import ModelDescription
from kerascnn.models.geometry import next_fitting
from kerascnn.models.heads import fc_as_convolutions, is_head_layer
from kerascnn.models.keras_file import count_parameters, load_model, save_model
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.records.card import write_card
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run
from kerascnn.training.run_folder import new_run

RECORD = "surgery.json"
HEAD = "fc_conv"  # how the rewritten head is called in records
COPIED = ("environment.json", "history.csv", "plots")
STEPS_LARGER = 2  # fitting image sizes above the trained one, for the demonstration


@dataclass(frozen=True)
class Surgery(Shown):
    """Result of ``surgery``: the rewritten layers and the checks.

    Attributes:
        run: The new run, ``model`` the network in it.
        parameters_before: Trainable ones; ``parameters_after`` likewise.
        max_difference: The largest difference of two logits over all test images.
        agreement: Share of the test images with the same answer; anything but 1 is refused.
        n: Number of test images.
        larger_image: Side in pixels of a larger image that the network takes now.
        map_side: Side of the map of class scores that it answers with.
    """

    run: Path
    model: str
    parameters_before: int
    parameters_after: int
    max_difference: float
    agreement: float
    n: int
    larger_image: int
    map_side: int

    def blocks(self) -> list[Block]:
        """Return the changes and the checks."""
        lines = {
            "parameters": f"{self.parameters_before:,} before, {self.parameters_after:,} after",
            "same answers": f"{self.agreement:.0%} of {self.n:,} test images",
            "logits": f"differ by {self.max_difference:.2g} at most",
            "larger images": f"{self.larger_image}×{self.larger_image} gives a {self.map_side}×"
            f"{self.map_side} map of class scores in one pass",
            "run": str(self.run),
            "next": f"kerascnn predict {quote(str(self.run))} IMAGE --heatmap",
        }
        return [Facts(lines)]

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes under their names."""
        return {**self.__dict__, "run": str(self.run)}


def surgery(run: Run | Path | str, *, data_dir: Path | str | None = None, overwrite: bool = False) -> Surgery:
    """Rewrite a trained FC head as convolutions into a new run ``<run>-conv``; check it on the test images.

    The first dense layer becomes a convolution over the whole map, the others 1×1 ones: the same weights,
    reshaped, so that the network takes larger images and answers at every position.

    Args:
        run: A run with the ``fc`` head.
        data_dir: New place of the source's files if they were moved after training.
        overwrite: Whether an earlier ``<run>-conv`` may be replaced.

    Raises:
        UsageError: The head is convolutional already.
        KerasCnnError: The run or its data cannot be read, it is in use, the new run exists, or an answer
            changed.
    """
    run = Run.of(run)
    file, target = run.require_model(), run.path.resolve().with_name(f"{run.path.resolve().name}-conv")
    run.require_records()
    if target.exists() and not overwrite:
        raise KerasCnnError(f"{target} exists. Add --overwrite to replace it.")
    with held(run.path):
        return _operated(run, file, target, data_dir, overwrite=overwrite)


def _operated(run: Run, file: Path, target: Path, data_dir: Path | str | None, *, overwrite: bool) -> Surgery:
    """Rewrite the head of a run's model, compare both, and write the new run."""
    model, description = load_model(file)
    _require_dense_head(model, description, run)
    test = load_trained_data(run, data_dir).test.prepared(description.preprocessing)
    rewritten = as_convolutions(model)
    largest, agreement = _compare(model, rewritten, test)
    if agreement < 1:
        raise KerasCnnError(
            f"{run.path}: {1 - agreement:.2%} of the predictions changed, logits by up to {largest:.2g}. "
            "Nothing was written."
        )
    larger_image, map_side = _on_a_larger_image(rewritten, description)
    result = Surgery(
        run=target,
        model=description.architecture.model,
        parameters_before=count_parameters(model.trainable_weights),
        parameters_after=count_parameters(rewritten.trainable_weights),
        max_difference=largest,
        agreement=agreement,
        n=len(test),
        larger_image=larger_image,
        map_side=map_side,
    )
    _write(result, run, rewritten, description, overwrite=overwrite)
    return result


def as_convolutions(model: Any) -> Any:
    """Return the same network with its dense layers as convolutions; the backbone's layers are shared.

    Args:
        model: A ``keras.Model`` with the ``fc`` head.
    """
    head = [layer for layer in model.layers if is_head_layer(layer.name)]
    dense = [layer for layer in head if layer.weights]
    import keras

    dropout = next((layer.rate for layer in head if isinstance(layer, keras.layers.Dropout)), 0.0)
    features = model.get_layer("flatten").input
    widths = [layer.units for layer in dense]
    rewritten = keras.Model(
        model.input, fc_as_convolutions(features, widths[:-1], widths[-1], dropout), name=model.name
    )
    for layer in dense:
        convolution = rewritten.get_layer("class_map" if layer is dense[-1] else layer.name)
        kernel, bias = layer.get_weights()
        # flattening runs over rows, columns, depth, as the filter does
        convolution.set_weights([kernel.reshape(convolution.kernel.shape), bias])
    return rewritten


def _require_dense_head(model: Any, description: ModelDescription, run: Run) -> None:
    architecture = description.architecture
    if architecture.head != "fc":
        raise UsageError(
            f"{run.path} has the {architecture.head} head, which is convolutional already: nothing to "
            "rewrite."
        )
    if not any(layer.name == "flatten" for layer in model.layers):
        raise UsageError(
            f"{run.path} is {architecture.form}, which ends in layers of its own: nothing to rewrite."
        )


def _compare(model: Any, rewritten: Any, test: Split) -> tuple[float, float]:
    """Return the largest difference of the logits and the share of equal predictions."""
    before, after = (keras_scores(each, test.images) for each in (model, rewritten))
    same = before.argmax(axis=1) == after.argmax(axis=1)
    return float(np.abs(before - after).max()), float(same.mean())


def _on_a_larger_image(rewritten: Any, description: ModelDescription) -> tuple[int, int]:
    """Return the side of a larger image and of the output map that it gives."""
    variant = description.architecture.facts()
    side = description.preprocessing.height
    for _ in range(STEPS_LARGER):
        side = next_fitting(variant.windows, side + 1) or side
    image = np.zeros((1, side, side, description.preprocessing.channels), np.uint8)
    scores = resized_to_map(rewritten, side, side).predict_on_batch(image)
    return side, int(scores.shape[1])


def _write(
    result: Surgery, run: Run, rewritten: Any, description: ModelDescription, *, overwrite: bool
) -> None:
    """Write the new run: unchanged files are copied, the model and its records are new."""
    architecture = description.architecture.with_head(HEAD)
    now = datetime.now(UTC).replace(microsecond=0)
    record = run.record.model_copy(update={"architecture": architecture, "state": "running", "created": now})
    described = description.model_copy(
        update={"architecture": architecture, "parameters": result.parameters_after}
    )
    config = ResolvedConfig.read(run.path / "config.toml").model_copy(update={"head": architecture.head})
    with new_run(result.run, record, overwrite=overwrite) as new:
        for name in COPIED:
            _copy(run.path / name, new.path / name)
        config.write(new.path / "config.toml")
        save_model(rewritten, described, new.model_path)
        write_json(new.path / "model.json", described.model_dump(mode="json"))
        write_json(new.path / "metrics.json", run.metrics() | architecture.model_dump())
        write_json(new.path / RECORD, result.to_dict() | {"run": new.path.name, "from": run.path.name})
        write_card(new.marked("interrupted" if run.record.state == "interrupted" else "done"))


def origin(run: Run) -> Path | None:
    """Return the run that this one was rewritten from, ``None`` for one that was trained.

    Raises:
        KerasCnnError: The record of it is damaged.
    """
    if not (run.path / RECORD).is_file():
        return None
    record = read_json(run.path / RECORD)
    if not (isinstance(record, dict) and isinstance(record.get("from"), str)):
        raise KerasCnnError(f"{run.path / RECORD} is damaged: it does not name the run it was made from.")
    return run.path.parent / str(record["from"])


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.is_file():
        shutil.copy(source, target)
