"""Files that several tests of ``.tflite`` files read."""

import pytest
from web_browser import started

from kerascnn.models.network import build
from kerascnn.tflite.quantization.convert import convert
from kerascnn.tflite.quantization.schemes import schemes


@pytest.fixture
def int8(run):
    return run / "tflite" / "static_wi8_ai8.tflite"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """A browser; 1 s of processor time."""
    driver = started(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def floating(tmp_path_factory):
    path = tmp_path_factory.mktemp("float") / "float32.tflite"
    path.write_bytes(convert(build("lenet5", head="nin"), schemes["float32"]))
    return path


@pytest.fixture(scope="module")
def looping(tmp_path_factory):
    """A file as other people make them: a loop with its subgraphs, two inputs, a side that is not fixed."""
    import tensorflow as tf

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 3], tf.float32, name="rows"),
            tf.TensorSpec([], tf.int32, name="times"),
        ]
    )
    def doubled(rows, times):
        _, doubled_rows = tf.while_loop(
            lambda turn, _: turn < times, lambda turn, rows: (turn + 1, rows * 2.0), (0, rows)
        )
        return doubled_rows

    converter = tf.lite.TFLiteConverter.from_concrete_functions([doubled.get_concrete_function()], doubled)
    path = tmp_path_factory.mktemp("looping") / "looping.tflite"
    path.write_bytes(converter.convert())
    return path
