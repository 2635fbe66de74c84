"""Recipes: the default settings of each model, in one TOML file per model.

``[default]`` holds always, others for a source (``mnist``, or ``folder``: every folder of images), one head
on a source (``[mnist.fc]``), a variant or an optimizer. ``[fast]`` and ``[best]`` hold where that recipe is
asked for, and can be as particular (``[best.mnist.fc]``). A later one wins, and what the user asks for wins
over all. What no table of a model names stands in ``common.toml``.
"""

from pathlib import Path
from typing import Any, Literal, get_args

from kerascnn.foundation.errors import KerasCnnError
from kerascnn.models.family import family

Recipe = Literal["default", "fast", "best"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)
HERE = Path(__file__).parent


def recipe_settings(model: str, name: str, source: str, head: str = "", *forms: str) -> dict[str, Any]:
    """Return the recipe of a registered model; later tables override earlier ones.

    Args:
        model: A family's name.
        name: ``default``, ``fast`` or ``best``.
        source: A source's name, or ``folder``.
        head: A head's name.
        *forms: Names of a variant, of an optimizer.

    Raises:
        KerasCnnError: The recipe of another package's model cannot be read.
    """
    stored = _stored(model)
    particular = [(source,), (source, head), *((form,) for form in forms)]
    paths = [("default",), *particular]
    if name != "default":
        paths += [(name,), *((name, *each) for each in particular)]
    settings: dict[str, Any] = {"variant": next(iter(family(model).variants))} | _read(HERE / "common.toml")
    for path in paths:
        settings |= {key: value for key, value in _table(stored, path).items() if not isinstance(value, dict)}
    return settings


def _stored(model: str) -> dict[str, Any]:
    """Return the tables of a model's recipe; none if its package has none."""
    recipe = family(model).recipe
    if recipe is None:
        recipe = HERE / f"{model}.toml"
        return _read(recipe) if recipe.is_file() else {}
    try:
        return _read(recipe)
    except (OSError, ValueError) as error:
        raise KerasCnnError(
            f"{recipe}, the recipe of the model {model!r}, cannot be read: {error}."
        ) from error


def _read(recipe: Path) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(recipe.read_text(encoding="utf-8"))


def _table(stored: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the table at a path, empty if there is none."""
    for part in path:
        stored = stored.get(part, {})
    return stored
