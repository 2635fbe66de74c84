"""``bundle --target web``: runs as one HTML page that shows their networks at work."""

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from kerascnn.data.dataset import Dataset, Split
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.files import write_text
from kerascnn.foundation.lock import held
from kerascnn.foundation.progress import Progress
from kerascnn.models.family import family
from kerascnn.tflite.bundle.bundle import TESTED, WEB, Bundle, model_of, require_free
from kerascnn.tflite.bundle.golden import chosen_images, golden_image
from kerascnn.tflite.quantization.file_spec import FileSpec
from kerascnn.tflite.quantization.schemes import FULL_INT8
from kerascnn.tflite.runtime.interpreter import LiteRTClassifier
from kerascnn.tflite.runtime.isolated import require_runs
from kerascnn.tflite.web.network import Network
from kerascnn.tflite.web.page import GoldenImage, Pad, page
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run

SUFFIX = ".html"
MOST = 6  # networks of a page
LONGEST = 72  # pixels of a golden photo's longer side
LEVELS = 4  # a golden photo has every fourth value: nobody sees it, and the page is smaller
#: How drawings become like the images of these sources; of other grey ones they keep their place.
PADS = {"mnist": Pad(28, 20, by_mass=True), "digits": Pad(8, 8, by_mass=False)}


def web_bundle(
    runs: Mapping[str, Run],
    *,
    scheme: str | None,
    out: Path,
    data_dir: Path | str | None,
    progress: Progress,
) -> Bundle:
    """Write a page with the full-int8 file of each run, which is made where it is missing.

    Args:
        runs: By what each is called on the page.
        scheme: ``None``: full int8; a file of another one cannot be shown.
        out: The file.
        data_dir: New place of the source's files if they were moved after training.
        progress: Called with the progress of each stage.

    Raises:
        UsageError: The runs know different classes, or ``out`` is not the name of a page.
        TargetError: A network cannot be shown.
        KerasCnnError: A run is incomplete or in use, its data changed, or ``out`` exists.
    """
    if out.suffix.lower() != SUFFIX:
        raise UsageError(f"out must end in {SUFFIX}. Received: out={str(out)!r}")
    if len(runs) > MOST:
        raise UsageError(f"A page shows at most {MOST} networks. Received: {len(runs)} runs.")
    require_free(out)
    for run in runs.values():
        run.require_model()
    with ExitStack() as all_held:
        for run in {run.path.resolve(): run for run in runs.values()}.values():
            all_held.enter_context(held(run.path))
        spec = FileSpec.of(scheme or FULL_INT8)
        text = _text(runs, spec, data_dir, progress)
    require_free(out)  # another process may have been quicker
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, text)
    progress("bundling", len(runs) + 1, len(runs) + 1, "done")
    return Bundle(out, WEB, (out.name,), hashlib.sha256(text.encode()).hexdigest())


def _text(runs: Mapping[str, Run], spec: FileSpec, data_dir: Path | str | None, progress: Progress) -> str:
    networks: list[Network] = []
    dataset: Dataset | None = None
    for number, (name, run) in enumerate(runs.items()):
        progress("bundling", number, len(runs) + 1, name)
        loaded = load_trained_data(run, data_dir)
        path = model_of(run, spec, loaded, progress)
        require_runs(path)
        tested = run.read(f"tflite/{path.stem}.result.json")
        lite = LiteRTClassifier(path)
        networks.append(Network(name, lite, {each: tested[each] for each in TESTED}))
        dataset = dataset or loaded
        _require_same_classes(networks[0], networks[-1])
    assert dataset
    progress("bundling", len(runs), len(runs) + 1, "reference images")
    rules = [network.lite.description.preprocessing for network in networks]
    chosen = sorted(chosen_images(dataset.test), key=lambda number: int(dataset.test.labels[number]))
    images = [_golden(dataset.test, number, rules) for number in chosen]
    return page(_title(networks), networks, images, _pad(networks, images))


def _title(networks: list[Network]) -> str:
    """Return what a page shows, in words."""
    described = [network.lite.description for network in networks]
    models = dict.fromkeys(family(each.architecture.model).title for each in described)
    return f"{' and '.join(models)} on {described[0].source.name}"


def _golden(test: Split, number: int, rules: list[Preprocessing]) -> GoldenImage:
    image = golden_image(test, number, LONGEST)
    if image.mode != "L":
        image = image.point([value // LEVELS * LEVELS + LEVELS // 2 for value in range(256)] * 3)
    pixels = np.asarray(image)
    pixels = pixels if pixels.ndim == 3 else pixels[..., np.newaxis]
    return GoldenImage(pixels, int(test.labels[number]), [rule.image(image) for rule in rules])


def _require_same_classes(first: Network, other: Network) -> None:
    if first.lite.description.classes != other.lite.description.classes:
        raise UsageError(
            f"{first.lite.path} and {other.lite.path} know different classes; a page has one drawing for all."
        )


def _pad(networks: list[Network], images: list[GoldenImage]) -> Pad | None:
    described = networks[0].lite.description
    if any(network.lite.description.preprocessing.channels > 1 for network in networks):
        return None
    side = max(images[0].pixels.shape[:2])
    return PADS.get(str(described.source), Pad(side, 0, by_mass=False))
