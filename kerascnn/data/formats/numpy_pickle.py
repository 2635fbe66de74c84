"""Restricted unpickling: dictionaries of NumPy arrays and nothing else."""

import io
import pickle
from typing import Any

import numpy as np

# The files were written with NumPy 1 and name its modules of then.
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return _ALLOWED[module, name]


def read_pickle(content: bytes) -> dict[str, Any]:
    """Unpickle a dictionary that Python 2 wrote; its texts become ``bytes``.

    Raises:
        ValueError: It holds anything but plain values and arrays, or is damaged.
    """
    try:
        found = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        return {key.decode(): value for key, value in found.items()}
    except Exception as error:  # a damaged pickle raises whatever its opcodes meet
        raise ValueError(f"cannot be unpickled: {error}") from error
