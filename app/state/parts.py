"""What a state consists of, and how its maps are stored. Pure."""

from typing import Any, get_args

from immutables import Map
from msgspec import Struct, convert

# Net sales, commission accrued, commission available.
Account = tuple[int, int, int]
Accounts = Map[str, Account]
NO_ACCOUNT: Account = (0, 0, 0)
DAY_US = 86_400 * 1_000_000


class Correction(Struct, frozen=True):
    """A correction that waits for a second person. Units: ``amount`` is what it would move, minor units."""

    fact: dict[str, Any]
    amount: int
    actor: str


class Claim(Struct, frozen=True):
    """A claim without an outcome: whose, to which order ("" for one that is missing), to be answered by ``due``."""

    host: str
    order: str
    person: str
    opened_at: int
    due: int


class OpenDispute(Struct, frozen=True):
    """A dispute without an outcome: the key of its order, and the hosts that it took from."""

    order: str
    hosts: tuple[str, ...] = ()


class Audience(Struct, frozen=True):
    """Who watched an event, or a session of it, in the minutes that were sampled.

    Shape: ``sketch`` stands for the different viewers (``app.challenge.uniques``), but for those whom platforms only
    count. Units: ``peak`` viewers of one minute; ``sampled_until`` the beginning of the newest minute, microseconds.
    """

    peak: int = 0
    viewer_minutes: int = 0
    sampled_until: int = -1
    sketch: bytes = b""


NO_AUDIENCE = Audience()


def in_order(value: Any) -> Any:
    """A document with the members of its objects sorted, as a journal has them.

    Who decided it has them as the caller sent them: kept like that, two processes would store one state as two.
    """
    if isinstance(value, dict):
        return {name: in_order(value[name]) for name in sorted(value)}
    return [in_order(item) for item in value] if isinstance(value, list) else value


def encodable(value: Any) -> dict[Any, Any]:
    """What a serializer is given for a map: its items, sorted, since a map has no order of its own."""
    if isinstance(value, Map):
        return dict(sorted(value.items()))
    raise NotImplementedError(f"{type(value).__name__} is no part of a state")


def decoded(wanted: Any, value: Any) -> Any:
    """The way back from ``encodable``."""
    key, of = get_args(wanted)
    return Map(convert(value, dict[key, of], dec_hook=decoded))  # type: ignore[valid-type]
