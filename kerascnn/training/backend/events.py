"""TensorBoard's event files, written and read by TensorFlow."""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascnn.foundation.errors import KerasCnnError, first_line

#: Called as ``write(step, scalars, figures)``: values and PNG files by their names.
WriteEvents = Callable[[int, Mapping[str, float], Mapping[str, bytes]], None]


def event_writer(folder: Path) -> WriteEvents:
    """Open a new event file for TensorBoard.

    ``tf.summary.scalar`` and ``image`` need the package tensorboard. What they write does not: a tensor and
    the name of the plug-in that shows it.

    Raises:
        KerasCnnError: The file cannot be written; so does each later call.
    """
    import tensorflow as tf

    def shown_by(plugin: str) -> Any:
        return tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": plugin})

    def write(step: int, scalars: Mapping[str, float], figures: Mapping[str, bytes]) -> None:
        try:
            with writer.as_default(step):
                for name, value in scalars.items():
                    tf.summary.write(name, np.float32(value), metadata=shown_by("scalars"))
                for name, png in figures.items():
                    width, height = struct.unpack(">II", png[16:24])  # of a PNG's first chunk
                    content = tf.constant([str(width), str(height), png])
                    tf.summary.write(name, content, metadata=shown_by("images"))
            writer.flush()
        except tf.errors.OpError as error:
            raise _unwritable(folder, error) from error

    try:
        writer = tf.summary.create_file_writer(str(folder))
    except tf.errors.OpError as error:
        raise _unwritable(folder, error) from error
    return write


def _unwritable(folder: Path, error: Exception) -> KerasCnnError:
    return KerasCnnError(
        f"The events of TensorBoard could not be written to {folder}: {first_line(error)}. "
        "Free some space or train without --tensorboard."
    )


def last_step(folder: Path) -> int:
    """Return the highest step in the event files below a folder, 0 where there is none."""
    import tensorflow as tf

    steps = [0]
    for file in folder.rglob("*.tfevents.*"):
        try:
            for record in tf.data.TFRecordDataset(str(file)):
                steps.append(tf.compat.v1.Event.FromString(record.numpy()).step)
        except tf.errors.DataLossError:
            continue  # a crash left half a record at the end
    return max(steps)
