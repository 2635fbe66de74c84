"""AlexNet in PyTorch: the network of ``kerascnn.alexnet``, written afresh from its description.

One tower, 227×227×3; batch normalization between every convolution and its ReLU, with Keras' ε of 0.001; the
heads ``fc``, ``conv1x1`` and ``nin`` with dropout 0.5.
"""

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
VOLUME = (SIDE, SIDE, DEPTH)


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
