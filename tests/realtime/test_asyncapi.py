"""docs/asyncapi.json is an AsyncAPI 3.0 document, and says what the code says: messages, members, limits, codes."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator
from referencing import Registry
from referencing.jsonschema import DRAFT7

from app.errors import AppError
from app.realtime import messages
from app.realtime.messages import CloseCode, Inbound
from app.settings import Settings
from kos_client import ChannelRefused, KosClient, StreamEnded
from tests.app_server import AppServer, serving
from tests.event_client import EventClient
from tests.kos_client.scripted import QUICK
from tests.realtime.event_source import event_source
from tests.realtime.test_protocol_document import DOCUMENT as PAGE
from tests.realtime.test_protocol_document import LIVE, SENT, TOLD, codes_raised

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "asyncapi.json").read_text())
STREAM, EVENTS = (DOCUMENT["channels"][name] for name in ("stream", "events"))
MESSAGES = DOCUMENT["components"]["messages"]
SCHEMAS = DOCUMENT["components"]["schemas"]
CODES = SCHEMAS["ErrorCode"]["x-codes"]
# By what stands after the event in a channel's name.
DOCUMENTS = {
    "": "State",
    "boards": "Board",
    "orders": "Ticker",
    "hosts": "Host",
    "sessions": "Session",
    "ops": "Ops",
    "desk": "Desk",
    "viewers": "Viewers",
    "overlays": "Overlays",
}
PUBLIC = ["kos101/boards/hosts", "kos101/boards/teams"]
IDS: list[Any] = [0, -1, 2**53 - 1, 2**53, "", "x" * 64, "x" * 65, 1.5, True, []]


def validator(schema: dict[str, Any]) -> Draft7Validator:
    return Draft7Validator({**schema, "components": DOCUMENT["components"]})


def assert_valid(message: dict[str, Any], kind: str = "") -> None:
    """The message is what the document says of its type, and has no member of which the document says nothing.

    ``kind`` says what it is if it has no type.
    """
    payload = MESSAGES[kind or message["type"]]["payload"]
    validator(payload).validate(message)
    assert message.keys() <= payload["properties"].keys()
    if "snapshot" in message:
        assert_known(message["snapshot"], message["channel"])


def assert_known(document: dict[str, Any], channel: str) -> None:
    schema = SCHEMAS[DOCUMENTS[f"{channel}/".split("/")[1]]]
    validator(schema).validate(document)
    assert document.keys() <= schema["properties"].keys()
    if rows := document.get("rows"):
        row = schema["properties"]["rows"]["items"]
        row = SCHEMAS[row["$ref"].rpartition("/")[2]] if "$ref" in row else row
        assert all(one.keys() <= row["properties"].keys() for one in rows)


def types_by_action() -> dict[str, set[str]]:
    """Which message types the server receives, and which it sends, by what the operations say."""
    found: dict[str, set[str]] = {"receive": set(), "send": set()}
    for operation in DOCUMENT["operations"].values():
        if operation["channel"]["$ref"] != "#/channels/stream":
            continue
        sent = operation.get("reply", {}).get("messages", [])
        for action, references in ((operation["action"], operation["messages"]), ("send", sent)):
            found[action] |= {reference["$ref"].removeprefix("#/channels/stream/messages/") for reference in references}
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_document_is_valid_by_the_official_schema():
    official = json.loads((ROOT / "tests" / "data" / "asyncapi" / "asyncapi-3.0.0.json").read_text())
    parts = {identity: DRAFT7.create_resource(part) for identity, part in official["definitions"].items()}
    checker = Draft7Validator(official, registry=Registry().with_resources(parts.items()))

    assert [error.message for error in checker.iter_errors(DOCUMENT)] == []
    broken = {**DOCUMENT, "operations": {"ping": {"action": "shout"}}}
    assert list(checker.iter_errors(broken)) != []


def test_every_reference_leads_somewhere():
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found, reference


def test_messages_are_those_of_the_code_and_the_page():
    sent = {kind.__struct_config__.tag for kind in Inbound.__args__}
    told = {orjson.loads(line)["type"] for line in TOLD}

    assert types_by_action() == {"receive": sent, "send": told}
    assert STREAM["messages"].keys() == sent | told
    assert EVENTS["messages"].keys() == {"subscribed", "publication", "unsubscribed", "error", "close"}
    assert MESSAGES.keys() == STREAM["messages"].keys() | EVENTS["messages"].keys()


@pytest.mark.parametrize("kind", Inbound.__args__, ids=lambda kind: kind.__struct_config__.tag)
def test_members_of_what_clients_send_are_those_of_the_code(kind):
    properties = MESSAGES[kind.__struct_config__.tag]["payload"]["properties"]

    assert properties.keys() == {"type", *kind.__struct_fields__}


@pytest.mark.parametrize(
    "members",
    [
        {},
        *({"id": identity} for identity in IDS),
        *({"channel": name} for name in ("a", "a" * 250, "a" * 251, "", "/a", "a b", "林", "A.b_c:d#e/f-g", 1)),
        *({"position": position, "epoch": "e"} for position in (0, -1, 2**53 - 1, 2**53, "1")),
        *({"position": 1, "epoch": epoch} for epoch in ("", "e" * 64, "e" * 65, 1)),
        {"unknown": 1},
        {"type": "subscribed"},
    ],
    ids=repr,
)
def test_subscribe_that_the_schema_takes_is_taken_by_the_server_and_no_other(members: dict[str, Any]):
    message = {"type": "subscribe", "channel": "kos101/orders", **members}
    try:
        messages.decode(json.dumps(message))
        is_taken = True
    except AppError:
        is_taken = False

    assert validator(MESSAGES["subscribe"]["payload"]).is_valid(message) == is_taken


def test_codes_of_errors_are_those_of_the_code_and_the_page():
    table = PAGE.partition("## Error codes")[2].partition("## Close codes")[0]
    rows = re.findall(r"^\| (`.+?) \|.*\| (yes)? ?\|$", table, re.MULTILINE)
    documented = {code: bool(retryable) for cell, retryable in rows for code in re.findall(r"`(\w+)`", cell)}
    refusals = [*STREAM["x-handshake-refusals"].values(), *EVENTS["x-refusals"].values()]
    refused = {code: "headers" in one for one in refusals for code in one.get("codes", ())}
    told = {code: one["retryable"] for code, one in CODES.items()}
    of_handshakes = re.findall(r"^\| (`.+?) \| only as an answer to the handshake", table, re.MULTILINE)

    assert len(told) > 12
    assert codes_raised() <= documented.keys()
    assert refused | told == told | refused == documented
    assert {code for cell in of_handshakes for code in re.findall(r"`(\w+)`", cell)} == {
        code for one in STREAM["x-handshake-refusals"].values() for code in one["codes"]
    }


def test_close_codes_are_those_of_the_code_and_the_page():
    told = STREAM["x-close-codes"]
    section = PAGE.partition("## Close codes")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (\d.*?) \|", section, re.MULTILINE)

    assert {int(code) for code in told if code.startswith("4")} == set(CloseCode)
    assert told.keys() == {code for cell in cells for code in cell.split(", ")}
    assert {code for code, one in told.items() if not one["reconnect"]} == {
        code for code in told if 4500 <= int(code) <= 4999
    }


def test_limits_and_subprotocol_are_those_of_the_code():
    defaults = Settings.model_fields
    subscriptions = defaults["subscriptions_per_connection_max"].default
    messages_per_second = defaults["messages_per_second_max"].default

    assert STREAM["x-subprotocol"] == messages.SUBPROTOCOL
    assert STREAM["x-limits"] == {
        "message_bytes_max": defaults["message_bytes_max"].default,
        "messages_per_second_max": messages_per_second,
        "messages_burst_max": messages_per_second + subscriptions,
        "subscriptions_max": subscriptions,
    }
    assert EVENTS["x-limits"] == {"channels_max": defaults["sse_channels_max"].default}


@pytest.mark.parametrize("line", [*SENT, *TOLD, *LIVE])
def test_example_of_the_page_is_valid(line: str):
    assert_valid(orjson.loads(line))


@pytest.mark.parametrize("document", re.findall(r"```json document\n(.*?)\n```", PAGE, re.S))
def test_document_of_the_page_is_valid(document: str):
    shown: dict[str, Any] = orjson.loads(document)
    kind = next((f"{kind}s/one" for kind in ("host", "session") if kind in shown), "")
    kind = kind or next((kind for kind, own in (("ops", "rules_version"), ("desk", "aov")) if own in shown), "")

    assert_known(shown, f"kos101/{kind}".rstrip("/"))


@pytest.mark.parametrize("name", MESSAGES)
def test_examples_of_the_document_are_valid(name: str):
    examples = [example["payload"] for example in MESSAGES[name]["examples"]]

    assert examples
    for example in examples:
        assert example.get("type", "close") == name
        assert_valid(example, name)


@pytest.mark.parametrize(
    "message",
    [
        {"type": "subscribed", "channel": "kos101/orders", "position": 1, "epoch": "e"},
        {"type": "publication", "channel": "kos101/orders", "position": 2, "delta": {"rows": [], "gone": []}},
        {"type": "publication", "channel": "kos101/viewers", "time": "2026-11-22T10:00:00Z", "snapshot": {}},
        {"type": "error", "message": "No."},
        {"type": "heartbeat", "channel": "kos101/boards/hosts"},
        {"type": "pong", "id": -1},
    ],
    ids=repr,
)
def test_message_that_the_protocol_does_not_have_is_not_valid(message: dict[str, Any]):
    assert not validator(MESSAGES[message["type"]]["payload"]).is_valid(message)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[AppServer]:
    async with serving(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as started:
        yield started


async def test_messages_of_a_real_server_are_valid(server: AppServer):
    """One of each type, with and without what may be missing, as they came over the wire."""
    said: list[dict[str, Any]] = []

    def note(data: bytes) -> bool:
        said.append(orjson.loads(data))
        return False

    async with server.client() as http:
        event = await EventClient(http, "kos101").open()
        hosts = [{"id": "h7", "picture": "https://example.org/a.png", "link": "https://example.org/lin"}]
        await event.ok("PUT", "/roster", {"hosts": hosts})
        await event.ok("POST", "/sessions", {"id": "night-1", "hosts": [{"id": "h7"}]})
        await event.ok("PUT", "/overlays", {"message": {"text": "Soon", "until": "2099-01-01T00:00:00Z"}})
        async with KosClient(server.url, server.key, tap=note, timing=QUICK) as client:
            for name in ("", "/hosts/h7", "/sessions/night-1", "/overlays", "/viewers", "/desk"):
                await client.follow(f"kos101{name}")
            names = ("boards/hosts", "boards/teams.orders", "orders", "ops")
            followed = [await client.follow(f"kos101/{name}") for name in names]
            for channel in ("kos101/boards/none", "rival/orders"):
                with pytest.raises(ChannelRefused, match=channel):
                    await client.follow(channel)
            position = (await event.order(host="h7"))["position"]
            for one in followed:
                await one.until(lambda each: each.position == position)
            await client._send("ping")
            await client.unfollow("kos101/orders")
            await client._send("hello")
            # Answers come in order, so those before have come with this one.
            await client.follow("kos101/boards/hosts.units")
            server.kill()
            await followed[0].until(lambda one: one.is_stale)
            await server.restart()
            await event.sell("2", "h8")
            await followed[0].until(lambda one: one.position == position + 1)
        with pytest.raises(StreamEnded) as ended:
            async with KosClient(server.url, "bad", timing=QUICK) as stranger:
                await stranger.follow("kos101/orders")

    assert {message["type"] for message in said} == types_by_action()["send"]
    assert not STREAM["x-close-codes"][str(ended.value.code)]["reconnect"]
    for message in said:
        assert_valid(message)
        assert message["type"] != "error" or message["code"] in CODES


async def test_server_sent_events_and_refusals_of_a_real_server_are_valid(server: AppServer):
    async with server.client() as http:
        event = await EventClient(http, "kos101").open()
        token = (await http.post("/v1/tokens", json={"event": "kos101"})).json()["token"]
        said = []
        async with event_source(server.port, "kos101/orders", token=token) as source:
            said += await source.heard(1)
            await event.sell("1", "h7")
            said += await source.heard(1)
            await event.ok("PATCH", "/rules", {"public_boards": True})
            async with event_source(server.port, *PUBLIC, token="") as anybody:
                said += await anybody.heard(2)
                await event.ok("PATCH", "/rules", {"public_boards": False})
                said += await anybody.heard(3)
                assert await anybody.next() is None
            async with event_source(server.port, *PUBLIC, token="") as back:
                assert (back.status, (await back.body())["code"]) == (403, "channel_forbidden")
            server.stop()
            said += await source.heard(1)
        await server.restart()
        refused = {}
        too_many = [f"kos101/{number}" for number in range(EVENTS["x-limits"]["channels_max"] + 1)]
        for channels in ([], ["kos101/a b"], ["kos101/boards/none"], ["rival/orders"], too_many):
            async with event_source(server.port, *channels, token=token) as source:
                refused[(await source.body())["code"]] = str(source.status)

    assert [one.event for one in said] == [
        *("subscribed", "publication"),
        *("subscribed", "subscribed", "unsubscribed", "unsubscribed", "close"),
        "close",
    ]
    assert [one.data["channel"] for one in said[4:6]] == PUBLIC
    assert [one.data["code"] for one in (said[6], said[7])] == [4502, 1012]
    for one in said:
        assert_valid(one.data, one.event)
    assert all(str(one.data["code"]) in STREAM["x-close-codes"] for one in said if one.event == "close")
    assert len(refused) == 5
    assert all(code in EVENTS["x-refusals"][status]["codes"] for code, status in refused.items())
