"""Hide the messages of TensorFlow, absl, oneDNN and LiteRT on stderr.

They are written by native code straight to file descriptor 2, before any logging level is read. So the
descriptor is pointed at nothing, and Python's own stderr, where progress and errors go, at a copy of the
old one. Who has loaded TensorFlow before kerascnn, sees what it says.
"""

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TextIO

STDERR = 2


class _Natives:
    """The output of native libraries: one state for all threads, which share the descriptor."""

    def __init__(self) -> None:
        self.shown = "tensorflow" in sys.modules
        self._lock, self._depth = threading.Lock(), 0

    def cut(self) -> None:
        """Redirect the descriptor to nowhere, at the first of nested calls."""
        with self._lock:
            self._depth += 1
            if self._depth > 1:
                return
            self._kept, self._python, self._copy = os.dup(STDERR), sys.stderr, None
            if _writes_there(self._python):
                self._python.flush()
                encoding, errors = self._python.encoding, self._python.errors
                self._copy = os.fdopen(os.dup(STDERR), "w", 1, encoding=encoding, errors=errors)
                sys.stderr = self._copy
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, STDERR)
            os.close(nowhere)

    def restore(self) -> None:
        """Restore the descriptor, at the last of nested calls."""
        with self._lock:
            self._depth -= 1
            if self._depth:
                return
            if self._copy is not None:
                if sys.stderr is self._copy:
                    sys.stderr = self._python
                self._copy.close()
            os.dup2(self._kept, STDERR)
            os.close(self._kept)


_natives = _Natives()


@contextmanager
def silent_natives() -> Iterator[None]:
    """Hide the output of native libraries while the block runs, unless it is to be shown."""
    if _natives.shown:
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _natives.cut()
    try:
        yield
    finally:
        _natives.restore()


@contextmanager
def natives(*, shown: bool) -> Iterator[None]:
    """Show or hide the output of native libraries while the block runs."""
    before, _natives.shown = _natives.shown, shown
    try:
        yield
    finally:
        _natives.shown = before


def load_silently() -> None:
    """Hide TensorFlow's messages whenever it is imported from now on."""
    if not any(isinstance(finder, _SilentLoading) for finder in sys.meta_path):
        sys.meta_path.insert(0, _SilentLoading())


class _SilentLoading(MetaPathFinder):
    """An import hook that loads TensorFlow without its messages."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == "tensorflow" else None
        if spec and spec.loader:
            spec.loader = _SilentLoader(spec.loader)
        return spec


class _SilentLoader(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__
        module.__spec__.loader = module.__loader__ = self._loader
        with silent_natives():
            self._loader.exec_module(module)


def _writes_there(stream: TextIO | None) -> bool:
    """Whether a stream writes to the descriptor; a notebook's or a test's may not."""
    with suppress(AttributeError, OSError, ValueError):  # there is none, it has no descriptor, it is closed
        return stream is not None and stream.fileno() == STDERR
    return False
