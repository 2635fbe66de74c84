"""Named quantizations. A name says: when ranges are found, the weights' type, the activations' type.

=================  ===================================================================
static_wi8_ai8     ranges from calibration images, weights int8, activations int8: full integer
static_wi8_ai16    the same with activations int16: nearer to float, slower, no accelerator
dynamic_wi8_afp32  ranges at run time, weights int8, activations float32
float16            weights float16
float32            as trained
=================  ===================================================================
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kerascnn.foundation.errors import UsageError
from kerascnn.foundation.registry import Registry

FULL_INT8 = "static_wi8_ai8"

#: One image a time in a list, as the converter wants its representative data.
Samples = Callable[[], Iterable[list[Any]]]


@dataclass(frozen=True)
class Scheme:
    """How the converter is set.

    Attributes:
        calibrated: Whether it needs training images.
        ends: Types that input and output can have; the first is the usual one.
        set_up: Called with the ``TFLiteConverter``.
        activations: Type of the tensors between operators, as the schema of ``.tflite`` files names it.
    """

    calibrated: bool
    ends: tuple[str, ...]
    set_up: Callable[[Any], None]
    activations: str = "FLOAT32"


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
    """Leave the converter as it is."""


schemes: Registry[Scheme] = Registry("scheme")
schemes.add(FULL_INT8, Scheme(True, ("int8", "uint8", "float32"), _static_wi8_ai8, "INT8"))
schemes.add("static_wi8_ai16", Scheme(True, ("float32",), _static_wi8_ai16, "INT16"))
schemes.add("dynamic_wi8_afp32", Scheme(False, ("float32",), _dynamic_wi8_afp32))
schemes.add("float16", Scheme(False, ("float32",), _float16))
schemes.add("float32", Scheme(False, ("float32",), _float32))

TARGETS = ("mobile", "edgetpu")


@dataclass(frozen=True)
class Form:
    """What is asked of a file: its scheme, the type of its input and output, the device it is for."""

    scheme: str
    ends: str
    target: str

    @classmethod
    def of(cls, scheme: str, ends: str | None = None, target: str = "mobile") -> "Form":
        """Complete and check a request.

        Args:
            scheme: A name.
            ends: Type of input and output; ``None``: the scheme's usual one.
            target: ``mobile`` or ``edgetpu``.

        Raises:
            UsageError: A name is unknown, or two of them exclude each other.
        """
        scheme = schemes.canonical(scheme)
        known = schemes[scheme].ends
        ends = ends or known[0]
        if ends not in known:
            raise UsageError(f"{scheme} takes {' or '.join(known)} at its ends. Received: io={ends}")
        if target not in TARGETS:
            raise UsageError(f"target must be {' or '.join(TARGETS)}. Received: target={target}")
        if target == "edgetpu" and (scheme != FULL_INT8 or ends == "float32"):
            raise UsageError(
                f"The Edge TPU computes in full int8 only: {FULL_INT8} with io int8 or uint8. "
                f"Received: scheme={scheme}, io={ends}"
            )
        return cls(scheme, ends, target)

    @property
    def takes_float(self) -> bool:
        """Whether some layers of full int8 may stay in float: not on the Edge TPU, not between other ends."""
        return self.target == "mobile" and self.ends == "int8"

    @property
    def stem(self) -> str:
        """The file's name without its suffix: the scheme, and what is unusual."""
        usual = schemes[self.scheme].ends[0]
        return self.scheme if self.ends == usual else f"{self.scheme}-{self.ends}"
