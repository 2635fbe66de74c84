"""AlexNet in PyTorch: the network of ``kerascnn.models.alexnet``, written afresh from its description.

One tower, 227×227×3; batch normalization between every convolution and its ReLU, with Keras' ε of 0.001; the
heads ``fc``, ``conv1x1`` and ``nin`` with dropout 0.5.
"""

import numpy as np
import torch
from torch import nn

#: Filters, side, stride and padding of each convolution, and whether 3×3 max pooling with stride 2 follows.
TRUNK = (
    (96, 11, 4, 0, True),
    (256, 5, 1, 2, True),
    (384, 3, 1, 1, False),
    (384, 3, 1, 1, False),
    (256, 3, 1, 1, True),
)
DEPTH, SIDE = 256, 6  # of the last map


def alexnet(head: str, classes: int) -> nn.Sequential:
    """Return the network from standardised pixels, (n, 3, 227, 227), to logits, (n, classes)."""
    return nn.Sequential(*_trunk(), *HEADS[head](classes))


def _trunk() -> list[nn.Module]:
    layers: list[nn.Module] = []
    depth = 3
    for filters, side, stride, padding, pooled in TRUNK:
        layers += [nn.Conv2d(depth, filters, side, stride, padding), nn.BatchNorm2d(filters, eps=1e-3)]
        layers += [nn.ReLU(inplace=True), *([nn.MaxPool2d(3, 2)] if pooled else [])]
        depth = filters
    return layers


def _fc(classes: int) -> list[nn.Module]:
    hidden = [*_dropped(nn.Linear(DEPTH * SIDE * SIDE, 4096)), *_dropped(nn.Linear(4096, 4096))]
    return [nn.Flatten(), *hidden, nn.Linear(4096, classes)]


def _conv1x1(classes: int) -> list[nn.Module]:
    hidden = [*_dropped(nn.Conv2d(DEPTH, 4096, 1)), *_dropped(nn.Conv2d(4096, 4096, 1))]
    return [*hidden, *_averaged(nn.Conv2d(4096, classes, 1))]


def _nin(classes: int) -> list[nn.Module]:
    return [nn.Dropout(0.5), *_averaged(nn.Conv2d(DEPTH, classes, 1))]


def _dropped(layer: nn.Module) -> list[nn.Module]:
    return [layer, nn.ReLU(inplace=True), nn.Dropout(0.5)]


def _averaged(layer: nn.Module) -> list[nn.Module]:
    return [layer, nn.AdaptiveAvgPool2d(1), nn.Flatten()]


HEADS = {"fc": _fc, "conv1x1": _conv1x1, "nin": _nin}


def take_weights(model: nn.Sequential, arrays: list[np.ndarray]) -> None:
    """Set all weights from those of the Keras network, in the order of its layers.

    A normalization has four arrays there: factor, offset, mean, variance; the others have kernel and bias.
    """
    given = iter(torch.from_numpy(array) for array in arrays)
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, nn.BatchNorm2d):
                for own in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                    own.copy_(next(given))
            elif isinstance(layer, nn.Conv2d | nn.Linear):
                layer.weight.copy_(_outputs_first(next(given), layer.weight.shape))
                layer.bias.copy_(next(given))
    assert next(given, None) is None, "weights are left over: the networks differ"


def _outputs_first(kernel: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    if kernel.ndim == 2 and len(kernel) == DEPTH * SIDE * SIDE:  # flattened with the depth last
        kernel = kernel.reshape(SIDE, SIDE, DEPTH, -1)
    return (kernel.permute(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T).reshape(shape)
