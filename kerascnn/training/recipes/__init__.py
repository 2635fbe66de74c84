"""Which settings a model starts from: one TOML file a model, tables from general to particular.

``[default]`` holds always, others for a source (``mnist``, or ``folder``: every folder of images), one head
on a source (``[mnist.fc]``), a variant or an optimizer. ``[fast]`` and ``[best]`` hold where that recipe is
asked for, and can be as particular (``[best.mnist.fc]``). A later one wins, and what the user asks for wins
over all.
"""

import tomllib
from importlib.resources import files
from typing import Any


def recipe_settings(model: str, name: str, source: str, head: str = "", *forms: str) -> dict[str, Any]:
    """Return the settings of a registered model, those of later tables over those of earlier ones.

    Args:
        model: A family's name.
        name: ``default``, ``fast`` or ``best``.
        source: A source's name, or ``folder``.
        head: A head's name.
        *forms: Names of a variant, of an optimizer.
    """
    stored = tomllib.loads((files(__name__) / f"{model}.toml").read_text(encoding="utf-8"))
    particular = [(source,), (source, head), *((form,) for form in forms)]
    paths = [("default",), *particular]
    if name != "default":
        paths += [(name,), *((name, *each) for each in particular)]
    settings: dict[str, Any] = {}
    for path in paths:
        settings |= {key: value for key, value in _table(stored, path).items() if not isinstance(value, dict)}
    return settings


def _table(stored: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the table of a path, an empty one where there is none."""
    for part in path:
        stored = stored.get(part, {})
    return stored
