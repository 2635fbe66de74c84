"""Registries of models, heads, sources and schemes by name, those of other packages included.

A name is known before what it stands for is imported, so that help, completion and messages cost nothing.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, partial
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, TypeVar

from kerascnn.foundation.errors import KerasCnnError, KerasCnnWarning, UsageError, first_line

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Item = TypeVar("Item")


class Registry(Mapping[str, Item]):
    """A mapping from names to items that knows aliases and suggests the nearest name.

    Its own names come first, then those that installed packages offer as entry points. An item is imported
    when it is asked for.

    Args:
        kind: Kind of the items, for messages ("model", "head").
        group: Entry-point group for items of other packages; ``None``: no others.
        of: Required type of a package's items.
    """

    def __init__(self, kind: str, group: str | None = None, of: type[Any] = object) -> None:
        self.kind = kind
        self._group, self._type = group, of
        self._own: dict[str, Callable[[], Item]] = {}
        self._aliases: dict[str, str] = {}

    def add(self, name: str, item: Item, aliases: Sequence[str] = ()) -> None:
        """Register an item under its name and aliases."""
        self._own[name] = lambda: item
        self._aliases.update(dict.fromkeys(aliases, name))

    def refer(self, name: str, reference: str, aliases: Sequence[str] = ()) -> None:
        """Register ``module:attribute``, which is imported on first use."""
        self._own[name] = partial(resolve_name, reference)
        self._aliases.update(dict.fromkeys(aliases, name))

    @property
    def own(self) -> tuple[str, ...]:
        """The names that kerascnn itself registers."""
        return tuple(self._own)

    def loadable(self) -> list[Item]:
        """Return every item; one of a package that cannot be loaded is left out with a warning."""
        found = []
        for name in self:
            try:
                found.append(self[name])
            except KerasCnnError as error:
                warnings.warn(str(error), KerasCnnWarning, stacklevel=2)
        return found

    def canonical(self, name: str) -> str:
        """Return the registered name that ``name`` or its alias stands for.

        Raises:
            UsageError: The name is unknown; the message holds the nearest right one.
        """
        known, offers = self._aliases.get(name, name), _offers(self._group)
        if known in self._own:
            for package in (_package(entry) for taken in {known, name} for entry in offers.get(taken, ())):
                warnings.warn(
                    f"The {self.kind} {name!r} of the package {package} is not used: kerascnn has one of "
                    f"that name. Rename that one, or remove the package: pip uninstall {package}",
                    KerasCnnWarning,
                    stacklevel=2,
                )
            return known
        if name in offers:
            return name
        nearest = get_close_matches(name.lower(), [*self, *self._aliases], n=1, cutoff=0.5)
        hint = f": did you mean {nearest[0]}?" if nearest else "."
        raise UsageError(f"Unknown {self.kind} {name!r}{hint} Available: {', '.join(self)}.")

    def __contains__(self, name: object) -> bool:
        return name in self._own or name in self._aliases or name in _offers(self._group)

    def __getitem__(self, name: str) -> Item:
        name = self.canonical(name)
        return self._own[name]() if name in self._own else self._of_package(name)

    def __iter__(self) -> Iterator[str]:
        return iter(
            dict.fromkeys([*self._own, *(name for name in _offers(self._group) if name not in self._aliases)])
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _of_package(self, name: str) -> Item:
        """Load the item that an installed package offers under a name.

        Raises:
            KerasCnnError: It cannot be loaded, is something else, or several packages offer one.
        """
        entry, *others = _offers(self._group)[name]
        package = _package(entry)
        if others:
            packages = " and ".join(sorted([package, *map(_package, others)]))
            raise KerasCnnError(
                f"The packages {packages} each offer a {self.kind} {name!r}. Remove all but one."
            )
        repair = f"Repair the package {package}, or remove it: pip uninstall {package}"
        try:
            item: Item = entry.load()
        except (Exception, SystemExit) as error:  # whatever a module does when it is imported
            reason = f"{type(error).__name__}: {first_line(error)}"
            raise KerasCnnError(f"The {self.kind} {name!r} cannot be loaded: {reason}. {repair}") from error
        if not isinstance(item, self._type):
            raise KerasCnnError(
                f"The {self.kind} {name!r} must be a {self._type.__name__}, not {type(item).__name__}. "
                f"{repair}"
            )
        return item


@cache
def _offers(group: str | None) -> Mapping[str, Sequence["EntryPoint"]]:
    """Return a group's entry points sorted by name; the search takes 10 ms."""
    offers: dict[str, list[EntryPoint]] = {}
    if group is not None:
        for entry in sorted(_installed().select(group=group), key=lambda entry: entry.name):
            offers.setdefault(entry.name, []).append(entry)
    return offers


@cache
def _installed() -> Any:
    from importlib.metadata import entry_points

    return entry_points()


def _package(entry: "EntryPoint") -> str:
    return (entry.dist and entry.dist.name) or entry.value
