"""The server of a training that is watched live, as a viewer reaches it."""

import http.client
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from waiting import wait_until

ADDRESS = re.compile(r"Live: (http://127\.0\.0\.1:\d+/\?token=\S+)")


class Viewer:
    """A viewer without a browser; it has a connection for each question, as one that may go at any moment."""

    def __init__(self, process) -> None:
        self._process = process
        wait_until(lambda: ADDRESS.search(process.err), "it prints the address", process)
        self.address = ADDRESS.search(process.err)[1]
        asked = urlsplit(self.address)
        self.port, self.token = asked.port, parse_qs(asked.query)["token"][0]

    def ask(self, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
        """Return status and text of the answer."""
        given = {"x-token": self.token} | {name.replace("_", "-"): text for name, text in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            content = None if body is None else json.dumps(body)
            connection.request("GET" if body is None else "POST", path, content, given)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def state(self, seen: int = 0) -> Any:
        """Return what a viewer sees."""
        status, text = self.ask(f"/state?seen={seen}")
        assert status == 200, text
        return json.loads(text)

    def control(self, do: str, value: Any = None) -> None:
        """Use a control."""
        assert self.ask("/control", {"do": do, "value": value}) == (200, "{}")

    def until(self, what: str, happens) -> Any:
        """Return the first state for which something is true."""
        found = []

        def seen() -> bool:
            found[:] = [self.state()]
            return happens(found[0])

        wait_until(seen, what, self._process)
        return found[0]
