"""Targets of a file: any CPU, or an accelerator with its own demands."""

from dataclasses import dataclass
from pathlib import Path

from kerascnn.foundation.errors import UsageError
from kerascnn.tflite.accelerators.accelerator import Accelerator
from kerascnn.tflite.accelerators.registry import accelerators


@dataclass(frozen=True)
class Target:
    """The target of a file.

    Attributes:
        name: Name in options and records.
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
        """Return an accelerator's target, or the CPU."""
        return cls(accelerator.name, accelerator) if accelerator else PROCESSOR

    @property
    def allows_float_layers(self) -> bool:
        """Whether layers of a full-int8 file may stay in float."""
        return self.accelerator is None

    def refusal(self, scheme: str, io: str) -> str:
        """Return why files with this scheme, input and output types are not supported; empty if they are."""
        return self.accelerator.refusal(scheme, io) if self.accelerator else ""

    def problem(self, file: Path) -> str:
        """Return why part of a file would not run there; empty if all would."""
        if self.accelerator is None:
            return ""
        from kerascnn.tflite.file_format.graph import read_graph

        return self.accelerator.check(read_graph(file)).problem


PROCESSOR = Target("mobile")


def target_names() -> tuple[str, ...]:
    """Return the names of all targets."""
    return (PROCESSOR.name, *accelerators)
