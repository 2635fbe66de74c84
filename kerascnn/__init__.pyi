# The public names, one a line: those with "as", and those with another name of their own below.
# Type checkers read them here, and so does __init__.py.
from kerascnn.arithmetic.conv import conv as conv
from kerascnn.arithmetic.pool import pool as pool
from kerascnn.arithmetic.stack import stack as stack
from kerascnn.foundation.errors import KerasCnnError as KerasCnnError
from kerascnn.foundation.errors import MissingError as MissingError
from kerascnn.foundation.errors import QualityError as QualityError
from kerascnn.foundation.errors import TargetError as TargetError
from kerascnn.foundation.errors import UsageError as UsageError
from kerascnn.models.architectures.alexnet import alexnet as alexnet
from kerascnn.models.architectures.lenet5 import lenet5 as lenet5
from kerascnn.studies.bundle import bundle as bundle
from kerascnn.studies.compare import compare as compare
from kerascnn.studies.compare_runs import compare_runs as compare_runs
from kerascnn.studies.index_page import index_page as index_page
from kerascnn.studies.planning.forecast import forecast as forecast
from kerascnn.studies.report_on import report_on as report_on
from kerascnn.tflite.accelerators.check import check as check
from kerascnn.tflite.accelerators.edgetpu.compile import compile_for_edgetpu
from kerascnn.tflite.bundle.verify import verify as verify
from kerascnn.tflite.debugging.debug import debug as debug
from kerascnn.tflite.inspection.inspect import inspect as inspect
from kerascnn.tflite.quantization.quantize import quantize as quantize
from kerascnn.tflite.runtime.benchmark import benchmark as benchmark
from kerascnn.training.backend.distribution import Distribution as Distribution
from kerascnn.training.config import TrainingConfig as TrainingConfig
from kerascnn.training.run import Run as Run
from kerascnn.training.run import list_runs
from kerascnn.workflows.describe_data import describe_data as describe_data
from kerascnn.workflows.doctor import doctor as doctor
from kerascnn.workflows.evaluate import evaluate as evaluate
from kerascnn.workflows.predict import predict as predict
from kerascnn.workflows.predictor import Predictor as Predictor
from kerascnn.workflows.summary import summary as summary
from kerascnn.workflows.surgery import surgery as surgery
from kerascnn.workflows.train import resume as resume
from kerascnn.workflows.train import train as train
from kerascnn.workflows.visualize import visualize as visualize

compile = compile_for_edgetpu  # noqa: A001
lenet = lenet5
runs = list_runs

__all__: list[str]
__version__: str
