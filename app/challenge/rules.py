"""What an event may declare about itself, versioned by the ``rules.changed`` entries. Pure."""

from typing import Annotated, Any, Literal

import msgspec

from app.errors import Invalid
from app.sales.money import parse_amount

PublicChannel = Literal["boards", "hosts", "orders", "sessions", "state", "viewers"]


# What is declared as an amount of money and kept in minor units.
MONEY_RULES = frozenset({"approval_above"})


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

    @property
    def opened(self) -> frozenset[str]:
        """The words of everything that is public."""
        return frozenset(self.public_channels) | ({"boards"} if self.public_boards else set())


def parse_rules(given: dict[str, Any], exponent: int, before: Rules | None = None) -> Rules:
    """Rules as declared, on top of those that held before. Amounts are decimal strings of a currency's exponent.

    Errors: Invalid ``rules_invalid`` with the reason; those of an amount.
    """
    declared = dict(given)
    for name in MONEY_RULES & declared.keys():
        if isinstance(amount := declared[name], str):
            declared[name] = parse_amount(amount[:40], exponent, f"rules.{name}")
        elif amount is not None:
            raise Invalid("rules_invalid", f'{name} is an amount as a decimal string such as "170.00".', "rules")
    try:
        rules = msgspec.convert({**msgspec.to_builtins(before or Rules()), **declared}, Rules)
    except msgspec.ValidationError as error:
        raise Invalid("rules_invalid", f"{str(error)[:200]}.", "rules") from None
    return msgspec.structs.replace(rules, public_channels=tuple(sorted(set(rules.public_channels))))


def document(rules: Rules) -> dict[str, Any]:
    """Rules as an entry body keeps them: what equals the default is left out."""
    kept: dict[str, Any] = msgspec.to_builtins(rules)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}
