"""Which channels a token, a key or nobody may follow. Denied by default. Pure.

Patterns are those of ``fnmatch``; a ``*`` stands for anything. What is put into one is an id, and holds none of its
special characters.
"""

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

# What overlays and viewers may follow, and every key of the event's brand. Every pattern is put behind an event's id.
_PUBLIC = ("", "/boards/*", "/orders", "/sessions/*", "/viewers", "/overlays")
_HOSTS = "/hosts/*"
# The headline figures, for those who run the event or settle it.
_DESK = "/desk"
# What an event may open to those who bring neither token nor key, by the words of its rule ``public_channels``.
_WORDS = {
    "state": "",
    "boards": "/boards/*",
    "orders": "/orders",
    "hosts": _HOSTS,
    "sessions": "/sessions/*",
    "viewers": "/viewers",
}
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def token_patterns(event: str) -> tuple[str, ...]:
    """What a token of this event may follow unless it is bound to less."""
    return _of(event, (*_PUBLIC, _HOSTS))


def key_patterns(scopes: Collection[str]) -> tuple[str, ...]:
    """What a key with these scopes may follow of each event of its brand. One that is a host's only: of hosts, itself.

    Shape: for what follows the event's id in a channel's name, so that they are few however many events there are.
    """
    hosts = [scope.removeprefix("host:") for scope in scopes if scope.startswith("host:")]
    if not {"ops", "audit"}.isdisjoint(scopes):
        return ("", "/*")
    if len(hosts) < len(scopes):
        return (*_PUBLIC, _HOSTS, *([_DESK] if "finance" in scopes else ()))
    return (*_PUBLIC, *(f"/hosts/{host}" for host in hosts if _IDENTIFIER.fullmatch(host))) if hosts else ()


def opened_patterns(event: str, words: Collection[str]) -> tuple[str, ...]:
    """What everybody may follow of an event with these words in its rules."""
    return _of(event, (pattern for word, pattern in _WORDS.items() if word in words))


def admits(patterns: Iterable[str], channel: str) -> bool:
    """Whether one of the patterns matches."""
    return any(fnmatchcase(channel, pattern) for pattern in patterns)


def _of(event: str, patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(event + pattern for pattern in patterns)
