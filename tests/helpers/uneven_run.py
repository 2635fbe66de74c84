"""A run whose network int8 hurts: one channel of a map is much larger than the others."""

import shutil
from pathlib import Path

import numpy as np

from kerascnn.models.keras_file import load_model, save_model


def uneven_run(run: Path, folder: Path, factor: float) -> Path:
    """Copy a run of LeNet-5 (fc), one channel of its second convolution made ``factor`` times as large.

    The next layer divides it again, so in float nothing changes. In int8 one scale serves all channels of a
    map, and the others are rounded away.
    """
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("tflite"))
    model, description = load_model(folder / "model.keras")
    conv, dense = model.get_layer("conv2"), model.get_layer("fc1")
    kernel, bias = conv.get_weights()
    weights, offset = dense.get_weights()
    channel = int(np.argmax(bias + kernel.sum((0, 1, 2))))
    kernel[..., channel] *= np.float32(factor)
    bias[channel] *= np.float32(factor)
    by_channel = weights.reshape(25, 16, -1)
    by_channel[:, channel] /= np.float32(factor)
    conv.set_weights([kernel, bias])
    dense.set_weights([by_channel.reshape(weights.shape), offset])
    save_model(model, description, folder / "model.keras")
    return folder
