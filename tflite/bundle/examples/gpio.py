"""Light a lamp at a pin of a Raspberry Pi while the camera sees a class.

python examples/gpio.py LABEL [pin, else 17]    after: python -m pip install gpiozero lgpio
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the folder stays as it was made
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the folder of run.py

from kerascnn.tflite.bundle.run_template import EndError, Model, frames, guarded, wanted


def main() -> None:
    """Switch the lamp until Ctrl-C."""
    try:
        from gpiozero import LED
    except ImportError as error:
        raise EndError(f"{error}: python -m pip install gpiozero lgpio", 5) from error
    model = Model()
    label, pin = wanted(model, 17)
    lamp = LED(int(pin))
    for image in frames():  # dark ink on white paper: ImageOps.invert(image)
        best = model.likeliest(image)[0]
        lamp.value = best["label"] == label and best["probability"] >= 0.9


guarded(main)
