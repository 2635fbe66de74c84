"""The settings of a training, validated once and stored in the run as ``config.toml``."""

import os
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from kerascnn.data.augmentation import PARTS, Part
from kerascnn.data.sources.registry import source_of
from kerascnn.data.sources.source import Source
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.files import write_text
from kerascnn.foundation.machine import processors
from kerascnn.models.family import family
from kerascnn.models.heads import heads
from kerascnn.models.network import Network
from kerascnn.training.interventions import Interventions
from kerascnn.training.recipes import Recipe, recipe_settings

Epochs = Annotated[int, Field(ge=1, le=100_000)]
BatchSize = Annotated[int, Field(ge=1)]
LearningRate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Optimizer = Literal["adam", "sgd", "rmsprop"]
Schedule = Literal["cosine", "linear", "constant"]


def _augment(value: Any) -> Any:
    """Return ``all``, ``none`` or names of augmentations as stored: a boolean, or names in order."""
    if isinstance(value, bool):
        return value
    words = value.split(",") if isinstance(value, str) else value
    names = {str(word).strip() for word in words} if isinstance(words, list | tuple) else {str(value)}
    if len(names) == 1 and (switched := SWITCHES.get(*names)) is not None:
        return switched
    if names - PARTS.keys():
        raise PydanticCustomError("augment", f"be all, none, or some of {', '.join(PARTS)}")
    return tuple(name for name in PARTS if name in names) or False


SWITCHES = {"all": True, "none": False}
Augment = Annotated[bool | tuple[Part, ...], BeforeValidator(_augment)]


#: What must be the same for every head if they are to be compared.
CONDITIONS = (
    "batch_size",
    "augment",
    "class_weights",
    "optimizer",
    "learning_rate",
    "schedule",
    "weight_decay",
    "label_smoothing",
    "ema",
    "clip_norm",
    "patience",
    "precision",
)


#: What says where a run stands, not what it is.
PLACES = {"name", "runs_dir", "overwrite"}


class TrainingConfig(Network):
    """Settings of one training, including those of ``Network``. ``None`` takes the model's recipe.

    Attributes:
        model: A family or its alias, as typed; the run's folder is named after it.
        variant: ``None``: the recipe's for the source.
        channels: ``None``: those of the source's images; ``classes`` must be the source's.
        data: A source, or a folder of class folders; ``data_dir`` is the folder of a source's original files.
        skip_bad_files: Whether image files that cannot be decoded are left out instead of ending it.
        weights: A run whose trained backbone this training starts from.
        recipe: The recipe for settings that are ``None``: ``default``, ``fast`` (good soon) or ``best``.
        epochs: Passes over the training images.
        batch_size: Images of one optimizer step.
        augment: Whether images are moved, turned, cropped or mirrored, as is usual for the source; or only
            these of ``flip``, ``shift``, ``crop``, ``rotate``, ``zoom``.
        class_weights: Whether each class counts as if it had the same number of training images.
        optimizer: Adam with β2 = 0.99, SGD with Nesterov momentum 0.9, or RMSprop.
        learning_rate: The peak; it is reached after a tenth of all steps.
        schedule: How it falls to zero after that: by a half cosine, in a line, or not at all.
        weight_decay: Decoupled, as in AdamW (Loshchilov & Hutter, 2019).
        label_smoothing: Share of the truth that is spread over all classes (Szegedy et al., 2016).
        ema: Momentum of a moving average of the weights that is validated and kept instead of them; 0: none.
        clip_norm: Largest norm of all gradients together, which are scaled down to it; 0: any.
        patience: Epochs without a better validation accuracy after which the training ends with its best
            weights; 0: it runs to its end.
        seed: Random seed for initial weights, image order, augmentation and dropout.
        pixel_mean: The first layer maps pixels to (pixel − pixel_mean) / pixel_std. ``None``: those of the
            training images, or of ``weights``.
        pixel_std: See ``pixel_mean``.
        cache_mb: Room in MiB for a folder's decoded images; what does not fit is decoded in each epoch.
            ``None``: 2,048, but at most a quarter of the machine's memory.
        threads: CPU threads; another number gives other rounding and other weights. ``None``: as many
            as there are processors.
        backend: ``tensorflow`` or ``jax``; ``None``: the one Keras runs on.
        device: ``auto``, ``cpu``, ``gpu`` or ``gpu:N``.
        precision: Precision of the training; the saved model is always float32.
        jit: Whether XLA compiles the step; ``None``: on GPUs and on JAX.
        deterministic: Whether a GPU must repeat itself to the bit, which costs time; a CPU does anyhow.
        runs_dir: The new run is ``runs_dir/name``, without a name ``runs_dir/<model>-<head>-<source>-<n>``.
        overwrite: Whether a run of that name may be replaced.
        tensorboard: Whether curves and images for TensorBoard are written to the run's ``tensorboard/``.
        interventions: What a person changed while it trained; it is changed again at the same steps.

    Raises:
        UsageError: A value makes no sense.
    """

    data: str = "digits"
    data_dir: Path | None = None
    skip_bad_files: bool = False
    weights: Path | None = None
    recipe: Recipe = "default"
    epochs: Epochs | None = None
    batch_size: BatchSize | None = None
    augment: Augment | None = None
    class_weights: bool = False
    optimizer: Optimizer | None = None
    learning_rate: LearningRate | None = None
    schedule: Schedule | None = None
    weight_decay: NotNegative | None = None
    label_smoothing: Share | None = None
    ema: Share | None = None
    clip_norm: NotNegative | None = None
    patience: Annotated[int, Field(ge=0)] | None = None
    seed: int = Field(default=1, ge=0, lt=2**32)
    pixel_mean: float | None = Field(default=None, allow_inf_nan=False)
    pixel_std: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    cache_mb: int | None = Field(default=None, ge=0)
    threads: int | None = Field(default=None, ge=1, le=1024)
    backend: Literal["tensorflow", "jax"] | None = None
    device: str = Field(default="auto", pattern="^(auto|cpu|gpu(:[0-9]+)?)$")
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] | None = None
    jit: bool | None = None
    deterministic: bool = False
    runs_dir: Path = Path("runs")
    name: str | None = None
    overwrite: bool = False
    tensorboard: bool = False
    interventions: Interventions = ()

    @classmethod
    def load(cls, path: Path | None, assignments: Iterable[str] = (), **given: Any) -> Self:
        """Return the settings from a TOML file, ``key=value`` texts and arguments; later ones win.

        Raises:
            UsageError: The file cannot be read, a key is unknown, or a value makes no sense.
        """
        stored: dict[str, Any] = {}
        if path is not None:
            try:
                stored = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError) as error:
                reason = getattr(error, "strerror", None) or error
                raise UsageError(f"{path} cannot be read as TOML: {reason}.") from error
        for assignment in assignments:
            stored |= _assigned(assignment)
        return cls(**stored | given)

    def resolved(self) -> "ResolvedConfig":
        """Return the settings with canonical names, completed from the recipe.

        Raises:
            UsageError: A model, variant, head or source is unknown, or the image size does not fit.
        """
        known = family(self.model)
        source = source_of(self.data)
        usual = recipe_settings(known.name, self.recipe, source.kind)
        variant = self.variant or usual["variant"]
        network = self.model_copy(update={"variant": variant}).complete()
        filled = {
            name: getattr(network, name) for name in ("variant", "norm", "head", "head_units", "image_size")
        }
        filled |= {"threads": self.threads or processors(), "data": source.place}
        filled["cache_mb"] = _usual_cache_mb() if self.cache_mb is None else self.cache_mb
        asked = self.model_dump(exclude_none=True) | filled
        for path in ("data_dir", "weights"):  # the run must be found again from any current directory
            if path in asked:
                asked[path] = asked[path].resolve()
        form = (variant, self.optimizer or usual["optimizer"])
        given = recipe_settings(known.name, self.recipe, source.kind, network.head, *form)
        return ResolvedConfig(**given | asked, of_recipe=frozenset(given.keys() - asked.keys()))


def _place(data: str) -> str:
    return source_of(data).place


def _usual_cache_mb() -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 2**33
    return min(2048, memory // 4 // 2**20)


def _assigned(assignment: str) -> dict[str, Any]:
    """Read ``key=value``, the value as in TOML or else as text."""
    key, equals, value = assignment.partition("=")
    if not (key.strip().isidentifier() and equals):
        raise UsageError(f"--set takes key=value, for instance epochs=5. Received: {assignment!r}")
    try:
        return {key.strip(): tomllib.loads(f"value = {value}")["value"]}
    except ValueError:
        return {key.strip(): value.strip()}


class ResolvedConfig(TrainingConfig):
    """Complete settings, except those that depend on the data: the content of a run's ``config.toml``.

    Attributes:
        of_recipe: Names of those that nobody asked for, which adapt to the data; a file does not hold them.
    """

    variant: str
    norm: str = "none"
    head_units: tuple[int, ...] = ()
    image_size: int = 32
    epochs: Epochs
    batch_size: BatchSize
    augment: Augment
    optimizer: Optimizer
    learning_rate: LearningRate
    schedule: Schedule
    weight_decay: NotNegative
    label_smoothing: Share
    ema: Share
    clip_norm: NotNegative
    patience: Annotated[int, Field(ge=0)]
    cache_mb: int
    threads: int
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    of_recipe: frozenset[str] = Field(default=frozenset(), exclude=True)

    def resolved(self) -> "ResolvedConfig":
        """Return these settings: they are complete."""
        return self

    @property
    def source(self) -> Source:
        """Where the images come from; ``data`` is its place."""
        return Source.of_settings(self.data)

    def same_everywhere(self) -> str:
        """Return the settings that must be equal in all processes as text: all but paths."""
        local = PLACES | {"data", "data_dir", "weights", "threads", "cache_mb"}
        return self.model_dump_json(exclude=local)

    def require_same(self, run: Path, **given: Any) -> None:
        """Check that settings equal those of a run.

        Raises:
            UsageError: They differ; the message says in what.
        """
        asked = TrainingConfig(**given)
        named: dict[str, Callable[[str], str]] = {
            "model": lambda name: family(name).name,
            "head": heads.canonical,
        }
        placed: dict[str, Callable[[Any], Any]] = {"data": _place, "weights": Path.resolve}
        differing = []
        for name in given.keys() - PLACES:
            here, wanted = getattr(self, name), getattr(asked, name)
            if name in placed:
                wanted = placed[name](wanted)  # as it is stored
            if name in named and named[name](here) == named[name](wanted):
                continue
            if here != wanted:
                differing.append(f"{name} is {here}, not {wanted}")
        if differing:
            raise UsageError(
                f"{run} resumes with its own settings: {'; '.join(sorted(differing))}. Omit "
                "the option, or start a new training; --data-dir gives the new place of moved data."
            )

    def write(self, path: Path) -> None:
        """Write the settings as TOML; ``None`` is left out, because TOML has no null.

        Nor is ``overwrite`` written: it is decided again at each repetition.
        """
        settings = self.model_dump(mode="json", exclude_none=True, exclude={"overwrite", "interventions"})
        changes = [change.model_dump(mode="json", exclude_defaults=True) for change in self.interventions]
        write_text(path, tomli_w.dumps(settings | ({"interventions": changes} if changes else {})))

    @classmethod
    def read(cls, path: Path) -> "ResolvedConfig":
        """Read the settings of a run.

        Raises:
            KerasCnnError: The file is missing or damaged.
        """
        try:
            return cls(**tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError, UsageError) as error:
            raise KerasCnnError(f"{path} is missing or damaged: {error}.") from error
