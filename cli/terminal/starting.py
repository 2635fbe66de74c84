"""A word on the terminal from the first moment on, gone as soon as there is something else to read."""

import os
import sys

_shown = False


def starting(words: str) -> None:
    """Show words on stderr where that is a terminal that can erase them."""
    global _shown
    if sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        sys.stderr.write(words)
        sys.stderr.flush()
        _shown = True


def started() -> None:
    """Erase the words; called before anything else is written."""
    global _shown
    if _shown:
        sys.stderr.write("\r\x1b[2K")
        sys.stderr.flush()
        _shown = False
