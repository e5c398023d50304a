"""Who may call what: denied by default, scopes, brands, tokens; checked for every route the application has."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests import factories
from tests.app_in_process import Api, running_app
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCOPES = ("orders", "ops", "finance", "audit", "host:h7")
EVENT = "/v1/events/{event}"
# Whom each route lets in: these scopes; "any": every key; "token": also the event's tokens; "public": everybody.
WANTED = {
    "POST /v1/events": "ops",
    "GET /v1/events": "ops audit finance",
    f"GET {EVENT}": "ops audit finance",
    f"POST {EVENT}/transitions": "ops",
    f"PATCH {EVENT}/rules": "ops",
    f"PUT {EVENT}/rates": "ops",
    f"GET {EVENT}/rates": "ops finance audit orders",
    f"PUT {EVENT}/roster": "ops",
    f"GET {EVENT}/roster": "ops audit finance orders",
    f"POST {EVENT}/sessions": "ops",
    f"POST {EVENT}/sessions/{{session}}/end": "ops",
    f"GET {EVENT}/sessions": "ops audit",
    f"POST {EVENT}/sessions/{{session}}/hosts": "ops",
    f"POST {EVENT}/links": "ops",
    f"GET {EVENT}/links": "ops audit",
    f"DELETE {EVENT}/links/{{code}}": "ops",
    "GET /l/{code}": "public",
    f"POST {EVENT}/pins": "ops",
    f"GET {EVENT}/pins": "ops audit",
    f"POST {EVENT}/pins/{{sku}}/unpin": "ops",
    f"POST {EVENT}/offers": "ops",
    f"GET {EVENT}/offers": "ops audit",
    f"POST {EVENT}/offers/{{offer}}/end": "ops",
    f"POST {EVENT}/goals": "ops",
    f"GET {EVENT}/goals": "ops audit",
    f"POST {EVENT}/goals/{{goal}}/end": "ops",
    f"POST {EVENT}/announcements": "ops",
    f"GET {EVENT}/announcements": "ops audit",
    f"POST {EVENT}/announcements/{{announcement}}/withdraw": "ops",
    **{
        f"POST {EVENT}/{noun}{batch}": "orders"
        for noun in ("orders", "refunds", "cancellations", "disputes")
        for batch in ("", "/batch")
    },
    f"GET {EVENT}/orders": "ops finance audit",
    f"GET {EVENT}/orders/{{source}}/{{order}}/receipt": "ops finance audit",
    f"GET {EVENT}/orders/{{source}}/{{order}}": "ops finance audit",
    "GET /v1/orders/{source}/{order}": "ops finance audit",
    f"GET {EVENT}/ledger/accounts": "finance ops audit",
    f"GET {EVENT}/ledger/accounts/{{account}}": "finance ops audit",
    f"POST {EVENT}/what-if": "finance ops",
    f"POST {EVENT}/reattributions": "finance",
    f"POST {EVENT}/adjustments": "finance",
    f"POST {EVENT}/claims": "any",
    f"GET {EVENT}/claims": "any",
    f"POST {EVENT}/claims/{{claim}}/close": "any",
    f"POST {EVENT}/viewers": "orders",
    f"POST {EVENT}/releases": "finance",
    f"POST {EVENT}/payouts": "finance",
    f"POST {EVENT}/payouts/{{payout}}/fail": "finance",
    f"POST {EVENT}/statements": "finance",
    f"GET {EVENT}/statements": "any",
    f"GET {EVENT}/statements/{{host}}": "finance ops audit",
    f"GET {EVENT}/statements/{{of}}/{{group}}": "finance ops audit",
    f"POST {EVENT}/corrections/{{correction}}/approve": "finance",
    f"POST {EVENT}/corrections/{{correction}}/withdraw": "finance",
    f"GET {EVENT}/corrections": "finance ops audit",
    f"GET {EVENT}/boards": "token",
    f"GET {EVENT}/boards/{{board}}": "token",
    f"GET {EVENT}/metrics": "ops finance audit",
    f"GET {EVENT}/metrics/minutes": "ops audit",
    f"GET {EVENT}/metrics/dictionary": "ops finance audit",
    f"GET {EVENT}/public": "token",
    f"PUT {EVENT}/overlays": "ops",
    f"GET {EVENT}/overlays": "ops audit",
    f"PUT {EVENT}/look": "ops",
    f"GET {EVENT}/look": "token",
    f"POST {EVENT}/assets": "ops",
    "GET /assets/{name}": "public",
    "HEAD /assets/{name}": "public",
    f"GET {EVENT}/journal": "audit",
    f"GET {EVENT}/checkpoints": "audit",
    f"GET {EVENT}/package": "audit",
    "GET /.well-known/kos-keys.json": "public",
    "POST /v1/tokens": "ops",
    "GET /v1/tokens": "ops",
    "DELETE /v1/tokens/{token}": "ops",
    "POST /v1/keys": "ops",
    "GET /v1/keys": "ops",
    "DELETE /v1/keys/{key}": "ops",
    f"GET {EVENT}/connections": "ops",
    f"POST {EVENT}/verify": "audit",
    f"GET {EVENT}/verify": "audit",
    "POST /console/session": "public",
    "GET /console/session": "any",
    "DELETE /console/session": "public",
    "GET /healthz": "public",
    "HEAD /healthz": "public",
    "GET /readyz": "public",
    "HEAD /readyz": "public",
    "GET /metrics": "ops audit",
    "GET /docs": "any",
    "HEAD /docs": "any",
    "GET /openapi.json": "any",
    "HEAD /openapi.json": "any",
    "SOCKET /v1/stream": "token",
    "GET /v1/stream/sse": "token",
    "GET /v1/channels/{channel}": "token",
    "GET /overlay/{event}/{component}": "public",
    "HEAD /overlay/{event}/{component}": "public",
    "GET /components/v1/{name}": "public",
    "HEAD /components/v1/{name}": "public",
    "GET /components/v1/{digest}/{name}": "public",
    "HEAD /components/v1/{digest}/{name}": "public",
    "GET /console": "public",
    "HEAD /console": "public",
    "GET /e/{event}": "public",
    "HEAD /e/{event}": "public",
    "GET /static/{digest}/{name}": "public",
    "HEAD /static/{digest}/{name}": "public",
}


def routes_of(routes: Iterable[Any]) -> Iterator[Any]:
    """Every route, also those of routers that were included."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from routes_of(included.routes)
        else:
            yield route


def calls_of(api: Api) -> dict[str, str]:
    """Every route as ``METHOD path`` without converters, with a path that fits it; the stream has no method."""
    found = {}
    for route in routes_of(api.framework.routes):
        path = route.path.replace(":path}", "}")
        for method in getattr(route, "methods", ("SOCKET",)):
            found[f"{method} {path}"] = re.sub(r"{\w+}", "x", path)
    return found


def http_calls_of(api: Api) -> dict[str, str]:
    return {name: path for name, path in calls_of(api).items() if not name.startswith("SOCKET ")}


async def call(client: httpx2.AsyncClient, name: str, path: str) -> httpx2.Response:
    method = name.split()[0]
    return await client.request(method, path, json={} if method in ("POST", "PUT", "PATCH") else None)


def is_refused(response: httpx2.Response, status: int, code: str) -> bool:
    """Whether it is this problem; an answer to HEAD has its headers only."""
    is_problem = response.headers["content-type"] == "application/problem+json"
    told = code if response.request.method == "HEAD" else response.json().get("code")
    return is_problem and (response.status_code, told) == (status, code)


async def test_every_route_is_in_this_table(api: Api):
    assert calls_of(api).keys() == WANTED.keys()


async def test_without_a_key_only_public_routes_answer(api: Api):
    async with api.client_of("") as nobody:
        for name, path in http_calls_of(api).items():
            response = await call(nobody, name, path)

            if WANTED[name] == "public":
                assert response.status_code != 401, name
            else:
                assert is_refused(response, 401, "key_missing"), name
                assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer wrong",
        "Bearer kos_0123456789ab_guess",
        "Bearer kos_",
        "Bearer kos__",
        "Bearer a.b.c",
        "Bearer eyJhbGciOiJub25lIn0.eyJqdGkiOiJ4IiwiYnJhbmQiOiJkZWZhdWx0IiwiZXZlbnQiOiJ4In0.",
        f"Bearer {'x' * 8_000}",
    ],
)
async def test_wrong_key_is_refused_at_every_door(api: Api, header):
    async with api.client_of("") as client:
        client.headers["Authorization"] = header
        for name, path in http_calls_of(api).items():
            if WANTED[name] != "public":
                response = await call(client, name, path)
                assert is_refused(response, 401, "key_invalid"), name


@pytest.mark.parametrize("header", ["Basic YWRtaW46YWRtaW4=", "Bearer", "Bearer ", "admin-key-of-the-tests"])
async def test_header_without_a_bearer_key_is_no_key(api: Api, header):
    async with api.client_of("") as client:
        response = await client.get("/v1/events", headers={"Authorization": header})

    assert is_refused(response, 401, "key_missing")


@pytest_asyncio.fixture(loop_scope="module")
async def holders(api: Api, event: EventClient) -> AsyncIterator[dict[str, httpx2.AsyncClient]]:
    """A client for each single scope, and one with a token of the event."""
    keys = {scope: await api.key_of("default", scope) for scope in SCOPES}
    token = (await api.client.post("/v1/tokens", json={"event": event.id})).json()["token"]
    clients = {name: api.client_of(key) for name, key in {**keys, "token": token}.items()}
    yield clients
    for client in clients.values():
        await client.aclose()


async def test_each_scope_opens_its_routes_and_no_other(api: Api, event: EventClient, holders):
    for name, path in http_calls_of(api).items():
        wanted = WANTED[name]
        path = re.sub(r"^/v1/events/x", event.path, path).replace("/channels/x", f"/channels/{event.id}/orders")
        for scope, client in holders.items():
            # Documents of the framework's own have no event, and a token reads nothing but its event.
            if wanted == "public" or (wanted == "any" and scope == "token" and not path.startswith("/v1")):
                continue
            may = scope in wanted.split() or (wanted == "any" and scope != "token") or wanted == "token"

            response = await call(client, name, path)

            if may:
                assert response.status_code not in (401, 403), f"{name} as {scope}: {response.text}"
            else:
                code = "token_not_enough" if scope == "token" else "scope_missing"
                assert is_refused(response, 403, code), f"{name} as {scope}: {response.text}"


async def test_what_a_host_is_paid_is_not_for_those_who_post_orders(event: EventClient, holders):
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "commission_bps": 850}]})

    shown = {scope: (await holders[scope].get(f"{event.path}/roster")).json() for scope in ("orders", "ops", "audit")}

    pay = {scope: [host.get("commission_bps") for host in roster["hosts"]] for scope, roster in shown.items()}
    assert set(pay["orders"]) == {None}
    assert pay["ops"] == pay["audit"]
    assert 850 in pay["ops"]


async def test_documents_of_the_api_are_public_only_if_the_setting_says_so(tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path}/kos.db"
    for is_public, status in ((True, 200), (False, 401)):
        async with running_app(url, docs_public=is_public) as running, running.client_of("") as nobody:
            answers = [await nobody.get(path) for path in ("/docs", "/openapi.json")]

        assert [answer.status_code for answer in answers] == [status] * 2


async def test_missing_scope_leaves_no_trace(event: EventClient, holders):
    head = await event.head()

    response = await holders["ops"].post(f"{event.path}/orders", json=factories.simple_order("1", "h7"))
    batch = await holders["audit"].post(f"{event.path}/orders/batch", json=[factories.simple_order("1", "h7")])

    assert is_refused(response, 403, "scope_missing")
    assert is_refused(batch, 403, "scope_missing")
    assert await event.head() == head


def event_calls(event: str) -> list[tuple[str, str, Any]]:
    """A good call to each route below an event."""
    path = f"/v1/events/{event}"
    return [
        ("GET", path, None),
        ("POST", f"{path}/transitions", {"to": "paused"}),
        ("PATCH", f"{path}/rules", {"ranks": "shared"}),
        ("PUT", f"{path}/roster", factories.roster_body()),
        ("GET", f"{path}/roster", None),
        ("POST", f"{path}/sessions", {"id": "s", "hosts": [{"id": "h7"}]}),
        ("POST", f"{path}/sessions/s/end", {}),
        ("GET", f"{path}/sessions", None),
        ("POST", f"{path}/orders", factories.order("theirs")),
        ("POST", f"{path}/orders/batch", [factories.order("theirs")]),
        ("POST", f"{path}/refunds", factories.refund(amount="1.00")),
        ("POST", f"{path}/refunds/batch", [factories.refund(amount="1.00")]),
        ("POST", f"{path}/cancellations", factories.cancellation()),
        ("POST", f"{path}/cancellations/batch", [factories.cancellation()]),
        ("GET", f"{path}/orders/shop/1", None),
        ("GET", f"{path}/orders/shop/1/receipt", None),
        ("GET", f"{path}/boards", None),
        ("GET", f"{path}/boards/hosts", None),
        ("GET", f"{path}/public", None),
        ("PUT", f"{path}/overlays", {"scene": "intro"}),
        ("GET", f"{path}/overlays", None),
        ("GET", f"{path}/journal", None),
        ("GET", f"{path}/checkpoints", None),
        ("GET", f"{path}/package", None),
        ("POST", "/v1/tokens", {"event": event}),
    ]


async def test_another_brand_sees_an_event_exactly_as_one_that_is_not_there(api: Api, event: EventClient):
    await event.sell("1", "h7")
    head = await event.head()

    async with api.client_of(await api.key_of("rival", "orders", "ops", "finance", "audit")) as rival:
        for there, not_there in zip(event_calls(event.id), event_calls("nowhere"), strict=True):
            first = await rival.request(there[0], there[1], json=there[2])
            second = await rival.request(not_there[0], not_there[1], json=not_there[2])

            assert is_refused(first, 404, "event_unknown"), there
            assert first.text.replace(event.id, "nowhere") == second.text
        listed = await rival.get("/v1/events")
        found = await rival.get("/v1/orders/shop/1")
        taken = await rival.post("/v1/events", json=factories.event_body(event.id))

    assert listed.json() == {"events": []}
    assert is_refused(found, 404, "order_unknown")
    assert is_refused(taken, 409, "event_id_taken")
    assert await event.head() == head


async def test_token_reads_the_boards_of_its_event_and_nothing_else(api: Api, event: EventClient, holders):
    other = await EventClient(api.client, f"{event.id}-other").open()
    token = holders["token"].headers["authorization"].removeprefix("Bearer ")

    async with api.client_of("") as viewer:
        in_header = await holders["token"].get(f"{event.path}/boards/hosts")
        in_query = await viewer.get(f"{event.path}/boards/hosts", params={"token": token})
        foreign = await viewer.get(f"{other.path}/boards/hosts", params={"token": token})
        past = await viewer.get(f"{event.path}/boards/hosts", params={"token": token, "at": 1})
        elsewhere = await viewer.get(f"{event.path}/journal", params={"token": token})

    assert (in_header.status_code, in_query.status_code) == (200, 200)
    assert is_refused(foreign, 404, "event_unknown")
    assert is_refused(past, 403, "scope_missing")
    assert is_refused(elsewhere, 401, "key_missing")


async def test_unknown_paths_and_methods_are_problems_too(api: Api):
    missing = await api.client.get("/v1/nothing")
    wrong = await api.client.put("/v1/events")
    slash = await api.client.get("/v1/events/")

    assert is_refused(missing, 404, "not_found")
    assert is_refused(wrong, 405, "method_not_allowed")
    assert wrong.headers["allow"]
    assert slash.status_code == 404
    assert {response.headers["content-type"] for response in (missing, wrong)} == {"application/problem+json"}
