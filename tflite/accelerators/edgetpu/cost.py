"""How many parameters an Edge TPU keeps, how many it is sent at each inference, and how long that takes.

An estimate: no compiler and no device was at hand. The figures and their sources stand in ``rules.toml``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.tflite.accelerators.edgetpu.rules import table

MIB = 2**20


@dataclass(frozen=True)
class Cost:
    """What the mapped part of a network costs.

    Attributes:
        cached: For each layer, whether its parameters stay on the chip.
        cached_bytes: Parameters that stay there.
        streamed_bytes: Parameters that are sent at each inference.
        least_streamed_bytes: The same if parts of layers can be kept: what is more than the chip holds.
        milliseconds: For the streamed parameters and the fixed part, over USB; computing is not counted.
        milliseconds_pcie: The same over PCIe.
    """

    cached: tuple[bool, ...]
    cached_bytes: int
    streamed_bytes: int
    least_streamed_bytes: int
    milliseconds: float
    milliseconds_pcie: float

    @property
    def overhead_decides(self) -> bool:
        """Whether the parameters fit by less than what the compiler has been seen to add to them."""
        memory = table()["memory"]
        left = memory["cache_mib"] * MIB - self.cached_bytes
        return not self.streamed_bytes and left < memory["overhead_mib"][-1] * MIB


def estimate(parameters: Sequence[int]) -> Cost:
    """Return the cost of layers with so many bytes of parameters each, in the order in which they run.

    The chip's memory is filled in that order; a layer that does not fit whole into what is left is streamed.
    """
    left = capacity = int(table()["memory"]["cache_mib"] * MIB)
    cached = []
    for size in parameters:
        cached.append(size <= left)
        left -= size if cached[-1] else 0
    kept = sum(size for size, fits in zip(parameters, cached, strict=True) if fits)
    streamed = sum(parameters) - kept
    usb, pcie = (
        round(table()["time"]["fixed_ms"] + table()["time"][f"{bus}_ms_per_mib"] * streamed / MIB, 2)
        for bus in ("usb", "pcie")
    )
    return Cost(tuple(cached), kept, streamed, max(0, sum(parameters) - capacity), usb, pcie)


def assumptions(cost: Cost) -> list[str]:
    """Return what the estimate rests on, and what it leaves out, a sentence each."""
    memory, time = table()["memory"], table()["time"]
    least, most = memory["overhead_mib"]
    told = [
        "This is an estimate, made without the compiler and without a device.",
        f"About {memory['cache_mib']} MiB of parameters stay on the chip, filled layer by layer in the order "
        "in which they run; a layer that does not fit whole is sent at each inference. Networks that were "
        "measured kept 7.6 MiB whatever their layers: parts of layers may be kept too.",
        f"Sending takes {time['usb_ms_per_mib']} ms per MiB over {time['usb_host']}, "
        f"{time['pcie_ms_per_mib']} over PCIe, and {time['fixed_ms']} ms are fixed ({time['source']}).",
        "Not counted: computing on the Edge TPU, operators on the CPU, and the first call, which loads what "
        "stays. MobileNet v1, of which all stays, takes 4.2 ms on a Raspberry Pi 4 (published).",
    ]
    if cost.overhead_decides:
        told.append(
            f"The compiler has added {least} to {most} MiB to parameters of networks of middle size; with "
            f"{most} not all of these would fit."
        )
    return told
