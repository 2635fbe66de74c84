"""Named quantizations. A name says: when ranges are found, the weights' type, the activations' type.

=================  ===================================================================
static_wi8_ai8     ranges from calibration images, weights int8, activations int8: full integer
dynamic_wi8_afp32  ranges at run time, weights int8, activations float32
float16            weights float16
float32            as trained
=================  ===================================================================
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kerascnn.registry import Registry

#: One image a time in a list, as the converter wants its representative data.
Samples = Callable[[], Iterable[list[Any]]]


@dataclass(frozen=True)
class Scheme:
    """How the converter is set.

    Attributes:
        calibrated: Whether it needs training images.
        set_up: Called with the ``TFLiteConverter`` and, where calibrated, the samples.
    """

    calibrated: bool
    set_up: Callable[[Any, Samples | None], None]


def _static_wi8_ai8(converter: Any, samples: Samples | None) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = samples
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8


def _dynamic_wi8_afp32(converter: Any, samples: Samples | None) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _float16(converter: Any, samples: Samples | None) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _float32(converter: Any, samples: Samples | None) -> None:
    """Leave the converter as it is."""


schemes: Registry[Scheme] = Registry("scheme")
schemes.add("static_wi8_ai8", Scheme(calibrated=True, set_up=_static_wi8_ai8))
schemes.add("dynamic_wi8_afp32", Scheme(calibrated=False, set_up=_dynamic_wi8_afp32))
schemes.add("float16", Scheme(calibrated=False, set_up=_float16))
schemes.add("float32", Scheme(calibrated=False, set_up=_float32))
