"""The weights of a Keras network in a PyTorch network of the same layers."""

import numpy as np
import torch
from torch import nn


def take_weights(model: nn.Sequential, arrays: list[np.ndarray], volume: tuple[int, int, int]) -> None:
    """Set all weights from those of the Keras network, in the order of its layers.

    A normalization has four arrays there: factor, offset, mean, variance; the others have kernel and bias.

    Args:
        model: The PyTorch network, changed in place.
        arrays: ``get_weights()`` of the Keras model.
        volume: Height, width and depth of the map that is flattened, which Keras does with the depth last.
    """
    given = iter(torch.from_numpy(array) for array in arrays)
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.BatchNorm2d):
                for own in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                    own.copy_(next(given))
            elif isinstance(layer, nn.Conv2d | nn.Linear):
                layer.weight.copy_(_outputs_first(next(given), layer.weight.shape, volume))
                layer.bias.copy_(next(given))
    assert next(given, None) is None, "weights are left over: the networks differ"


def _outputs_first(kernel: torch.Tensor, shape: torch.Size, volume: tuple[int, int, int]) -> torch.Tensor:
    if kernel.ndim == 2 and len(kernel) == np.prod(volume):
        kernel = kernel.reshape(*volume, -1)
    return (kernel.permute(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T).reshape(shape)
