"""What a study consists of: heads × seeds under one set of conditions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kerascnn.analysis.evaluation.significance import MARGIN
from kerascnn.data.dataset import Dataset
from kerascnn.foundation.errors import TargetError, UsageError
from kerascnn.models.family import family
from kerascnn.models.heads import heads as known_heads
from kerascnn.studies.results.settings import StudySettings
from kerascnn.training.config import CONDITIONS, ResolvedConfig, TrainingConfig

HEADS = ("fc", "conv1x1")  # where none are named
#: Settings in which a study that goes on may differ; its threads, which change rounding, stay those at first.
#: Each training that exists is held to its head's units.
FREE = {"command", "heads", "head_units", "seeds", "max_seeds", "threads"}
_SHARED = {"model", "variant", "norm", "image_size", "channels", "epochs", "threads", *CONDITIONS}


@dataclass(frozen=True)
class Plan:
    """One grid.

    Attributes:
        configs: Of each head; they differ in the head alone.
        seeds: The same for each head.
        max_seeds: Of a study that adds seeds until it decides, the most of them.
    """

    configs: tuple[ResolvedConfig, ...]
    seeds: tuple[int, ...]
    max_seeds: int | None = None

    @property
    def name(self) -> str:
        """What the study's folder is named after."""
        return f"{self.configs[0].model}-{self.configs[0].source.name}"

    def settled(self, dataset: Dataset) -> "Plan":
        """Return the plan for this data, see :func:`kerascnn.training.prepare.settled`."""
        from kerascnn.training.prepare import settled

        first = settled(self.configs[0], dataset)
        fitted = first.model_dump(include={"batch_size", "pixel_mean", "pixel_std"})
        return replace(self, configs=tuple(config.model_copy(update=fitted) for config in self.configs))

    def on_threads(self, threads: int) -> "Plan":
        """Return the plan with a number of threads for every training."""
        configs = (config.model_copy(update={"threads": threads}) for config in self.configs)
        return replace(self, configs=tuple(configs))

    def with_seeds(self, count: int) -> "Plan":
        """Return the plan with the seeds 1 to ``count``."""
        return replace(self, seeds=tuple(range(1, count + 1)))

    def cells(self, folder: Path) -> list[ResolvedConfig]:
        """Return the settings of every cell, seed by seed: a study that is cut short has whole seeds."""
        return [
            config.model_copy(
                update={"seed": seed, "runs_dir": folder / "runs", "name": f"{config.head}-{seed}"}
            )
            for seed in self.seeds
            for config in self.configs
        ]

    def settings(self, margin: float) -> StudySettings:
        """Return the shared settings, heads, seeds and the command that repeats the study."""
        shared = self.configs[0].model_dump(include=_SHARED) | {"model": family(self.configs[0].model).name}
        if self.max_seeds:
            shared["max_seeds"] = self.max_seeds
        return StudySettings(
            **shared,
            data=self.configs[0].source.name,
            heads=tuple(config.head for config in self.configs),
            head_units={config.head: config.head_units for config in self.configs},
            seeds=self.seeds,
            command=self._command(margin),
        )

    def _command(self, margin: float) -> str:
        """Return what repeats the study; what it does not say is the recipe's."""
        first = self.configs[0]
        units = next((config.head_units for config in self.configs if config.head_units), ())
        options = {
            "heads": ",".join(config.head for config in self.configs),
            "variant": first.variant,
            "norm": first.norm,
            "head-units": ",".join(map(str, units)),
            "image-size": first.image_size,
            "channels": first.channels,
            "data": "DIR" if first.source.folder else first.data,
            "data-dir": "DIR" if first.data_dir else None,
            "seeds": None if self.max_seeds else len(self.seeds),
            "max-seeds": self.max_seeds,
            "epochs": first.epochs,
            "batch-size": first.batch_size,
            "precision": first.precision,
            "margin": None if margin == MARGIN else f"{margin:g}",
        }
        words = [f"--{option} {value}" for option, value in options.items() if value]
        flags = ["--until-decided"] if self.max_seeds else []
        flags += ["--skip-bad-files"] if first.skip_bad_files else []
        if "augment" not in first.of_recipe:
            parts = "" if isinstance(first.augment, bool) else f" {','.join(first.augment)}"
            flags.append(f"--augment{parts}" if first.augment else "--no-augment")
        return " ".join([f"kerascnn compare {first.model}", *words, *flags])


def plan(
    model: str,
    heads: Sequence[str],
    seeds: int,
    head_units: tuple[int, ...] | None = None,
    max_seeds: int | None = None,
    **settings: Any,
) -> Plan:
    """Return the grid of a model's heads and the seeds 1 to ``seeds``.

    Args:
        model: A family or its alias.
        heads: At least two.
        seeds: How many.
        head_units: Of the heads that have hidden layers; ``None``: their own.
        max_seeds: Of a study that adds seeds until it decides, the most of them.
        **settings: See :class:`TrainingConfig`, the same for every head.

    Raises:
        UsageError: A name is unknown or a setting makes no sense.
        TargetError: The normalization cannot become int8.
    """
    if seeds < 1:
        raise UsageError(f"seeds must be at least 1. Received: seeds={seeds}")
    configs = [
        TrainingConfig(
            model=model,
            head=head,
            head_units=head_units if known_heads[head].has_units else None,
            **settings,
        ).resolved()
        for head in _distinct(heads)
    ]
    if configs[0].norm == "lrn":
        raise TargetError(
            "compare quantizes to int8, and lrn has no int8 operator. Use --norm batch or none."
        )
    return Plan(tuple(_same_for_all(configs)), tuple(range(1, seeds + 1)), max_seeds)


def _distinct(heads: Sequence[str]) -> list[str]:
    names = [known_heads.canonical(head.strip()) for head in heads]
    if len(names) < 2 or len(set(names)) < len(names):
        raise UsageError(f"heads must be at least two different ones. Received: heads={','.join(heads)}")
    return names


def _same_for_all(configs: list[ResolvedConfig]) -> list[ResolvedConfig]:
    """Give every head the first one's conditions and the largest number of epochs."""
    epochs = max(config.epochs for config in configs)
    same = configs[0].model_dump(include=set(CONDITIONS))
    return [config.model_copy(update=same | {"epochs": epochs}) for config in configs]
