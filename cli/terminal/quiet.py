"""Silence the messages of libraries; ``-v`` shows them."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from kerascnn.foundation.native_stderr import natives, silent_natives


@contextmanager
def quiet(*, enabled: bool) -> Iterator[None]:
    """Silence native and Python libraries while the block runs."""
    with natives(shown=not enabled):
        if not enabled:
            yield
            return
        for library in ("absl", "tensorflow", "matplotlib"):
            logging.getLogger(library).setLevel(logging.ERROR)
        with warnings.catch_warnings(), silent_natives():
            warnings.simplefilter("ignore")
            yield
