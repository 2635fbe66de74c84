"""The ``README.md`` of a bundle: the lines to type on the device."""

import textwrap
from typing import Any

from kerascnn.results import percent
from kerascnn.tflite.bundle.targets import Target

LICENSE = """run.py and pixels.py are part of kerascnn and are licensed under the Apache License, Version 2.0:
https://www.apache.org/licenses/LICENSE-2.0

The model, its labels and the golden pictures are the work of whoever trained it, from pictures that
have licences of their own.

Installed from requirements.txt, not contained here: ai-edge-litert (Apache-2.0), NumPy (BSD-3-Clause),
Pillow (MIT-CMU).
"""

_RASPBERRY_PI = """## Install

On a 64-bit Raspberry Pi OS (`uname -m` says `aarch64`), bookworm or trixie, in this folder:

```
sudo apt install -y python3-venv
python3 -m venv venv
. venv/bin/activate
python -m pip install -r requirements.txt
```

There are no wheels for the 32-bit system.
"""

_ANY = """## Install

Python 3.11 to 3.14 on Linux (x86-64, aarch64), macOS or Windows, in this folder:

```
python3 -m venv venv
. venv/bin/activate          # Windows: venv\\Scripts\\activate
python -m pip install -r requirements.txt
```
"""

_CORAL = (
    _RASPBERRY_PI.replace("On a 64-bit", "On the machine with the Coral, for instance a 64-bit")
    + """
The runtime of the Edge TPU must be one that was built for today's LiteRT: version 16.0 with
`tf2.17.1` or later in its name, from https://github.com/feranick/libedgetpu/releases (Google's own
package crashes with it). Take the `libedgetpu1-std` package of your system and processor, then

```
sudo apt install ./libedgetpu1-std_*.deb
```

It brings the udev rule that lets you use the device; without the package it is, in
`/etc/udev/rules.d/60-libedgetpu1-std.rules`:

```
SUBSYSTEM=="usb",ATTRS{idVendor}=="1a6e",GROUP="plugdev"
SUBSYSTEM=="usb",ATTRS{idVendor}=="18d1",GROUP="plugdev"
```

Then `sudo udevadm control --reload-rules`, `sudo usermod -aG plugdev $USER`, log in again, plug the
device in again.
"""
)

_CORAL_USE = """
On the Edge TPU:

```
python run.py --selftest --delegate edgetpu
python run.py photo.jpg --delegate edgetpu
python run.py --benchmark --delegate edgetpu
```

Without the device or its runtime these end with exit code 5. `--fallback` takes the CPU then, and says so.
"""

_NOT_COMPILED = """
## Compile first

The compiler was not at hand when this folder was made. On x86-64 Debian or Ubuntu with kerascnn:
`kerascnn compile model.tflite`, or with Google's compiler alone: `edgetpu_compiler model.tflite`.
Then make the bundle again where the compiler is: `kerascnn bundle RUN --target coral`.
"""

_USE = """## Use

```
python run.py --selftest       # proves that this machine computes what was trained
python run.py photo.jpg        # also several, a folder, or - for standard input; --json
python run.py --camera         # picamera2 or OpenCV, where installed
python run.py --benchmark
```
"""

_MEDIAPIPE = """## In an app, with MediaPipe Tasks

Copy `model.tflite` to `app/src/main/assets/` and add `implementation("com.google.mediapipe:tasks-
vision:latest.release")`. The class names are inside the file. MediaPipe stretches the whole photo
to the input: cut its middle square first.

```kotlin
val options = ImageClassifier.ImageClassifierOptions.builder()
    .setBaseOptions(BaseOptions.builder().setModelAssetPath("model.tflite").build())
    .setMaxResults(3)
    .build()
val classifier = ImageClassifier.createFromOptions(context, options)
val result = classifier.classify(BitmapImageBuilder(bitmap).build())
result.classificationResult().classifications()[0].categories().forEach {
    println("${it.categoryName()} ${it.score()}")
}
```
"""

_INTERPRETER = """## In an app, with LiteRT

MediaPipe Tasks and ML Kit take colour models only; this one is grey. Copy `model.tflite` and `labels.txt` to
`app/src/main/assets/` and add `implementation("com.google.ai.edge.litert:litert:1.+")`.

```kotlin
val interpreter = Interpreter(FileUtil.loadMappedFile(context, "model.tflite"))
val input = ByteBuffer.allocateDirect(HEIGHT * WIDTH)  // uint8, one byte a pixel, row by row, as they are
val output = Array(1) { ByteArray(CLASSES) }           // uint8: value / 256 is the probability
interpreter.run(input, output)
val best = output[0].indices.maxByOrNull { output[0][it].toInt() and 0xFF }
```
"""


def readme(device: Target, card: dict[str, Any]) -> str:
    """Return the text.

    Args:
        device: What it is for.
        card: The content of ``model.json``.
    """
    tested, rule = card["test"], card["preprocessing"]
    fit = "the middle of the picture" if rule["fit"] == "crop" else "the whole picture on black"
    low, high = (f"{100 * tested[end]:.2f}" for end in ("low", "high"))
    about = (
        f"{card['network']}, trained on {card['source']}, {card['scheme']}. Test accuracy "
        f"{percent(tested['accuracy'])} (95 % interval {low} to {high}, n = {tested['n']:,}); quantization "
        f"cost {tested['drop_points']:.2f} points. Input: raw pixels, "
        f"{rule['height']}×{rule['width']}×{rule['channels']}, {fit}."
    )
    parts = [f"# {card['run']} for {device.title}\n", textwrap.fill(about, 110) + "\n"]
    if device.form == "edgetpu":
        parts += [_CORAL, _USE] + ([_CORAL_USE] if card["edgetpu_model"] else [_NOT_COMPILED])
    elif device.ends == "uint8":
        app = _MEDIAPIPE if rule["channels"] == 3 else _sized(_INTERPRETER, card)
        parts += [app, _ANY.replace("## Install", "## Try it on a computer"), _USE]
    else:
        parts += [_RASPBERRY_PI if device.title == "Raspberry Pi" else _ANY, _USE]
    parts.append("`sha256sum -c SHA256SUMS` finds a damaged file; `run.py` looks for itself each time.\n")
    return "\n".join(parts)


def _sized(text: str, card: dict[str, Any]) -> str:
    """Fill in what the snippet needs to know of the model."""
    rule = card["preprocessing"]
    known = {"HEIGHT": rule["height"], "WIDTH": rule["width"], "CLASSES": len(card["classes"])}
    for name, value in known.items():
        text = text.replace(name, str(value))
    return text
