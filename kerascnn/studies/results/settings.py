"""Settings that all trainings of a study share, as ``study.json`` keeps them."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from kerascnn.foundation.settings import Settings
from kerascnn.training.config import Augment, BatchSize, Epochs, LearningRate, NotNegative

Seed = Annotated[int, Field(ge=0)]


class StudySettings(Settings):
    """What was equal for all heads, which heads and seeds there are, and how the study is repeated.

    A setting that a later version adds is kept as it is.

    Attributes:
        model: The family, of runs that differ in it the first one's; ``variant`` and ``norm`` likewise.
        image_size: Side of the input in pixels.
        channels: Of the input; ``None``: those of the source's images.
        data: Name of the source.
        heads: Names of what is compared, in order.
        head_units: Widths of each head's hidden layers, by its name.
        seeds: Of each head's trainings.
        differing: In what runs that were trained apart differ beside the head: by setting, by run.
        interrupted: How far a run got whose training did not end, by run.
        command: What repeats the study.
        margin_points: Points within which two accuracies count as equivalent.
        max_seeds: Of a study that adds seeds until it decides, the most of them: they set the levels of its
            intervals.
    """

    model_config = ConfigDict(extra="allow")

    model: str
    variant: str
    norm: str
    image_size: Annotated[int, Field(ge=1)]
    channels: Annotated[int, Field(ge=1)] | None = None
    epochs: Epochs
    batch_size: BatchSize
    augment: Augment | None = None
    class_weights: bool = False
    optimizer: str = ""
    learning_rate: LearningRate
    schedule: str = ""
    weight_decay: NotNegative
    label_smoothing: NotNegative = 0
    ema: NotNegative = 0
    clip_norm: NotNegative = 0
    patience: Annotated[int, Field(ge=0)] = 0
    precision: str = ""
    threads: Annotated[int, Field(ge=1)] | None = None
    data: str
    heads: Annotated[tuple[str, ...], Field(min_length=1)]
    head_units: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    differing: dict[str, dict[str, Any]] = Field(default_factory=dict)
    interrupted: dict[str, str] = Field(default_factory=dict)
    command: str
    margin_points: NotNegative | None = None
    max_seeds: Annotated[int, Field(ge=2)] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the settings that this study has, as JSON holds them."""
        return self.model_dump(mode="json", exclude_unset=True)

    def differences(self, other: "StudySettings", free: set[str]) -> list[str]:
        """Return in what other settings differ from these, a phrase each.

        Args:
            other: The later ones.
            free: Settings that may differ.
        """
        was, now = self.to_dict(), other.to_dict()
        names = now.keys() | (was.keys() & {"max_seeds"})  # its boundaries hold for this number alone
        return [
            f"{name} was {was.get(name)}, is {now.get(name)}"
            for name in sorted(names - free)
            if was.get(name) != now.get(name)
        ]
