"""Which settings a model starts from: one TOML file a model, tables from general to particular.

``[default]`` holds for every source, ``[SOURCE]`` for one, ``[SOURCE.HEAD]`` for one head on it.
A later table wins, and what the user asks for wins over all.
"""

import tomllib
from importlib.resources import files
from typing import Any


def recipe(model: str, source: str, head: str) -> dict[str, Any]:
    """Return the settings of a registered model for a source and head."""
    tables = tomllib.loads((files(__name__) / f"{model}.toml").read_text(encoding="utf-8"))
    for_source = tables.get(source, {})
    layered = {**tables["default"], **for_source, **for_source.get(head, {})}
    return {key: value for key, value in layered.items() if not isinstance(value, dict)}
