"""Train LeNet-5 with a fully connected or a 1×1-convolution head, quantize it to full int8, compare.

The commands of ``kerascnn`` as functions of the same names (``data`` is ``describe_data``). Imports are
lazy: ``import kerascnn`` is quick, Keras is loaded by the first function that needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascnn.arithmetic.conv import conv
    from kerascnn.foundation.errors import KerasCnnError, MissingError, QualityError, TargetError, UsageError
    from kerascnn.models.architectures.alexnet import alexnet
    from kerascnn.models.architectures.lenet5 import lenet5
    from kerascnn.studies.compare import compare
    from kerascnn.studies.compare_runs import compare_runs
    from kerascnn.studies.report_on import report_on
    from kerascnn.tflite.accelerators.check import check
    from kerascnn.tflite.accelerators.edgetpu.compile import compile_for_edgetpu as compile  # noqa: A004
    from kerascnn.tflite.bundle.bundle import bundle
    from kerascnn.tflite.bundle.verify import verify
    from kerascnn.tflite.debugging.debug import debug
    from kerascnn.tflite.inspection.inspect import inspect
    from kerascnn.tflite.quantization.quantize import quantize
    from kerascnn.tflite.runtime.benchmark import benchmark
    from kerascnn.training.config import TrainingConfig
    from kerascnn.training.run import Run
    from kerascnn.training.run import list_runs as runs
    from kerascnn.training.train import resume, train
    from kerascnn.workflows.describe_data import describe_data
    from kerascnn.workflows.doctor import doctor
    from kerascnn.workflows.predict import Predictor, evaluate, predict
    from kerascnn.workflows.summary import summary
    from kerascnn.workflows.surgery import surgery
    from kerascnn.workflows.visualize import visualize

_HOME = {
    "KerasCnnError": "foundation.errors",
    "MissingError": "foundation.errors",
    "Predictor": "workflows.predict",
    "QualityError": "foundation.errors",
    "Run": "training.run",
    "TargetError": "foundation.errors",
    "TrainingConfig": "training.config",
    "UsageError": "foundation.errors",
    "benchmark": "tflite.runtime.benchmark",
    "bundle": "tflite.bundle.bundle",
    "check": "tflite.accelerators.check",
    "compare": "studies.compare",
    "compare_runs": "studies.compare_runs",
    "compile": "tflite.accelerators.edgetpu.compile:compile_for_edgetpu",
    "conv": "arithmetic.conv",
    "debug": "tflite.debugging.debug",
    "describe_data": "workflows.describe_data",
    "doctor": "workflows.doctor:doctor",
    "evaluate": "workflows.predict",
    "inspect": "tflite.inspection.inspect",
    "alexnet": "models.architectures.alexnet",
    "lenet5": "models.architectures.lenet5",
    "predict": "workflows.predict",
    "quantize": "tflite.quantization.quantize",
    "report_on": "studies.report_on",
    "resume": "training.train",
    "runs": "training.run:list_runs",
    "summary": "workflows.summary",
    "surgery": "workflows.surgery",
    "train": "training.train",
    "verify": "tflite.bundle.verify",
    "visualize": "workflows.visualize",
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
