"""Everything that needs TensorFlow Lite or LiteRT: conversion, checks, inference."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerascnn.tflite.edgetpu.check import Check, check
    from kerascnn.tflite.measured import QuantizationResult
    from kerascnn.tflite.quantization import quantize

_HOME = {
    "Check": "edgetpu.check",
    "QuantizationResult": "measured",
    "check": "edgetpu.check",
    "quantize": "quantization",
}

__all__ = ["Check", "QuantizationResult", "check", "quantize"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
