"""Claims over HTTP: by the host, decided by somebody else, with deadlines, and in the way of a final result."""

import pytest

from tests import factories
from tests.api.conftest import Clock
from tests.api.test_corrections import key_of
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_US = 86_400 * 1_000_000


def claim(**changed: object) -> dict[str, object]:
    order = {"source": "shop", "id": "1001"}
    return {"id": "mei-1", "host": "h8", "order": order, "reason": "she bought while I showed it"} | changed


def ended(outcome: str, **more: object) -> dict[str, object]:
    return {"outcome": outcome, "reason": "checked against the recording", **more}


async def test_host_claims_an_order_and_somebody_else_accepts_it_with_its_correction(api: Api, event: EventClient):
    await event.order(host="h7")
    mei, ines = await key_of(api, "mei", "host:h8"), await key_of(api, "ines", "finance")

    opened = await event.post("/claims", claim(), headers=mei)
    again = await event.post("/claims", claim(), headers=mei)
    early = await event.post("/claims/mei-1/close", ended("accepted", correction="fix-1"), headers=ines)
    correction = {
        "id": "fix-1",
        "orders": [{"source": "shop", "id": "1001"}],
        "to": [{"host": "h8"}],
        "reason": "claim",
    }
    await event.ok("POST", "/reattributions", correction)
    accepted = await event.post("/claims/mei-1/close", ended("accepted", correction="fix-1"), headers=ines)

    assert (opened.status_code, opened.json()["answer_due"]) == (201, "2021-04-17T12:00:00.000000Z")
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert (early.status_code, early.json()["code"]) == (409, "correction_not_made")
    assert (accepted.status_code, accepted.json()["outcome"]) == (200, "accepted")
    history = (await event.ok("GET", "/orders/shop/1001"))["entries"]
    assert [entry["kind"] for entry in history][1:] == ["claim.opened", "order.reattributed", "claim.closed"]


async def test_sale_that_is_missing_is_claimed_with_its_time(event: EventClient):
    missing = {"id": "gone", "host": "h8", "paid_at": factories.PAID_AT, "amount": "20.00", "reason": "paid at my desk"}

    await event.ok("POST", "/claims", missing)
    nothing = await event.post("/claims", {"id": "none", "host": "h8", "reason": "?"})
    unknown = await event.post("/claims", claim(id="other", order={"source": "shop", "id": "none"}))

    (row,) = (await event.ok("GET", "/claims"))["claims"]
    assert {name: row[name] for name in ("id", "reason", "amount", "claimed_by")} == {
        "id": "gone",
        "reason": "paid at my desk",
        "amount": "20.00",
        "claimed_by": "key:admin",
    }
    assert row["paid_at"] == "2021-04-10T11:00:00.000000Z"
    assert (nothing.status_code, nothing.json()["code"]) == (422, "claim_of_nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (409, "order_not_there")


async def test_nobody_claims_for_others_or_decides_what_is_his_own(api: Api, event: EventClient):
    await event.order(host="h7")
    mei = await key_of(api, "mei", "host:h8", "finance")
    lin = await key_of(api, "lin", "host:h7")
    await event.post("/claims", claim(), headers=mei)

    foreign = await event.post("/claims", claim(id="x"), headers=lin)
    decided = await event.post("/claims/mei-1/close", ended("rejected"), headers=lin)
    own = await event.post("/claims/mei-1/close", ended("accepted"), headers=mei)
    taken_back = await event.post("/claims/mei-1/close", ended("withdrawn"), headers=lin)
    withdrawn = await event.post("/claims/mei-1/close", ended("withdrawn"), headers=mei)

    codes = [(answer.status_code, answer.json().get("code")) for answer in (foreign, decided, own, taken_back)]
    assert codes == [(403, "scope_missing"), (403, "scope_missing"), (409, "own_claim"), (403, "scope_missing")]
    assert withdrawn.status_code == 200
    late = await event.post("/claims/mei-1/close", ended("rejected"))
    assert (late.status_code, late.json()["code"]) == (409, "claim_conflict")


async def test_host_sees_its_own_claims_only(api: Api, event: EventClient):
    await event.order(host="h7")
    await event.ok("POST", "/claims", claim())
    await event.ok("POST", "/claims", claim(id="yue-1", host="h9"))
    mei = await key_of(api, "mei", "host:h8")

    own = await event.client.get(f"{event.path}/claims", headers=mei)

    assert [row["id"] for row in own.json()["claims"]] == ["mei-1"]
    assert [row["id"] for row in (await event.ok("GET", "/claims"))["claims"]] == ["mei-1", "yue-1"]


async def test_claims_have_deadlines(event: EventClient, clock: Clock):
    await event.order(host="h7")
    clock.at += 13 * DAY_US
    await event.ok("POST", "/claims", claim())
    assert [row["overdue"] for row in (await event.ok("GET", "/claims"))["claims"]] == [False]

    clock.at += 8 * DAY_US
    late = await event.post("/claims", claim(id="late"))
    await event.order(identity="1002")

    assert (late.status_code, late.json()["code"]) == (409, "claim_too_late")
    assert [row["overdue"] for row in (await event.ok("GET", "/claims"))["claims"]] == [True]


async def test_event_with_an_open_claim_does_not_become_final(event: EventClient):
    await event.order(host="h7")
    await event.ok("POST", "/claims", claim())
    await event.move("ended")

    final = await event.post("/transitions", {"to": "final", "waive": "no time"})
    await event.ok("POST", "/claims/mei-1/close", ended("withdrawn"))
    await event.move("final")
    after = await event.post("/claims", claim(id="after"))

    assert (final.status_code, final.json()["code"]) == (409, "claims_open")
    assert final.json()["items"] == [{"kind": "claim", "id": "mei-1", "host": "h8"}]
    assert (after.status_code, after.json()["code"]) == (409, "event_final")
