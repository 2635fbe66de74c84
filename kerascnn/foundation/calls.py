"""Check calls of public functions against their signatures; a wrong call fails with one sentence."""

import inspect
import os
import reprlib
import types
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import wraps
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, Union, get_args, get_origin

from kerascnn.foundation.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")

#: What fits a type besides its instances, and the type in words.
_FITS: dict[Any, tuple[type | tuple[type, ...], str]] = {
    Path: (os.PathLike, "a path"),
    str: (str, "text"),
    bool: (bool, "True or False"),
    int: (Integral, "a whole number"),
    float: (Real, "a number"),
    type(None): (type(None), "None"),
}
_SHORT = (str, bytes, int, float, list, tuple, dict, set, type(None))  # shown as they are
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function with a check of its arguments before each call.

    Raises:
        UsageError: By the function that is returned: an argument is unknown, missing or of another type.
    """
    parameters = inspect.signature(function).parameters

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for name, value in _bound(function, args, kwargs).items():
            expected = parameters[name].annotation
            if parameters[name].kind in _NAMED and value is not parameters[name].default:
                _require(name, value, expected)
        return function(*args, **kwargs)

    return call


def _bound(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments by name."""
    signature = inspect.signature(function)
    try:
        return signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        known = [name for name, each in signature.parameters.items() if each.kind in _NAMED and name != "cls"]
        more = [
            f"**{name}"
            for name, each in signature.parameters.items()
            if each.kind == inspect.Parameter.VAR_KEYWORD
        ]
        unknown = [] if more else [name for name in kwargs if name not in known]
        if unknown:
            nearest = get_close_matches(unknown[0], known, n=1, cutoff=0.4)
            hint = f": did you mean {nearest[0]}?" if nearest else "."
            problem = f"does not know {unknown[0]}{hint} It takes {', '.join(known)}"
        else:
            problem = f"was called wrongly: {error}. It takes {', '.join(known + more)}"
        raise UsageError(f"{function.__name__} {problem}.") from None


def _require(name: str, value: object, expected: Any) -> None:
    if not _fits(value, expected):
        raise UsageError(f"{name} must be {_words(expected)}. Received: {name}={received(value)}")


def _fits(value: object, expected: Any) -> bool:
    origin, parts = get_origin(expected), get_args(expected)
    if origin in (Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Sequence:
        listed: list[object] | None = (
            list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else None
        )
        return listed is not None and all(_fits(each, parts[0]) for each in listed)
    if origin is Callable:
        return callable(value)
    if expected in _FITS:
        truth = isinstance(value, bool) and expected in (int, float)
        return isinstance(value, _FITS[expected][0]) and not truth
    return not inspect.isclass(expected) or expected is inspect.Parameter.empty or isinstance(value, expected)


def _words(expected: Any) -> str:
    origin, parts = get_origin(expected), get_args(expected)
    if origin in (Union, types.UnionType):
        left_out = {str} if Path in parts else set()  # a path is named by text
        return " or ".join(_words(part) for part in parts if part not in left_out)
    if origin is Sequence:
        return f"a list of {' or '.join(_plural(word) for word in _words(parts[0]).split(' or '))}"
    if origin is Callable:
        return "a function"
    if expected in _FITS:
        return _FITS[expected][1]
    return f"{'an' if expected.__name__[0] in 'AEIOU' else 'a'} {expected.__name__}"


def _plural(word: str) -> str:
    return f"{word.removeprefix('a ')}s"


def received(value: object) -> str:
    """Describe a received value in a few words; a large one by its type."""
    if isinstance(value, _SHORT):
        return reprlib.repr(value)
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
