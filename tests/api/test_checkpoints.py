"""Signed checkpoints: when they are made, that they stay, and what anybody can check them with."""

import asyncio
import hashlib

import pytest

from app.audit.checkpoints import Checkpoints, Watch
from app.audit.signing import SigningKey, checkpoint_bytes, is_signed
from app.database import create_engine
from tests.api.conftest import Clock
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECOND = 1_000_000


def watch_of(api: Api, entries: int = 1_000_000, seconds: float = 1_000_000) -> Watch:
    """A watch of the test's own; the application's looks too, far less often than the tests last."""
    return Watch(api.services.checkpoints, api.services.events.opened, entries, seconds)


async def positions(event: EventClient) -> list[int]:
    found = await event.ok("GET", "/checkpoints")
    return [one["position"] for one in found["checkpoints"]]


async def test_head_is_signed_once_it_has_moved_so_many_entries(api: Api, event: EventClient):
    watch = watch_of(api, entries=6)
    await event.sell("1")
    await watch.look()
    assert await positions(event) == []

    await event.sell("2")
    await watch.look()
    await watch.look()

    assert await positions(event) == [6]


async def test_head_is_signed_once_it_has_waited_and_not_before_it_moves_again(
    api: Api, event: EventClient, clock: Clock
):
    watch = watch_of(api, seconds=60)
    await watch.look()
    clock.at += 59 * SECOND
    await watch.look()
    assert await positions(event) == []

    clock.at += SECOND
    await watch.look()
    clock.at += 100 * SECOND
    await watch.look()
    await event.sell("1")
    clock.at += 59 * SECOND
    await watch.look()
    assert await positions(event) == [4]

    clock.at += SECOND
    await watch.look()
    assert await positions(event) == [4, 5]


async def test_final_event_is_signed_at_once_and_what_comes_late_waits(api: Api, event: EventClient):
    watch = watch_of(api)
    await watch.look()
    await event.move("ended")
    await watch.look()
    assert await positions(event) == []

    await event.move("final")
    await watch.look()
    assert await positions(event) == [6]

    await event.sell("late")
    await watch.look()
    assert await positions(event) == [6]


async def test_two_who_sign_one_position_at_once_leave_one_checkpoint(api: Api, event: EventClient):
    head = api.services.events.known(event.id).head  # type: ignore[union-attr]
    other = Checkpoints(create_engine(api.services.settings.database_url), SigningKey(bytes(32)), lambda: 7)

    made = await asyncio.gather(*(who.at(head) for who in (api.services.checkpoints, other) for _ in range(3)))

    assert len(set(made)) == 1
    assert await positions(event) == [4]
    assert (await other.at(head)) == made[0]
    await other._db.dispose()


async def test_checkpoint_is_checked_with_the_published_key_also_after_another_one_signs(api: Api, event: EventClient):
    head = api.services.events.known(event.id).head  # type: ignore[union-attr]
    made = await api.services.checkpoints.at(head)
    other = Checkpoints(create_engine(api.services.settings.database_url), SigningKey(b"n" * 32), lambda: 7)
    await other.keys()
    await other._db.dispose()

    public = (await api.client_of("").get("/.well-known/kos-keys.json")).json()["keys"]

    by_id = {key["id"]: key for key in public}
    key = by_id[made.key]
    (shown,) = (await event.ok("GET", "/checkpoints"))["checkpoints"]
    message = checkpoint_bytes(event.id, shown["position"], bytes.fromhex(shown["hash"]), made.made_at)
    assert key["algorithm"] == "Ed25519"
    assert hashlib.sha256(bytes.fromhex(key["public"])).hexdigest() == key["fingerprint"]
    assert key["fingerprint"][:16] == key["id"] == shown["key"]
    assert shown["hash"] == (await event.head())[1]
    assert is_signed(bytes.fromhex(key["public"]), bytes.fromhex(shown["signature"]), message)
    assert other.key.id in by_id


async def test_checkpoints_come_by_page_and_to_auditors_of_the_brand_only(api: Api, event: EventClient):
    for number in range(3):
        await event.sell(str(number))
        await api.services.checkpoints.at(api.services.events.known(event.id).head)  # type: ignore[union-attr]

    page = await event.ok("GET", "/checkpoints", after=5, limit=1)
    others = [await api.key_of("default", "ops"), await api.key_of("acme", "audit")]
    refused = [await EventClient(api.client_of(key), event.id).get("/checkpoints") for key in others]

    assert [one["position"] for one in page["checkpoints"]] == [6]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (403, "scope_missing"),
        (404, "event_unknown"),
    ]
