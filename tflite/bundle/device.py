"""What the machine has that a bundle runs on: an Edge TPU, a camera, heat. Lies beside its ``run.py``."""

import ctypes
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

TRIES, PAUSE = 3, 1.0  # the first load after plugging an Edge TPU in can fail; seconds between


class EndError(Exception):
    """What ends the program: one line, exit code."""


def edge_tpu() -> Any:
    """Return the Edge TPU's delegate."""
    from ai_edge_litert.interpreter import load_delegate

    names = {"Darwin": "libedgetpu.1.dylib", "Windows": "edgetpu.dll"}
    library = names.get(platform.system(), "libedgetpu.so.1")
    try:
        ctypes.CDLL(library)  # load_delegate would say it in three lines
    except OSError as error:
        raise EndError(f"{library} is not installed: see README.md.", 5) from error
    for _ in range(TRIES):
        with suppress(ValueError, AttributeError):  # no device, not ready yet; no such library at all
            return load_delegate(library)
        time.sleep(PAUSE)
    what = "plug it in, end any other program that uses it (one owns it), set the udev rule in README.md"
    raise EndError(f"no Edge TPU answers: {what}.", 5)


def frames() -> Iterator[Image.Image]:
    """Yield pictures of the camera."""
    if find_spec("picamera2"):
        from picamera2 import Picamera2

        taken = Picamera2()
        taken.start()
        while True:
            yield taken.capture_image().convert("RGB")
    if not find_spec("cv2"):
        raise EndError("--camera needs OpenCV: python -m pip install opencv-python-headless", 5)
    import cv2

    video = cv2.VideoCapture(0)
    while (frame := video.read())[0]:
        yield Image.fromarray(np.ascontiguousarray(frame[1][..., ::-1]))  # OpenCV has blue first


def heat() -> dict[str, Any]:
    """Return the processor's temperature and, of a Raspberry Pi, the throttling flags (0x0: none)."""
    celsius, told = None, ""
    with suppress(OSError, ValueError):
        celsius = int(Path("/sys/class/thermal/thermal_zone0/temp").read_text()) / 1000
    if command := shutil.which("vcgencmd"):
        told = subprocess.run([command, "get_throttled"], text=True, capture_output=True, check=False).stdout
    return {"celsius": celsius, "throttled": told.strip().partition("=")[2] or None}
