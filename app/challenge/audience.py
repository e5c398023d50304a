"""What is counted of an audience: the viewers of each minute, by the UTC clock. Pure.

A viewer is one of a minute if at least one sign of it falls into that minute. The peak is the highest minute; viewer
minutes are the sum of all minutes. Both are additive integers, and equal whoever counts them from the same signs.
"""

MINUTE_US = 60 * 1_000_000
# Of one minute, heartbeats and what platforms count together: more people than there are.
VIEWERS_MAX = 10_000_000_000


def minute_of(at: int) -> int:
    """The beginning of the minute that a time falls into. Units: microseconds since the epoch."""
    return at - at % MINUTE_US


def sample_key(session: str, minute: int) -> str:
    """Key of the entry that tells of a minute: whoever writes it first, nobody writes it again. "" is the event."""
    return f"viewers:{session}:{minute}"
