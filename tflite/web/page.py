"""One HTML file with networks, images and scripts, which needs no other file and no connection."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import metadata, version
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from kerascnn.foundation.own_files import MAKER
from kerascnn.tflite.program.encoding import kernels, layout, wasm
from kerascnn.tflite.web.network import Network
from kerascnn.tflite.web.packed import Parts
from kerascnn.tflite.web.script import digest, script, style

TEMPLATE = "page.html.jinja"


@dataclass(frozen=True)
class GoldenImage:
    """A test image of a page.

    Attributes:
        pixels: uint8 (height, width, channels), in its own size.
        label: Number of its class.
        inputs: Of each network, uint8 (height, width, channels).
    """

    pixels: NDArray[np.uint8]
    label: int
    inputs: Sequence[NDArray[np.uint8]]


@dataclass(frozen=True)
class Pad:
    """How drawings become like the images of a source.

    Attributes:
        size: Side of its images in pixels.
        box: Side of the square that a drawn digit is scaled into.
        by_mass: Whether its centre of mass comes into the middle, not that of its box.
    """

    size: int
    box: int
    by_mass: bool


def page(
    title: str, networks: Sequence[Network], images: Sequence[GoldenImage], pad: Pad | None = None
) -> str:
    """Return the HTML document; all texts are escaped.

    Args:
        title: Its heading.
        networks: At least one; all have the same classes.
        images: Golden ones.
        pad: ``None``: nothing can be drawn.

    Raises:
        KerasCnnError: A file is damaged.
        TargetError: A network cannot be shown, see :meth:`Network.facts`.
    """
    parts = Parts()
    facts = {
        "title": title,
        "version": version("kerascnn"),
        "docs": _documentation(),
        "classes": list(networks[0].lite.description.classes),
        "kernels": {"simd": parts.add(wasm()), "plain": parts.add(wasm(simd=False))},
        "layouts": _layouts(),
        "golden": [_golden(image, parts) for image in images],
        "pad": asdict(pad) if pad else None,
        "networks": [
            network.facts(np.stack([image.inputs[number] for image in images]), parts)
            for number, network in enumerate(networks)
        ],
    }
    return document(facts, parts.text())


def document(facts: Mapping[str, Any], data: str) -> str:
    """Return the HTML document of some facts and the bytes that they name."""
    template = _environment().get_template(TEMPLATE)
    written: str = template.render(
        title=facts["title"],
        generator=MAKER,
        style=style(),
        script=script(),
        script_hash=digest(script()),
        facts=_inert(facts),
        draws=facts["pad"] is not None,
        data=data,
    )
    return written


def _golden(image: GoldenImage, parts: Parts) -> dict[str, Any]:
    height, width, channels = image.pixels.shape
    steps = np.diff(image.pixels, axis=1, prepend=np.uint8(0))  # along a row, modulo 256: less to pack
    place = parts.add(steps.tobytes())
    return {"label": image.label, "height": height, "width": width, "channels": channels, "pixels": place}


def _documentation() -> str:
    """Return where the documentation is, as the package says; empty: it does not say."""
    told: list[str] = metadata("kerascnn").get_all("Project-URL") or []
    addresses = dict(line.split(", ", 1) for line in told)
    return addresses.get("Documentation", "")


def _inert(facts: Mapping[str, Any]) -> str:
    """Return facts as JSON in which no tag can begin or end."""
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _layouts() -> dict[str, list[list[Any]]]:
    """Return the fields of each kernel's step."""
    return {kernel: [list(each) for each in layout(kernel)] for kernel in kernels()}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
