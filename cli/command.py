"""The common behaviour of all commands: ``--json``, ``-v``, one line per failure or note."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from kerascnn.cli.names import ExistingRun, Name
from kerascnn.cli.terminal.display import display_failure
from kerascnn.cli.terminal.quiet import quiet
from kerascnn.cli.terminal.starting import started, starting
from kerascnn.foundation.errors import KerasCnnError, KerasCnnWarning
from kerascnn.foundation.text.escapes import one_line

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


class Command(click.Command):
    """A command that reports an expected failure as one line on stderr with its exit code.

    Args:
        example: Shown at the end of ``--help``.
    """

    def __init__(self, name: str, *, example: str, **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.epilog = f"\b\nExample:\n  {example}"
        self.params += [
            click.Option(["--json", "as_json"], is_flag=True, help="Print one JSON document."),
            click.Option(["-v", "--verbose"], is_flag=True, help="Show warnings, logs and tracebacks."),
        ]

    def in_words(self, ctx: click.Context) -> str:
        """Return the help with ``NAMES`` replaced by the names its argument can take."""
        named = (each.type for each in self.params if isinstance(each, click.Argument))
        listed = [each.listed(ctx) for each in named if isinstance(each, Name)]
        return (self.help or "").replace("NAMES", "".join(listed[:1]))

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help."""
        whole, self.help = self.help, self.in_words(ctx)
        try:
            super().format_help_text(ctx, formatter)
        finally:
            self.help = whole

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        verbose = ctx.params.pop("verbose")
        try:
            with quiet(enabled=not verbose), noted():
                starting("starting")
                self._require_runs(ctx)
                return super().invoke(ctx)
        except KerasCnnError as error:
            self._fail(ctx, str(error), error.exit_code, verbose=verbose)
        except KeyboardInterrupt as error:
            kept = str(error) or "nothing was kept."
            self._fail(ctx, f"Interrupted: {kept}", INTERRUPTED, verbose=verbose)
        except BrokenPipeError:
            raise  # click ends quietly when nobody reads on
        except OSError as error:  # for instance a missing permission
            where = f"{error.filename}: " if error.filename else ""
            self._fail(ctx, f"{where}{error.strerror or error}", KerasCnnError.exit_code, verbose=verbose)
        finally:
            started()

    def _require_runs(self, ctx: click.Context) -> None:
        for param in self.params:
            if isinstance(param.type, ExistingRun):
                value = ctx.params[str(param.name)]
                for path in value if isinstance(value, tuple) else (value,):
                    param.type.require(path)

    @staticmethod
    def _fail(ctx: click.Context, message: str, code: int, *, verbose: bool) -> None:
        if verbose:
            import traceback

            traceback.print_exc()
        _tell("Error", message)
        if ctx.params["as_json"]:
            display_failure(one_line(message), code)
        sys.exit(code)


@contextmanager
def noted() -> Iterator[None]:
    """Print each of kerascnn's warnings once, as one line, while the block runs."""
    told: set[str] = set()
    others = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if not issubclass(category, KerasCnnWarning):
            others(message, category, *where, **more)
        elif str(message) not in told:
            told.add(str(message))
            _tell("Note", str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", KerasCnnWarning)
        warnings.showwarning = show
        yield


def _tell(kind: str, message: str) -> None:
    started()
    click.echo(f"{kind}: {one_line(message)}", err=True)
