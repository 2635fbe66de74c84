"""Format numbers for people: a dash for what is not known, times, sizes."""

DASH = "–"  # what is not known


def counted(count: int, one: str, many: str = "") -> str:
    """Return how many there are, with the noun: "1 epoch", "1,200 epochs"; ``many`` if it has no plural s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def duration(seconds: float) -> str:
    """Return a time in the unit that leaves one to three digits: "35 s", "21 min", "3.4 h"."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """Return bytes in the unit that leaves one to four digits: "180 B", "60.9 KiB", "52.0 MiB"."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 2**10:.1f} KiB" if count < 2**20 else f"{count / 2**20:,.1f} MiB"
