"""Choose the Keras backend before Keras is imported, for the whole process."""

import os
import sys
from importlib.util import find_spec

from kerascnn.foundation.errors import MissingError, UsageError


def use_framework(backend: str | None) -> None:
    """Set the Keras backend to ``tensorflow`` or ``jax``; ``None`` changes nothing.

    Raises:
        MissingError: It is not installed.
        UsageError: Keras computes with another one in this process already.
    """
    if backend is None:
        return
    if find_spec(backend) is None:
        raise MissingError(f"--backend {backend} is not installed: pip install 'kerascnn[{backend}]'")
    loaded = sys.modules.get("keras")
    if loaded is None:
        os.environ["KERAS_BACKEND"] = backend
    elif loaded.backend.backend() != backend:
        raise UsageError(
            f"Keras computes with {loaded.backend.backend()} in this process: set the environment variable "
            f"KERAS_BACKEND={backend} before it starts. Received: backend={backend}"
        )
