"""Wrap a network with tensorflow-model-optimization for a stage, and unwrap it afterwards."""

from typing import Any

import tensorflow_model_optimization as tfmot
from tensorflow_model_optimization.python.core.clustering.keras.experimental.cluster import cluster_weights
from tensorflow_model_optimization.python.core.quantization.keras.collab_opts.cluster_preserve import (
    cluster_utils,
)

from kerascnn.tflite.fine_tuning.plan import AWARE, CLUSTERING, PRUNING, FineTuningPlan, Stage

PRUNINGS = 20  # times that more weights become 0, over the first half of the steps; the rest is to recover


def wrapped(model: Any, stage: Stage, plan: FineTuningPlan, steps: int) -> Any:
    """Return the wrapped network for training in a stage.

    Args:
        model: A network of tf_keras.
        stage: Which.
        plan: How sparse, how many values.
        steps: How many the stage has.
    """
    if stage == PRUNING:
        every = max(steps // 2 // PRUNINGS, 1)
        schedule = tfmot.sparsity.keras.PolynomialDecay(
            initial_sparsity=0.0,
            final_sparsity=plan.sparsity,
            begin_step=0,
            end_step=min(PRUNINGS, max(steps // 2, 1)) * every,  # the last one must fall on the end
            frequency=every,
        )
        return tfmot.sparsity.keras.prune_low_magnitude(model, pruning_schedule=schedule)
    if stage == CLUSTERING:
        return cluster_weights(
            model,
            number_of_clusters=plan.clusters,
            cluster_centroids_init=tfmot.clustering.keras.CentroidInitialization.LINEAR,
            preserve_sparsity=plan.sparsity is not None,
        )
    assert stage == AWARE
    quantization = tfmot.quantization.keras
    annotated = quantization.quantize_annotate_model(model)
    scheme = _scheme(plan)
    return (
        quantization.quantize_apply(annotated, scheme) if scheme else quantization.quantize_apply(annotated)
    )


def _scheme(plan: FineTuningPlan) -> Any:
    """Return the quantization scheme that preserves pruning or clustering; ``None`` without compression."""
    if plan.clusters is not None:
        return tfmot.experimental.combine.Default8BitClusterPreserveQuantizeScheme(
            preserve_sparsity=plan.sparsity is not None
        )
    if plan.sparsity is not None:
        return tfmot.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
    return None


def callbacks(stage: Stage) -> list[Any]:
    """Return the callbacks that a stage needs."""
    return [tfmot.sparsity.keras.UpdatePruningStep()] if stage == PRUNING else []


def stripped(model: Any, stage: Stage, plan: FineTuningPlan) -> Any:
    """Return the unwrapped network after a stage."""
    if stage == PRUNING:
        return tfmot.sparsity.keras.strip_pruning(model)
    if stage == CLUSTERING:
        return tfmot.clustering.keras.strip_clustering(model)
    return cluster_utils.strip_clustering_cqat(model) if plan.clusters is not None else model
