"""The requested fine-tuning: pruning, clustering, or quantization-aware training."""

import math
from dataclasses import dataclass
from typing import Any, Literal, Self

from kerascnn.foundation.errors import UsageError

Stage = Literal["pruning", "clustering", "quantization-aware training"]

PRUNING: Stage = "pruning"
CLUSTERING: Stage = "clustering"
AWARE: Stage = "quantization-aware training"

METHODS = ("ptq", "qat")
EPOCHS = 3
MOST_CLUSTERS = 256  # int8 has no more values


@dataclass(frozen=True)
class FineTuningPlan:
    """The stages of a fine-tuning.

    Attributes:
        sparsity: Share of the weights of each layer that become 0 (Zhu & Gupta, 2017); ``None``: not pruned.
        clusters: How many different weights a layer keeps (Han et al., 2016); ``None``: not clustered.
        aware: Whether the weights are trained with the rounding of int8 in the loop (Jacob et al., 2018).
        epochs: Epochs of each stage.
    """

    sparsity: float | None = None
    clusters: int | None = None
    aware: bool = False
    epochs: int = EPOCHS

    @classmethod
    def of(cls, method: str, prune: float | None, cluster: int | None, epochs: int | None) -> Self:
        """Check a request.

        Args:
            method: ``ptq`` or ``qat``.
            prune: A share, above 0 and below 1.
            cluster: 2 to 256, with ``prune`` 3 to 256.
            epochs: At least 1; ``None``: 3.

        Raises:
            UsageError: A value makes no sense, or there is nothing for which the epochs could be meant.
        """
        if method not in METHODS:
            raise UsageError(f"method must be {' or '.join(METHODS)}. Received: method={method}")
        if prune is not None and not (math.isfinite(prune) and 0 < prune < 1):
            raise UsageError(f"prune must be between 0 and 1, for example 0.5. Received: prune={prune:g}")
        fewest = 2 if prune is None else 3  # one of them is the 0 of the pruned weights
        if cluster is not None and not fewest <= cluster <= MOST_CLUSTERS:
            beside = "" if prune is None else " beside prune"
            raise UsageError(
                f"cluster must be {fewest} to {MOST_CLUSTERS} values{beside}. Received: cluster={cluster}"
            )
        if epochs is not None and epochs < 1:
            raise UsageError(f"fine_tuning_epochs must be at least 1. Received: fine_tuning_epochs={epochs}")
        return cls(prune, cluster, method == "qat", EPOCHS if epochs is None else epochs)

    @property
    def compression(self) -> tuple[Stage, ...]:
        """The stages that return a float network."""
        asked = [(PRUNING, self.sparsity), (CLUSTERING, self.clusters)]
        return tuple(stage for stage, wanted in asked if wanted is not None)

    @property
    def tunes(self) -> bool:
        """Whether the weights change."""
        return bool(self.compression) or self.aware

    def to_dict(self) -> dict[str, Any]:
        """Return method, prune, cluster and fine_tuning_epochs as they are asked for."""
        return {
            "method": METHODS[self.aware],
            "prune": self.sparsity,
            "cluster": self.clusters,
            "fine_tuning_epochs": self.epochs if self.tunes else None,
        }

    @property
    def suffix(self) -> str:
        """The suffix for the file name of the compressed network, for example ``-pruned50``."""
        pruned = f"-pruned{100 * self.sparsity:g}" if self.sparsity is not None else ""
        return pruned + (f"-clustered{self.clusters}" if self.clusters is not None else "")

    @property
    def words(self) -> str:
        """The compressed network in words, for example ``pruned to 50 %, 16 values``."""
        pruned = [f"pruned to {100 * self.sparsity:g} %"] if self.sparsity is not None else []
        return ", ".join(pruned + ([f"{self.clusters} values"] if self.clusters is not None else []))
