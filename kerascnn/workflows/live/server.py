"""The server of the page: one machine, one token, nothing else."""

import errno
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.workflows.live.page import page, policy
from kerascnn.workflows.live.session import Session

HOST = "127.0.0.1"
LONGEST = 1_000  # bytes of a control
STARTING = 10.0  # seconds
FAREWELL = 1.5  # seconds, for viewers to see the end


@contextmanager
def served(session: Session, port: int | None) -> Iterator[str]:
    """Serve a session's page while the block runs and yield its address.

    Raises:
        KerasCnnError: The port is in use, or there is no free one.
    """
    with _listening(port) as listening:
        number, token = listening.getsockname()[1], secrets.token_urlsafe(16)
        app = Guard(_app(session), token, {f"{HOST}:{number}", f"localhost:{number}"})
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), name="live", daemon=True)
        thread.start()
        until = time.monotonic() + STARTING
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        try:
            yield f"http://{HOST}:{number}/?token={token}"
        finally:
            if session.is_watched:
                with suppress(KeyboardInterrupt):  # what was trained is whole
                    time.sleep(FAREWELL)
            server.should_exit = True
            thread.join(STARTING)


@contextmanager
def _listening(port: int | None) -> Iterator[socket.socket]:
    with socket.socket() as listening:
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((HOST, port or 0))
            listening.listen()
        except OSError as error:
            raise KerasCnnError(_why_not(port, error)) from error
        yield listening


def _why_not(port: int | None, error: OSError) -> str:
    if port is None:
        return f"There is no free port on {HOST} for --live ({error.strerror}). Train without --live."
    reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
    return f"Port {port} {reason}. Choose another --live-port, or leave it out for a free one."


class Guard:
    """Refuses who does not know the token, and pages of other hosts, also those that resolve to this machine.

    Args:
        app: What is guarded.
        token: In the address of the page, and in the header ``x-token`` of what the page asks for.
        hosts: Names by which the server may be called.
    """

    def __init__(self, app: Any, token: str, hosts: set[str]) -> None:
        self._app, self._token, self._hosts = app, token, hosts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return
        request = Request(scope)
        given = request.headers.get("x-token") or request.query_params.get("token", "")
        if request.headers.get("host") not in self._hosts:
            refused: Any = PlainTextResponse("This page is served to this machine only.", 403)
            await refused(scope, receive, send)
        elif not secrets.compare_digest(given.encode(), self._token.encode()):
            refused = PlainTextResponse("Open the address that kerascnn printed: its token is missing.", 403)
            await refused(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _app(session: Session) -> Starlette:
    def document(request: Request) -> Response:
        headers = {"content-security-policy": policy(), "referrer-policy": "no-referrer"}
        return HTMLResponse(page(), headers=headers | {"cache-control": "no-store"})

    def facts(request: Request) -> Response:
        return JSONResponse(session.facts())

    def state(request: Request) -> Response:
        seen = request.query_params.get("seen", "0")
        looks = request.query_params.get("looks") != "no"
        return Sound(session.state(int(seen) if seen.isdecimal() else 0, looks=looks))

    async def control(request: Request) -> Response:
        body = await request.body()
        try:
            asked = json.loads(body) if len(body) <= LONGEST else None
            if not isinstance(asked, dict):
                raise UsageError("A control is a JSON object.")
            session.control(asked.get("do"), asked.get("value"))
        except ValueError:
            return JSONResponse({"error": "A control is a JSON object."}, 400)
        except UsageError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({})

    return Starlette(
        routes=[
            Route("/", document),
            Route("/facts", facts),
            Route("/state", state),
            Route("/control", control, methods=["POST"]),
        ]
    )


class Sound(JSONResponse):
    """JSON in which a number that is not finite is null."""

    def render(self, content: Any) -> bytes:
        """Return the bytes."""
        return super().render(_finite(content))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
