"""Configure threads and devices."""

import os
from dataclasses import dataclass

import keras

from kerascnn.foundation.errors import MissingError, UsageError
from kerascnn.foundation.machine import processors

GPU_EXTRA = {"tensorflow": "gpu", "jax": "jax-gpu"}


def configure(threads: int, *, deterministic: bool) -> None:
    """Set the number of threads and deterministic GPU operations before the first computation.

    Raises:
        UsageError: This process has computed before with another number.
    """
    import tensorflow as tf

    if keras.backend.backend() == "jax":
        tf.config.set_visible_devices([], "GPU")  # it only feeds; the card's memory is JAX's
        # Read when JAX makes its CPU client, for XLA's thread pool.
        os.environ["NPROC"] = str(threads)
        if deterministic:
            flags = os.environ.get("XLA_FLAGS", "")
            os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()
        return
    used = tf.config.threading.get_intra_op_parallelism_threads()
    if used != threads:
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError as error:
            if (used or processors()) != threads:
                raise UsageError(
                    f"TensorFlow runs with {used or processors()} threads in this process already: set "
                    f"threads before its first computation. Received: threads={threads}"
                ) from error
    if deterministic:
        tf.config.experimental.enable_op_determinism()


@dataclass(frozen=True)
class Device:
    """The device of a training.

    Attributes:
        name: Keras' name, for example ``cpu:0``.
        why: It was chosen.
        jit: Whether XLA compiles for it.
    """

    name: str
    why: str
    jit: bool


def choose_device(asked: str, jit: bool | None) -> Device:
    """Return the device to train on.

    Args:
        asked: ``auto``, ``cpu``, ``gpu`` or ``gpu:N``.
        jit: Whether XLA is to compile; ``None``: on a GPU and on JAX. On a CPU TensorFlow's own kernels are
            faster for these networks.

    Raises:
        MissingError: There is no such GPU.
    """
    name, why = _named_device(asked)
    usual = name.startswith("gpu") or keras.backend.backend() == "jax"
    return Device(name, why, usual if jit is None else jit)


def usual_device() -> str:
    """Return the default device of a training in words."""
    chosen = choose_device("auto", None)
    return f"Keras on {keras.backend.backend()}, trains on {chosen.name}: {chosen.why}"


def _named_device(asked: str) -> tuple[str, str]:
    framework, gpus = keras.backend.backend(), _gpus()
    if asked == "auto":
        why = f"{framework} sees {len(gpus) or 'no'} GPU{'s' if len(gpus) > 1 else ''}"
        return ("gpu:0" if gpus else "cpu:0"), why
    number = int(asked.partition(":")[2] or 0)
    if asked != "cpu" and number >= len(gpus):
        has = f"sees {len(gpus)} GPUs, 0 to {len(gpus) - 1}" if gpus else "sees no GPU"
        raise MissingError(
            f"--device {asked}: {framework} {has}. With an NVIDIA card and its driver: "
            f"pip install 'kerascnn[{GPU_EXTRA[framework]}]'"
        )
    return ("cpu:0" if asked == "cpu" else f"gpu:{number}"), "asked for"


def _gpus() -> list[str]:
    try:
        return list(keras.distribution.list_devices("gpu"))
    except RuntimeError:  # JAX has no list of what it has no driver for
        return []
