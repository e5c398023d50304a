"""docs/protocol.md names everything that is on the wire, and its examples are true."""

import ast
import json
import re
from pathlib import Path

import orjson
import pytest

from app.realtime import messages
from app.realtime.channels import IDENTITY_FIELDS, REPEATED_FIELDS, accept, apply
from app.realtime.messages import CloseCode, Inbound
from tests.realtime.doubles import text_of

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "protocol.md").read_text()
SENT, TOLD = (block.splitlines() for block in re.findall(r"```json\n(.*?)\n```", DOCUMENT, re.S))
LIVE = re.findall(r"```json live\n(.*?)\n```", DOCUMENT, re.S)[0].splitlines()
SOURCES = [
    *(ROOT / "app" / "realtime").glob("*.py"),
    ROOT / "app" / "api" / "stream.py",
    ROOT / "app" / "api" / "sse.py",
]
ERRORS = {"BadRequest", "Invalid", "TooLarge", "Forbidden", "Conflict", "NotFound", "TooMany", "Unavailable"}


def codes_raised() -> set[str]:
    """Every code that the stream's own modules give an error."""
    calls = (node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in ERRORS
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


@pytest.mark.parametrize("line", SENT)
def test_example_of_a_client_is_understood(line):
    assert isinstance(messages.decode(line), Inbound)


@pytest.mark.parametrize("line", TOLD)
def test_example_of_the_server_is_json_as_it_is_sent(line):
    assert json.dumps(json.loads(line), separators=(",", ":")) == line


def test_examples_of_live_channels_are_as_they_are_sent():
    for line in LIVE:
        message = json.loads(line)
        body = messages.LiveBody(message["time"], messages.encoded(message["snapshot"]))
        if message["type"] == "subscribed":
            frame = messages.subscribed(message["id"], message["channel"], body)
        else:
            frame = messages.publication(message["channel"], body)

        assert text_of(frame) == line
        assert message["snapshot"]["time"] == message["time"]


def test_example_of_a_delta_applies_to_the_example_of_a_snapshot():
    held, step = orjson.loads(TOLD[0]), orjson.loads(TOLD[1])

    assert accept(held["position"], step["previous"], step["position"]) == "apply"
    after = apply(held["snapshot"], step["delta"], step["position"])
    assert [row["score"] for row in after["rows"]] == ["352.50", "170.00"]
    assert held["snapshot"].keys() == after.keys() >= IDENTITY_FIELDS | REPEATED_FIELDS


def test_every_message_type_is_documented():
    sent = {kind.__struct_config__.tag for kind in Inbound.__args__}
    told = {orjson.loads(line)["type"] for line in TOLD}

    assert {orjson.loads(line)["type"] for line in SENT} == sent
    assert told == {"subscribed", "publication", "unsubscribed", "pong", "error"}


def test_every_error_code_is_documented():
    codes = codes_raised()

    assert len(codes) > 8
    assert {code for code in codes if f"`{code}`" not in DOCUMENT} == set()


def test_every_close_code_is_documented_and_no_other():
    documented = {int(code) for code in re.findall(r"^\| (4\d{3}) \|", DOCUMENT, re.M)}

    assert documented == set(CloseCode)
