"""A text that does not fit is refused with words that say what does, and never with a pattern to be read."""

from collections.abc import Iterator
from typing import Any

import pytest

from app.api.decoding import invalid
from app.api.patterns import words_for
from app.main import create_app
from app.settings import Settings
from tests.event_client import EventClient


def patterns_of(part: Any) -> Iterator[str]:
    """Every pattern of an OpenAPI document, also those of the names of members."""
    if isinstance(part, dict):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        for name, value in part.items():
            if name == "patternProperties":
                yield from value
            yield from patterns_of(value)
    elif isinstance(part, list):
        for value in part:
            yield from patterns_of(value)


def test_every_pattern_of_the_api_has_words():
    app = create_app(Settings(database_url="sqlite+aiosqlite:///not-opened.db"))._app  # type: ignore[attr-defined]
    patterns = set(patterns_of(app.openapi()))

    assert len(patterns) > 20
    assert [pattern for pattern in sorted(patterns) if words_for(pattern).endswith(pattern)] == []


def test_message_of_the_order_decoder_becomes_words():
    error = invalid(r"Expected `str` matching regex '^[!-~]{1,100}\\Z' - at `$.id`")

    assert (error.code, error.field) == ("invalid_value", "id")
    assert error.detail == "Use 1 to 100 printable ASCII characters and no space."


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"id": "two words"}, "id", "Use 1 to 64 of A-Z a-z 0-9 _ . -, the first of them a letter or a digit."),
        ({"title": "   "}, "title", "Send one line of text, without control characters, that is more than spaces."),
    ],
)
async def test_refusal_says_what_fits(event: EventClient, change, field, words):
    goal = {"id": "first", "title": "First", "measure": "orders", "target": "10"} | change

    answer = await event.post("/goals", goal)

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (422, "invalid_value", field)
    assert problem["detail"] == words
