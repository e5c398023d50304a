"""Who may follow what: denied unless a pattern admits it."""

import pytest

from app.grants import admits, key_patterns, opened_patterns, token_patterns

CHANNELS = {
    "e",
    "e/boards/hosts.units.day:2021-04-05",
    "e/orders",
    "e/hosts/h7",
    "e/hosts/h8",
    "e/sessions/s1",
    "e/viewers",
    "e/overlays",
    "e/ops",
    "e/desk",
}
PUBLIC = CHANNELS - {"e/ops", "e/desk"}
ELSEWHERE = {"e2", "e2/orders", "e2/hosts/h7", "E/orders", "", "/", "e/", "e/boards", "x/e/orders", "ee"}


def admitted(patterns: tuple[str, ...]) -> set[str]:
    return {channel for channel in CHANNELS | ELSEWHERE if admits(patterns, channel)}


def test_token_follows_what_is_public_of_its_event():
    assert admitted(token_patterns("e")) == PUBLIC


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ((), set()),
        (("ops",), CHANNELS | {"e/", "e/boards"}),
        (("audit", "host:h7"), CHANNELS | {"e/", "e/boards"}),
        (("orders",), PUBLIC),
        (("finance",), PUBLIC | {"e/desk"}),
        (("finance", "host:h7"), PUBLIC | {"e/desk"}),
        (("host:h7",), PUBLIC - {"e/hosts/h8"}),
        (("host:h7", "host:h8"), PUBLIC),
        (("host:nobody",), PUBLIC - {"e/hosts/h7", "e/hosts/h8"}),
        (("host:*",), PUBLIC - {"e/hosts/h7", "e/hosts/h8"}),
        (("host:[a-z]?",), PUBLIC - {"e/hosts/h7", "e/hosts/h8"}),
    ],
)
def test_key_follows_what_its_scopes_open_and_a_host_no_other(scopes, allowed):
    patterns = key_patterns(frozenset(scopes))
    assert {channel for channel in (*CHANNELS, "e/", "e/boards") if admits(patterns, channel[1:])} == allowed


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ((), set()),
        (("state",), {"e"}),
        (("boards", "orders"), {"e/boards/hosts.units.day:2021-04-05", "e/orders"}),
        (("hosts",), {"e/hosts/h7", "e/hosts/h8"}),
        (("sessions", "viewers"), {"e/sessions/s1", "e/viewers"}),
        (("ops", "overlays"), set()),
    ],
)
def test_everybody_follows_what_an_event_opened(words, allowed):
    assert admitted(opened_patterns("e", words)) == allowed
