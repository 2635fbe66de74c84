"""Everything that needs TensorFlow Lite or LiteRT: conversion, checks, inference."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascnn.tflite.measured import QuantizationResult
    from kerascnn.tflite.quantization import quantize

__all__ = ["QuantizationResult", "quantize"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from kerascnn.tflite import quantization

        return getattr(quantization, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
