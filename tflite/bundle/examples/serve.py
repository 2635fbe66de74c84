"""Answer over HTTP: python examples/serve.py [port, else 8000; 0: any that is free].

Everyone in the network can reach it. From another machine: curl --data-binary @photo.jpg http://HOST:8000/
"""

import io
import json
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

sys.dont_write_bytecode = True  # the folder stays as it was made
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the folder of run.py

from kerascnn.tflite.bundle.run_template import EndError, Model, guarded, upright, why

LARGEST_BODY = 20_000_000  # bytes of an image


class Classify(BaseHTTPRequestHandler):
    """POST an image, get the likeliest classes as JSON."""

    timeout = 10  # seconds for a client that sends nothing
    model: Model
    one_at_a_time = Lock()

    def do_POST(self) -> None:
        """Classify the image in the body."""
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > LARGEST_BODY:
            self.answer(
                413, {"error": f"send one image of at most {LARGEST_BODY:,} bytes with Content-Length"}
            )
            return
        try:
            image, _ = upright(io.BytesIO(self.rfile.read(int(size))))
        except Exception as error:  # whatever Pillow meets in a damaged image
            self.answer(400, {"error": f"not an image: {why(error)}"})
            return
        with self.one_at_a_time:
            classes = self.model.likeliest(image)
        self.answer(200, classes)

    def answer(self, code: int, document: Any) -> None:
        """Send a document as JSON."""
        with suppress(ConnectionError):  # the client has gone
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())


def main() -> None:
    """Serve until Ctrl-C."""
    Classify.model = Model()
    try:
        server = ThreadingHTTPServer(("", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Classify)
    except (OverflowError, ValueError) as error:
        raise EndError(f"{sys.argv[1]} is not a port: {why(error)}.", 2) from error
    print(f"listening at http://localhost:{server.server_port}/", flush=True)
    server.serve_forever()


guarded(main)
