"""Who was let in, and what they may: a key's holder in a brand, or whoever brings a token of one event. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from app.errors import Forbidden, Invalid
from app.grants import admits

SCOPES = ("orders", "ops", "finance", "audit")


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was let in. ``event`` and ``channels`` bind a token; a key has ``scopes`` in its brand."""

    brand: str
    person: str
    actor: str
    scopes: frozenset[str] = frozenset()
    event: str = ""
    channels: tuple[str, ...] = ()
    expires_at: int = 0

    @property
    def is_token(self) -> bool:
        return bool(self.event)

    @property
    def view(self) -> str:
        """Only ops and audit see what a freeze hides."""
        return "full" if self.scopes & {"ops", "audit"} else "public"

    def require(self, *scopes: str) -> None:
        """Errors: Forbidden ``token_not_enough``; ``scope_missing`` unless one of the scopes, if any, is held."""
        if self.is_token:
            raise Forbidden("token_not_enough", "A token opens boards and the stream; this call needs a key.")
        if scopes and not self.scopes.intersection(scopes):
            raise Forbidden("scope_missing", f"The key needs the scope {' or '.join(scopes)}.")

    def may_follow(self, channel: str) -> bool | None:
        """Whether a token's channel patterns admit it. None for who has none: then its event has to be asked."""
        return admits(self.channels, channel) if self.is_token else None


class HeldKey(NamedTuple):
    """A key by its id alone: what a signed session names. No text that anybody sends can be one."""

    identity: str
    # Of the admin key, which has no row: another key in its place is not this one.
    mark: str = ""


def check_scopes(scopes: Iterable[str]) -> list[str]:
    """The scopes, sorted, each once. Errors: Invalid ``unknown_scope``."""
    wanted = sorted(set(scopes))
    for scope in wanted:
        if scope not in SCOPES and not (scope.startswith("host:") and len(scope) > len("host:")):
            raise Invalid("unknown_scope", f"A scope is {', '.join(SCOPES)} or host:ID; not {scope!r}.", "scopes")
    return wanted
