"""An accelerator: its demands on a file, its check, its compiler and its delegate."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kerascnn.tflite.accelerators.check import Check
    from kerascnn.tflite.file_format.graph import ModelGraph


@dataclass(frozen=True)
class Compiler:
    """The program that translates a file for an accelerator.

    Attributes:
        program: Its name on the PATH.
        install: The lines that install it.
        operator: The custom operator that stands, in a translated file, for all that was mapped.
        compile: Translates a file into a folder and returns the new file's path; it raises
            ``MissingError`` where the program is not installed.
    """

    program: str
    install: tuple[str, ...]
    operator: str
    compile: Callable[[Path, Path], Path]


@dataclass(frozen=True)
class Delegate:
    """The shared library through which LiteRT reaches an accelerator.

    Attributes:
        library: File name on Linux.
        device: Which machine needs it, in words: ``a Coral``.
        source: Where to get it.
        elsewhere: Its name on other systems, by their ``platform.system()``.
        remedy: What to do if it is installed and no device is found.
    """

    library: str
    device: str
    source: str
    elsewhere: Mapping[str, str] = field(default_factory=dict, hash=False)
    remedy: str = "plug it in and close other programs that use it"

    @property
    def here(self) -> str:
        """The library as this system calls it."""
        return self.elsewhere.get(platform.system(), self.library)


@dataclass(frozen=True)
class Accelerator:
    """A chip beside the processor that runs a quantized network, or a part of it.

    Attributes:
        name: Name in options and records.
        title: Name for people.
        arithmetic: Its number format in words: ``full int8``.
        schemes: Names of the quantizations that it takes.
        io: Types of input and output that it takes.
        check: Judges a file, without a compiler and without a device; its rules and costs stand behind it.
        compiler: ``None``: it takes a file as it is.
        delegate: ``None``: none is needed.
    """

    name: str
    title: str
    arithmetic: str
    schemes: tuple[str, ...]
    io: tuple[str, ...]
    check: "Callable[[ModelGraph], Check]"
    compiler: Compiler | None = None
    delegate: Delegate | None = None

    def refusal(self, scheme: str, io: str) -> str:
        """Return why files with this scheme, input and output types are not supported; empty if they are."""
        if scheme in self.schemes and io in self.io:
            return ""
        return (
            f"The {self.title} computes in {self.arithmetic} only: {' or '.join(self.schemes)} with io "
            f"{' or '.join(self.io)}."
        )
