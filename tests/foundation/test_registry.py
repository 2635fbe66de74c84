"""Named things of kerascnn and of other packages."""

from importlib.metadata import EntryPoint

import pytest

from kerascnn.foundation import registry
from kerascnn.foundation.errors import KerasCnnWarning


def test_a_package_that_cannot_be_loaded_does_not_hinder_the_others(monkeypatch):
    """No time worth naming."""
    broken = EntryPoint("broken", "no_such_package:chip", "chips")
    monkeypatch.setattr(registry, "_offers", lambda group: {"broken": [broken]})
    chips = registry.Registry("chip", "chips", of=int)
    chips.add("own", 5)
    with pytest.warns(KerasCnnWarning, match="The chip 'broken' cannot be loaded: ModuleNotFoundError"):
        assert chips.loadable() == [5]
