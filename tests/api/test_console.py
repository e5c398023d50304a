"""Signing in to the console: what the cookie opens, what it does not, and every way in which it may be wrong."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import jwt
import pytest
import pytest_asyncio
from pydantic import SecretStr

from tests import factories
from tests.api.test_access import is_refused
from tests.app_in_process import Api, running_app
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIGNING_KEY = "a signing key of the tests, long enough for HMAC"
TRIES = 3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(module_database_url, module_clock):
    settings: dict[str, Any] = {"signing_key": SecretStr(SIGNING_KEY), "sign_ins_per_minute_max": TRIES}
    async with running_app(module_database_url, module_clock, **settings) as running:
        yield running


@asynccontextmanager
async def browser(api: Api, key: str = "") -> AsyncIterator[httpx2.AsyncClient]:
    """A client that keeps cookies, signed in if a key is given; what it sends proves that a page of ours did."""
    async with api.client_of("") as client:
        if key:
            answer = await client.post("/console/session", json={"key": key})
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        yield client


def cookie_of(api: Api, **claims: Any) -> str:
    """A cookie as this installation signs them."""
    given = {"jti": "a", "key": "b", "mark": "", "exp": int(time.time()) + 60, **claims}
    return jwt.encode(given, api.services.access.secret_for(b"kos.console.1"), algorithm="HS256")


async def made_key(api: Api, *scopes: str) -> dict[str, Any]:
    document: dict[str, Any] = (await api.client.post("/v1/keys", json={"person": "lin", "scopes": scopes})).json()
    return document


async def test_signing_in_gives_a_cookie_that_no_script_reads_and_no_other_site_sends(api: Api):
    key = await made_key(api, "ops", "audit")
    async with api.client_of("") as client:
        answer = await client.post("/console/session", json={"key": key["key"]})
        again = await client.get("/console/session")
        encrypted = await client.post("https://test/console/session", json={"key": key["key"]})

    told = answer.json()
    assert told == again.json()
    assert (told["person"], told["brand"], told["key"], told["scopes"]) == (
        "lin",
        "default",
        key["id"],
        ["audit", "ops"],
    )
    assert len(told["csrf"]) > 40
    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("kos_session=")
    assert sorted(attribute.lower() for attribute in attributes) == [
        "httponly",
        "max-age=43200",
        "path=/",
        "samesite=strict",
    ]
    assert "; secure" in encrypted.headers["set-cookie"].lower()
    assert key["key"] not in answer.headers["set-cookie"]
    assert answer.headers["cache-control"] == "no-store"


async def test_cookie_opens_what_the_scopes_of_its_key_open(api: Api, event: EventClient):
    async with browser(api, (await made_key(api, "audit"))["key"]) as auditor:
        read = await auditor.get(f"{event.path}/journal")
        written = await auditor.post(f"{event.path}/transitions", json={"to": "paused"})
    async with browser(api, (await made_key(api, "ops"))["key"]) as ops:
        moved = await ops.post(f"{event.path}/transitions", json={"to": "paused"})
        documents = await ops.get("/openapi.json")
    async with browser(api, await api.key_of("rival", "ops")) as rival:
        foreign = await rival.get(event.path)

    assert (read.status_code, moved.status_code, documents.status_code) == (200, 200, 200)
    assert is_refused(written, 403, "scope_missing")
    assert is_refused(foreign, 404, "event_unknown")


async def test_admin_key_signs_in_and_its_session_ends_with_it(api: Api, module_database_url: str):
    async with browser(api, api.key) as admin:
        listed = await admin.get("/v1/keys")
        cookie = admin.cookies["kos_session"]

    assert listed.status_code == 200
    if module_database_url.startswith("sqlite"):
        # One process serves such a file.
        return
    settings: dict[str, Any] = {"signing_key": SecretStr(SIGNING_KEY), "admin_key": SecretStr("another one")}
    async with running_app(module_database_url, **settings) as other, other.client_of("") as client:
        client.cookies.set("kos_session", cookie)
        assert is_refused(await client.get("/v1/keys"), 401, "signed_out")


@pytest.mark.parametrize("csrf", ["", "x", "é", None])
async def test_nothing_is_changed_without_what_only_our_own_page_has_read(api: Api, event: EventClient, csrf):
    async with browser(api, (await made_key(api, "ops"))["key"]) as ops:
        own = ops.headers.pop("X-CSRF-Token")
        async with browser(api, (await made_key(api, "ops"))["key"]) as other:
            foreign = other.headers["X-CSRF-Token"]
        head = await event.head()
        headers = {} if csrf is None else {"X-CSRF-Token": csrf.encode("latin-1")}
        for given in (headers, {"X-CSRF-Token": foreign}):
            refused = [
                await ops.post(f"{event.path}/transitions", json={"to": "paused"}, headers=given),
                await ops.put(f"{event.path}/overlays", json={"scene": "x"}, headers=given),
                await ops.delete("/v1/keys/0123", headers=given),
                await ops.delete("/console/session", headers=given),
            ]
            assert [is_refused(one, 403, "csrf_missing") for one in refused] == [True] * 4
        assert await event.head() == head

        taken = await ops.put(f"{event.path}/overlays", json={"scene": "x"}, headers={"X-CSRF-Token": own})
        read = await ops.get(event.path)

    assert (taken.status_code, read.status_code) == (200, 200)


async def test_orders_are_never_taken_by_a_cookie(api: Api, event: EventClient):
    order = factories.simple_order("1", "h7")
    async with browser(api, (await made_key(api, "orders", "ops"))["key"]) as client:
        answers = [
            await client.post(f"{event.path}/orders", json=order),
            await client.post(f"{event.path}/orders/batch", json=[order]),
            await client.post(f"{event.path}/refunds", json=factories.refund(amount="1.00")),
        ]

    assert [is_refused(answer, 401, "key_missing") for answer in answers] == [True] * 3


async def test_session_ends_with_its_key_and_the_browser_forgets_it(api: Api, event: EventClient):
    key = await made_key(api, "ops")
    async with browser(api, key["key"]) as ops:
        before = await ops.get(event.path)
        await api.client.delete(f"/v1/keys/{key['id']}")
        after = await ops.get(event.path)
        kept = ops.cookies.get("kos_session")

    assert before.status_code == 200
    assert is_refused(after, 401, "signed_out")
    assert kept is None


async def test_cookie_that_is_none_of_ours_opens_nothing(api: Api, event: EventClient):
    key = await made_key(api, "ops")
    token = (await api.client.post("/v1/tokens", json={"event": event.id})).json()["token"]
    good = {"key": key["id"], "mark": "", "jti": "a", "exp": int(time.time()) + 60}
    none = jwt.encode(good, "", algorithm="none")
    cookies = {
        "expired": cookie_of(api, key=key["id"], exp=int(time.time()) - 1),
        "endless": jwt.encode(
            {"key": key["id"], "mark": "", "jti": "a"}, api.services.access.secret_for(b"kos.console.1")
        ),
        "unknown key": cookie_of(api, key="0" * 12),
        "wrong mark": cookie_of(api, key="admin", mark="0" * 32),
        "admin by name": cookie_of(api, key="admin"),
        "forged": jwt.encode(good, "x" * 32, algorithm="HS256"),
        "unsigned": none,
        "token": token,
        "the key itself": key["key"],
        "junk": "junk",
        "long": "x" * 3_000,
    }
    assert (await asked(api, event.path, cookie_of(api, key=key["id"]))).status_code == 200
    for name, cookie in cookies.items():
        assert is_refused(await asked(api, event.path, cookie), 401, "signed_out"), name
        assert is_refused(await asked(api, f"{event.path}/boards/hosts", cookie), 401, "signed_out"), name


async def asked(api: Api, path: str, cookie: str) -> httpx2.Response:
    async with api.client_of("") as client:
        return await client.get(path, headers={"Cookie": f"kos_session={cookie}"})


async def test_cookie_is_no_key_and_no_token(api: Api, event: EventClient):
    async with browser(api, (await made_key(api, "ops"))["key"]) as ops, api.client_of("") as thief:
        await ops.get(event.path)
        cookie = ops.cookies["kos_session"]
        as_key = await thief.get(event.path, headers={"Authorization": f"Bearer {cookie}"})
        as_token = await thief.get(f"{event.path}/boards/hosts", params={"token": cookie})

    assert is_refused(as_key, 401, "key_invalid")
    assert is_refused(as_token, 401, "key_invalid")


async def test_key_in_the_header_and_token_in_the_address_come_before_the_cookie(api: Api, event: EventClient):
    audit = await made_key(api, "audit")
    token = (await api.client.post("/v1/tokens", json={"event": event.id})).json()["token"]
    async with browser(api, (await made_key(api, "ops"))["key"]) as ops:
        as_auditor = await ops.get("/v1/keys", headers={"Authorization": f"Bearer {audit['key']}"})
        as_viewer = await ops.get(f"{event.path}/boards/hosts", params={"token": token, "at": 1})
        as_ops = await ops.get(f"{event.path}/boards/hosts", params={"at": 1})

    assert is_refused(as_auditor, 403, "scope_missing")
    assert is_refused(as_viewer, 403, "scope_missing")
    assert as_ops.status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://test.evil.example", "http://test:81"])
async def test_page_of_another_origin_signs_nobody_in(api: Api, origin: str):
    async with api.client_of("") as client:
        refused = await client.post("/console/session", json={"key": api.key}, headers={"Origin": origin})
        own = await client.post("/console/session", json={"key": api.key}, headers={"Origin": "http://test"})

    assert is_refused(refused, 403, "origin_forbidden")
    assert "set-cookie" not in refused.headers
    assert own.status_code == 200


async def test_signing_out_forgets_the_cookie_and_may_be_repeated(api: Api, event: EventClient):
    async with browser(api, (await made_key(api, "ops"))["key"]) as ops:
        first = await ops.delete("/console/session")
        after = await ops.get(event.path)
        second = await ops.delete("/console/session")
        ended = await ops.delete("/console/session", headers={"Cookie": "kos_session=ended"})

    assert [answer.status_code for answer in (first, second, ended)] == [204] * 3
    assert is_refused(after, 401, "key_missing")


async def test_key_in_the_header_learns_who_it_is_and_needs_no_csrf(api: Api):
    told = (await api.client.get("/console/session")).json()

    assert (told["person"], told["csrf"], told["expires_at"]) == ("admin", "", None)


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [("kos_0123456789ab_guess", 401, "key_invalid"), ("", 422, "invalid_value"), ("with space", 422, "invalid_value")],
)
async def test_key_that_is_none_signs_nobody_in(api: Api, key: str, status: int, code: str):
    api.services.attempts._budgets.clear()
    async with api.client_of("") as client:
        refused = await client.post("/console/session", json={"key": key})

    assert is_refused(refused, status, code)
    assert "set-cookie" not in refused.headers


async def test_token_signs_nobody_in(api: Api, event: EventClient):
    token = (await api.client.post("/v1/tokens", json={"event": event.id})).json()["token"]
    async with api.client_of("") as client:
        refused = await client.post("/console/session", json={"key": token})

    assert is_refused(refused, 403, "token_not_enough")


async def test_address_that_tries_too_many_keys_waits_and_good_ones_cost_nothing(api: Api):
    api.services.attempts._budgets.clear()
    async with api.client_of("") as client:
        good = [await client.post("/console/session", json={"key": api.key}) for _ in range(TRIES + 1)]
        wrong = [await client.post("/console/session", json={"key": "kos_a_b"}) for _ in range(TRIES)]
        waits = await client.post("/console/session", json={"key": api.key})
    api.services.attempts._budgets.clear()

    assert [answer.status_code for answer in good] == [200] * (TRIES + 1)
    assert [answer.status_code for answer in wrong] == [401] * TRIES
    assert is_refused(waits, 429, "too_many_attempts")
    assert int(waits.headers["retry-after"]) > 0


async def test_event_is_verified_on_demand(api: Api, event: EventClient):
    never = await event.get("/verify")
    report = await event.ok("POST", "/verify")
    while report["status"] == "running":
        report = await event.ok("GET", "/verify")

    assert is_refused(never, 404, "never_verified")
    assert (report["status"], report["checked"], report["findings"]) == ("clean", (await event.head())[0], [])
    assert report["at"].endswith("Z")
