"""A requested file."""

from dataclasses import dataclass

from kerascnn.foundation.errors import UsageError
from kerascnn.tflite.quantization.schemes import Scheme, schemes
from kerascnn.tflite.quantization.targets import PROCESSOR, Target


@dataclass(frozen=True)
class FileSpec:
    """A requested file: scheme, type of input and output, and target."""

    scheme: Scheme
    io: str
    target: Target = PROCESSOR

    @classmethod
    def of(cls, scheme: str, io: str | None = None, target: Target | str = PROCESSOR) -> "FileSpec":
        """Complete and check a request.

        Args:
            scheme: A name.
            io: Type of input and output; ``None``: the scheme's usual one.
            target: The target or its name.

        Raises:
            UsageError: A name is unknown, or two of them exclude each other.
        """
        known = schemes[scheme]
        io = io or known.io[0]
        if io not in known.io:
            raise UsageError(f"{known.name} takes {' or '.join(known.io)} as io. Received: io={io}")
        target = Target.named(target) if isinstance(target, str) else target
        if refusal := target.refusal(known.name, io):
            raise UsageError(f"{refusal} Received: scheme={known.name}, io={io}")
        return cls(known, io, target)

    @property
    def allows_float_layers(self) -> bool:
        """Whether layers of full int8 may stay in float: not on an accelerator, not with another io."""
        return self.target.allows_float_layers and self.io == "int8"

    @property
    def stem(self) -> str:
        """The file's name without its suffix: the scheme, and what is unusual."""
        return self.scheme.name if self.io == self.scheme.io[0] else f"{self.scheme.name}-{self.io}"
