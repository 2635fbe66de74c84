"""``visualize``: draw what a run has learned, as PNG files and one page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from kerascnn.analysis.evaluation.evaluation import evaluate_classifier, keras_classifier
from kerascnn.analysis.interpretability.chapters import Subject, chapters
from kerascnn.analysis.interpretability.conv_blocks import convolutions
from kerascnn.analysis.interpretability.top_patches import top_activations
from kerascnn.data.bad_files import files_of, image_of
from kerascnn.data.dataset import Dataset
from kerascnn.data.images import read_image
from kerascnn.figures.page import Section, page
from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.files import half_written_noted, require_writable, write_text
from kerascnn.foundation.lock import held
from kerascnn.foundation.own_files import require_own
from kerascnn.foundation.progress import Progress, Telling, teller
from kerascnn.foundation.text.shown import Block, Facts, Shown
from kerascnn.models.keras_file import load_model
from kerascnn.training.records.trained_data import load_trained_data
from kerascnn.training.run import Run

FOLDER = "learned"  # not plots/, which `surgery` copies into another run
PAGE = "index.html"


@dataclass(frozen=True)
class SavedFigure:
    """A figure as PNG with its caption."""

    name: str
    path: Path
    caption: str

    def to_dict(self) -> dict[str, str]:
        """Return name, path and caption."""
        return {"name": self.name, "path": str(self.path), "caption": self.caption}


@dataclass(frozen=True)
class Visualization(Shown):
    """Result of ``visualize``: figures and page.

    Attributes:
        run: The run's folder.
        image: The image that was shown to the network, a file or words.
        figures: In the order of the page.
        page: The HTML file with all of them inside.
    """

    run: Path
    image: str
    figures: tuple[SavedFigure, ...]
    page: Path

    def blocks(self) -> list[Block]:
        """Return the paths of the figures."""
        lines = {
            "picture": self.image,
            "figures": f"{len(self.figures)} PNG files in {self.page.parent}",
            "page": str(self.page),
        }
        return [Facts(lines)]

    def to_dict(self) -> dict[str, Any]:
        """Return run, image, figures and page."""
        return {
            "run": str(self.run),
            "image": self.image,
            "figures": [figure.to_dict() for figure in self.figures],
            "page": str(self.page),
        }


@dataclass(frozen=True)
class _Shown:
    """The image for the network: ``image`` is its name, ``label`` its class if known."""

    image: str
    picture: Image.Image
    label: str = ""


def visualize(
    run: Run | Path | str,
    *,
    image: Path | str | None = None,
    out: Path | str | None = None,
    invert: bool = False,
    data_dir: Path | str | None = None,
    overwrite: bool = False,
    progress: Telling = None,
) -> Visualization:
    """Draw what a run has learned: filters, feature maps, top patches, class activation, mistakes.

    Args:
        run: A trained run.
        image: The image for the maps; ``None``: the first test image.
        out: The folder for the images and the page; ``None``: ``learned`` in the run.
        invert: Turn the image's dark on light into light on dark, as MNIST's digits are.
        data_dir: New place of the source's files if they were moved after training.
        overwrite: Whether images and pages there may be replaced that this program did not make.
        progress: Called with the number of test images and chapters done.

    Raises:
        UsageError: ``invert`` is given without ``image``.
        KerasCnnError: The run is in use, it, its data or the image cannot be read, its model has no
            convolution, or ``out`` cannot be written or holds an image or page of others.
        KeyboardInterrupt: Ctrl-C; the message says what is kept.
    """
    progress = teller(progress)
    if invert and image is None:
        raise UsageError("--invert needs --image.")
    run = Run.of(run)
    folder = run.path / FOLDER if out is None else Path(out)
    require_own([*folder.glob("*.png"), folder / PAGE], overwrite=overwrite)
    file = run.require_model()
    picture = None if image is None else read_image(Path(image), invert=invert)
    shown = None if picture is None else _Shown(str(image), picture)
    with held(run.path):
        return _drawn(run, file, shown, folder, data_dir, progress)


def _drawn(
    run: Run,
    file: Path,
    shown: _Shown | None,
    folder: Path,
    data_dir: Path | str | None,
    progress: Progress,
) -> Visualization:
    """Draw the figures of a run's model into a folder; the default image is the first test image."""
    model, description = load_model(file)
    convolutions(model)  # refuses a model without before the data are read
    dataset = load_trained_data(run, data_dir)
    shown = shown or _first_test_image(dataset)
    require_writable(folder)
    classify = keras_classifier(model, description.output)
    test = dataset.test.prepared(description.preprocessing)
    pixels = description.preprocessing.image(shown.picture)
    subject = Subject(
        model=model,
        description=description,
        test=test,
        evaluation=evaluate_classifier(
            classify, test, dataset.classes, model=str(run.path), data=dataset.source
        ),
        top_activations=top_activations(model, test.images, progress=progress),
        image=shown.picture,
        label=shown.label,
        pixels=pixels,
        shares=classify(pixels[np.newaxis])[0],
    )
    figures, sections = [], [_in_short(run, subject, shown)]
    with half_written_noted(folder):
        for chapter in chapters(subject, progress):
            sections.append(chapter.illustrated(folder, ("png",)))
            figures += [
                SavedFigure(each.name, folder / f"{each.name}.png", each.caption) for each in chapter.figures
            ]
        result = Visualization(run.path, shown.image, tuple(figures), folder / PAGE)
        write_text(result.page, page(f"What {run.path.resolve().name} has learned", sections))
    return result


def _first_test_image(dataset: Dataset) -> _Shown:
    label = dataset.classes[dataset.test.labels[0]]
    files = files_of(dataset.test)
    image = str(files[0].path) if files else f"first test image of {dataset.source}"
    return _Shown(image, image_of(dataset.test, 0), label)


def _in_short(run: Run, subject: Subject, shown: _Shown) -> Section:
    described, best = subject.description, subject.likeliest[0]
    truth = f", is {shown.label}" if shown.label else ""
    answer = f"{subject.evaluation.classes[best]} ({100 * subject.shares[best]:.1f} %)"
    facts = {
        "run": str(run.path),
        "model": str(described.architecture),
        "data": f"{subject.evaluation.data}, {len(subject.test):,} test images",
        "test accuracy": str(subject.evaluation.accuracy),
        "picture": f"{shown.image}{truth}; prediction {answer}",
    }
    return Section("In short", facts=facts)
