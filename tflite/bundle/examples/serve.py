"""Answer over HTTP: python examples/serve.py [port, else 8000; 0: any that is free].

Then, from another machine: curl --data-binary @photo.jpg http://HOST:8000/
"""

import io
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

sys.dont_write_bytecode = True  # the folder stays as it was made
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the folder of run.py

from kerascnn.data.pixels import upright
from kerascnn.tflite.bundle.run_template import Model

LARGEST = 20_000_000  # bytes of an image
model = Model()


class Classify(BaseHTTPRequestHandler):
    """POST an image, get the likeliest classes as JSON."""

    def do_POST(self) -> None:
        """Classify the image in the body."""
        try:
            size = min(int(self.headers["Content-Length"] or 0), LARGEST)
            code, answer = 200, model.likeliest(upright(io.BytesIO(self.rfile.read(size)))[0])
        except Exception as error:  # whatever Pillow meets in a damaged image
            code, answer = 400, [{"error": f"no image: {type(error).__name__}"}]
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


server = HTTPServer(("", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Classify)
print(f"listening at http://localhost:{server.server_port}/", flush=True)
server.serve_forever()
