"""Estimate how many parameters an Edge TPU caches, how many it streams per inference, and the time.

An estimate without compiler and device. The figures and their sources are in ``rules.toml``.
"""

from collections.abc import Sequence
from dataclasses import replace

from kerascnn.tflite.accelerators.check import InferenceCost
from kerascnn.tflite.accelerators.edgetpu.rules import table

MIB = 2**20
BUSES = {"USB 3": "usb", "PCIe": "pcie"}  # and their names in the table


def estimate(parameters: Sequence[int]) -> InferenceCost:
    """Return the cost of layers from the parameter bytes of each, in execution order.

    The chip's memory is filled in that order; a layer that does not fit whole into what is left is streamed.
    """
    left = capacity = int(table()["memory"]["cache_mib"] * MIB)
    cached = []
    for size in parameters:
        cached.append(size <= left)
        left -= size if cached[-1] else 0
    kept = sum(size for size, fits in zip(parameters, cached, strict=True) if fits)
    streamed = sum(parameters) - kept
    time = table()["time"]
    times = {
        name: round(time["fixed_ms"] + time[f"{bus}_ms_per_mib"] * streamed / MIB, 2)
        for name, bus in BUSES.items()
    }
    cost = InferenceCost(tuple(cached), kept, streamed, max(0, sum(parameters) - capacity), times)
    return replace(cost, assumptions=tuple(_assumptions(cost)))


def overhead_decides(cost: InferenceCost) -> bool:
    """Return whether the free cache is smaller than the overhead observed from the compiler."""
    memory = table()["memory"]
    left = memory["cache_mib"] * MIB - cost.cached_bytes
    return bool(not cost.streamed_bytes and left < memory["overhead_mib"][-1] * MIB)


def _assumptions(cost: InferenceCost) -> list[str]:
    """Return the assumptions and omissions of the estimate, one sentence each."""
    memory, time = table()["memory"], table()["time"]
    least, most = memory["overhead_mib"]
    told = [
        "This is an estimate, without compiler and device.",
        f"About {memory['cache_mib']} MiB of parameters stay on the chip, filled layer by layer in the order "
        "in which they run; a layer that does not fit whole is sent at each inference. Networks that were "
        "measured kept 7.6 MiB whatever their layers: parts of layers may be kept too.",
        f"Sending takes {time['usb_ms_per_mib']} ms per MiB over {time['usb_host']}, "
        f"{time['pcie_ms_per_mib']} over PCIe, and {time['fixed_ms']} ms are fixed ({time['source']}).",
        "Not counted: computing on the Edge TPU, operators on the CPU, and the first call, which loads what "
        "stays. MobileNet v1, of which all stays, takes 4.2 ms on a Raspberry Pi 4 (published).",
    ]
    if overhead_decides(cost):
        told.append(
            f"The compiler has added {least} to {most} MiB to parameters of networks of middle size; with "
            f"{most} not all of these would fit."
        )
    return told
