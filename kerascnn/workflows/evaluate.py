"""``evaluate``: the accuracy of a run or a model file on the test images of a source."""

from collections.abc import Sequence
from pathlib import Path
from warnings import warn

from kerascnn.analysis.evaluation.evaluation import Classifier, Evaluation, baseline_of, evaluate_classifier
from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.data.dataset import Dataset
from kerascnn.data.sources.registry import load, source_of
from kerascnn.data.sources.source import Source
from kerascnn.foundation.errors import KerasCnnError, KerasCnnWarning, UsageError
from kerascnn.models.architecture import UNKNOWN
from kerascnn.models.keras_file import KerasModel, place_of
from kerascnn.training.config import ResolvedConfig
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run
from kerascnn.workflows.predictor import AnyModel, Predictor, model_file_of


def evaluate(
    model: AnyModel,
    *,
    data: Path | str | None = None,
    data_dir: Path | str | None = None,
    input_range: str | None = None,
    labels: Path | str | Sequence[str] | None = None,
) -> Evaluation:
    """Evaluate a model on the test images of a source, through the preprocessing that its file carries.

    Args:
        model: A run folder, a ``.keras`` or a ``.tflite`` file, or a Keras model in memory; what becomes of
            pixels, see :func:`kerascnn.predict`.
        data: The source; ``None``: the one the model was trained on, as far as its file says it.
        data_dir: The folder with the source's files; ``None``: where they were when the run was trained that
            the model file lies in.
        input_range: For models of other programs, see :meth:`Predictor.open`; ``labels`` likewise. Its
            classes are those of the data by their names, or by their order where the names differ.

    Raises:
        UsageError: The model file does not say which source it was trained on, and none is named.
        KerasCnnError: The model or the data cannot be read, or their classes differ.
    """
    # Whatever is wrong with the file or the data is found before the model is loaded, which takes seconds.
    place = place_of(model) if isinstance(model, KerasModel) else Path(model)
    opened = model if isinstance(model, KerasModel) else model_file_of(place)
    data = None if data is None else str(data)
    dataset = _named_data(None if opened is model else Run.around(place), data, data_dir)
    with Predictor.open(opened, input_range=input_range, labels=labels) as predictor:
        rule = predictor.description.preprocessing
        if dataset is None:
            dataset = load(_registered_source(predictor), data_dir)
        classify = _in_order_of(dataset, predictor)
        test = dataset.test.prepared(rule)
        found = evaluate_classifier(
            classify,
            test,
            dataset.classes,
            model=str(place),
            data=dataset.source,
            baseline=baseline_of(dataset),
        )
    if found.is_below_baseline:
        warn(_doubt(found, is_foreign=predictor.description.is_foreign), KerasCnnWarning, stacklevel=2)
    return found


def _doubt(found: Evaluation, *, is_foreign: bool) -> str:
    """Return what may be wrong with a model that knows less than nothing."""
    assert found.baseline
    why = (
        "its class names may stand in another order, or its pixels be scaled otherwise: --labels FILE and "
        "--input-range A..B say so"
        if is_foreign
        else "its training or quantization failed, or these images are of another kind than those it learned"
    )
    return (
        f"{found.model} gets {percent(found.accuracy.accuracy)}, less than always answering "
        f"{found.baseline.answer} ({percent(found.baseline.accuracy)}): {why}."
    )


def _in_order_of(dataset: Dataset, predictor: Predictor) -> Classifier:
    """Return the classifier with its classes in the order of the data.

    Raises:
        KerasCnnError: Its classes are others.
    """
    own, classify = predictor.description.classes, predictor.classify
    if own == dataset.classes:
        return classify
    if predictor.description.is_foreign and len(own) == len(dataset.classes):
        if set(own) != set(dataset.classes):
            return classify
        order = [own.index(name) for name in dataset.classes]
        return lambda images: classify(images)[:, order]
    raise KerasCnnError(
        f"{predictor.path} has {len(own)} classes ({_some(own)}), {dataset.source} has "
        f"{len(dataset.classes)} ({_some(dataset.classes)}): they do not fit."
    )


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


def _named_data(run: Run | None, data: str | None, data_dir: Path | str | None) -> Dataset | None:
    """Return the named data or those of the run, ``None`` where only the model file names them."""
    if data is not None and not (run and _is_of(run, source_of(data))):
        named = load(data, data_dir)
        named.tell()
        return named
    return load_trained_data(run, data_dir) if run else None


def _is_of(run: Run, source: Source) -> bool:
    """Whether a run was trained on a registered source."""
    is_named = source.folder is None and source.name == run.record.source
    return is_named and ResolvedConfig.read(run.path / "config.toml").source == source


def _registered_source(predictor: Predictor) -> str:
    source = predictor.description.source
    if source.name == UNKNOWN:
        raise UsageError(f"{predictor.path} does not say what it was trained on: name a source with --data.")
    if source.folder:
        raise UsageError(f"{predictor.path} was trained on the {source}: name that folder with --data.")
    return source.name
