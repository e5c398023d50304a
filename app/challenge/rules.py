"""What an event may declare about itself, versioned by the ``rules.changed`` entries. Pure."""

from typing import Any, Literal

import msgspec

from app.errors import Invalid

PublicChannel = Literal["boards", "hosts", "orders", "sessions", "state", "viewers"]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Declared rules; what is left out keeps the value given here.

    ``ranks``: ``distinct`` gives equal scores different ranks (who got there first is ahead), ``shared`` ranks
    1, 2, 2, 4. ``public_channels``: what of the event's channels everybody may follow without a key or token, each word
    once, sorted; ``public_boards`` means its word ``boards``, over HTTP too.
    """

    ranks: Literal["distinct", "shared"] = "distinct"
    public_boards: bool = False
    public_channels: tuple[PublicChannel, ...] = ()

    @property
    def opened(self) -> frozenset[str]:
        """The words of everything that is public."""
        return frozenset(self.public_channels) | ({"boards"} if self.public_boards else set())


def parse_rules(given: dict[str, Any], before: Rules | None = None) -> Rules:
    """Rules as declared, on top of those that held before.

    Errors: Invalid ``rules_invalid`` with the reason.
    """
    try:
        rules = msgspec.convert({**msgspec.to_builtins(before or Rules()), **given}, Rules)
    except msgspec.ValidationError as error:
        raise Invalid("rules_invalid", f"{str(error)[:200]}.", "rules") from None
    return msgspec.structs.replace(rules, public_channels=tuple(sorted(set(rules.public_channels))))


def document(rules: Rules) -> dict[str, Any]:
    """Rules as an entry body keeps them: what equals the default is left out."""
    kept: dict[str, Any] = msgspec.to_builtins(rules)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}
