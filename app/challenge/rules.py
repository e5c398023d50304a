"""What an event may declare about itself, versioned by the ``rules.changed`` entries. Pure."""

from typing import Annotated, Any, Literal

import msgspec

from app.errors import Invalid
from app.sales.money import parse_amount

Bps = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Minor = Annotated[int, msgspec.Meta(ge=0)]
PublicChannel = Literal["boards", "hosts", "orders", "sessions", "state", "viewers"]


class Commission(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What hosts earn on what they sell. Units: rates in basis points, amounts in minor units.

    The rate of a credit is that of its product (``products``, by SKU), else the host's own (in the roster), its team's
    (``teams``), that of the highest of ``tiers`` (amount of net sales, rate) which the host had reached before the
    order, ``bps``. ``cap`` is the most that a host may earn over the event. Counted on what lines sell for after
    discount and without tax, unless ``before_discount``, ``with_tax`` or ``with_shipping`` say otherwise. Held for
    ``hold_days`` after the day of the order, UTC.
    """

    bps: Bps = 0
    teams: dict[str, Bps] = {}
    products: dict[str, Bps] = {}
    tiers: tuple[tuple[Minor, Bps], ...] = ()
    cap: Minor | None = None
    with_tax: bool = False
    with_shipping: bool = False
    before_discount: bool = False
    hold_days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 14


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Declared rules; what is left out keeps the value given here.

    ``ranks``: ``distinct`` gives equal scores different ranks (who got there first is ahead), ``shared`` ranks
    1, 2, 2, 4. ``public_channels``: what of the event's channels everybody may follow without a key or token, each word
    once, sorted; ``public_boards`` means its word ``boards``, over HTTP too. A correction that moves more than
    ``approval_above`` (minor units) waits for a second person; None: none does. A sale
    can be claimed for ``claim_days`` after it was paid, and is to be answered within ``claim_answer_days``.
    """

    ranks: Literal["distinct", "shared"] = "distinct"
    public_boards: bool = False
    public_channels: tuple[PublicChannel, ...] = ()
    approval_above: Minor | None = None
    commission: Commission = Commission()
    claim_days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 14
    claim_answer_days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 7

    @property
    def opened(self) -> frozenset[str]:
        """The words of everything that is public."""
        return frozenset(self.public_channels) | ({"boards"} if self.public_boards else set())


def parse_rules(given: dict[str, Any], exponent: int, before: Rules | None = None) -> Rules:
    """Rules as declared, on top of those that held before. Amounts are decimal strings of a currency's exponent.

    Errors: Invalid ``rules_invalid`` with the reason; those of an amount.
    """
    declared = dict(given)
    if "approval_above" in declared:
        declared["approval_above"] = _minor(declared["approval_above"], exponent, "approval_above")
    if isinstance(commission := declared.get("commission"), dict):
        declared["commission"] = _commission(commission, exponent)
    try:
        rules = msgspec.convert({**msgspec.to_builtins(before or Rules()), **declared}, Rules)
    except msgspec.ValidationError as error:
        raise Invalid("rules_invalid", f"{str(error)[:200]}.", "rules") from None
    return msgspec.structs.replace(rules, public_channels=tuple(sorted(set(rules.public_channels))))


def _commission(given: dict[str, Any], exponent: int) -> dict[str, Any]:
    """As declared, with amounts in minor units and tiers in their order."""
    found = dict(given)
    if "cap" in found:
        found["cap"] = _minor(found["cap"], exponent, "commission.cap")
    if isinstance(tiers := found.get("tiers"), list):
        if not all(isinstance(tier, list) and len(tier) == 2 for tier in tiers):
            raise Invalid("rules_invalid", 'A tier is an amount and a rate, such as ["1000.00", 900].', "rules")
        pairs = [[_minor(amount, exponent, "commission.tiers"), bps] for amount, bps in tiers]
        found["tiers"] = sorted(pairs, key=lambda pair: pair[0] or 0)
    return found


def _minor(amount: object, exponent: int, name: str) -> int | None:
    if amount is None:
        return None
    if not isinstance(amount, str):
        raise Invalid("rules_invalid", f'{name} is an amount as a decimal string such as "170.00".', "rules")
    return parse_amount(amount[:40], exponent, f"rules.{name}")


def document(rules: Rules) -> dict[str, Any]:
    """Rules as an entry body keeps them: what equals the default is left out."""
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(rules))
    return {name: value for name, value in kept.items() if value != {}}
