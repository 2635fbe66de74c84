"""LeNet-5 in PyTorch: the modern network of ``kerascnn.lenet5``, afresh from its description."""

from torch import nn

VOLUME = (5, 5, 16)  # of the last map: height, width, depth


def lenet5() -> nn.Sequential:
    """Return the network from standardised pixels, (n, 1, 32, 32), to logits, (n, 10)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
