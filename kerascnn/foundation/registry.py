"""Named things a user can ask for: models, heads, sources, schemes."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

from kerascnn.foundation.errors import UsageError

Item = TypeVar("Item")


class Registry(Mapping[str, Item]):
    """A mapping from names to items that knows aliases and suggests the nearest name.

    Args:
        kind: What the items are, for messages ("model", "head").
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[str, Item] = {}
        self._aliases: dict[str, str] = {}

    def add(self, name: str, item: Item, aliases: Sequence[str] = ()) -> None:
        """Register ``item`` under ``name``; each alias leads to the same item."""
        self._items[name] = item
        self._aliases.update(dict.fromkeys(aliases, name))

    def canonical(self, name: str) -> str:
        """Return the registered name that ``name`` or its alias stands for.

        Raises:
            UsageError: The name is unknown; the message holds the nearest right one.
        """
        name = self._aliases.get(name, name)
        if name in self._items:
            return name
        known = [*self._items, *self._aliases]
        nearest = get_close_matches(name.lower(), known, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}?" if nearest else "it is not like any known one."
        raise UsageError(f"Unknown {self.kind} {name!r}: {hint} Known: {', '.join(self._items)}.")

    def __contains__(self, name: object) -> bool:
        return name in self._items or name in self._aliases

    def __getitem__(self, name: str) -> Item:
        return self._items[self.canonical(name)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


def discover(package: str) -> None:
    """Import every module of a package, so that each adds what it has to its registry."""
    for module in iter_modules(import_module(package).__path__):
        import_module(f"{package}.{module.name}")
