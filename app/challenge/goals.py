"""Goals: an amount or a number that the event, a team, a host or a session wants to reach; and announcements. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

# What a session sold is counted before refunds: they do not say which session sold.
SESSION_MEASURES = ("gross_sales", "orders", "units")
MONEY = ("gross_sales", "net_sales")


class Goal(Struct, frozen=True, omit_defaults=True):
    """What is wanted. ``of`` is event, team, host or session, and ``target_id`` its id, "" for the event.

    Units: ``target`` in minor units if ``measure`` is money. ``changes`` counts its entries.
    """

    id: str
    title: str
    of: str
    target_id: str
    measure: str
    target: int
    changes: int = 1
    is_ended: bool = False


class Aim(Struct, frozen=True, omit_defaults=True):
    """How far a view has seen a goal come. Units: ``reached_at`` microseconds, 0 if it was not reached."""

    of: str
    target_id: str
    measure: str
    target: int
    reached_at: int = 0


class Announcement(Struct, frozen=True, omit_defaults=True):
    """A sentence for those who watch, shown until a time (0: until it is withdrawn)."""

    id: str
    text: str
    made_at: int
    until: int = 0
    is_withdrawn: bool = False

    def is_shown_at(self, at: int) -> bool:
        return not self.is_withdrawn and not (self.until and self.until <= at)


def announcement_key(identity: str, is_withdrawn: bool) -> str:
    """The business key of an announcement, or of its withdrawal."""
    return f"announcement:{identity}" + (":withdrawn" if is_withdrawn else "")


def aimed(aims: dict[str, Aim], content: Mapping[str, Any]) -> None:
    """Take an entry ``goal.set``. With another target it has to be reached anew; ended, it is reached no more."""
    if content.get("ended"):
        # When it was reached stays known; what cannot be reached any more costs no look at every order.
        before = aims[content["id"]]
        if not before.reached_at:
            del aims[content["id"]]
        return
    aim = Aim(content["of"], content["target_id"], content["measure"], content["target"])
    known = aims.get(content["id"])
    if known is None or known.target != aim.target:
        aims[content["id"]] = aim


def reach(aims: dict[str, Aim], value_of: Callable[[Aim], int], at: int) -> bool:
    """Note which aims are reached now; once reached they stay so. Whether any still is not."""
    is_open = False
    for identity, aim in aims.items():
        if aim.reached_at:
            continue
        if value_of(aim) >= aim.target:
            # Replacing the value of a key that is there does not disturb the loop.
            aims[identity] = Aim(aim.of, aim.target_id, aim.measure, aim.target, at)
        else:
            is_open = True
    return is_open
