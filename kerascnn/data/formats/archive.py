"""Read members of a ``.tar`` archive, also compressed, as a stream with a limit on their size."""

import hashlib
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from kerascnn.data.formats.unpacking import unpacked
from kerascnn.foundation.errors import KerasCnnError, first_line

LARGEST_MEMBER = 2**28  # bytes of one member; the largest published one holds 155 million
BLOCK = 2**20  # bytes


def read_members(path: Path, names: Sequence[str], *, sha256: str | None = None) -> dict[str, bytes]:
    """Return the content of some files of an archive.

    Args:
        path: The archive.
        names: Names of the members, with their folder.
        sha256: Expected SHA-256 of the archive, checked before a member is read.

    Raises:
        KerasCnnError: The archive is damaged or another one, or a member is missing, too large or no file.
    """
    try:
        with path.open("rb") as stream:
            if sha256 is not None and hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
                raise KerasCnnError(
                    f"{path} is not the published file (its SHA-256 differs), and what is not verified is "
                    "never unpickled. Download it again, or take the binary version."
                )
            stream.seek(0)  # the bytes just checked are the bytes read
            with unpacked(stream) as content, tarfile.open(fileobj=content, mode="r|") as archive:
                found = {
                    member.name: _content(path, archive, member) for member in archive if member.name in names
                }
                while content.read(BLOCK):  # reaching the end checks gzip's CRC
                    pass
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise KerasCnnError(
            f"{path} cannot be read, it may be damaged or truncated: {first_line(error).rstrip('.')}."
        ) from error
    missing = sorted(set(names) - set(found))
    if missing:
        raise KerasCnnError(f"{path} has no member {missing[0]}: it is not the published archive.")
    return found


def _content(path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member) if member.isreg() else None
    if stream is None or member.size > LARGEST_MEMBER:
        raise KerasCnnError(f"{path}: {member.name} is not a regular file, or larger than any published one.")
    return stream.read()
