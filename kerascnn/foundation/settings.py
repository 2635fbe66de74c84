"""Validation of settings and records that are read from outside."""

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from kerascnn.foundation.calls import received
from kerascnn.foundation.errors import UsageError


class Settings(BaseModel):
    """Base class of validated settings: frozen, unknown keys refused.

    Raises:
        UsageError: A value makes no sense. The message names the setting, the rule and what was received.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    def __init__(self, /, **values: Any) -> None:  # a file may have a key "self"
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise UsageError(_one_line(error, list(type(self).model_fields))) from None


def _one_line(error: ValidationError, known: list[str]) -> str:
    problems = []
    for problem in error.errors(include_url=False):
        setting = ".".join(part for part in problem["loc"] if isinstance(part, str)) or error.title
        if problem["type"] == "missing":
            problems.append(f"{setting} is missing")
        elif problem["type"] == "extra_forbidden":
            nearest = get_close_matches(setting, known, n=1, cutoff=0.4)
            hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known)}"
            problems.append(f"{setting} is not known: {hint}")
        else:
            rule = problem["msg"].removeprefix("Input ").removeprefix("should ")
            rule = "be a path" if problem["type"] == "path_type" else rule
            problems.append(f"{setting} must {rule}. Received: {setting}={received(problem['input'])}")
    return "; ".join(problems)
