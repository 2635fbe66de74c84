"""Train LeNet-5 with a fully connected or a 1×1-convolution head, quantize it to full int8, compare.

The commands of ``kerascnn`` as functions of the same names (``data`` is ``describe_data``). Imports are
lazy: ``import kerascnn`` is quick, Keras is loaded by the first function that needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascnn.comparison.comparing import compare
    from kerascnn.comparison.existing import compare_runs
    from kerascnn.comparison.reporting import report_on
    from kerascnn.convolution import conv
    from kerascnn.data_description import describe_data
    from kerascnn.errors import KerasCnnError, MissingError, QualityError, TargetError, UsageError
    from kerascnn.head_surgery import surgery
    from kerascnn.health import doctor
    from kerascnn.layer_table import summary
    from kerascnn.models.alexnet import alexnet
    from kerascnn.models.lenet5 import lenet5
    from kerascnn.predictor import Predictor, evaluate, predict
    from kerascnn.run import Run
    from kerascnn.run import list_runs as runs
    from kerascnn.tflite.benchmarking import benchmark
    from kerascnn.tflite.bundle.bundling import bundle
    from kerascnn.tflite.bundle.verify import verify
    from kerascnn.tflite.debugging import debug
    from kerascnn.tflite.edgetpu.check import check
    from kerascnn.tflite.edgetpu.compiler import compile_for_edgetpu as compile  # noqa: A004
    from kerascnn.tflite.inspection import inspect
    from kerascnn.tflite.quantization import quantize
    from kerascnn.training.config import TrainingConfig
    from kerascnn.training.trainer import resume, train
    from kerascnn.visualization import visualize

_HOME = {
    "KerasCnnError": "errors",
    "MissingError": "errors",
    "Predictor": "predictor",
    "QualityError": "errors",
    "Run": "run",
    "TargetError": "errors",
    "TrainingConfig": "training.config",
    "UsageError": "errors",
    "benchmark": "tflite.benchmarking",
    "bundle": "tflite.bundle.bundling",
    "check": "tflite.edgetpu.check",
    "compare": "comparison.comparing",
    "compare_runs": "comparison.existing",
    "compile": "tflite.edgetpu.compiler:compile_for_edgetpu",
    "conv": "convolution",
    "debug": "tflite.debugging",
    "describe_data": "data_description",
    "doctor": "health:doctor",
    "evaluate": "predictor",
    "inspect": "tflite.inspection",
    "alexnet": "models.alexnet",
    "lenet5": "models.lenet5",
    "predict": "predictor",
    "quantize": "tflite.quantization",
    "report_on": "comparison.reporting",
    "resume": "training.trainer",
    "runs": "run:list_runs",
    "summary": "layer_table",
    "surgery": "head_surgery",
    "train": "training.trainer",
    "verify": "tflite.bundle.verify",
    "visualize": "visualization",
}

__all__ = [
    "KerasCnnError",
    "MissingError",
    "Predictor",
    "QualityError",
    "Run",
    "TargetError",
    "TrainingConfig",
    "UsageError",
    "alexnet",
    "benchmark",
    "bundle",
    "check",
    "compare",
    "compare_runs",
    "compile",
    "conv",
    "debug",
    "describe_data",
    "doctor",
    "evaluate",
    "inspect",
    "lenet5",
    "predict",
    "quantize",
    "report_on",
    "resume",
    "runs",
    "summary",
    "surgery",
    "train",
    "verify",
    "visualize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(import_module(f"{__name__}.{module}"), attribute or name)
