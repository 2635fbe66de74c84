"""Names that options and arguments take, for help and completion."""

from collections.abc import Callable, Iterable
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import click
from click.shell_completion import CompletionItem

from kerascnn.foundation.errors import KerasCnnError

#: From the command so far to names, in the order of a list.
Known = Callable[[click.Context], Iterable[str]]


def registered(names: str) -> Known:
    """Return a function that lists the names of a registry or tuple ``module:attribute``."""
    return lambda context: resolve_name(names)


def runs(context: click.Context) -> Iterable[str]:
    """Return the runs in the default folder."""
    return _folders(context.params.get("runs_dir") or Path("runs"), "run.json")


def studies(context: click.Context) -> Iterable[str]:
    """Return the studies in the default folder."""
    return _folders(Path("studies"), "study.json")


def _folders(above: Path, record: str) -> Iterable[str]:
    return sorted(str(path.parent) for path in above.glob(f"*/{record}") if path.parent.name[0] != ".")


class Name(click.ParamType[str]):
    """A name for completion; the library validates it.

    Args:
        known: Which there are.
        also: Further names for completion.
        several: Whether more than one may stand there, separated by commas.
        otherwise: What completion looks for where no name begins like that: ``file`` or ``dir``.
    """

    name = "name"

    def __init__(self, known: Known, *also: Known, several: bool = False, otherwise: str = "") -> None:
        self._known, self._also, self._several, self._otherwise = known, also, several, otherwise
        if several:
            self.name = "name,name"

    def listed(self, context: click.Context) -> str:
        """Return the names as text for the help."""
        *others, last = self._known(context)
        return f"{', '.join(others)} {'and' if self._several else 'or'} {last}" if others else last

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin with the typed text."""
        before, comma, begun = incomplete.rpartition(",") if self._several else ("", "", incomplete)
        taken = before.split(",")
        return offered(
            [
                f"{before}{comma}{name}"
                for known in (self._known, *self._also)
                for name in known(ctx)
                if name.startswith(begun) and name not in taken
            ],
            incomplete,
            self._otherwise,
        )


class Form(Name):
    """A name that depends on the model: a variant or a normalization.

    Args:
        of: From a family to its names.
    """

    def __init__(self, of: Callable[[Any], Iterable[str]]) -> None:
        super().__init__(self._of_the_model)
        self._of = of

    def listed(self, context: click.Context) -> str:
        """Return the names for each built-in model that has a choice, without imports of other packages."""
        from kerascnn.models.family import families

        named = {name: [*self._of(families[name])] for name in families.own}
        return "; ".join(f"{name}: {', '.join(names)}" for name, names in named.items() if len(names) > 1)

    def _of_the_model(self, context: click.Context) -> Iterable[str]:
        from kerascnn.models.family import families

        try:
            return self._of(families[_model(context)])
        except KerasCnnError:  # there is none yet, or it cannot be loaded
            return ()


def _model(context: click.Context) -> str:
    """Return the model named on the command line so far."""
    for name in ("model", "what"):
        if value := context.params.get(name):
            return str(value if isinstance(value, str) else value[0])
    return next(iter(context.args), "")


def variants(family: Any) -> Iterable[str]:
    """Return the names of a family's variants."""
    return list(family.variants)


def norms(family: Any) -> Iterable[str]:
    """Return the normalizations that a family's variants know."""
    return dict.fromkeys(norm for variant in family.variants.values() for norm in variant.norms)


class RunFolder(click.Path):
    """A path, for which completion offers the existing runs.

    Args:
        known: What is offered besides.
    """

    def __init__(self, *known: Known) -> None:
        super().__init__(path_type=Path)
        self._known = (*known, runs)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the runs that begin with the typed text, or else files."""
        names = [name for known in self._known for name in known(ctx) if name.startswith(incomplete)]
        return offered(names, incomplete, "file")


class ExistingRun(RunFolder):
    """The path of a run that must exist, checked before anything is imported."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; an empty one is refused: it is usually an unset shell variable."""
        if value == "":
            self.fail("The path is empty. Give a run or a file.", param, ctx)
        return super().convert(value, param, ctx)

    def require(self, path: Path) -> None:
        """Check that the path exists.

        Raises:
            KerasCnnError: It does not exist.
        """
        if not path.exists():
            raise KerasCnnError(f"{path} does not exist. `kerascnn runs` lists the runs.")


def offered(names: Iterable[str], incomplete: str, otherwise: str) -> list[CompletionItem]:
    """Return completion items for names; without names, a kind that the shell completes itself."""
    items = [CompletionItem(name) for name in names]
    return items or ([CompletionItem(incomplete, type=otherwise)] if otherwise else [])


class NamedOption(click.Option):
    """An option whose help lists the possible names in place of ``NAMES``."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return its lines for the help."""
        record = super().get_help_record(ctx)
        if record is None or not isinstance(self.type, Name):
            return record
        return record[0], record[1].replace("NAMES", self.type.listed(ctx))
