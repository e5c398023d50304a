"""Tokens and keys over HTTP: made, shown once, listed without secrets, revoked, expired."""

import asyncio
import time
from typing import Any

import jwt
import pytest
import pytest_asyncio

from app.api.paging import next_cursor
from app.main import _stream
from tests.app_in_process import Api, running_app
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

REMEMBERED_SECONDS = 0.3


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api(module_database_url, module_clock):
    """As everywhere here, but what was looked up is forgotten soon."""
    async with running_app(module_database_url, module_clock, revocation_seconds_max=REMEMBERED_SECONDS) as running:
        yield running


async def test_key_is_shown_once_and_listed_without_its_secret(api: Api):
    made = (await api.client.post("/v1/keys", json={"person": "warehouse", "scopes": ["orders", "audit"]})).json()

    listed = (await api.client.get("/v1/keys")).json()["keys"]

    (found,) = [key for key in listed if key["id"] == made["id"]]
    assert made == {"id": made["id"], "key": made["key"], "person": "warehouse", "scopes": ["audit", "orders"]}
    assert made["key"].startswith(f"kos_{made['id']}_")
    assert found.keys() == {"id", "brand", "person", "scopes", "created_at", "revoked_at"}
    assert (found["person"], found["scopes"], found["revoked_at"]) == ("warehouse", ["audit", "orders"], None)


async def test_revoked_key_is_refused_at_once_where_it_was_revoked(api: Api, event: EventClient):
    made = (await api.client.post("/v1/keys", json={"person": "x", "scopes": ["orders", "ops"]})).json()
    async with api.client_of(made["key"]) as holder:
        before = await holder.get(event.path)
        revoked = await api.client.delete(f"/v1/keys/{made['id']}")
        after = await holder.get(event.path)
        posted = await EventClient(holder, event.id).post("/orders", {})

    again = await api.client.delete(f"/v1/keys/{made['id']}")
    assert (before.status_code, revoked.status_code, revoked.content) == (200, 204, b"")
    assert [(response.status_code, response.json()["code"]) for response in (after, posted)] == [
        (401, "key_invalid")
    ] * 2
    assert (again.status_code, again.json()["code"]) == (404, "key_unknown")


async def test_revocation_reaches_another_process_in_time(api: Api, module_database_url: str, event: EventClient):
    if module_database_url.startswith("sqlite"):
        # One process serves an SQLite file; another one's memory is a second Access on the same database.
        other = api.services.access.__class__(api.services.access._db, "", "", REMEMBERED_SECONDS)
        made = (await api.client.post("/v1/keys", json={"person": "x", "scopes": ["ops"]})).json()
        await other.authenticate(f"Bearer {made['key']}")
        await api.client.delete(f"/v1/keys/{made['id']}")
        await asyncio.sleep(REMEMBERED_SECONDS)
        with pytest.raises(Exception, match="key_invalid"):
            await other.authenticate(f"Bearer {made['key']}")
        return
    async with running_app(module_database_url, revocation_seconds_max=REMEMBERED_SECONDS) as second:
        made = (await api.client.post("/v1/keys", json={"person": "x", "scopes": ["ops"]})).json()
        async with second.client_of(made["key"]) as holder:
            before = await holder.get(event.path)
            await api.client.delete(f"/v1/keys/{made['id']}")
            await asyncio.sleep(REMEMBERED_SECONDS)
            after = await holder.get(event.path)

    assert (before.status_code, after.status_code, after.json()["code"]) == (200, 401, "key_invalid")


async def test_what_is_remembered_and_a_round_of_the_stream_fit_into_the_promise(api: Api):
    """Somebody may connect by an answer that is about to be forgotten, right after a round."""
    limits = _stream(api.services).connections.limits

    assert api.services.access._ttl_seconds + limits.token_check_seconds <= REMEMBERED_SECONDS * 0.8


async def test_nobody_gives_a_scope_that_they_lack(api: Api):
    async with api.client_of(await api.key_of("default", "ops")) as ops:
        refused = await ops.post("/v1/keys", json={"person": "me", "scopes": ["ops", "finance"]})
        given = await ops.post("/v1/keys", json={"person": "me", "scopes": ["ops", "host:h7"]})

    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert given.status_code == 201


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"scopes": []}, "invalid_value", "scopes"),
        ({"scopes": ["everything"]}, "unknown_scope", "scopes"),
        ({"scopes": ["host:"]}, "unknown_scope", "scopes"),
        ({"person": ""}, "invalid_value", "person"),
        ({"person": "a\nb"}, "invalid_value", "person"),
        ({"scopes": "ops"}, "wrong_type", "scopes"),
        ({"brand": "rival"}, "unknown_field", "brand"),
    ],
)
async def test_bad_key_is_refused(api: Api, fields, code, field):
    response = await api.client.post("/v1/keys", json={"person": "x", "scopes": ["ops"], **fields})

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (422, code, field)


async def test_token_fits_into_an_address_and_tells_nothing_secret(api: Api, event: EventClient):
    made = (await api.client.post("/v1/tokens", json={"event": event.id, "kind": "viewer"})).json()

    claims = jwt.decode(made["token"], options={"verify_signature": False})

    assert made == {"id": made["id"], "token": made["token"], "event": event.id, "kind": "viewer"}
    assert len(made["token"]) < 400
    assert claims == {"jti": made["id"], "brand": "default", "event": event.id, "kind": "viewer"}


async def test_tokens_are_listed_in_pages_as_they_were_made_and_never_shown(api: Api):
    async with api.client_of(await api.key_of("lister", "ops")) as client:
        event = await EventClient(client, "of-the-lister").open()
        bodies: list[dict[str, Any]] = [
            {},
            {"kind": "viewer", "channels": [f"{event.id}/orders"]},
            {"expires_in_seconds": 60},
        ]
        made = [(await client.post("/v1/tokens", json={"event": event.id, **body})).json() for body in bodies]
        await client.delete(f"/v1/tokens/{made[0]['id']}")
        first = await client.get("/v1/tokens", params={"limit": 2})
        second = await client.get("/v1/tokens", params={"limit": 2, "cursor": first.json()["cursor"]})

    listed = first.json()["tokens"] + second.json()["tokens"]
    assert [token["id"] for token in listed] == [token["id"] for token in made]
    assert "cursor" not in second.json()
    assert all(token["token"] not in first.text + second.text for token in made)
    assert [token["revoked_at"] is None for token in listed] == [False, True, True]
    assert listed[1] == {
        "id": made[1]["id"],
        "event": event.id,
        "kind": "viewer",
        "channels": [f"{event.id}/orders"],
        "created_at": listed[1]["created_at"],
        "expires_at": None,
        "revoked_at": None,
    }
    assert set(listed[0]["channels"]) > {event.id, f"{event.id}/boards/*", f"{event.id}/orders"}
    assert f"{event.id}/ops" not in listed[0]["channels"]
    assert listed[2]["expires_at"] == made[2]["expires_at"]


@pytest.mark.parametrize("text", ["x", "1", "1 ", " a", "1 '", "99999999999999999999 a", "-1 a", "\u0661 a"])
async def test_cursor_that_no_page_of_tokens_gave_is_refused(api: Api, text):
    response = await api.client.get("/v1/tokens", params=next_cursor(text))

    assert (response.status_code, response.json()["code"]) == (422, "cursor_unknown")


async def test_token_ends_when_it_said(api: Api, event: EventClient):
    # Long enough for one request on a machine that is busy with other things.
    body = {"event": event.id, "expires_in_seconds": 5}
    made = (await api.client.post("/v1/tokens", json=body)).json()
    async with api.client_of(made["token"]) as viewer:
        before = await viewer.get(f"{event.path}/boards/hosts")
        await asyncio.sleep(
            max(0.0, jwt.decode(made["token"], options={"verify_signature": False})["exp"] - time.time())
        )
        after = await viewer.get(f"{event.path}/boards/hosts")

    assert "expires_at" in made
    assert before.status_code == 200
    assert (after.status_code, after.json()["code"]) == (401, "token_expired")


async def test_revoked_token_is_refused(api: Api, event: EventClient):
    made = (await api.client.post("/v1/tokens", json={"event": event.id})).json()
    async with api.client_of(made["token"]) as viewer:
        before = await viewer.get(f"{event.path}/boards")
        await api.client.delete(f"/v1/tokens/{made['id']}")
        after = await viewer.get(f"{event.path}/boards")

    again = await api.client.delete(f"/v1/tokens/{made['id']}")
    assert (before.status_code, after.status_code, after.json()["code"]) == (200, 401, "key_invalid")
    assert (again.status_code, again.json()["code"]) == (404, "token_unknown")


async def test_token_signed_by_somebody_else_is_refused(api: Api, event: EventClient):
    made = (await api.client.post("/v1/tokens", json={"event": event.id})).json()
    claims = jwt.decode(made["token"], options={"verify_signature": False})
    forged = [
        jwt.encode(claims, "k" * 32, algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        made["token"][:-4] + ("AAAA" if made["token"][-4:] != "AAAA" else "BBBB"),
    ]

    for token in forged:
        async with api.client_of(token) as viewer:
            response = await viewer.get(f"{event.path}/boards")
        assert (response.status_code, response.json()["code"]) == (401, "key_invalid")


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"event": "nowhere"}, 404, "event_unknown", None),
        ({"channels": ["other/boards/hosts"]}, 422, "channel_not_public", "channels"),
        ({"channels": ["*"]}, 422, "channel_not_public", "channels"),
        ({"kind": "admin"}, 422, "invalid_value", "kind"),
        ({"expires_in_seconds": 0}, 422, "invalid_value", "expires_in_seconds"),
        ({"expires_in_seconds": "60"}, 422, "wrong_type", "expires_in_seconds"),
    ],
)
async def test_bad_token_is_refused(api: Api, event: EventClient, fields, status, code, field):
    response = await api.client.post("/v1/tokens", json={"event": event.id, **fields})

    assert (response.status_code, response.json()["code"], response.json().get("field")) == (status, code, field)


async def test_brand_cannot_revoke_what_is_anothers(api: Api, event: EventClient):
    token = (await api.client.post("/v1/tokens", json={"event": event.id})).json()
    key = (await api.client.post("/v1/keys", json={"person": "x", "scopes": ["ops"]})).json()
    async with api.client_of(await api.key_of("rival", "ops")) as rival:
        answers = [await rival.delete(f"/v1/tokens/{token['id']}"), await rival.delete(f"/v1/keys/{key['id']}")]
        listed = (await rival.get("/v1/keys")).json()["keys"]
        tokens = (await rival.get("/v1/tokens")).json()["tokens"]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert {entry["brand"] for entry in listed} == {"rival"}
    assert tokens == []


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/tokens"])
async def test_call_that_is_made_again_makes_nothing_again(api: Api, event: EventClient, path: str):
    body: dict[str, Any] = {"person": "twice", "scopes": ["ops"]}
    other = {"person": "another"}
    if path == "/v1/tokens":
        body, other = {"event": event.id, "kind": "viewer"}, {"kind": "overlay"}
    headers = {"Idempotency-Key": f"twice {path} {event.id}".replace(" ", "-")}

    first, again = [await api.client.post(path, json=body, headers=headers) for _ in range(2)]
    changed = await api.client.post(path, json=body | other, headers=headers)

    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (changed.status_code, changed.json()["code"]) == (409, "request_conflict")
