"""What an event may declare about itself, versioned by the ``rules.changed`` entries. Pure."""

from typing import Annotated, Any, Literal

import msgspec

from app.errors import Invalid
from app.sales.money import parse_amount

PublicChannel = Literal["boards", "hosts", "orders", "sessions", "state", "viewers"]
Touch = Literal["host", "code", "click", "session", "pin"]
Purchase = Literal["count", "exclude"]
Days = Annotated[int, msgspec.Meta(ge=0, le=365)]

# What is declared as an amount of money and kept in minor units.
MONEY_RULES = frozenset({"approval_above"})


class Attribution(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who earns a line; what is left out keeps the value given here. It applies to orders by their ``paid_at``.

    ``precedence``: what counts, best first; what is not named never wins. A click counts for ``click_days`` before
    ``paid_at``, a pin at the time at which the product was put into the cart for ``cart_days``. ``split``: how hosts
    of one session share. Purchases of the winner himself, or of any host of the event, count or go to House.
    """

    precedence: tuple[Touch, ...] = ("host", "code", "click", "session", "pin")
    click_days: Days = 14
    cart_days: Days = 30
    split: Literal["weights", "equal", "air_time"] = "weights"
    self_purchase: Purchase = "count"
    staff_purchase: Purchase = "count"


DEFAULT_ATTRIBUTION = Attribution()


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Declared rules; what is left out keeps the value given here.

    ``ranks``: ``distinct`` gives equal scores different ranks (who got there first is ahead), ``shared`` ranks
    1, 2, 2, 4. ``public_channels``: what of the event's channels everybody may follow without a key or token, each word
    once, sorted; ``public_boards`` means its word ``boards``, over HTTP too. A correction that moves more than
    ``approval_above`` (minor units) waits for a second person; None: none does.
    """

    ranks: Literal["distinct", "shared"] = "distinct"
    public_boards: bool = False
    public_channels: tuple[PublicChannel, ...] = ()
    approval_above: Annotated[int, msgspec.Meta(ge=0)] | None = None
    attribution: Attribution = DEFAULT_ATTRIBUTION

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
    for name in MONEY_RULES & declared.keys():
        if isinstance(amount := declared[name], str):
            declared[name] = parse_amount(amount[:40], exponent, f"rules.{name}")
        elif amount is not None:
            raise Invalid("rules_invalid", f'{name} is an amount as a decimal string such as "170.00".', "rules")
    if isinstance(attribution := declared.get("attribution"), dict):
        declared["attribution"] = {**msgspec.to_builtins(held.attribution), **attribution}
    try:
        rules = msgspec.convert({**msgspec.to_builtins(held), **declared}, Rules)
    except msgspec.ValidationError as error:
        raise Invalid("rules_invalid", f"{str(error)[:200]}.", "rules") from None
    precedence = rules.attribution.precedence
    if not precedence or len(set(precedence)) < len(precedence):
        raise Invalid("rules_invalid", "attribution.precedence names what counts, each once.", "rules")
    return msgspec.structs.replace(rules, public_channels=tuple(sorted(set(rules.public_channels))))


def document(rules: Rules) -> dict[str, Any]:
    """Rules as an entry body keeps them: what equals the default is left out."""
    kept: dict[str, Any] = msgspec.to_builtins(rules)
    declared = shown_attribution(rules.attribution)
    default = shown_attribution(DEFAULT_ATTRIBUTION)
    kept["attribution"] = {name: value for name, value in declared.items() if value != default[name]}
    if not kept["attribution"]:
        del kept["attribution"]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


def shown_attribution(attribution: Attribution) -> dict[str, Any]:
    """Every rule of attribution, those that were left out too."""
    shown = msgspec.structs.asdict(attribution)
    return shown | {"precedence": list(attribution.precedence)}
