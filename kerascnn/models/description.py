"""The description inside a model file: preprocessing, classes, kind of output.

The description travels inside the file, so that it is read the same way wherever it is copied: a ``.keras``
file is a ZIP archive and takes one more member, a ``.tflite`` file takes a ZIP archive at its end, which
interpreters pass over.
"""

import json
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from kerascnn.data.preprocessing import Preprocessing
from kerascnn.data.sources.source import Source
from kerascnn.foundation.errors import KerasCnnError, UsageError
from kerascnn.foundation.text.escapes import printable
from kerascnn.models.architecture import UNKNOWN, Architecture, ArchitectureRecord

MEMBER = "kerascnn.json"
LONGEST = 16 * 2**20  # bytes of a description; a small ZIP archive can hold one that fills the memory

#: What Python says of a damaged archive; OSError: of places before it; RuntimeError: of a password.
DAMAGED_ARCHIVE = (
    OSError,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    RuntimeError,
    EOFError,
    ValueError,
    OverflowError,
)

Output = Literal["logits", "probabilities", "sigmoid", "logit", "unknown"]


def _source(stored: Any) -> Any:
    return Source.of_file(stored) if isinstance(stored, str) else stored


class ModelDescription(ArchitectureRecord):
    """The content of ``model.json`` and of the member ``kerascnn.json`` of a model file.

    Attributes:
        output: ``logits`` (a softmax is still to be taken) or ``probabilities``; of a file that kerascnn did
            not write also ``sigmoid`` (a probability each, which need not sum to 1), ``logit`` (one number,
            of the second of two classes) or ``unknown``.
        parameters: Trainable ones; ``parameters_fixed`` those that training does not change.
        tuned: How the weights differ from the run's, for instance ``pruned to 50 %``; empty: they do not.
    """

    format: Literal[1] = 1
    source: Annotated[Source, BeforeValidator(_source), PlainSerializer(str, return_type=str)]
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    output: Output = "logits"
    parameters: int = Field(ge=0)
    parameters_fixed: int = Field(default=0, ge=0)
    tuned: str = ""

    def embed(self, path: Path) -> None:
        """Add the description to a model file."""
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(zipfile.ZipInfo(MEMBER), self.model_dump_json())

    @classmethod
    def embedded(cls, path: Path) -> "ModelDescription | None":
        """Return the description inside a model file, None for a file that kerascnn did not write.

        Raises:
            KerasCnnError: There is one, but it is damaged or of a newer format.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                content = _unpacked(archive)
        except KeyError:
            return None
        except DAMAGED_ARCHIVE as error:
            if MEMBER.encode() in _end(path):  # cut off behind the network: it would still compute
                raise KerasCnnError(f"{path} is truncated: its description is cut off.") from error
            return None
        if len(content) > LONGEST:
            raise KerasCnnError(f"{path}: its description is longer than {LONGEST:,} bytes.")
        return cls.parse(content, path)

    def fitting(self, path: Path, network: "ModelDescription") -> "ModelDescription":
        """Return the description if it fits the network.

        Args:
            path: The file, for messages.
            network: What the network alone says, see :meth:`foreign`.

        Raises:
            KerasCnnError: It says something else.
        """
        rule = self.preprocessing
        said, found = (
            (
                each.preprocessing.height,
                each.preprocessing.width,
                each.preprocessing.channels,
                len(each.classes),
            )
            for each in (self, network)
        )
        if said != found or 2 * rule.margin >= min(rule.height, rule.width):
            raise KerasCnnError(
                f"{path}: its description does not fit its network: it says {said[:3]}, a "
                f"margin of {rule.margin} and {said[3]:,} classes, the network takes {found[:3]} and gives "
                f"{found[3]:,}."
            )
        return self

    @classmethod
    def parse(cls, content: bytes, path: Path) -> "ModelDescription":
        """Read a description from JSON text; ``path`` is for the message.

        Raises:
            KerasCnnError: It is damaged or of a newer format.
        """
        try:
            return cls(**_printable(json.loads(content)))
        except (ValueError, TypeError, RecursionError, UsageError) as error:
            raise KerasCnnError(
                f"{path}: its description is damaged or of a newer kerascnn ({error})."
            ) from error

    @classmethod
    def foreign(
        cls, path: Path, shape: tuple[Any, ...], scores: tuple[Any, ...], output: Output = "unknown"
    ) -> "ModelDescription":
        """Describe a file that kerascnn did not write.

        Args:
            path: The file, for messages.
            shape: Shape of one input: (height, width, channels), or (height, width) for grey.
            scores: Shape of one output: (classes,), or (1, 1, classes). One score is of two classes.
            output: Kind of the scores.

        Raises:
            KerasCnnError: These are not the shapes of an image classifier.
        """
        height, width, channels = _image_shape(path, shape)
        classes = _class_count(path, scores)
        if classes == 1 and output != "sigmoid":
            output = _alone(path, output)
        return cls(
            architecture=Architecture.unknown(path.stem),
            source=Source(UNKNOWN),
            preprocessing=Preprocessing(height=height, width=width, channels=channels),
            classes=tuple(str(label) for label in range(max(classes, 2))),
            output=output,
            parameters=0,
        )

    @property
    def is_foreign(self) -> bool:
        """Whether another program wrote the file."""
        return not self.architecture.is_known


def require_classifier(path: Path, inputs: int, outputs: int) -> None:
    """Refuse a network without exactly one input and one output.

    Raises:
        KerasCnnError: It has not.
    """
    if (inputs, outputs) != (1, 1):
        raise KerasCnnError(
            f"{path} does not classify images: it must have one input and one output, it has {inputs} and "
            f"{outputs}."
        )


def require_fixed_size(path: Path, shape: tuple[Any, ...]) -> None:
    """Refuse an input with an unknown side, the batch aside.

    Raises:
        KerasCnnError: One is ``None``.
    """
    if None in shape:
        raise KerasCnnError(
            f"{path} takes images of any size, {shape}: save or convert it with a fixed height and width, so "
            "that every image is scaled to that."
        )


def _image_shape(path: Path, shape: tuple[Any, ...]) -> tuple[int, int, Literal[1, 3]]:
    if len(shape) not in (2, 3):
        raise KerasCnnError(f"{path} does not classify images: its input is {shape}, not rows and columns.")
    require_fixed_size(path, shape)
    height, width, channels = (*shape, 1)[:3]
    if channels not in (1, 3):
        first = " Its channels seem to come first: save it with channels last." if shape[0] in (1, 3) else ""
        raise KerasCnnError(
            f"{path} takes {channels} channels, {shape}; kerascnn gives 1 (grey) or 3 (RGB).{first}"
        )
    return height, width, channels


def _alone(path: Path, output: Output) -> Output:
    """Return the kind of a single output without a sigmoid."""
    if output == "logits":
        return "logit"
    what = (
        "behind a softmax: it is 1 for every image"
        if output == "probabilities"
        else "that is neither a sigmoid nor a logit"
    )
    raise KerasCnnError(
        f"{path} has one output {what}. For two classes train it with a sigmoid, or with two outputs."
    )


def _class_count(path: Path, scores: tuple[Any, ...]) -> int:
    *map_shape, classes = scores or (None,)
    if classes is None or any(side != 1 for side in map_shape):
        raise KerasCnnError(
            f"{path} does not classify images: its output must be one score a class, it is {scores}."
        )
    return int(classes)


def _printable(stored: Any) -> Any:
    """Return a JSON document with control characters in its texts replaced."""
    if isinstance(stored, str):
        return printable(stored)
    if isinstance(stored, list):
        return [_printable(each) for each in stored]
    if isinstance(stored, dict):
        return {name: _printable(each) for name, each in stored.items()}
    return stored


def _end(path: Path) -> bytes:
    """Return the last bytes of a file, which contain the description if there is one."""
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - LONGEST))
        return file.read(LONGEST)


def _unpacked(archive: zipfile.ZipFile) -> bytes:
    """Return the description in an archive, cut off if it is too long."""
    if archive.getinfo(MEMBER).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("compressed in a way that kerascnn does not use")
    with archive.open(MEMBER) as member:
        return member.read(LONGEST + 1)
