"""What an event may declare about itself, versioned by the ``rules.changed`` entries. Pure."""

from typing import Annotated, Any, Literal

import msgspec

from app.errors import Invalid
from app.sales.money import format_amount, parse_amount

Bps = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Minor = Annotated[int, msgspec.Meta(ge=0)]
PublicChannel = Literal["boards", "hosts", "orders", "sessions", "state", "viewers"]
Touch = Literal["host", "code", "click", "session", "pin"]
# As it stands in a URL: in small letters, without scheme and port.
HostName = Annotated[str, msgspec.Meta(max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
Purchase = Literal["count", "exclude"]
Days = Annotated[int, msgspec.Meta(ge=0, le=365)]


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


class Attribution(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who earns a line; what is left out keeps the value given here. It applies to orders by their ``paid_at``.

    ``precedence``: what counts, best first; what is not named never wins. A click counts for ``click_days`` before
    ``paid_at``, a pin at the time at which the product was put into the cart for ``cart_days``. ``split``: how hosts
    of one session share. Purchases of the winner himself, or of any host of the event, count or go to House.
    ``store_bps``: what the store of a winner gets of it, in basis points, if it is in the roster as a host.
    """

    precedence: tuple[Touch, ...] = ("host", "code", "click", "session", "pin")
    click_days: Days = 14
    cart_days: Days = 30
    split: Literal["weights", "equal", "air_time"] = "weights"
    self_purchase: Purchase = "count"
    staff_purchase: Purchase = "count"
    store_bps: Bps = 0


DEFAULT_ATTRIBUTION = Attribution()


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Declared rules; what is left out keeps the value given here.

    ``ranks``: ``distinct`` gives equal scores different ranks (who got there first is ahead), ``shared`` ranks
    1, 2, 2, 4. ``public_channels``: what of the event's channels everybody may follow without a key or token, each word
    once, sorted; ``public_boards`` means its word ``boards``, over HTTP too. A correction that moves more than
    ``approval_above`` (minor units) waits for a second person; None: none does. A sale
    can be claimed for ``claim_days`` after it was paid, and is to be answered within ``claim_answer_days``.
    Tracking links lead to ``link_hosts`` only.
    """

    ranks: Literal["distinct", "shared"] = "distinct"
    public_boards: bool = False
    public_channels: tuple[PublicChannel, ...] = ()
    approval_above: Minor | None = None
    commission: Commission = Commission()
    claim_days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 14
    claim_answer_days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 7
    attribution: Attribution = DEFAULT_ATTRIBUTION
    link_hosts: Annotated[tuple[HostName, ...], msgspec.Meta(max_length=100)] = ()

    @property
    def opened(self) -> frozenset[str]:
        """The words of everything that is public."""
        return frozenset(self.public_channels) | ({"boards"} if self.public_boards else set())


def parse_rules(given: dict[str, Any], exponent: int, before: Rules | None = None) -> Rules:
    """Rules as declared, on top of those that held before; so are the members of ``attribution``.

    Amounts are decimal strings of a currency's exponent.
    Errors: Invalid ``rules_invalid`` with the reason; those of an amount.
    """
    declared = dict(given)
    held = before or Rules()
    if "approval_above" in declared:
        declared["approval_above"] = _minor(declared["approval_above"], exponent, "approval_above")
    if isinstance(commission := declared.get("commission"), dict):
        declared["commission"] = {**msgspec.to_builtins(held.commission), **_commission(commission, exponent)}
    if isinstance(attribution := declared.get("attribution"), dict):
        declared["attribution"] = {**msgspec.to_builtins(held.attribution), **attribution}
    try:
        rules = msgspec.convert({**msgspec.to_builtins(held), **declared}, Rules)
    except msgspec.ValidationError as error:
        raise Invalid("rules_invalid", f"{str(error)[:200]}.", "rules") from None
    precedence = rules.attribution.precedence
    if not precedence or len(set(precedence)) < len(precedence):
        raise Invalid("rules_invalid", "attribution.precedence names what counts, each once.", "rules")
    rates = {name: dict(sorted(getattr(rules.commission, name).items())) for name in ("teams", "products")}
    return msgspec.structs.replace(
        rules,
        commission=msgspec.structs.replace(rules.commission, **rates),
        public_channels=tuple(sorted(set(rules.public_channels))),
        link_hosts=tuple(sorted(set(rules.link_hosts))),
    )


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
    declared = shown_attribution(rules.attribution)
    default = shown_attribution(DEFAULT_ATTRIBUTION)
    kept["attribution"] = {name: value for name, value in declared.items() if value != default[name]}
    return {name: value for name, value in kept.items() if value != {}}


def shown(rules: Rules, exponent: int) -> dict[str, Any]:
    """Every rule as a call declares it: amounts as decimal strings, those that were left out too."""

    def amount(minor: int | None) -> str | None:
        return None if minor is None else format_amount(minor, exponent)

    commission = msgspec.structs.asdict(rules.commission)
    commission["tiers"] = [[amount(reached), bps] for reached, bps in rules.commission.tiers]
    commission["cap"] = amount(rules.commission.cap)
    return msgspec.structs.asdict(rules) | {
        "public_channels": list(rules.public_channels),
        "link_hosts": list(rules.link_hosts),
        "approval_above": amount(rules.approval_above),
        "commission": commission,
        "attribution": shown_attribution(rules.attribution),
    }


def shown_attribution(attribution: Attribution) -> dict[str, Any]:
    """Every rule of attribution, those that were left out too."""
    shown = msgspec.structs.asdict(attribution)
    return shown | {"precedence": list(attribution.precedence)}
