"""Check whether MediaPipe Tasks and ML Kit can load a file: uint8 or float32, three channels."""

from kerascnn.models.description import ModelDescription

TYPES = ("uint8", "float32")


def mobile_tasks_note(description: ModelDescription, io: str) -> str:
    """Say why MediaPipe Tasks and ML Kit cannot load a file and what to do; empty if they can.

    Args:
        description: Of the model.
        io: Type of the file's input and output: ``int8``, ``uint8`` or ``float32``.
    """
    grey = description.preprocessing.channels == 1
    wants = [
        *(["three colour channels, but this file takes one"] if grey else []),
        *([f"uint8 or float32, but this file takes {io}"] if io not in TYPES else []),
    ]
    if not wants:
        return ""
    train = "train with --channels 3 on colour images and " if grey else ""
    return (
        f"MediaPipe Tasks and ML Kit cannot load this file: they need {' and '.join(wants)}. "
        f"Run it with LiteRT, or for these two {train}quantize with --io uint8."
    )
