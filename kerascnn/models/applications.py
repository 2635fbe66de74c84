"""The networks of ``keras.applications``, built without weights: nothing is downloaded."""

from difflib import get_close_matches
from typing import Any

from kerascnn.foundation.errors import UsageError

APPLICATION = "keras:"  # before a name


def application(name: str) -> Any:
    """Return a network of ``keras.applications`` with weights drawn by chance, in its usual form.

    Raises:
        UsageError: There is none of that name.
    """
    import keras

    makers = {known: make for known, make in vars(keras.applications).items() if known[0].isupper()}
    if name not in makers:
        lower = {known.lower(): known for known in makers}
        near = [lower[each] for each in get_close_matches(name.lower(), lower, n=1, cutoff=0.6)]
        hint = f": did you mean {near[0]}?" if near else "."
        raise UsageError(f"keras.applications has no {name!r}{hint} Available: {', '.join(sorted(makers))}.")
    return makers[name](weights=None)
