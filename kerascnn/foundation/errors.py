"""The tree of expected failures with their exit codes, and the warning for what is no failure.

KerasCnnError         1  failed: bad data, a missing file, an unreadable model
├── ImageError        1  one image: it can be left out
├── UsageError        2  wrong usage: an unknown name, a setting that makes no sense
├── QualityError      3  a limit that the user set was missed
├── TargetError       4  the model does not fit the target
└── MissingError      5  an optional library or device is not there

The number is the exit code of the command line. A message is one line: what, where, how to fix it; whatever
it quotes of a file, a terminal can show it.
"""

from pathlib import Path

from kerascnn.foundation.text.escapes import one_line


class KerasCnnWarning(UserWarning):
    """A warning that an assumption or an omission changes the meaning of a result."""


class KerasCnnError(Exception):
    """Something expected went wrong while working."""

    exit_code = 1

    def __str__(self) -> str:
        return one_line(self._message())

    def _message(self) -> str:
        return super().__str__()


class ImageError(KerasCnnError):
    """A file is not an image that can be decoded.

    Args:
        path: The file.
        reason: The fault, as a sentence without subject and full stop.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)  # both, so that it can be pickled
        self.path, self.reason = path, reason

    def _message(self) -> str:
        return f"{self.path} {self.reason}."


class UsageError(KerasCnnError):
    """The request itself is invalid."""

    exit_code = 2


class QualityError(KerasCnnError):
    """The work is done, but the result misses a limit that the user set."""

    exit_code = 3


class TargetError(KerasCnnError):
    """The model cannot become a file for the target."""

    exit_code = 4


class MissingError(KerasCnnError):
    """An optional tool or library is missing; the message has the command that installs it."""

    exit_code = 5


def first_line(error: BaseException) -> str:
    """Return the first line of another library's message, or the type of the error if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
