"""Keeps the notes of TensorFlow, absl, oneDNN and LiteRT from the user.

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
    """What native libraries write: one state for all threads, because the descriptor is one."""

    def __init__(self) -> None:
        self.shown = "tensorflow" in sys.modules
        self._lock, self._depth = threading.Lock(), 0

    def cut(self) -> None:
        """Point the descriptor at nothing; the first of several calls does."""
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
        """Point it back; the last of several calls does."""
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
    """Keep what native libraries write from the user while the block runs, unless it is to be shown."""
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
    """Decide whether they are shown while the block runs."""
    before, _natives.shown = _natives.shown, shown
    try:
        yield
    finally:
        _natives.shown = before


def load_silently() -> None:
    """Have TensorFlow loaded without its notes, whoever loads it from now on."""
    if not any(isinstance(finder, _SilentLoading) for finder in sys.meta_path):
        sys.meta_path.insert(0, _SilentLoading())


class _SilentLoading(MetaPathFinder):
    """Finds TensorFlow where Python finds it, and has it loaded in silence."""

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
    """Whether a stream writes to the descriptor: that of a notebook or of a test may not."""
    with suppress(AttributeError, OSError, ValueError):  # there is none, it has no descriptor, it is closed
        return stream is not None and stream.fileno() == STDERR
    return False
