"""Who is let in: keys and tokens as they are made, used, bound, remembered for a moment and revoked."""

import dataclasses
import time
from typing import Any

import jwt
import pytest
from sqlalchemy import select
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncEngine

from app.access import Access, Principal
from app.database import transaction
from app.errors import AppError, Forbidden, Unauthorized
from app.journal.tables import api_key

ADMIN = "the-admin-key"


async def installed(db: AsyncEngine, admin_key: str = ADMIN, signing_key: str = "", ttl: float = 60.0) -> Access:
    access = Access(db, admin_key, signing_key, ttl)
    await access.start()
    return access


@pytest.fixture
async def access(db: AsyncEngine) -> Access:
    return await installed(db)


async def refusal(access: Access, authorization: str | None, url_token: str | None = None) -> str:
    with pytest.raises(Unauthorized) as refused:
        await access.authenticate(authorization, url_token)
    assert refused.value.status == 401
    return refused.value.code


async def token_of(access: Access, **fields: Any) -> tuple[str, str]:
    given: dict[str, Any] = {"brand": "mac", "event": "kos101", "kind": "overlay", "channels": (), "expires_at": None}
    made = await access.create_token(**(given | fields))
    return made.id, made.text


async def test_key_lets_its_person_in_with_its_scopes(access):
    identity, key, *_ = await access.create_key("mac", "lin", ["ops", "orders", "ops"])

    principal = await access.authenticate(f"Bearer {key}")

    assert principal == Principal("mac", "lin", f"key:{identity}", frozenset({"ops", "orders"}))
    assert not principal.is_token


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_scheme_is_read_in_any_case(access, scheme):
    _, key, *_ = await access.create_key("mac", "lin", [])

    assert (await access.authenticate(f"{scheme}   {key} ")).person == "lin"


async def test_admin_key_has_every_scope_and_is_nobodys_second_person(access):
    principal = await access.authenticate(f"Bearer {ADMIN}")

    assert (principal.brand, principal.actor) == ("default", "key:admin")
    assert principal.scopes == {"orders", "ops", "finance", "audit"}
    assert await access.still_valid([principal]) == {principal}


async def test_without_an_admin_key_nothing_is_one(db):
    access = await installed(db, admin_key="")

    assert await refusal(access, "Bearer ") == "key_missing"
    assert await refusal(access, f"Bearer {ADMIN}") == "key_invalid"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", f"Basic {ADMIN}", ADMIN])
async def test_call_without_a_key_is_told_to_bring_one(access, authorization):
    assert await refusal(access, authorization) == "key_missing"


@pytest.mark.parametrize(
    "credential",
    ["kos_", "kos__", "kos_a", "kos_abcdef123456_", "kos_abcdef123456_x", "kos_\x00_x", "x.y.z", "é", "kos_é_x", "a b"],
)
async def test_credential_that_is_none_of_ours_is_refused(access, credential):
    assert await refusal(access, f"Bearer {credential}") == "key_invalid"
    assert await refusal(access, None, credential) == "key_invalid"


async def test_key_with_one_character_changed_is_refused(access):
    identity, key, *_ = await access.create_key("mac", "lin", ["ops"])
    last = "A" if key[-1] != "A" else "B"

    assert await refusal(access, f"Bearer {key[:-1]}{last}") == "key_invalid"
    assert await refusal(access, f"Bearer kos_{identity}_") == "key_invalid"


async def test_keys_are_listed_without_what_opens_and_stored_as_a_hash_only(access, db):
    identity, key, *_ = await access.create_key("listing", "lin", ["audit"])

    (listed,) = await access.keys("listing")
    async with transaction(db) as connection:
        row = (await connection.execute(select(api_key).where(api_key.c.id == identity))).one()

    assert listed | {"created_at": 0} == {
        "id": identity,
        "brand": "listing",
        "person": "lin",
        "scopes": ["audit"],
        "created_at": 0,
        "revoked_at": None,
    }
    assert key.rpartition("_")[2] not in repr(row)
    assert len(row.secret_hash) == 32


@pytest.mark.parametrize("scope", ["", "admin", "host:", "OPS", "ops orders"])
async def test_scope_that_does_not_exist_is_refused(access, scope):
    with pytest.raises(AppError) as refused:
        await access.create_key("mac", "lin", ["ops", scope])

    assert (refused.value.code, refused.value.field) == ("unknown_scope", "scopes")


async def test_host_scope_names_its_host(access):
    _, key, *_ = await access.create_key("mac", "lin", ["host:h7"])

    assert (await access.authenticate(f"Bearer {key}")).scopes == {"host:h7"}


async def test_revoked_key_is_refused_here_at_once_and_elsewhere_when_it_is_forgotten(access, db):
    elsewhere, forgetful = await installed(db), await installed(db, ttl=0.0)
    identity, key, *_ = await access.create_key("mac", "lin", ["ops"])
    principals = [await process.authenticate(f"Bearer {key}") for process in (access, elsewhere, forgetful)]

    await access.revoke_key("mac", identity)

    assert await refusal(access, f"Bearer {key}") == "key_invalid"
    assert await refusal(forgetful, f"Bearer {key}") == "key_invalid"
    assert await elsewhere.authenticate(f"Bearer {key}") == principals[1]
    assert elsewhere.remembered(key) == principals[1]
    assert not await elsewhere.still_valid([principals[1]])


async def test_what_was_just_revoked_elsewhere_is_let_in_for_half_the_time_at_most(access, db):
    now = 1_000.0
    elsewhere = Access(db, "", "", 5.0, clock=lambda: now)
    await elsewhere.start()
    key_id, key, *_ = await access.create_key("mac", "lin", ["ops"])
    token_id, token = await token_of(access)
    for credential in (key, token):
        await elsewhere.authenticate(f"Bearer {credential}")

    await access.revoke_key("mac", key_id)
    await access.revoke_token("mac", token_id)
    now += 2.4

    for credential in (key, token):
        assert elsewhere.remembered(credential) is not None
    now += 0.2
    for credential in (key, token):
        assert elsewhere.remembered(credential) is None
        assert await refusal(elsewhere, f"Bearer {credential}") == "key_invalid"


async def test_answer_is_as_old_as_its_question(access, db, monkeypatch):
    """Between the two the credential may have been revoked, so a slow database must not lengthen its life."""
    now = 0.0
    elsewhere = Access(db, "", "", 5.0, clock=lambda: now)
    await elsewhere.start()
    _, key, *_ = await access.create_key("mac", "lin", ["ops"])
    look_up = elsewhere._look_up

    async def slow(credential: str) -> Principal:
        nonlocal now
        principal = await look_up(credential)
        now += 3
        return principal

    monkeypatch.setattr(elsewhere, "_look_up", slow)
    await elsewhere.authenticate(f"Bearer {key}")

    assert elsewhere.remembered(key) is None


async def test_any_number_of_connected_is_checked_with_few_queries(access, db):
    revoked_id, revoked, *_ = await access.create_key("mac", "lin", ["ops"])
    _, key, *_ = await access.create_key("mac", "lin", ["ops"])
    _, token = await token_of(access)
    known = [await access.authenticate(f"Bearer {credential}") for credential in (revoked, key, token, ADMIN)]
    expired = dataclasses.replace(known[2], expires_at=1)
    unknown = [Principal("mac", "", f"token:none{number}", event="kos101") for number in range(1_200)]
    await access.revoke_key("mac", revoked_id)
    queries: list[str] = []
    listen(db.sync_engine, "before_cursor_execute", lambda *given: queries.append(given[2]))

    valid = await access.still_valid({*known, expired, *unknown})

    assert valid == {*known[1:]}
    assert len([query for query in queries if "FROM token" in query]) == 3
    assert len([query for query in queries if "FROM api_key" in query]) == 1


async def test_key_is_revoked_once_and_by_its_own_brand_only(access):
    identity, key, *_ = await access.create_key("mac", "lin", [])

    for brand, name in (("other", identity), ("mac", "nothing"), ("mac", "' OR 1=1"), ("mac", "\x00")):
        with pytest.raises(AppError, match="key_unknown"):
            await access.revoke_key(brand, name)
    assert (await access.authenticate(f"Bearer {key}")).person == "lin"
    await access.revoke_key("mac", identity)
    with pytest.raises(AppError, match="key_unknown"):
        await access.revoke_key("mac", identity)


async def test_token_opens_the_public_channels_of_its_event_and_no_others(access):
    identity, token = await token_of(access)

    principal = await access.authenticate(None, token)

    assert (principal.actor, principal.brand, principal.event) == (f"token:{identity}", "mac", "kos101")
    assert (principal.is_token, principal.view, principal.scopes) == (True, "public", frozenset())
    for channel in ("kos101", "kos101/boards/hosts", "kos101/boards/teams.units.day", "kos101/hosts/h7"):
        assert principal.may_follow(channel)
    for channel in ("kos102", "kos102/boards/hosts", "kos101/ops", "kos102/hosts/h7", "kos1011", "", "KOS101/orders"):
        assert not principal.may_follow(channel)


async def test_token_bound_to_channels_opens_these_only(access):
    _, token = await token_of(access, channels=["kos101/boards/hosts"])

    principal = await access.authenticate(f"Bearer {token}")

    assert principal.may_follow("kos101/boards/hosts")
    assert not principal.may_follow("kos101/boards/teams")
    assert not principal.may_follow("kos101/orders")


@pytest.mark.parametrize("channel", ["kos102/orders", "kos101/ops", "kos102/hosts/*", "*", "kos101/*", "", "kos101/"])
async def test_token_cannot_be_made_for_what_is_not_public(access, channel):
    with pytest.raises(AppError) as refused:
        await token_of(access, channels=["kos101/orders", channel])

    assert (refused.value.code, refused.value.field) == ("channel_not_public", "channels")


async def test_token_is_no_key(access):
    principal = await access.authenticate(None, (await token_of(access))[1])

    for scopes in ((), ("ops",), ("orders", "audit")):
        with pytest.raises(Forbidden, match="token_not_enough"):
            principal.require(*scopes)


async def test_token_ends_at_its_time_though_it_is_remembered(access):
    _, token = await token_of(access, expires_at=int(time.time()) + 2)
    principal = await access.authenticate(None, token)

    assert await access.still_valid([principal]) == {principal}
    late = Principal(**{name: getattr(principal, name) for name in principal.__slots__} | {"expires_at": 1})
    access._remembered[token] = (time.monotonic() + 60, late)

    assert await refusal(access, None, token) == "token_expired"
    assert not await access.still_valid([late])


async def test_token_of_the_past_is_refused(access):
    _, token = await token_of(access, expires_at=int(time.time()) - 1)

    assert await refusal(access, None, token) == "token_expired"


async def test_revoked_token_is_refused(access):
    identity, token = await token_of(access)
    principal = await access.authenticate(None, token)

    with pytest.raises(AppError, match="token_unknown"):
        await access.revoke_token("other", identity)
    await access.revoke_token("mac", identity)

    assert await refusal(access, None, token) == "key_invalid"
    assert not await access.still_valid([principal])


async def test_token_that_somebody_else_signed_is_refused(access, db):
    _, token = await token_of(access)
    claims = jwt.decode(token, options={"verify_signature": False})
    forged = [
        jwt.encode(claims, "another key of sufficient length", algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims | {"jti": "unknown"}, access._token_key(), algorithm="HS256"),
        jwt.encode({"jti": claims["jti"]}, access._token_key(), algorithm="HS256"),
        (await token_of(await installed(db, signing_key="a signing key of its own")))[1],
    ]

    assert [await refusal(access, None, token) for token in forged] == ["key_invalid"] * len(forged)


async def test_processes_share_one_signing_key_and_one_secret_per_event(access, db):
    elsewhere = await installed(db)

    _, token = await token_of(access)

    assert (await elsewhere.authenticate(None, token)).event == "kos101"
    assert await access.pseudonym_key("kos101") == await elsewhere.pseudonym_key("kos101")
    assert await access.pseudonym_key("kos101") != await access.pseudonym_key("kos102")


@pytest.mark.parametrize(
    ("scopes", "view"),
    [
        ((), "public"),
        (("orders",), "public"),
        (("finance", "host:h7"), "public"),
        (("ops",), "full"),
        (("audit",), "full"),
    ],
)
def test_only_ops_and_audit_see_the_full_view(scopes, view):
    assert Principal("mac", "lin", "key:1", frozenset(scopes)).view == view


def test_scope_is_needed_and_any_of_several_is_enough():
    principal = Principal("mac", "lin", "key:1", frozenset({"audit"}))

    principal.require("ops", "audit")
    principal.require()
    with pytest.raises(Forbidden) as refused:
        principal.require("ops", "orders")
    assert (refused.value.code, refused.value.status) == ("scope_missing", 403)


def test_key_is_bound_to_no_channel_so_the_event_must_be_asked():
    assert Principal("mac", "lin", "key:1", frozenset({"ops"})).may_follow("kos101") is None


async def test_memory_of_credentials_is_bounded(access, monkeypatch):
    monkeypatch.setattr("app.access._CACHE_MAX", 3)
    keys = [(await access.create_key("mac", str(number), []))[1] for number in range(5)]

    for key in keys:
        await access.authenticate(f"Bearer {key}")

    assert len(access._remembered) <= 3
    assert (await access.authenticate(f"Bearer {keys[0]}")).person == "0"
