"""The ``README.md`` of a bundle: the commands to type on the device."""

import textwrap
from shlex import quote
from typing import Any

from kerascnn.analysis.evaluation.metrics import percent
from kerascnn.tflite.bundle.devices import devices

LIGHT_ON_DARK = ("digits", "mnist", "fashion_mnist")  # sources

LICENSE = """run.py, pixels.py, device.py and the examples are part of kerascnn and are licensed under the
Apache License, Version 2.0:
https://www.apache.org/licenses/LICENSE-2.0

The model, its labels and the reference images are the work of whoever trained it, from images that
have licences of their own.

Installed from requirements.txt, not contained here: ai-edge-litert (Apache-2.0), NumPy (BSD-3-Clause),
Pillow (MIT-CMU).
"""

_RASPBERRY_PI = """## Install

`dpkg --print-architecture` must say `arm64`: a 64-bit Raspberry Pi OS, bookworm or trixie. (`uname -m` says
`aarch64` on a 32-bit system with a 64-bit kernel, too.) For `armhf` there is no wheel of LiteRT: write the
64-bit system to the card, which every Raspberry Pi since the 3 and the Zero 2 W can run.

Copy this folder to it, for instance with `scp -r`, and in it:

```
sudo apt install -y python3-venv
python3 -m venv ~/kerascnn-venv
. ~/kerascnn-venv/bin/activate
python -m pip install -r requirements.txt
```
"""

_ANY = """## Install

Python 3.11 to 3.14 on Linux (x86-64, aarch64), macOS or Windows, in this folder:

```
python3 -m venv ~/kerascnn-venv
. ~/kerascnn-venv/bin/activate
python -m pip install -r requirements.txt
```

On Windows the second line is `%USERPROFILE%\\kerascnn-venv\\Scripts\\activate`, and `~` is `%USERPROFILE%`.
"""

_CORAL = (
    _RASPBERRY_PI
    + """
A PC with Debian or Ubuntu does as well. The runtime of the Edge TPU must be one that was built for today's
LiteRT: version 16.0 with `tf2.17.1` or later in its name, from
https://github.com/feranick/libedgetpu/releases (Google's own package crashes with it). Download the
`libedgetpu1-std` package whose name has your system (`bookworm`, `trixie`) and processor (`arm64`,
`amd64`), then

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

These lines are for the USB Accelerator. A Coral on PCIe or M.2 needs the kernel's `apex` driver besides
(`ls /dev/apex_0` shows whether it is there). Google's package `gasket-dkms` 1.0-18 does not build on Linux
6.12, the kernel of trixie; what to change is in https://github.com/google/gasket-driver/issues/36. A
Raspberry Pi 5 must also boot a kernel with 4 KiB pages (`kernel=kernel8.img` in
`/boot/firmware/config.txt`). None of this was tried with this folder.
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

_NOT_COMPILED = """## Compile first

The compiler was not installed when this folder was made. On x86-64 Debian or Ubuntu with kerascnn:
`kerascnn compile model.tflite`, or with Google's compiler alone: `edgetpu_compiler model.tflite`.
Then create the bundle again on the machine with the compiler: `kerascnn bundle RUN --target coral`.
"""

_USE = """## Use

```
python run.py --selftest       # checks that this machine computes the expected outputs
python run.py golden           # the reference images; their names are their classes
python run.py photo.jpg        # also several, a folder, or - for standard input; --json
python run.py --benchmark
python run.py --camera         # CAMERA
```

A successful self-test prints one line that begins with `selftest passed`: *outputs equal*; or *outputs
within rounding*: this processor rounds a little differently, and every output stays inside the range that
this can explain. On *FAILED*, copy the folder again; if it fails again, do not trust it. No output
is not a success: an empty program prints nothing and exits with 0. A script should look for that line:

```
python run.py --selftest | grep "^selftest passed"
```

The line `INFO: Created TensorFlow Lite XNNPACK delegate` is normal.

## Act on it

Three short programs to change: the first calls a function when the camera sees a class, the second answers
over HTTP (for everyone in the network), the third switches a lamp on a pin of a Raspberry Pi.

```
python examples/watch.py LABEL
python examples/serve.py
python -m pip install gpiozero lgpio && python examples/gpio.py LABEL 17
```

In your own program in this folder:

```python
from run import Model, upright

model = Model()
image, _ = upright("photo.jpg")
print(model.likeliest(image)[0])  # {'label': …, 'probability': …}
```

You may change, rename or remove everything but the model, `labels.txt`, `pixels.py`, `device.py` and
`golden/`: `run.py` then names these files and continues. In a new shell, run the line with `activate` again.
"""

_USB_CAMERA = "a USB camera, after: python -m pip install opencv-python-headless"
_CAMERA_OF_A_PI = f"its own (rpicam-vid), or {_USB_CAMERA}"

_GREY = """\
The model was trained on light digits on black. For a photo of dark ink on white paper add
`--invert`.
"""

_MEDIAPIPE = """## In an app, with MediaPipe Tasks

Copy `model.tflite` to `app/src/main/assets/` and add this dependency:

```kotlin
implementation("com.google.mediapipe:tasks-vision:latest.release")
```

The class names are inside the file. MediaPipe stretches the whole photo to the input; FIT.
This snippet was not compiled; files of this kind were tested with MediaPipe's classifier in Python.

```kotlin
val options = ImageClassifier.ImageClassifierOptions.builder()
    .setBaseOptions(BaseOptions.builder().setModelAssetPath("model.tflite").build())
    .setMaxResults(3)
    .build()
val classifier = ImageClassifier.createFromOptions(context, options)
CUTval result = classifier.classify(BitmapImageBuilder(PHOTO).build())
result.classificationResult().classifications()[0].categories().forEach {
    println("${it.categoryName()} ${it.score()}")
}
```
"""

_INTERPRETER = """## In an app, with LiteRT

MediaPipe Tasks and ML Kit take colour models only; this one is grey. Copy `model.tflite` and `labels.txt` to
`app/src/main/assets/` and add `implementation("com.google.ai.edge.litert:litert:1.+")`. This snippet was
not compiled here.

```kotlin
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.tensorflow.lite.Interpreter

fun direct(bytes: ByteArray): ByteBuffer =
    ByteBuffer.allocateDirect(bytes.size).order(ByteOrder.nativeOrder()).apply { put(bytes); rewind() }

val labels = context.assets.open("labels.txt").bufferedReader().readLines()
val interpreter = Interpreter(direct(context.assets.open("model.tflite").readBytes()))
val pixels = ByteArray(HEIGHT * WIDTH)                 // grey, 0 to 255, row by row: fill in your image
val output = Array(1) { ByteArray(CLASSES) }           // uint8: value / 256 is the probability
interpreter.run(direct(pixels), output)
val best = output[0].indices.maxByOrNull { output[0][it].toInt() and 0xFF }
println(labels[best!!])
```
"""

_WHOLE = "put it on a\nblack square first, as the model was trained"
_MIDDLE = """\
the model was
trained on its middle square, which the snippet cuts first. Of 21 photos MediaPipe gave 18 the class that
`run.py` gives them, and 20 once they were cut"""
_CUT = """\
val side = minOf(photo.width, photo.height)
val square = Bitmap.createBitmap(photo, (photo.width - side) / 2, (photo.height - side) / 2, side, side)
"""


def readme(card: dict[str, Any]) -> str:
    """Return the text for what ``model.json`` says."""
    device, tested, rule = devices[card["target"]], card["test"], card["preprocessing"]
    fit = "the middle of the image" if rule["fit"] == "crop" else "the whole image on black"
    low, high = (f"{100 * tested[end]:.2f}" for end in ("low", "high"))
    lost = tested["drop_points"]
    about = (
        f"{card['network']}, trained on {card['source']}, {card['scheme']}. Test accuracy "
        f"{percent(tested['accuracy'])} (95 % interval {low} to {high}, n = {tested['n']:,}); quantization "
        f"{'cost' if lost >= 0 else 'gained'} {abs(lost):.2f} points. Input: raw pixels, "
        f"{rule['height']}×{rule['width']}×{rule['channels']}, {fit}."
    )
    parts = [f"# {card['run']} for {device.title}\n", textwrap.fill(about, 110) + "\n"]
    its_own = card["target"] in ("raspberrypi", "coral")
    use = _USE.replace("LABEL", quote(card["classes"][0])).replace(
        "CAMERA", _CAMERA_OF_A_PI if its_own else _USB_CAMERA
    )
    if device.accelerator:
        parts += [_CORAL, use] + ([_CORAL_USE] if _is_compiled(card) else [_NOT_COMPILED])
    elif card["input"] == "uint8":
        app = _sized(_MEDIAPIPE if rule["channels"] == 3 else _INTERPRETER, card)
        parts += [app, _ANY.replace("## Install", "## Try it on a computer"), use]
    else:
        parts += [_RASPBERRY_PI if device.title == "Raspberry Pi" else _ANY, use]
    if card["source"] in LIGHT_ON_DARK:
        parts.append(_GREY)
    parts.append("`sha256sum -c SHA256SUMS` finds every changed file; `run.py` looks for itself each time.\n")
    return "\n".join(parts)


def _is_compiled(card: dict[str, Any]) -> bool:
    return all(delegate["model"] for delegate in card["delegates"].values())


def _sized(text: str, card: dict[str, Any]) -> str:
    """Fill the model's sizes into the snippet."""
    rule = card["preprocessing"]
    cut = rule["fit"] == "crop"
    known = {"HEIGHT": rule["height"], "WIDTH": rule["width"], "CLASSES": len(card["classes"])}
    known |= {"FIT": _MIDDLE if cut else _WHOLE, "CUT": _CUT if cut else ""}
    known |= {"PHOTO": "square" if cut else "photo"}
    for name, value in known.items():
        text = text.replace(name, str(value))
    return text
