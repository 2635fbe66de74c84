"""Train LeNet-5 with a fully connected or a 1×1-convolution head, quantize it to full int8, compare.

The commands of ``kerascnn`` as functions of the same names (``data`` is ``describe_data``). Imports are
lazy: ``import kerascnn`` is quick, Keras is loaded by the first function that needs it.
"""

from functools import cache as _cache
from importlib import import_module as _import_module
from pathlib import Path as _Path
from types import FunctionType as _Function
from typing import Any as _Any

from kerascnn.foundation.native_stderr import load_silently as _load_silently


def _homes() -> dict[str, tuple[str, str]]:
    """Return the module of each public name and what it is called there, as ``__init__.pyi`` lists them."""
    homes, public = {}, {}
    for line in _Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8").splitlines():
        match line.split():
            case ["from", module, "import", name, *shown]:
                homes[name] = (module, name)
                public |= {name: homes[name]} if shown else {}
            case [name, "=", own, *_]:
                public[name] = homes[own]
    return public


@_cache
def _public(module: str, own: str) -> _Any:
    """Return what stands there under a public name; a function checks what it is called with."""
    from kerascnn.foundation.calls import checked

    found = getattr(_import_module(module), own)
    return checked(found) if isinstance(found, _Function) else found


_load_silently()
_HOMES = _homes()
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> _Any:
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _public(*_HOMES[name])


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__", *(name for name in globals() if name.startswith("__"))])
