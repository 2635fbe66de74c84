"""What a file is made for: the processor of any machine, or an accelerator with demands of its own."""

from dataclasses import dataclass
from pathlib import Path

from kerascnn.foundation.errors import UsageError
from kerascnn.tflite.accelerators.accelerator import Accelerator
from kerascnn.tflite.accelerators.registry import accelerators


@dataclass(frozen=True)
class Target:
    """What a file is made for.

    Attributes:
        name: As options and records call it.
        accelerator: Whose demands the file must meet; ``None``: a processor, which runs every file.
    """

    name: str
    accelerator: Accelerator | None = None

    @classmethod
    def named(cls, name: str) -> "Target":
        """Return the target of a name.

        Raises:
            UsageError: There is none.
        """
        if name == PROCESSOR.name:
            return PROCESSOR
        if name not in accelerators:
            raise UsageError(f"target must be {' or '.join(target_names())}. Received: target={name}")
        return cls.on(accelerators[name])

    @classmethod
    def on(cls, accelerator: Accelerator | None) -> "Target":
        """Return the target that an accelerator is, or the processor."""
        return cls(accelerator.name, accelerator) if accelerator else PROCESSOR

    @property
    def allows_float_layers(self) -> bool:
        """Whether layers of a full-int8 file may stay in float."""
        return self.accelerator is None

    def refusal(self, scheme: str, io: str) -> str:
        """Return why it takes no files of a scheme with such an input and output, empty where it does."""
        return self.accelerator.refusal(scheme, io) if self.accelerator else ""

    def problem(self, file: Path) -> str:
        """Return why it would not run all of a file, empty where it would."""
        if self.accelerator is None:
            return ""
        from kerascnn.tflite.file_format.graph import read_graph

        return self.accelerator.check(read_graph(file)).problem


PROCESSOR = Target("mobile")


def target_names() -> tuple[str, ...]:
    """Return what a file can be made for."""
    return (PROCESSOR.name, *accelerators)
