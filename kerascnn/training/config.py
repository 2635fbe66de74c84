"""Everything a training is told, validated once and stored in the run as ``config.toml``."""

import tomllib
from pathlib import Path
from typing import Annotated

import tomli_w
from pydantic import Field

from kerascnn.data.sources import canonical_source, is_folder
from kerascnn.errors import KerasCnnError, UsageError
from kerascnn.files import write_text
from kerascnn.models.family import Network, family
from kerascnn.training.recipes import recipe

Epochs = Annotated[int, Field(ge=1, le=100_000)]
BatchSize = Annotated[int, Field(ge=1)]
LearningRate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
WeightDecay = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class TrainingConfig(Network):
    """Settings of one training: those of :class:`Network`, and these. ``None`` is left to the model's recipe.

    Attributes:
        model: A family or its alias, as typed; the run's folder is named after it.
        variant: ``None``: the recipe's for the source.
        channels: ``None``: those of the source's pictures; ``classes`` must be the source's.
        data: A source, or a folder of class folders; ``data_dir`` is the folder of a source's original files.
        weights: A run whose trained trunk this training starts from.
        epochs: Passes over the training images.
        batch_size: Images of one optimizer step.
        learning_rate: The peak; it is reached after a tenth of all steps and falls to zero by a half cosine.
        weight_decay: Decoupled, as in AdamW (Loshchilov & Hutter, 2019).
        seed: Of initial weights, the order of images and everything else that is drawn.
        runs_dir: The new run is ``runs_dir/name``, without a name ``runs_dir/<model>-<head>-<source>-<n>``.
        overwrite: Whether a run of that name may be replaced.

    Raises:
        UsageError: A value makes no sense.
    """

    data: str = "digits"
    data_dir: Path | None = None
    weights: Path | None = None
    epochs: Epochs | None = None
    batch_size: BatchSize | None = None
    learning_rate: LearningRate | None = None
    weight_decay: WeightDecay | None = None
    seed: int = Field(default=1, ge=0, lt=2**32)
    runs_dir: Path = Path("runs")
    name: str | None = None
    overwrite: bool = False

    def resolved(self) -> "ResolvedConfig":
        """Return the same settings with canonical names and nothing left to a recipe.

        Raises:
            UsageError: A model, variant, head or source is unknown, or the image size does not fit.
        """
        known = family(self.model)
        source = canonical_source(self.data)
        kind = "folder" if is_folder(source) else source
        variant = self.variant or recipe(known.name, kind)["variant"]
        network = self.model_copy(update={"variant": variant}).complete()
        filled = {
            name: getattr(network, name) for name in ("variant", "norm", "head", "head_units", "image_size")
        }
        asked = self.model_dump(exclude_none=True) | filled | {"data": source}
        for path in ("data_dir", "weights"):  # the run must be found again from any current directory
            if path in asked:
                asked[path] = asked[path].resolve()
        return ResolvedConfig(**{**recipe(known.name, kind, f"{kind}.{network.head}", variant), **asked})


class ResolvedConfig(TrainingConfig):
    """Settings with nothing left open but what the data say: the content of a run's ``config.toml``."""

    variant: str
    norm: str = "none"
    head_units: tuple[int, ...] = ()
    image_size: int = 32
    epochs: Epochs
    batch_size: BatchSize
    learning_rate: LearningRate
    weight_decay: WeightDecay

    def for_images(self, images: int, *, asked: int | None) -> "ResolvedConfig":
        """Return the settings for a number of training images: a recipe's batch is at most all of them.

        Args:
            images: Number of training images.
            asked: The batch size that the user asked for, ``None``: it is the recipe's.

        Raises:
            UsageError: More images are asked for than there are.
        """
        if asked is not None and asked > images:
            raise UsageError(
                f"batch_size must be at most {images:,}, the number of training images. "
                f"Received: batch_size={asked}"
            )
        return self.model_copy(update={"batch_size": min(self.batch_size, images)})

    def write(self, path: Path) -> None:
        """Write the settings as TOML, without those that have no value: TOML has no null.

        Nor is ``overwrite`` written: who repeats the run decides that anew.
        """
        write_text(
            path, tomli_w.dumps(self.model_dump(mode="json", exclude_none=True, exclude={"overwrite"}))
        )

    @classmethod
    def read(cls, path: Path) -> "ResolvedConfig":
        """Read the settings a run was made with.

        Raises:
            KerasCnnError: The file is missing or damaged.
        """
        try:
            return cls(**tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, UsageError) as error:
            raise KerasCnnError(f"{path} is missing or damaged: {error}.") from error
