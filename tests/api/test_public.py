"""What everybody may know of an event: if it opened something, and nothing of what others earn by it."""

import pytest

from app.audit.signing import checkpoint_bytes, is_signed
from tests import factories
from tests.api.conftest import Clock
from tests.api.test_access import is_refused
from tests.api.test_checkpoints import watch_of
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPEN = {"public_channels": ["boards", "state", "viewers"]}


async def told(api: Api, event: EventClient, credential: str = ""):
    async with api.client_of(credential) as client:
        return await client.get(f"{event.path}/public")


async def token_of(api: Api, event: EventClient, **fields) -> str:
    answer = await api.client.post("/v1/tokens", json={"event": event.id, **fields})
    token: str = answer.json()["token"]
    return token


async def test_event_tells_everybody_where_it_stands_and_how_it_scores(api: Api, draft: EventClient):
    attribution = {"precedence": ["code", "pin"], "click_days": 3, "self_purchase": "exclude"}
    rules = OPEN | {"ranks": "shared", "attribution": attribution, "commission": {"bps": 850}, "approval_above": "9.00"}
    event = await draft.open(rules=rules)

    answer = await told(api, event)

    document = answer.json()
    assert answer.status_code == 200
    assert (document["event"], document["name"], document["unit"]) == (event.id, "KOS101", "GBP")
    assert (document["status"], document["finality"]) == ("live", "live")
    assert document["opened"] == ["boards", "state", "viewers"]
    assert document["result"] is document["package"] is None
    assert document["rules"] == {
        "version": 1,
        "ranks": "shared",
        "attribution": {
            "precedence": ["code", "pin"],
            "click_days": 3,
            "cart_days": 30,
            "split": "weights",
            "self_purchase": "exclude",
            "staff_purchase": "count",
            "store_bps": 0,
        },
        "claim_days": 14,
        "claim_answer_days": 7,
    }


async def test_event_that_opened_nothing_is_refused_exactly_as_one_that_is_not_there(api: Api, event: EventClient):
    there = await told(api, event)
    nowhere = await told(api, EventClient(api.client, "nowhere"))

    assert is_refused(there, 401, "key_missing")
    assert there.text == nowhere.text


async def test_event_that_closes_its_channels_tells_nothing_any_more(api: Api, draft: EventClient):
    event = await draft.open(rules=OPEN)
    await event.ok("PATCH", "/rules", {"public_channels": []})

    assert is_refused(await told(api, event), 401, "key_missing")


async def test_token_reads_its_event_and_is_told_what_it_may_follow(api: Api, event: EventClient, draft: EventClient):
    other = await draft.open(rules=OPEN)
    everything = await told(api, event, await token_of(api, event))
    bound = await told(api, event, await token_of(api, event, channels=[f"{event.id}/boards/hosts"]))
    foreign = await told(api, other, await token_of(api, event))

    assert everything.json()["opened"] == ["boards", "hosts", "orders", "sessions", "state", "viewers"]
    assert bound.json()["opened"] == ["boards"]
    assert is_refused(foreign, 404, "event_unknown")


async def test_key_of_another_brand_knows_what_everybody_may(api: Api, event: EventClient, draft: EventClient):
    public = await draft.open(rules=OPEN)
    rival = await api.key_of("rival", "ops", "audit")

    shown = await told(api, public, rival)

    assert shown.json() == (await told(api, public)).json()
    assert is_refused(await told(api, event, rival), 404, "event_unknown")


async def test_package_is_named_to_those_only_who_may_have_it(api: Api, event: EventClient):
    auditor, operator = await api.key_of("default", "audit"), await api.key_of("default", "ops")

    assert (await told(api, event, auditor)).json()["package"] == f"{event.path}/package"
    assert (await told(api, event, operator)).json()["package"] is None


async def test_newest_signed_hash_can_be_checked_and_does_not_say_how_much_has_happened(api: Api, draft: EventClient):
    event = await draft.open(rules=OPEN)
    assert (await told(api, event)).json()["signed"] is None
    await event.sell("1", "h7")
    await watch_of(api, entries=1).look()
    position, head = await event.head()

    signed = (await told(api, event)).json()["signed"]

    keys = {key.id: key for key in await api.services.checkpoints.keys()}
    public = (await api.client.get("/.well-known/kos-keys.json")).json()["keys"]
    [checkpoint] = await api.services.checkpoints.of(event.id, 0, 1)
    data = checkpoint_bytes(event.id, position, bytes.fromhex(head), checkpoint.made_at)
    assert signed.keys() == {"hash", "made_at", "key", "fingerprint", "signature"}
    assert signed["hash"] == head
    assert signed["fingerprint"] in {key["fingerprint"] for key in public}
    assert is_signed(keys[signed["key"]].public, bytes.fromhex(signed["signature"]), data)


async def test_result_is_the_entry_that_made_it_final_however_long_the_journal_goes_on(
    api: Api, draft: EventClient, clock: Clock
):
    event = await draft.open(rules=OPEN)
    await event.sell("1", "h7")
    await event.move("ended")
    assert (await told(api, event)).json()["result"] is None
    await event.move("final")
    position, head = await event.head()
    await event.ok("POST", "/refunds", factories.refund(order="1", amount="1.00"))

    document = (await told(api, event)).json()

    assert document["finality"] == "final"
    assert (document["result"]["position"], document["result"]["hash"]) == (position, head)
    assert (await event.head())[0] > position


async def test_what_is_held_is_not_sent_again(api: Api, draft: EventClient):
    event = await draft.open(rules=OPEN)
    first = await told(api, event)

    async with api.client_of("") as nobody:
        again = await nobody.get(f"{event.path}/public", headers={"If-None-Match": first.headers["etag"]})
        await event.ok("PATCH", "/rules", {"ranks": "shared"})
        changed = await nobody.get(f"{event.path}/public", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert changed.json()["rules"]["version"] == 2
