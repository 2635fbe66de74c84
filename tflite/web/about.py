"""What a page says of each kind of layer: two sentences, and the page of the tutorial that tells more."""

from typing import NamedTuple


class About(NamedTuple):
    """Two sentences; ``page`` is relative to the tutorial."""

    text: str
    page: str


#: By the kind of a volume.
ABOUT: dict[str, About] = {}
NOTHING = About("", "index.html")
