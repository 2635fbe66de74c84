"""Access to the device's hardware for ``run.py``: accelerator, camera, temperature."""

import ctypes
import io
import platform
import shutil
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, cast

import numpy as np
from PIL import Image

END_OF_JPEG = b"\xff\xd9"  # inside an image 0xff is followed by 0x00
LARGEST_FRAME = 8_000_000  # bytes of an image
THROTTLED = ("voltage too low", "frequency capped", "throttled", "soft temperature limit")  # bits 0 to 3
TRIES, PAUSE = 3, 1.0  # the first load after plugging a device in can fail; seconds between


class EndError(Exception):
    """An error that ends the program with one line and an exit code."""


def accelerated(delegate: dict[str, Any]) -> Any:
    """Return LiteRT's delegate of an accelerator, as ``model.json`` describes it."""
    from ai_edge_litert.interpreter import load_delegate

    library = delegate["elsewhere"].get(platform.system(), delegate["library"])
    try:
        ctypes.CDLL(library)  # load_delegate would say it in three lines
    except OSError as error:
        raise EndError(f"{library} is not installed: see README.md.", 5) from error
    for _ in range(TRIES):
        with suppress(ValueError, AttributeError):  # no device, not ready yet; no such library at all
            return load_delegate(library)
        time.sleep(PAUSE)
    raise EndError(f"no {delegate['title']} found: {delegate['remedy']}.", 5)


def frames() -> Iterator[Image.Image]:
    """Yield images from the Raspberry Pi camera, or else from one that OpenCV reads (USB).

    ``rpicam-vid`` reads a Raspberry Pi's camera: Raspberry Pi OS has it, while picamera2 cannot be seen from
    a virtual environment and does not work beside NumPy 2.
    """
    program = shutil.which("rpicam-vid") or shutil.which("libcamera-vid")  # its earlier name
    failure = (yield from _of_the_raspberry_pi(program)) if program else ""
    if not find_spec("cv2"):
        found = f"{program}: {failure}. " if failure else ""
        raise EndError(f"{found}A USB camera needs OpenCV: python -m pip install opencv-python-headless", 5)
    import cv2

    video = cv2.VideoCapture(0)
    while (frame := video.read())[0]:
        yield Image.fromarray(np.ascontiguousarray(frame[1][..., ::-1]))  # OpenCV has blue first


def _of_the_raspberry_pi(program: str) -> Generator[Image.Image, None, str]:
    """Yield images from rpicam until the program ends; return why there were none."""
    command = [program, "--nopreview", "--verbose", "0", "--timeout", "0", "--framerate", "5", "--flush"]
    command += ["--width", "640", "--height", "480", "--codec", "mjpeg", "--output", "-"]
    seen, data = False, b""
    with TemporaryFile() as told, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told) as process:
        output = cast(io.BufferedReader, process.stdout)
        try:
            while piece := output.read1(1 << 20):
                *whole, data = (data + piece).split(END_OF_JPEG)
                for each in whole:
                    with suppress(OSError):  # one that was cut off does not end the others
                        image = Image.open(io.BytesIO(each + END_OF_JPEG)).convert("RGB")
                        seen = True
                        yield image
                if len(data) > LARGEST_FRAME:
                    raise EndError(f"{program} sends no JPEG images.", 1)
        finally:
            process.terminate()
        told.seek(0)
        lines = told.read().decode(errors="replace").strip().splitlines()
    last = (lines or ["it returned no images"])[-1]
    if seen:
        raise EndError(f"the camera stopped{': ' + last if lines else ''}.", 1)
    return last


def heat() -> dict[str, Any]:
    """Return the CPU temperature and, on a Raspberry Pi, its throttling since boot."""
    celsius: float | None = None
    slowed: str | None = None
    with suppress(OSError, ValueError):
        celsius = int(Path("/sys/class/thermal/thermal_zone0/temp").read_text()) / 1000
    if command := shutil.which("vcgencmd"):
        told = subprocess.run([command, "get_throttled"], text=True, capture_output=True, check=False).stdout
        with suppress(ValueError):  # vcgencmd answers with an error on other machines
            flags = told.strip().partition("=")[2]
            slowed = f"{flags} ({throttling(int(flags, 16))})"
    return {"celsius": celsius, "throttled": slowed}


def throttling(flags: int) -> str:
    """Return ``vcgencmd get_throttled`` in words: bits 0 to 3 are current, 16 to 19 past events.

    >>> throttling(0x50005)
    'now: voltage too low, throttled; since start: voltage too low, throttled'
    >>> throttling(0)
    'never slowed down'
    """
    told = []
    for when, bits in (("now", flags), ("since start", flags >> 16)):
        names = [name for bit, name in enumerate(THROTTLED) if bits >> bit & 1]
        told += [f"{when}: {', '.join(names)}"] if names else []
    return "; ".join(told) or "never slowed down"
