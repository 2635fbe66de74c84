"""An untrusted flatbuffer, read safely by the classes generated from its schema.

Those classes trust a file: a forged length sends them through four thousand million entries, and a list may
name one part of the file a million times. Here each list is weighed before it is walked, and a file as a
whole gives no more than one of its size can hold.
"""

import mmap
import os
from typing import Any, BinaryIO

LARGEST_CONTENT = (
    64 * 2**20
)  # bytes of lists, names and tables, without the constants: a language model's take as much
TABLE = 256  # bytes; a table of the file may be smaller, the Python object made from it is not


class DamagedError(Exception):
    """A file breaks the rules of its format; the message completes "it is no sound file: …"."""


class FlatBuffer(mmap.mmap):
    """The bytes of a file, memory-mapped so that constants are not loaded."""

    _left: int

    @classmethod
    def of(cls, file: BinaryIO, identifier: bytes) -> "FlatBuffer":
        """Map an open file that has this kind's identifier.

        Raises:
            DamagedError: It is too short, or its identifier is another.
            OSError: It cannot be mapped.
        """
        size = os.fstat(file.fileno()).st_size
        if size < 8:
            raise DamagedError(f"it has {size} bytes")
        content = cls(file.fileno(), 0, access=mmap.ACCESS_READ)
        content._left = min(LARGEST_CONTENT, 65_536 + 8 * size)
        if content[4:8] != identifier:
            raise DamagedError(f"it does not have {identifier.decode()} at its bytes 4 to 7")
        return content

    def __getitem__(self, part: Any) -> Any:
        """Return a slice, as the generated classes read names; refuse one past the end of the file."""
        if part.stop > len(self):
            raise DamagedError("it is truncated or damaged")
        self._take(part.stop - part.start)
        return super().__getitem__(part)

    def tables(self, owner: Any, field: str) -> list[Any]:
        """Return the tables of a vector, not read yet.

        Args:
            owner: An object of a generated class.
            field: Name of its accessor, for example ``Tensors``.
        """
        count = getattr(owner, f"{field}Length")()
        self._take(count * TABLE)
        read = getattr(owner, field)
        return [read(position) for position in range(count)]

    def numbers(self, owner: Any, field: str) -> tuple[Any, ...]:
        """Return a vector of numbers, empty if the file has none; ``owner`` and ``field`` as above."""
        found = getattr(owner, f"{field}AsNumpy")()
        if isinstance(found, int):  # the generated classes return 0 for a list that is not there
            return ()
        self._take(found.nbytes)
        return tuple(found.tolist())

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise DamagedError("its lists are longer than the file can hold")


def text(name: bytes | None) -> str:
    """Decode a name read through the generated classes; a missing one is empty."""
    return "" if name is None else name.decode(errors="replace")
