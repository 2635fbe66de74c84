"""Training in PyTorch from arrays in memory, eager or compiled, as its tutorials write it."""

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn


def rate(
    images: np.ndarray,
    labels: np.ndarray,
    network: nn.Module,
    optimizer: Callable[[Any], torch.optim.Optimizer],
    *,
    batch: int,
    epochs: int,
    compiled: bool,
    channels_last: bool = False,
) -> float:
    """Return images per second of some epochs after a first one that is not counted, nor is compiling.

    Args:
        images: Standardised, float32 (n, height, width, channels), n a multiple of ``batch``: another size of
            batch would be compiled anew.
        labels: Labels of the images.
        network: What is trained, in place.
        optimizer: Makes one for parameters.
        batch: Images of one step.
        epochs: Counted ones.
        compiled: Whether the network goes through ``torch.compile`` in its default mode.
        channels_last: Whether maps and filters lie in memory with the depth last.
    """
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    pixels, targets = torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(labels).long()
    if channels_last:  # the permuted images lie so already
        network = network.to(memory_format=torch.channels_last)
    else:
        pixels = pixels.contiguous()
    network.train()
    steps, loss = optimizer(network.parameters()), nn.CrossEntropyLoss()
    forward = torch.compile(network) if compiled else network
    for epoch in range(epochs + 1):
        if epoch == 1:
            started = time.perf_counter()
        for numbers in torch.randperm(len(targets)).split(batch):
            steps.zero_grad()
            loss(forward(pixels[numbers]), targets[numbers]).backward()
            steps.step()
    return epochs * len(targets) / (time.perf_counter() - started)
