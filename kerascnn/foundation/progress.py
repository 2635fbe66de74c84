"""How long work tells its caller where it is: nothing in the library prints."""

from collections.abc import Callable

#: Called as ``progress(stage, done, total, detail)``: the stage in words, finished and total steps of it,
#: and the latest figures, whose ``str()`` is one line of text. The first call of a stage has ``done=0`` (more
#: where earlier work is taken up again), the last ``done=total``.
Progress = Callable[[str, int, int, object], None]


def silent(stage: str, done: int, total: int, detail: object) -> None:
    """Show nothing: the default of every library function."""
