"""Which settings a model starts from: one TOML file a model, tables from general to particular.

``[default]`` holds always, others for a source (``folder``: every folder of images), one head on a source
(``[mnist.fc]``), or a variant. A later one wins, and what the user asks for wins over all.
"""

import tomllib
from importlib.resources import files
from typing import Any


def recipe(model: str, *tables: str) -> dict[str, Any]:
    """Return the settings of a registered model, those of later tables over those of earlier ones.

    Args:
        model: A family's name.
        *tables: Dotted names, for instance ``mnist.fc``; one that does not exist adds nothing.
    """
    stored = tomllib.loads((files(__name__) / f"{model}.toml").read_text(encoding="utf-8"))
    settings: dict[str, Any] = {}
    for name in ("default", *tables):
        table = stored
        for part in name.split("."):
            table = table.get(part, {})
        settings |= {key: value for key, value in table.items() if not isinstance(value, dict)}
    return settings
