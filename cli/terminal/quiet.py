"""Keeps the start-up notes of TensorFlow, absl, oneDNN and LiteRT from the user.

They are written by native code straight to file descriptor 2, before any logging level is read. So the
descriptor is pointed at nothing, and Python's own stderr, where progress and errors go, at a copy of the
old one. ``-v`` leaves both alone.
"""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2


@contextmanager
def quiet(*, enabled: bool) -> Iterator[None]:
    """Silence native and Python libraries while the block runs."""
    if not enabled:
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for library in ("absl", "tensorflow", "matplotlib"):
        logging.getLogger(library).setLevel(logging.ERROR)
    kept, python_stderr = os.dup(STDERR), sys.stderr
    nowhere = os.open(os.devnull, os.O_WRONLY)
    shown = os.fdopen(
        os.dup(kept), "w", buffering=1, encoding=python_stderr.encoding, errors=python_stderr.errors
    )
    with warnings.catch_warnings(), shown:
        warnings.simplefilter("ignore")
        python_stderr.flush()
        os.dup2(nowhere, STDERR)
        sys.stderr = shown
        try:
            yield
        finally:
            sys.stderr = python_stderr
            os.dup2(kept, STDERR)
            os.close(kept)
            os.close(nowhere)
