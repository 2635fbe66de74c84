"""Quantization schemes. A name says when ranges are found, the weights' type, the activations' type.

=================  ===================================================================
static_wi8_ai8     ranges from calibration images, weights int8, activations int8: full integer
static_wi8_ai16    the same with activations int16: nearer to float, slower, no accelerator
dynamic_wi8_afp32  ranges at run time, weights int8, activations float32
float16            weights float16
float32            as trained
=================  ===================================================================
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kerascnn.foundation.registry import Registry

FULL_INT8 = "static_wi8_ai8"

#: One image a time in a list, as the converter wants its representative data.


@dataclass(frozen=True)
class Scheme:
    """The converter's settings for a scheme.

    Attributes:
        name: Name in options and records.
        calibrated: Whether it needs training images.
        io: Types that input and output can have; the first is the usual one.
        set_up: Called with the ``TFLiteConverter``.
        activations: Type of the tensors between operators, as the schema of ``.tflite`` files names it.
    """

    name: str
    calibrated: bool
    io: tuple[str, ...]
    set_up: Callable[[Any], None]
    activations: str = "FLOAT32"

    @property
    def is_full_int8(self) -> bool:
        """Whether weights and activations are int8."""
        return self.name == FULL_INT8


def _static_wi8_ai8(converter: Any) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]


def _static_wi8_ai16(converter: Any) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    ]


def _dynamic_wi8_afp32(converter: Any) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _float16(converter: Any) -> None:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _float32(converter: Any) -> None:
    """Keep float32: do not change the converter's settings."""


schemes: Registry[Scheme] = Registry("scheme")
for each in (
    Scheme(FULL_INT8, True, ("int8", "uint8", "float32"), _static_wi8_ai8, "INT8"),
    Scheme("static_wi8_ai16", True, ("float32",), _static_wi8_ai16, "INT16"),
    Scheme("dynamic_wi8_afp32", False, ("float32",), _dynamic_wi8_afp32),
    Scheme("float16", False, ("float32",), _float16),
    Scheme("float32", False, ("float32",), _float32),
):
    schemes.add(each.name, each)
