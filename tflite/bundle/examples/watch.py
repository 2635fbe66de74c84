"""Do something when the camera sees a class: python examples/watch.py LABEL [probability, else 0.9]."""

import sys
from pathlib import Path

sys.dont_write_bytecode = True  # the folder stays as it was made
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the folder of run.py

from kerascnn.tflite.bundle.run_template import Model, frames, guarded, wanted


def seen(label: str, probability: float) -> None:
    """Put your own action here; called once each time the class comes into view."""
    print(f"{label} {100 * probability:.1f} %", flush=True)


def main() -> None:
    """Watch until Ctrl-C."""
    model, there = Model(), False
    label, least = wanted(model, 0.9)
    for image in frames():  # dark ink on white paper: ImageOps.invert(image)
        best = model.likeliest(image)[0]
        is_there = best["label"] == label and best["probability"] >= least
        if is_there and not there:
            seen(**best)
        there = is_there


guarded(main)
