"""The registry of accelerators: each folder of this package is one, described by its ``accelerator.py``."""

from pathlib import Path
from pkgutil import iter_modules

from kerascnn.foundation.registry import Registry
from kerascnn.tflite.accelerators.accelerator import Accelerator

#: The accelerator that ``check`` judges for where none is named.
USUAL = "edgetpu"

accelerators: Registry[Accelerator] = Registry("target", group="kerascnn.accelerators", of=Accelerator)
for folder in iter_modules([str(Path(__file__).parent)]):
    if folder.ispkg:
        accelerators.refer(folder.name, f"{__package__}.{folder.name}.accelerator:ACCELERATOR")
