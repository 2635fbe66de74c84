"""``train``: from a configuration to a run folder."""

import math
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerascnn.data.dataset import Dataset, Split
from kerascnn.data.image_files import FileSplit
from kerascnn.data.sources import is_folder, load, source_name
from kerascnn.description import FOLDER, ModelDescription
from kerascnn.errors import UsageError
from kerascnn.evaluation import Evaluation, evaluate_classifier, keras_classifier
from kerascnn.files import write_json
from kerascnn.model_file import save_model
from kerascnn.models.family import Network, build, family
from kerascnn.profile import count_parameters
from kerascnn.progress import Progress, silent
from kerascnn.run import Run, RunRecord, free_name, new_run, run_folder
from kerascnn.training.card import write_card
from kerascnn.training.config import ResolvedConfig, TrainingConfig
from kerascnn.training.environment import environment
from kerascnn.training.fitting import Fit, fit
from kerascnn.training.history import Epoch, write_history
from kerascnn.training.start import Start
from kerascnn.visualize import confusion, learning_curves, save_figure

#: About so many training pixels set the first layer: 5,000 digits of 32×32, 99 photos of 227×227.
MEASURED_PIXELS = 5_000 * 32 * 32
MEASURED_FILES = 200  # at most: each is decoded for it


def train(config: TrainingConfig, *, progress: Progress = silent, dataset: Dataset | None = None) -> Run:
    """Train a model and write its run folder.

    Ctrl-C ends the training early: the run then holds the best model so far and its state is ``interrupted``.

    Args:
        config: What to train, on what, how.
        progress: Told how far the training is.
        dataset: The source's images, where the caller has loaded them already.

    Raises:
        UsageError: A setting makes no sense.
        KerasCnnError: The data cannot be read, or the run cannot be written; nothing stays behind.
        KeyboardInterrupt: Ctrl-C came before the first epoch ended; nothing stays behind.
    """
    settings = config.resolved()
    dataset = dataset or load(settings.data, settings.data_dir)
    settings = settings.for_images(len(dataset.train), asked=config.batch_size)
    record = RunRecord(
        created=datetime.now(UTC).replace(microsecond=0),
        model=settings.model,
        variant=settings.variant,
        head=settings.head,
        source=source_name(settings.data),
        seed=settings.seed,
    )
    network = _network(settings, dataset)
    with new_run(_folder(settings), record, overwrite=settings.overwrite) as run:
        settings.write(run.path / "config.toml")
        write_json(run.path / "environment.json", environment(dataset.digests()))
        done = _train_into(run, settings, network, dataset, progress)
        run = run.ended("interrupted" if done.interrupted else "done")
        write_card(run)
    return run


def _train_into(
    run: Run, config: ResolvedConfig, network: Network, dataset: Dataset, progress: Progress
) -> Fit:
    """Train, test, and write what came of it."""
    started = time.perf_counter()
    model, description, prepared = _prepare(config, network, dataset)

    def epoch_ended(epochs: list[Epoch]) -> None:
        write_history(run.path / "history.csv", epochs)

    for needed_later in (prepared.validation, prepared.test):
        needed_later.check()
    done = fit(model, prepared, config, progress=progress, epoch_ended=epoch_ended)
    if not done.kept_epoch:
        raise KeyboardInterrupt
    save_model(model, description, run.model_path)  # first: from here on Ctrl-C costs no training
    epoch_ended(done.epochs)
    write_json(run.path / "model.json", description.model_dump(mode="json"))
    tested = evaluate_classifier(
        keras_classifier(model), prepared.test, dataset.classes, model=str(run.path), data=dataset.source
    )
    metrics = _metrics(description, dataset, done, tested)
    write_json(run.path / "metrics.json", metrics | {"seconds": round(time.perf_counter() - started, 2)})
    _save_plots(run.path / "plots", done.epochs, tested)
    return done


def _folder(config: ResolvedConfig) -> Path:
    if config.name is not None:
        return run_folder(config.runs_dir, config.name)
    return free_name(config.runs_dir, f"{config.model}-{config.head}-{source_name(config.data)}")


def _prepare(
    config: ResolvedConfig, network: Network, dataset: Dataset
) -> tuple[Any, ModelDescription, Dataset]:
    """Return the model with its first weights, its description, and the data brought to its input."""
    preprocessing = dataset.preprocessing(config.image_size, network.channels)
    train, validation, test = (
        split.prepared(preprocessing) for split in (dataset.train, dataset.validation, dataset.test)
    )
    start = Start.of(config.weights, config.norm) if config.weights else None
    mean, std = start.pixels if start else _pixel_statistics(train, network)
    # One seed before the build: the trunk's layers come first, so every head starts from the same trunk.
    keras.utils.set_random_seed(config.seed)
    model = build(**network.model_dump(), pixel_mean=mean, pixel_std=std)
    if start:
        start.hand_over(model)
    description = ModelDescription(
        model=family(config.model).name,
        variant=config.variant,
        norm=config.norm,
        head=config.head,
        source=f"{FOLDER if is_folder(config.data) else ''}{dataset.source}",
        preprocessing=preprocessing,
        classes=dataset.classes,
        parameters=count_parameters(model.trainable_weights),
        parameters_fixed=count_parameters(model.non_trainable_weights),
    )
    return model, description, replace(dataset, train=train, validation=validation, test=test)


def _network(config: ResolvedConfig, dataset: Dataset) -> Network:
    """Return the network for this data.

    Raises:
        UsageError: Other classes are asked for than the data have, or channels that pictures cannot have.
    """
    classes, channels = config.classes or len(dataset.classes), config.channels or dataset.channels
    if classes != len(dataset.classes):
        raise UsageError(f"{dataset.source} has {len(dataset.classes)} classes. Received: classes={classes}")
    if channels not in (1, 3):
        raise UsageError(f"Pictures have 1 channel (grey) or 3 (colour). Received: channels={channels}")
    asked = config.model_dump(include={"model", "variant", "norm", "head", "image_size"})
    units = config.head_units or None  # a head without hidden layers has none to choose
    return Network(**asked, head_units=units, channels=channels, classes=classes).complete()


def _pixel_statistics(train: Split, network: Network) -> tuple[float, float]:
    """Return mean and standard deviation of the pixels of some hundred evenly spread training images.

    Where the first convolution pads, the mean stays 0: only a pure scale melts into the int8 input there.
    """
    _, variant = family(network.model).variant(network.variant)
    images = max(MEASURED_PIXELS // math.prod((network.image_size or 1,) * 2), 1)
    if isinstance(train, FileSplit):
        images = min(images, MEASURED_FILES)
    sample = train.images[:: max(len(train) // images, 1)].astype(np.float32)
    mean = 0.0 if variant.pads_first else float(np.mean(sample, dtype=np.float64))
    return mean, max(float(np.sqrt(np.mean((sample - mean) ** 2, dtype=np.float64))), 1.0)


def _metrics(
    description: ModelDescription, dataset: Dataset, done: Fit, tested: Evaluation
) -> dict[str, Any]:
    return {
        "model": description.model,
        "variant": description.variant,
        "head": description.head,
        "parameters": description.parameters,
        "parameters_fixed": description.parameters_fixed,
        "data": {"source": dataset.source, **dataset.counts()},
        "test": tested.accuracy.to_dict(),
        "confusion": tested.confusion.tolist(),
        "validation_accuracy": done.epochs[done.kept_epoch - 1]["val_accuracy"],
        "kept_epoch": done.kept_epoch,
        "epochs": len(done.epochs),
    }


def _save_plots(folder: Path, history: list[Epoch], tested: Evaluation) -> None:
    save_figure(learning_curves(history), folder / "learning_curves.png")
    save_figure(confusion(tested.confusion, tested.classes), folder / "confusion.png")
