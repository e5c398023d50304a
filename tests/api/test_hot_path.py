"""The short way for orders answers byte for byte as the framework's own routes do: twin events get the same calls."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests import factories
from tests.api.test_hostile_input import ORDERS
from tests.api.test_refusals import NO_JSON, ROWS, name_of, wrong
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

Twins = tuple[EventClient, EventClient]


@pytest_asyncio.fixture(loop_scope="module")
async def twins(api: Api, event: EventClient) -> AsyncIterator[Twins]:
    """The same event twice: one is called through the short way, one through the framework."""
    twin = await EventClient(api.client, event.id.replace("event-", "twins-")).open()
    async with api.client_of(api.key) as hot, api.client_of(api.key, api.framework) as framework:
        yield EventClient(hot, event.id), EventClient(framework, twin.id)


async def both(twins: Twins, path: str, content: Any, **headers: str) -> httpx2.Response:
    """Post to both and compare everything that is sent back."""
    answers = []
    for event in twins:
        given = content() if callable(content) else content
        answers.append(await event.client.post(event.path + path, content=given, headers=headers))
    hot, framework = answers
    assert hot.status_code == framework.status_code
    assert hot.headers.raw == framework.headers.raw
    assert hot.content.replace(twins[0].id.encode(), b"twin") == framework.content.replace(
        twins[1].id.encode(), b"twin"
    )
    return hot


async def test_short_way_is_really_before_the_framework(api: Api):
    assert type(api.app).__name__ == "HotOrders"
    assert api.framework is not api.app


async def test_accepted_repeated_and_conflicting_orders(twins: Twins):
    bodies = [
        factories.order(code="LIN10"),
        factories.order(code="LIN10"),
        factories.order(code="MEI20"),
        factories.order("1002", buyer="ada", host="h8"),
        factories.order("口红".encode().hex(), lines=[factories.line(title="口红")]),
    ]

    seen = [(await both(twins, "/orders", json.dumps(body).encode())).status_code for body in bodies]

    assert seen == [201, 200, 409, 201, 201]


@pytest.mark.parametrize(("change", "code", "field"), ROWS, ids=map(name_of, ROWS))
async def test_refused_orders(twins: Twins, change, code, field):
    single = await both(twins, "/orders", json.dumps(wrong(change)).encode())
    batch = await both(twins, "/orders/batch", json.dumps([wrong(change), factories.order()]).encode())

    assert single.json()["code"] == code
    assert batch.json()["accepted"] == 1


@pytest.mark.parametrize("body", [*NO_JSON, *ORDERS.values(), b"[]", b"null", b"17"])
async def test_bodies_that_are_no_order(twins: Twins, body):
    await both(twins, "/orders", body)
    await both(twins, "/orders/batch", body)
    await both(twins, "/orders/batch", body, **{"Content-Type": "application/x-ndjson"})


@pytest.mark.parametrize(
    "content_type", ["", "application/json", "application/x-ndjson", "text/plain", "multipart/form-data"]
)
async def test_content_types(twins: Twins, content_type):
    lines = b"\n".join(json.dumps(factories.simple_order(f"{number}", "h7")).encode() for number in range(3))
    array = json.dumps([factories.simple_order(f"{number}", "h7") for number in range(2, 5)]).encode()
    headers = {"Content-Type": content_type} if content_type else {}

    for body in (lines, array):
        await both(twins, "/orders/batch", body, **headers)
    await both(twins, "/orders", json.dumps(factories.order()).encode(), **headers)


@pytest.mark.parametrize(("path", "limit"), [("/orders", 1 << 18), ("/orders/batch", 4 << 20)])
async def test_limits(twins: Twins, path, limit):
    def chunks() -> AsyncIterator[bytes]:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(9):
                yield b" " * (limit // 8)

        return parts()

    stated = await both(twins, path, b" " * (limit + 1))
    chunked = await both(twins, path, chunks)

    assert (stated.status_code, chunked.status_code) == (413, 413)


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic x", "Bearer kos_0123456789ab_x", "Bearer \xff"])
async def test_wrong_keys(twins: Twins, authorization):
    for event in twins:
        event.client.headers.pop("authorization")
    headers = {"Authorization": authorization.encode("latin-1")} if authorization else {}

    for path in ("/orders", "/orders/batch"):
        response = await both(twins, path, b"{}", **headers)
        assert response.status_code == 401


async def test_missing_scope_and_another_brand(api: Api, twins: Twins):
    for brand, scope, status in (("default", "ops", 403), ("rival", "orders", 404)):
        key = await api.key_of(brand, scope)
        for event in twins:
            event.client.headers["authorization"] = f"Bearer {key}"

        for path in ("/orders", "/orders/batch"):
            assert (await both(twins, path, b"{}")).status_code == status


async def test_token_instead_of_a_key(api: Api, twins: Twins):
    for event in twins:
        token = (await api.client.post("/v1/tokens", json={"event": event.id})).json()["token"]
        event.client.headers["authorization"] = f"Bearer {token}"

    for path in ("/orders", "/orders/batch"):
        assert (await both(twins, path, b"{}")).status_code == 403


async def test_event_ids_that_no_event_has(api: Api):
    async with api.client_of(api.key) as hot, api.client_of(api.key, api.framework) as framework:
        for name in ("nowhere", "%00", "%FF", "a%2Fb", "x" * 300):
            answers = [await client.post(f"/v1/events/{name}/orders", content=b"{}") for client in (hot, framework)]
            assert answers[0].status_code == answers[1].status_code
            assert answers[0].content == answers[1].content
            assert answers[0].headers.raw == answers[1].headers.raw
