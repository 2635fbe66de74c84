"""The devices a bundle can be for."""

from dataclasses import dataclass

from kerascnn.foundation.registry import Registry
from kerascnn.tflite.accelerators.accelerator import Accelerator
from kerascnn.tflite.accelerators.edgetpu.accelerator import ACCELERATOR as EDGE_TPU


@dataclass(frozen=True)
class Device:
    """A device.

    Attributes:
        title: Name for people.
        io: Type of the full-int8 file's input and output.
        accelerator: The accelerator that runs the file; ``None``: the CPU.
    """

    title: str
    io: str
    accelerator: Accelerator | None = None


devices: Registry[Device] = Registry("target")
devices.add("raspberrypi", Device("Raspberry Pi", "int8"))
devices.add("coral", Device("Coral Edge TPU", "int8", EDGE_TPU))
devices.add("android", Device("Android", "uint8"))  # what MediaPipe Tasks and ML Kit take
devices.add("web", Device("any browser", "int8"))
devices.add("generic", Device("any machine with Python", "int8"))
