"""Check the sizes that a ``.keras`` archive claims before Keras opens it and allocates them."""

import io
import zipfile
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError

WEIGHTS = "model.weights.h5"
MEMBERS = 1_000
#: Bytes of each text that Keras reads whole.
TEXTS = {"config.json": 2**24, "metadata.json": 2**20}
FREE = 2**26  # bytes that anything may hold; weights of zeros pack to next to nothing
RATIO = 10  # of what an archive holds to its size, above that
LARGEST_WHOLE = 2**32  # bytes of all members


def require_weighed(path: Path) -> None:
    """Refuse an archive whose members, or whose weights, claim to be far larger than they are.

    What is no archive passes: whoever opens it says so.

    Raises:
        KerasCnnError: It holds more than a network of its size can.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            problem = _of_members(members, path.stat().st_size)
            if not problem and WEIGHTS in archive.namelist():
                problem = _of_weights(archive.read(WEIGHTS))
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError):
        return
    if problem:
        raise KerasCnnError(f"{path} is not opened: {problem}.")


def _of_members(members: list[zipfile.ZipInfo], size: int) -> str:
    """Return the fault in the sizes of an archive's members, an empty text if there is none."""
    if len(members) > MEMBERS:
        return f"it has {len(members):,} members, a model has some"
    for member in members:
        if member.file_size > TEXTS.get(member.filename, LARGEST_WHOLE):
            return f"its {member.filename} unpacks to {member.file_size:,} bytes"
    total = sum(member.file_size for member in members)
    if total > min(LARGEST_WHOLE, max(FREE, RATIO * size)):
        return f"its {size:,} bytes unpack to {total:,}"
    return ""


def _of_weights(content: bytes) -> str:
    """Return the fault in the sizes of an HDF5 file's arrays, an empty text if there is none."""
    import h5py

    arrays: list[h5py.Dataset] = []
    try:
        with h5py.File(io.BytesIO(content)) as file:
            file.visititems(lambda _, each: arrays.append(each) if isinstance(each, h5py.Dataset) else None)
            if any(each.external or each.is_virtual for each in arrays):
                return f"its {WEIGHTS} refers to data in other files"
            total = sum(each.nbytes for each in arrays)
    except (OSError, RuntimeError, KeyError, TypeError):  # a damaged one is reported when it is opened
        return ""
    return f"the arrays of its {WEIGHTS} claim {total:,} bytes" if total > FREE + 2 * len(content) else ""
