"""Which channels a token, a key or nobody may follow. Denied by default. Pure.

Patterns are those of ``fnmatch``; a ``*`` stands for anything. What is put into one is an id, and holds none of its
special characters.
"""

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

# What overlays and viewers may follow, and every key of the event's brand.
_PUBLIC = ("{event}", "{event}/boards/*", "{event}/orders", "{event}/sessions/*", "{event}/viewers", "{event}/overlays")
_HOSTS = "{event}/hosts/*"
# What an event may open to those who bring neither token nor key, by the words of its rule ``public_channels``.
_WORDS = {
    "state": "{event}",
    "boards": "{event}/boards/*",
    "orders": "{event}/orders",
    "hosts": _HOSTS,
    "sessions": "{event}/sessions/*",
    "viewers": "{event}/viewers",
}
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def token_patterns(event: str) -> tuple[str, ...]:
    """What a token of this event may follow unless it is bound to less."""
    return _of(event, (*_PUBLIC, _HOSTS))


def key_patterns(scopes: Collection[str], events: Iterable[str]) -> tuple[str, ...]:
    """What a key with these scopes may follow of these events. One that is a host's only: of hosts, itself."""
    hosts = [scope.removeprefix("host:") for scope in scopes if scope.startswith("host:")]
    patterns: tuple[str, ...] = ()
    if not {"ops", "audit"}.isdisjoint(scopes):
        patterns = ("{event}", "{event}/*")
    elif len(hosts) < len(scopes):
        patterns = (*_PUBLIC, _HOSTS)
    elif hosts:
        own = (f"{{event}}/hosts/{host}" for host in hosts if _IDENTIFIER.fullmatch(host))
        patterns = (*_PUBLIC, *own)
    return tuple(pattern for event in events for pattern in _of(event, patterns))


def opened_patterns(event: str, words: Collection[str]) -> tuple[str, ...]:
    """What everybody may follow of an event with these words in its rules."""
    return _of(event, (pattern for word, pattern in _WORDS.items() if word in words))


def admits(patterns: Iterable[str], channel: str) -> bool:
    """Whether one of the patterns matches."""
    return any(fnmatchcase(channel, pattern) for pattern in patterns)


def _of(event: str, patterns: Iterable[str]) -> tuple[str, ...]:
    return tuple(pattern.replace("{event}", event) for pattern in patterns)
