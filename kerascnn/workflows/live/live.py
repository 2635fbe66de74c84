"""``train --live``: a page that shows the training and takes changes while it runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from kerascnn.foundation.errors import MissingError
from kerascnn.training.loop.observer import Observer

NEEDED = ("starlette", "uvicorn")


@contextmanager
def live(show: Callable[[str], None], port: int | None = None) -> Iterator[Observer]:
    """Serve the page of a training while the block runs.

    Args:
        show: Called once with the page's address.
        port: On this machine; ``None``: a free one.

    Yields:
        The observer of the training.

    Raises:
        MissingError: The server's library is not installed.
        KerasCnnError: The port is in use, or there is no free one.
    """
    if not all(map(find_spec, NEEDED)):
        raise MissingError("--live needs Starlette and uvicorn: pip install 'kerascnn[live]'")
    from kerascnn.workflows.live.server import served
    from kerascnn.workflows.live.session import Session

    session = Session()
    with served(session, port) as address:
        show(address)
        try:
            yield session
        except BaseException as error:
            session.fail(str(error) or "It was interrupted.")
            raise
