"""Rates over HTTP, and orders in other currencies: what is taken, answered and shown. On both databases."""

from typing import Any

import pytest

from tests import factories
from tests.app_in_process import running_app
from tests.event_client import EventClient
from tests.servers import Postgres

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLE = {"EUR": "0.8523", "JPY": "0.00512", "KWD": "2.4801"}


def table(version: str = "2026-11-21", **rates: str) -> dict[str, Any]:
    return {"version": version, "rates": rates or TABLE, "reason": "Rates of that day"}


async def foreign(event: EventClient, **fields: Any) -> Any:
    """An order of 100.00 EUR, Lin's."""
    await event.ok("PUT", "/rates", table())
    return await event.sell("1001", "h7", "100.00", currency="EUR", **fields)


async def test_table_is_shown_with_its_versions(event: EventClient):
    empty = await event.ok("GET", "/rates")
    declared = await event.ok("PUT", "/rates", table(EUR="0.85230", JPY="1"))
    await event.ok("PUT", "/rates", table("later", USD="0.7"))
    shown = await event.ok("GET", "/rates")

    assert (empty["version"], empty["rates"], empty["versions"]) == ("", {}, [])
    assert declared == {
        "event": event.id,
        "position": 5,
        "currency": "GBP",
        "version": "2026-11-21",
        "rates": {"EUR": "0.8523", "JPY": "1"},
    }
    assert (shown["version"], shown["rates"], shown["position"]) == ("later", {"USD": "0.7"}, 6)
    assert [(each["version"], each["position"]) for each in shown["versions"]] == [("2026-11-21", 5), ("later", 6)]


async def test_version_again_is_a_repeat_or_a_conflict(event: EventClient):
    first = await event.client.put(f"{event.path}/rates", json=table(EUR="0.8523"))
    head = await event.head()
    again = await event.client.put(f"{event.path}/rates", json=table(EUR="0.852300"))
    other = await event.client.put(f"{event.path}/rates", json=table(EUR="0.8524"))

    assert (first.status_code, "idempotency-replayed" in first.headers) == (200, False)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (409, "rates_conflict")
    assert await event.head() == head


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (table(GBP="1"), "rate_of_own_currency", "rates.GBP"),
        (table(EURO="1"), "currency_unknown", "rates.EURO"),
        (table(EUR="0"), "rate_not_possible", "rates.EUR"),
        (table(EUR="1e-3"), "rate_not_possible", "rates.EUR"),
        (table() | {"rates": {"EUR": 0.85}}, "wrong_type", "rates.EUR"),
        (table() | {"reason": " "}, "invalid_value", "reason"),
        ({"version": "v", "rates": {}}, "missing_field", "reason"),
        (table("no spaces"), "invalid_value", "version"),
        (table(**{f"X{number:02}": "1" for number in range(201)}), "too_many_rates", "rates"),
    ],
)
async def test_table_that_cannot_be_is_refused(event: EventClient, body: Any, code: str, field: str):
    head = await event.head()

    response = await event.client.put(f"{event.path}/rates", json=body)

    assert (response.status_code, response.json()["code"], response.json()["field"]) == (422, code, field)
    assert await event.head() == head


async def test_order_in_another_currency_is_booked_at_the_rate_in_force(event: EventClient):
    answer = await foreign(event, shipping="5.00")
    receipt = await event.ok("GET", "/orders/shop/1001/receipt")
    page = await event.client.get(f"{event.path}/orders/shop/1001/receipt", headers={"Accept": "text/html"})

    original = {"currency": "EUR", "amount": "105.00", "rate": "0.8523", "version": "2026-11-21"}
    assert answer["original"] == receipt["original"] == original
    assert answer["credits"] == [{"line": "1", "host": "h7", "team": "ruby", "amount": "85.23", "reason": "host"}]
    assert "€105.00 &times; 0.8523 GBP/EUR (2026-11-21)" in page.text
    assert "£85.23" in page.text
    assert await event.scores() == {"h7": "85.23"}


async def test_later_table_moves_nothing_and_a_repeat_is_answered_as_the_first_time(event: EventClient):
    first = await foreign(event)
    await event.ok("PUT", "/rates", table("later", USD="0.7"))

    again = await event.post("/orders", factories.simple_order("1001", "h7", "100.00", currency="EUR"))
    back = await event.ok("POST", "/refunds", factories.refund(amount="50.00", currency="EUR"))
    new = await event.post("/orders", factories.simple_order("1002", "h7", "100.00", currency="EUR"))

    assert (again.status_code, again.json()) == (200, first)
    assert (back["amount"], back["original"]) == ("42.61", {"currency": "EUR", "amount": "50.00"})
    assert (new.status_code, new.json()["code"], new.json()["field"]) == (422, "currency_mismatch", "currency")
    assert new.json()["detail"] == "The event counts in GBP, not in EUR."


async def test_order_is_shown_in_both_currencies(event: EventClient):
    await foreign(event)
    await event.ok("POST", "/refunds", factories.refund(amount="33.33", currency="EUR"))

    shown = await event.ok("GET", "/orders/shop/1001")

    assert (shown["currency"], shown["total"], shown["remaining"]) == ("GBP", "85.23", "56.82")
    assert shown["original"] == {
        "currency": "EUR",
        "amount": "100.00",
        "remaining": "66.67",
        "rate": "0.8523",
        "version": "2026-11-21",
    }


@pytest.mark.parametrize(("currency", "price", "part"), [("KWD", "10.000", "1.234"), ("JPY", "10000", "1234")])
async def test_refund_and_dispute_without_a_currency_are_in_that_of_their_order(
    event: EventClient, currency: str, price: str, part: str
):
    """Also where that has more decimals, or fewer, than the event's."""
    await event.ok("PUT", "/rates", table())
    await event.sell("1001", "h7", price, currency=currency)

    bare = await event.ok("POST", "/refunds", factories.refund(amount=part))
    named = await event.post("/refunds", factories.refund(amount=part, currency=currency))
    times = {"disputed_at": factories.PAID_AT, "source": "shop", "order": "1001"}
    dispute = await event.ok("POST", "/disputes", {"id": "d-1", "amount": part, **times})
    rest = await event.ok("POST", "/refunds", factories.refund("r-2", amount=price))

    assert bare["original"] == {"currency": currency, "amount": part}
    assert (named.status_code, named.json()) == (200, bare)
    assert dispute["original"] == bare["original"]
    assert "over" in rest
    assert await event.scores() == {}


async def test_refund_without_a_currency_that_came_first_stays_what_it_was(event: EventClient):
    await event.ok("PUT", "/rates", table())
    said = factories.refund(amount="10.00")
    parked = await event.ok("POST", "/refunds", said)
    await event.sell("1001", "h7", "100.00", currency="EUR")

    again = await event.post("/refunds", said)

    assert (again.status_code, again.json()) == (200, parked)
    assert await event.scores() == {"h7": "85.23"}


async def test_decimals_that_no_currency_of_the_order_has_are_refused(event: EventClient):
    await foreign(event)

    for identity in ("1001", "unknown"):
        refused = await event.post("/refunds", factories.refund(order=identity, amount="1.234"))
        assert (refused.status_code, refused.json()["code"]) == (422, "too_many_decimals")


async def test_refund_in_another_currency_than_its_order_is_refused(event: EventClient):
    await foreign(event)
    await event.sell("1002", "h7")

    for said in (
        factories.refund(amount="1.00", currency="GBP"),
        factories.refund(amount="1", currency="JPY"),
        factories.refund(order="1002", amount="1.00", currency="EUR"),
    ):
        refused = await event.post("/refunds", said)
        assert (refused.status_code, refused.json()["code"]) == (422, "currency_mismatch")


async def test_currency_without_a_rate_is_that_whatever_else_is_wrong(event: EventClient):
    """JPY has no decimals, so the amounts are wrong as well; and there is nothing to refund."""
    for path, said in (
        ("/orders", factories.order(currency="JPY")),
        ("/refunds", factories.refund(amount="1.00", currency="JPY")),
        ("/orders", factories.order(currency="XXX")),
    ):
        refused = await event.post(path, said)
        assert (refused.status_code, refused.json()["code"]) == (422, "currency_mismatch")


async def test_batch_takes_every_currency_that_has_a_rate(event: EventClient):
    await event.ok("PUT", "/rates", table())
    said = [factories.simple_order(code, "h7", "1000", currency=code) for code in ("GBP", "EUR", "JPY", "USD")]

    answer = await event.ok("POST", "/orders/batch", said)

    assert [each["status"] for each in answer["results"]] == [201, 201, 201, 422]
    assert [each.get("original", {}).get("amount") for each in answer["results"][:3]] == [None, "1000.00", "1000"]
    assert await event.scores() == {"h7": "1857.42"}


async def test_rates_can_be_declared_when_an_event_is_final_for_what_comes_late(event: EventClient):
    await event.move("ended")
    await event.move("final")

    late = await foreign(event)

    assert (late["late"], late["credits"][0]["amount"]) == (True, "85.23")


async def test_process_that_has_not_heard_of_the_table_yet_takes_the_order_all_the_same(postgres: Postgres):
    url = postgres.create_database()
    async with (
        running_app(url, lambda: factories.NOW_US) as one,
        running_app(url, lambda: factories.NOW_US, tail_interval_ms=10_000) as other,
    ):
        here = await EventClient(one.client, "shared").open()
        there = EventClient(other.client, "shared")
        await there.ok("GET")
        await foreign(here)
        answer = await there.sell("1002", "h7", "100.00", currency="EUR")
        back = await there.ok("POST", "/refunds", factories.refund(amount="50.00"))
    postgres.drop_database(url)

    assert answer["original"]["version"] == "2026-11-21"
    assert back["original"] == {"currency": "EUR", "amount": "50.00"}
