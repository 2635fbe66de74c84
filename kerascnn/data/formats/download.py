"""Download of a published file to Keras' cache, with its checksum verified."""

import contextlib
import sys
from pathlib import Path

from kerascnn.foundation.errors import KerasCnnError, first_line


def downloaded(title: str, origin: str, checksum: str, *, name: str, folder: str = "datasets") -> Path:
    """Return a file in ``~/.keras``, downloaded if it is missing or differs.

    Args:
        title: What a person calls the data, for the message.
        origin: The address.
        checksum: SHA-256 or MD5 as hexadecimal text.
        name: Name of the file in Keras' cache; ``folder`` is its folder there.

    Raises:
        KerasCnnError: There is no network, or what arrived is not the published file.
    """
    from keras.utils import get_file

    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras draws its download bar on stdout
            return Path(get_file(name, origin, file_hash=checksum, cache_subdir=folder))
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise KerasCnnError(
            f"{title} could not be downloaded ({first_line(error)}). Put the original files in a folder and "
            "name it with --data-dir, or use --data digits, which needs no network."
        ) from error
