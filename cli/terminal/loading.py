"""Announce that TensorFlow or JAX is loading, and hide optional libraries from that import.

TensorFlow takes seconds to load. Part of them are other libraries that it and Keras load wherever they are
installed, each within a ``try``, for functions that kerascnn never calls: they are reported as not installed
until both have loaded.
"""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

import click

from kerascnn.cli.terminal.starting import started

FRAMEWORKS = {"tensorflow": "TensorFlow", "jax": "JAX"}
#: By TensorFlow's converter (JAX) and its old Keras (SciPy); by Keras' wrappers, plots and data adapters.
LOOKED_FOR = {"jax", "scipy", "sklearn", "matplotlib", "pandas"}


class FrameworkLoading(MetaPathFinder):
    """An import hook that sees each import and finds nothing itself."""

    def __init__(self) -> None:
        self._said = False

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Announce the first framework; hide the optional libraries while it loads."""
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        if name in ("keras", "tensorflow") and not self._said:
            self._said = True
            started()
            click.echo(f"loading {FRAMEWORKS.get(backend, backend)}", err=True)
        elif name in LOOKED_FOR and backend == "tensorflow" and (_loads("tensorflow") or _loads("keras")):
            raise ModuleNotFoundError(f"{name} is not needed here", name=name)


def _loads(name: str) -> bool:
    """Return whether a module is being imported."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
