"""The devices a bundle can be for."""

from dataclasses import dataclass

from kerascnn.foundation.registry import Registry


@dataclass(frozen=True)
class Target:
    """A device.

    Attributes:
        title: As people call it.
        form: What its file is quantized for, ``mobile`` or ``edgetpu``.
        ends: Type of the full-int8 file's input and output.
    """

    title: str
    form: str
    ends: str


targets: Registry[Target] = Registry("target")
targets.add("raspberrypi", Target("Raspberry Pi", "mobile", "int8"))
targets.add("coral", Target("Coral Edge TPU", "edgetpu", "int8"))
targets.add("android", Target("Android", "mobile", "uint8"))  # what MediaPipe Tasks and ML Kit take
targets.add("generic", Target("any machine with Python", "mobile", "int8"))
