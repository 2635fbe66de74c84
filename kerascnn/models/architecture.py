"""Which network something is: four names, held as one, and written as four keys beside others in a file."""

from collections.abc import Mapping
from typing import Any, Self

from pydantic import SerializerFunctionWrapHandler, model_serializer, model_validator

from kerascnn.foundation.settings import Settings
from kerascnn.models.family import Variant, families, family

UNKNOWN = "unknown"


class Architecture(Settings):
    """Which network: the names of its model, variant, normalization and head.

    Attributes:
        model: A family; of a file that kerascnn did not write the file's name, all else is then ``unknown``.
        norm: ``unknown`` where an earlier version did not record it.
    """

    model: str
    variant: str
    norm: str = UNKNOWN
    head: str

    @classmethod
    def among(cls, stored: Mapping[str, Any]) -> Self:
        """Return the one whose names are keys of a larger document.

        Raises:
            UsageError: A name is missing or no text.
        """
        found = cls(**{name: stored[name] for name in cls.model_fields if name in stored})
        known = families.canonical(found.model) if found.model in families else found.model
        return found.model_copy(update={"model": known})

    @classmethod
    def unknown(cls, name: str) -> Self:
        """Return that of a network of another program."""
        return cls(model=name, variant=UNKNOWN, head=UNKNOWN)

    @property
    def is_known(self) -> bool:
        """Whether kerascnn built the network."""
        return self.variant != UNKNOWN

    @property
    def form(self) -> str:
        """Model and variant, in words."""
        return f"{self.model} ({self.variant})" if self.is_known else self.model

    def facts(self) -> Variant:
        """Return what is known of the variant.

        Raises:
            UsageError: It is unknown.
        """
        return family(self.model).variant(self.variant)[1]

    def with_head(self, head: str) -> Self:
        """Return the same network with another head."""
        return self.model_copy(update={"head": head})

    def __str__(self) -> str:
        if not self.is_known:
            return self.model
        norm = "" if self.norm in ("none", UNKNOWN) else f", norm {self.norm}"
        return f"{self.form}, head {self.head}{norm}"


class ArchitectureRecord(Settings):
    """Base of what a file says of one network: the names of its architecture are keys beside the others."""

    architecture: Architecture

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, stored: Any) -> Any:
        if not isinstance(stored, dict) or "architecture" in stored:
            return stored
        others = {name: value for name, value in stored.items() if name not in Architecture.model_fields}
        return others | {"architecture": Architecture.among(stored)}

    @model_serializer(mode="wrap")
    def _flat(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        document: dict[str, Any] = dump(self)
        return {**document.pop("architecture", {}), **document}
