"""The model card in a file's metadata: origin, input and output of the network."""

import hashlib
from dataclasses import dataclass
from typing import Any, Self

from ai_edge_litert import schema_py_generated as schema

from kerascnn.analysis.evaluation.metrics import Accuracy
from kerascnn.data.preprocessing import Preprocessing
from kerascnn.models.description import ModelDescription
from kerascnn.tflite.metadata.labels import LABELS
from kerascnn.tflite.metadata.schema import GRAYSCALE, RGB, TENSOR_AXIS_LABELS
from kerascnn.tflite.metadata.tensor_values import TensorValues
from kerascnn.training.run import Run

PARSER = "1.0.0"  # of the schema: nothing younger is written


@dataclass(frozen=True)
class ModelCard:
    """Origin of a network, for its metadata.

    Attributes:
        name: Of the run.
        created: The day of the training, as 2026-01-31.
        description: The description in the model file.
        test: Accuracy of the Keras model; ``None`` if it was never tested.
        sha256: SHA-256 of ``model.keras``, hexadecimal.
    """

    name: str
    created: str
    description: ModelDescription
    test: Accuracy | None
    sha256: str

    @classmethod
    def of(cls, run: Run, description: ModelDescription) -> Self:
        """Return the card of a run.

        Raises:
            KerasCnnError: The run has no model yet, or a record of it is damaged.
        """
        with run.require_model().open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        test = Accuracy.from_dict(run.metrics()["test"]) if run.has_metrics else None
        return cls(run.path.resolve().name, str(run.record.created.date()), description, test, sha256)

    def document(self, content: bytes) -> dict[str, Any]:
        """Return the ``ModelMetadata`` of a file with this network.

        Args:
            content: The ``.tflite`` file: one image in, one probability a class out.
        """
        graph = schema.Model.GetRootAs(content).Subgraphs(0)
        pixels, scores = (
            TensorValues.of(graph.Tensors(number)) for number in (graph.Inputs(0), graph.Outputs(0))
        )
        return {
            "name": self.name,
            "description": str(self),
            "version": self.created,
            "min_parser_version": PARSER,
            "subgraph_metadata": [
                {
                    "input_tensor_metadata": [_image(self.description.preprocessing, pixels)],
                    "output_tensor_metadata": [_probability(scores)],
                }
            ],
        }

    def __str__(self) -> str:
        about = self.description
        tested = f" Test accuracy before conversion: {self.test}." if self.test else ""
        tuned = f" Weights {about.tuned}." if about.tuned else ""
        trained = f"{about.architecture}, trained on {about.source}."
        return f"{trained}{tested}{tuned} SHA-256 of model.keras: {self.sha256}."


def _image(preprocessing: Preprocessing, pixels: TensorValues) -> dict[str, Any]:
    channels, colour = preprocessing.channels, preprocessing.channels == 3
    # Pixels go in raw: subtracting a mean and dividing are the model's own first layer.
    normalization = {"mean": [0.0] * channels, "std": [1.0] * channels}
    return {
        "name": "image",
        "description": f"{_image_words(preprocessing)} Raw values 0 to 255: {pixels.taken('pixel')}.",
        "content": {"content_properties": {"ImageProperties": {"color_space": RGB if colour else GRAYSCALE}}},
        "process_units": [{"options": {"NormalizationOptions": normalization}}],
        "stats": {"min": [pixels.stored(0)], "max": [pixels.stored(255)]},
    }


def _probability(scores: TensorValues) -> dict[str, Any]:
    labels = {"name": LABELS, "description": "Class names, one per line.", "type": TENSOR_AXIS_LABELS}
    return {
        "name": "probability",
        "description": f"One for each line of {LABELS}: {scores.given('probability')}.",
        "content": {"content_properties": {"FeatureProperties": {}}},
        "stats": {"min": [scores.stored(0)], "max": [scores.stored(1)]},
        "associated_files": [labels],
    }


def _image_words(preprocessing: Preprocessing) -> str:
    tint = "RGB" if preprocessing.channels == 3 else "Grey"
    margin = f" with {preprocessing.margin} pixels of margin" if preprocessing.margin else ""
    fit = (
        "the middle of an image, scaled to fill them"
        if preprocessing.fit == "crop"
        else f"a whole image, scaled and centred on black{margin}"
    )
    return f"{tint} pixels, {preprocessing.height} rows of {preprocessing.width}: {fit}."
