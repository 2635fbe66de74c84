"""Light a lamp at a pin of a Raspberry Pi while the camera sees a class.

python examples/gpio.py LABEL [pin, else 17]    after: python -m pip install gpiozero lgpio
"""

import sys
from pathlib import Path

from gpiozero import LED

sys.dont_write_bytecode = True  # the folder stays as it was made
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # the folder of run.py

from kerascnn.tflite.bundle.device import frames
from kerascnn.tflite.bundle.run_template import Model

wanted, lamp = sys.argv[1], LED(int(sys.argv[2]) if len(sys.argv) > 2 else 17)
model = Model()
for image in frames():
    best = model.likeliest(image)[0]
    lamp.value = best["label"] == wanted and best["probability"] >= 0.9
