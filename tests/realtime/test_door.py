"""Who may connect at all: origins, connections and handshakes per address, and all of them together."""

import logging
import resource
from typing import Any

import orjson
import pytest
from websockets.exceptions import InvalidStatus

from app.errors import AppError
from app.realtime import door as door_module
from app.realtime.door import FILES_RESERVED, Door, DoorLimits
from tests.realtime import served as served_module
from tests.realtime.event_source import event_source
from tests.realtime.served import BOARD, Served, serving
from tests.realtime.test_events_stream import let_go
from tests.realtime.test_stream import asked, closed

PAGE = "https://shop.example"


@pytest.fixture(params=["our server", "any server"])
def way(request, monkeypatch):
    monkeypatch.setattr(served_module, "is_attached_by_default", request.param == "any server")


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def refusal(door: Door, address: str = "192.0.2.1", **headers: str) -> str:
    """The code by which a connection is refused, "" if it is let in."""
    try:
        door.enter(address, headers)
    except AppError as error:
        return error.code
    return ""


@pytest.mark.parametrize(
    ("allowed", "origin", "code"),
    [
        ({"*"}, PAGE, ""),
        ({"*"}, "null", ""),
        ({PAGE}, PAGE, ""),
        ({PAGE}, "HTTPS://Shop.Example", ""),
        ({PAGE, "null"}, "null", ""),
        ({PAGE}, "null", "origin_forbidden"),
        ({PAGE}, "https://shop.example.evil.example", "origin_forbidden"),
        ({PAGE}, "http://shop.example", "origin_forbidden"),
        ({PAGE}, "https://shop.example:8443", "origin_forbidden"),
        ({PAGE}, "", "origin_forbidden"),
        (set(), PAGE, "origin_forbidden"),
    ],
)
def test_origin_is_one_of_those_allowed(allowed: set[str], origin: str, code: str):
    door = Door(DoorLimits(origins=frozenset(allowed)), Time())

    assert refusal(door, origin=origin) == code
    assert refusal(door) == ""


def test_connections_of_an_address_are_bounded_and_free_again_when_they_left():
    door = Door(DoorLimits(connections_per_address_max=2), Time())
    places = [door.enter("192.0.2.1", {}) for _ in range(2)]
    third, other = refusal(door), refusal(door, "192.0.2.2")
    door.leave(places[0])

    assert (third, other) == ("too_many_connections", "")
    assert refusal(door) == ""
    assert refusal(door) == "too_many_connections"


def test_handshakes_of_an_address_are_bounded_and_those_refused_cost_it_nothing():
    time = Time()
    door = Door(DoorLimits(handshakes_per_second_max=10), time)

    def let_in() -> int:
        return [refusal(door) for _ in range(100)].count("")

    counts = [let_in()]
    for _ in range(3):
        time.now += 1.0
        counts.append(let_in())
    time.now += 60.0
    counts.append(let_in())

    assert counts == [20, 10, 10, 10, 20]
    assert refusal(door) == "too_many_handshakes"
    assert refusal(door, "192.0.2.2") == ""


def test_all_connections_together_are_bounded():
    door = Door(DoorLimits(connections_max=3), Time())
    places = [door.enter(f"192.0.2.{number}", {}) for number in range(3)]

    assert refusal(door, "192.0.2.9") == "connections_full"
    door.leave(places[0])
    assert refusal(door, "192.0.2.9") == ""


def test_without_a_setting_connections_leave_files_for_the_rest():
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert Door(DoorLimits(), Time())._connections_max == max(soft - FILES_RESERVED, soft // 2)


def test_addresses_of_one_ipv6_network_count_as_one_and_mapped_ones_as_what_they_are():
    door = Door(DoorLimits(connections_per_address_max=1), Time())
    given = ["2001:db8::1", "2001:db8::2:1", "2001:db8:0:1::1", "192.0.2.1", "::ffff:192.0.2.1", "odd", "odd", "", ""]

    assert [refusal(door, one) for one in given] == [
        *("", "too_many_connections", ""),
        *("", "too_many_connections", "", "too_many_connections"),
        *("", ""),
    ]


def test_addresses_that_have_gone_are_forgotten_and_those_that_stay_are_not(monkeypatch):
    monkeypatch.setattr(door_module, "_IDLE_ADDRESSES_MAX", 50)
    door = Door(DoorLimits(connections_per_address_max=1), Time())
    door.enter("192.0.2.1", {})
    for number in range(1_000):
        door.leave(door.enter(f"10.0.{number // 250}.{number % 250}", {}))

    assert door.addresses == 51
    assert door.connections == 1
    assert refusal(door) == "too_many_connections"


async def refused(served: Served, **options: Any) -> tuple[int, str, Any]:
    """Status, code and Retry-After of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as caught:
        async with served.client(**options):
            pass
    response = caught.value.response
    return response.status_code, orjson.loads(response.body)["code"], response.headers.get("Retry-After")


async def test_page_of_another_origin_is_refused_before_its_token_is_looked_at(way):
    async with serving(door=DoorLimits(origins=frozenset({PAGE}))) as served:
        served.door.clear()
        socket = await refused(served, origin="https://evil.example")
        async with event_source(served.port, BOARD, Origin="https://evil.example") as source:
            problem = await source.body()
        served.door.set()
        async with served.client(origin=PAGE) as client:
            assert (await asked(client, type="ping"))["type"] == "pong"
        async with event_source(served.port, BOARD, Origin=PAGE) as allowed:
            await allowed.heard(1)
        await let_go(served)

    assert socket == (403, "origin_forbidden", None)
    assert (source.status, problem["code"]) == (403, "origin_forbidden")
    assert (allowed.headers["access-control-allow-origin"], allowed.headers["vary"]) == (PAGE, "origin")


async def test_page_of_any_origin_may_read_the_events_unless_set_otherwise():
    async with serving() as served, event_source(served.port, BOARD, Origin="null") as source:
        assert source.headers["access-control-allow-origin"] == "*"


async def test_connections_above_the_limit_are_refused_until_one_has_left(way):
    async with serving(door=DoorLimits(connections_per_address_max=2)) as served:
        async with served.client() as first, event_source(served.port, BOARD) as second:
            await second.heard(1)
            served.door.clear()
            socket = await refused(served)
            async with event_source(served.port, BOARD) as third:
                problem = await third.body()
            served.door.set()
            assert (await asked(first, type="ping"))["type"] == "pong"
        await let_go(served)
        async with served.client() as client:
            assert (await asked(client, type="ping"))["type"] == "pong"

    assert socket == (429, "too_many_connections", "5")
    assert (third.status, problem["code"], third.headers["retry-after"]) == (429, "too_many_connections", "5")


async def test_handshakes_above_the_limit_are_refused(way):
    async with serving(door=DoorLimits(handshakes_per_second_max=1)) as served:
        for _ in range(2):
            async with served.client() as client:
                await asked(client, type="ping")
        assert await refused(served) == (429, "too_many_handshakes", "1")


async def test_who_is_refused_is_no_error_in_the_log(caplog, monkeypatch):
    async with serving(is_attached=False, door=DoorLimits(origins=frozenset({PAGE}))) as served:
        # Its configuration keeps these from the root.
        monkeypatch.setattr(logging.getLogger("uvicorn"), "propagate", True)
        await refused(served, origin="https://evil.example")
        await refused(served, subprotocols=None)
        async with event_source(served.port, BOARD, Origin="https://evil.example") as source:
            await source.body()
        async with served.client(token="bad") as client:
            await closed(client)

    assert [record.getMessage() for record in caplog.records] == []


async def test_full_server_says_so(way):
    async with serving(door=DoorLimits(connections_max=1)) as served, served.client():
        assert await refused(served) == (503, "connections_full", "5")


@pytest.mark.parametrize("token", ["good", "bad"])
async def test_client_that_opens_and_closes_in_a_loop_leaves_nothing_behind(way, token: str):
    async with serving() as served, served.client() as stays:
        await asked(stays, type="subscribe", channel=BOARD)
        for number in range(100):
            async with served.client(token=token) as client:
                if token == "bad":
                    assert await closed(client) == 4501
                elif number % 3:
                    await asked(client, type="subscribe", channel=BOARD)
                if number % 2:
                    client.transport.abort()
        await served.commit(2, a=5)
        assert (await asked(stays, type="ping"))["type"] in ("publication", "pong")
        await stays.close()
        await let_go(served)

        assert served.stream.connections.door.addresses == 1
