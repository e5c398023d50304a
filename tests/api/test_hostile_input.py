"""What an attacker or a broken client sends, to every route: always a problem of the 4xx family, never a 500."""

import json
from typing import Any

import httpx2
import pytest

from tests import factories
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEEP = 100_000
ORDER_START = (
    b'{"id":"1001","paid_at":"2021-04-10T11:00:00Z","currency":"GBP","lines":[{"quantity":1,"unit_price":"1.00"}]'
)


def raw_order(**fields: Any) -> bytes:
    """A good order with values that a JSON library would not write: bytes are taken as they are."""
    parts = [b',"%s":%s' % (name.encode(), value) for name, value in fields.items()]
    return ORDER_START + b"".join(parts) + b"}"


# Each is no order that could be taken.
ORDERS = {
    "nul_in_id": raw_order(id=b'"a\\u0000b"'),
    "nul_in_source": raw_order(source=b'"a\\u0000"'),
    "nul_raw": raw_order(code=b'"a\x00b"'),
    "lone_surrogate": raw_order(code=b'"\\ud800"'),
    "lone_low_surrogate": raw_order(code=b'"\\udc00\\ud800"'),
    "surrogate_in_utf8": raw_order(code=b'"\xed\xa0\x80"'),
    "surrogate_in_unknown_field": raw_order()[:-1] + b',"\\ud800":1}',
    "nul_in_unknown_field": raw_order()[:-1] + b',"a\\u0000":1}',
    "number_too_large": raw_order(tax=b"1e400"),
    "negative_number_too_large": raw_order(tax=b"-1e400"),
    "quantity_too_large": b'{"lines":[{"quantity":1' + b"0" * 400 + b',"unit_price":"1.00"}]}',
    "quantity_of_65_bits": b'{"lines":[{"quantity":18446744073709551616,"unit_price":"1.00"}]}',
    "integer_of_five_thousand_digits": raw_order(tax=b"1" * 5_000),
    "not_a_number": raw_order(tax=b"NaN"),
    "infinity": raw_order(tax=b"Infinity"),
    "deep_list": b"[" * DEEP + b"]" * DEEP,
    "deep_object": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep_in_a_field": raw_order(host=b"[" * DEEP + b"]" * DEEP),
    "deep_in_an_unknown_field": raw_order(other=b"[" * DEEP + b"]" * DEEP),
    "deep_and_unfinished": b"[" * DEEP,
    "invalid_utf8": raw_order(code=b'"\xc3\x28"'),
    "overlong_utf8": raw_order(code=b'"\xc0\xaf"'),
    "utf16": json.dumps(factories.order()).encode("utf-16"),
    "byte_order_mark": b"\xef\xbb\xbf" + raw_order(),
    "long_digits_in_amount": raw_order(total=b'"' + b"9" * 41 + b'"'),
    "unknown_field_of_ten_thousand_letters": raw_order()[:-1] + b',"%s":1}' % (b"x" * 10_000),
    "host_of_markup": raw_order(host=b'"<script>"'),
}


def assert_told(response: httpx2.Response) -> None:
    """A 4xx with the one shape that every error has."""
    assert 400 <= response.status_code < 500, f"{response.status_code} {response.text[:300]}"
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "code", "detail"} <= problem.keys()
    assert problem["status"] == response.status_code
    assert problem["code"] != "http_error"
    assert len(response.content) < 2_000


@pytest.mark.parametrize("noun", ["orders", "refunds", "cancellations"])
@pytest.mark.parametrize("body", ORDERS.values(), ids=ORDERS)
async def test_hostile_fact_is_refused_without_a_trace(event: EventClient, noun, body):
    head = await event.head()

    single = await event.client.post(f"{event.path}/{noun}", content=body)
    array = await event.client.post(f"{event.path}/{noun}/batch", content=b"[" + body + b"]")
    lines = await event.client.post(
        f"{event.path}/{noun}/batch", content=body, headers={"Content-Type": "application/x-ndjson"}
    )

    assert_told(single)
    for response in (array, lines):
        if response.status_code == 200:
            assert {result["status"] // 100 for result in response.json()["results"]} == {4}
        else:
            assert_told(response)
    assert await event.head() == head


# Valid JSON that a reader of another kind would read otherwise; put where text or anything is expected.
VALUES = [
    b'"a\\u0000b"',
    b'"\\ud800"',
    b'"\xed\xa0\x80"',
    b'"\xff"',
    b"1e400",
    b"NaN",
    b"1" + b"0" * 400,
    b"1" * 5_000,
    b"[" * DEEP + b"]" * DEEP,
    b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    b'{"\\ud800":1}',
    b'{"\\u0000":1}',
    b'"' + b"x" * 100_000 + b'"',
]
TIMES = b'"currency":"GBP","starts_at":"2021-04-10T11:00:00Z","ends_at":"2022-01-01T00:00:00Z"'
PLACES = {
    "event id": ("POST", "", b'{"id":%s,' + TIMES + b'}'),
    "event name": ("POST", "", b'{"id":"hostile","name":%s,' + TIMES + b'}'),
    "event zone": ("POST", "", b'{"id":"hostile","timezone":%s,' + TIMES + b'}'),
    "event time": ("POST", "", b'{"id":"hostile","currency":"GBP","starts_at":%s,"ends_at":"2022-01-01T00:00:00Z"}'),
    "event rules": ("POST", "", b'{"id":"hostile",' + TIMES + b',"rules":%s}'),
    "event rule": ("POST", "", b'{"id":"hostile",' + TIMES + b',"rules":{"ranks":%s}}'),
    "status": ("POST", "/{event}/transitions", b'{"to":%s}'),
    "reason": ("POST", "/{event}/transitions", b'{"to":"paused","reason":%s}'),
    "rules": ("PATCH", "/{event}/rules", b"%s"),
    "rule": ("PATCH", "/{event}/rules", b'{"ranks":%s}'),
    "roster": ("PUT", "/{event}/roster", b"%s"),
    "host id": ("PUT", "/{event}/roster", b'{"hosts":[{"id":%s}]}'),
    "host name": ("PUT", "/{event}/roster", b'{"hosts":[{"id":"h7","name":%s}]}'),
    "host person": ("PUT", "/{event}/roster", b'{"hosts":[{"id":"h7","person":%s}]}'),
    "host segment": ("PUT", "/{event}/roster", b'{"hosts":[{"id":"h7","segment":%s}]}'),
    "host code": ("PUT", "/{event}/roster", b'{"hosts":[{"id":"h7","codes":[%s]}]}'),
    "session": ("POST", "/{event}/sessions", b'{"id":%s,"hosts":[{"id":"h7"}]}'),
    "session weight": ("POST", "/{event}/sessions", b'{"id":"s","hosts":[{"id":"h7","weight":%s}]}'),
    "session time": ("POST", "/{event}/sessions", b'{"id":"s","hosts":[{"id":"h7"}],"started_at":%s}'),
    "session end": ("POST", "/{event}/sessions/s/end", b"%s"),
    "token": ("POST", "../tokens", b'{"event":%s}'),
    "token channel": ("POST", "../tokens", b'{"event":"{event}","channels":[%s]}'),
    "token life": ("POST", "../tokens", b'{"event":"{event}","expires_in_seconds":%s}'),
    "key person": ("POST", "../keys", b'{"person":%s,"scopes":["ops"]}'),
    "key scope": ("POST", "../keys", b'{"person":"x","scopes":[%s]}'),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
async def test_hostile_value_anywhere_is_refused_without_a_trace(event: EventClient, place):
    method, path, body = PLACES[place]
    head = await event.head()

    for value in VALUES:
        content = body.replace(b"%s", value).replace(b"{event}", event.id.encode())
        url = f"/v1/{path[3:]}" if path.startswith("../") else f"/v1/events{path.replace('{event}', event.id)}"
        response = await event.client.request(method, url, content=content)

        assert response.status_code != 201, (place, value[:40])
        assert_told(response)
    assert await event.head() == head


@pytest.mark.parametrize(
    "text", ["%00", "a%00b", "%ED%A0%80", "%FF", "%2e%2e%2f", "%0d%0aX:%20y", "x" * 5_000, "%F0%9F%92%84"]
)
async def test_hostile_path_is_refused(api: Api, event: EventClient, text):
    paths = [
        ("GET", f"/v1/events/{text}"),
        ("POST", f"/v1/events/{text}/orders"),
        ("POST", f"/v1/events/{text}/orders/batch"),
        ("POST", f"/v1/events/{text}/refunds"),
        ("GET", f"/v1/events/{text}/boards"),
        ("GET", f"/v1/events/{text}/boards/hosts"),
        ("GET", f"{event.path}/boards/{text}"),
        ("GET", f"{event.path}/orders/shop/{text}"),
        ("GET", f"{event.path}/orders/{text}/1"),
        ("GET", f"{event.path}/orders/shop/{text}/receipt"),
        ("GET", f"/v1/orders/shop/{text}"),
        ("GET", f"/v1/orders/{text}/1"),
        ("POST", f"{event.path}/sessions/{text}/end"),
        ("GET", f"/v1/events/{text}/journal"),
        ("DELETE", f"/v1/tokens/{text}"),
        ("DELETE", f"/v1/keys/{text}"),
        ("GET", f"/{text}"),
        ("GET", f"/static/{text}/{text}"),
        ("GET", f"/static/x/../../{text}"),
    ]

    for method, path in paths:
        response = await api.client.request(method, path)

        # A short emoji may well be an order's look-up; whatever it is, it is not there.
        assert_told(response)
    async with api.client_of("") as nobody:
        for method, path in paths[4:7]:
            assert_told(await nobody.request(method, path))


@pytest.mark.parametrize(
    "text", ["%00", "%ED%A0%80", "%FF", "%0d%0a", "9" * 5_000, "-1", "1e5", "", "%F0%9F%92%84", "x" * 5_000]
)
async def test_hostile_query_is_refused_or_means_nothing(event: EventClient, text):
    queries = [
        "/boards/hosts?limit=",
        "/boards/hosts?around=",
        "/boards/hosts?window=",
        "/boards/hosts?at=",
        "/boards/hosts?token=",
        "/journal?after=",
        "/journal?limit=",
        "?nobody=",
        "?cursor=",
    ]

    for query in queries:
        path = "/v1/events" if "cursor" in query else event.path
        response = await event.client.get(f"{path}{query}{text}")

        if response.status_code != 200:
            assert_told(response)
        else:
            assert not text or query.split("?")[1] in ("nobody=", "token=") or "around" in query


@pytest.mark.parametrize(
    "header",
    [
        ("Authorization", b"Bearer \x00"),
        ("Authorization", b"Bearer kos_\x00_\x00"),
        ("Authorization", b"Bearer kos_\xff\xfe_x"),
        ("Authorization", b"Bearer \xed\xa0\x80"),
        ("Authorization", b"\xff\xff"),
        ("Idempotency-Key", b"\x00"),
        ("Idempotency-Key", b"\xff"),
        ("Idempotency-Key", b"x" * 201),
        ("Content-Type", b"application/json; charset=utf-7"),
        ("Content-Type", b"multipart/form-data"),
        ("Content-Type", b"\xff"),
        ("Content-Type", b"text/csv"),
        ("Content-Encoding", b"gzip"),
        ("Content-Length", b"\xb2"),
        ("Content-Length", b"9" * 30),
        ("If-None-Match", b"\xff\x00"),
        ("Accept", b"\xff/ndjson"),
    ],
    ids=lambda header: f"{header[0]}-{header[1][:12]!r}",
)
async def test_hostile_header_never_breaks_anything(api: Api, event: EventClient, header):
    name, value = header
    headers = [(b"authorization", f"Bearer {api.key}".encode())] if name != "Authorization" else []
    calls: list[tuple[str, str, Any]] = [
        ("POST", f"{event.path}/orders", factories.order()),
        ("POST", f"{event.path}/orders/batch", [factories.order()]),
        ("POST", f"{event.path}/refunds", factories.refund(amount="1.00")),
        ("POST", f"{event.path}/transitions", {"to": "live"}),
        ("PUT", f"{event.path}/roster", factories.roster_body()),
        ("GET", f"{event.path}/boards/hosts", None),
        ("GET", f"{event.path}/journal", None),
    ]

    async with api.client_of("") as client:
        for method, path, body in calls:
            content = b"" if body is None else json.dumps(body).encode()
            request = httpx2.Request(
                method, f"http://test{path}", headers=[*headers, (name.encode(), value)], content=content
            )
            response = await client.send(request)

            if not response.is_success:
                assert_told(response)
            if name == "Authorization":
                assert response.status_code == 401


async def test_field_given_twice_is_one_and_the_same_in_both_ways(api: Api, event: EventClient):
    """Readers of JSON disagree about it; here both ways read it alike and nothing breaks."""
    body = b'{"id":"a","id":"b",' + ORDER_START[1:] + b"}"
    async with api.client_of(api.key, api.framework) as framework:
        hot = await event.client.post(f"{event.path}/orders", content=body)
        inner = await framework.post(f"{event.path}/orders", content=body)

    assert hot.json() == inner.json()
    assert hot.status_code < 500


async def test_event_of_the_first_and_last_day_there_is_can_be_sold_in(draft: EventClient):
    """Local days at both ends of the calendar: what an order commits must be foldable."""
    for number, (zone, day) in enumerate(
        [("America/New_York", "0002-01-01T00:00:00Z"), ("Asia/Tokyo", "9999-12-31T23:59:59Z")]
    ):
        event = EventClient(draft.client, f"{draft.id}-{number}")
        made = await event.client.post(
            "/v1/events",
            json=factories.event_body(
                event.id, timezone=zone, starts_at="0002-01-01T00:00:00Z", ends_at="9999-12-31T23:59:59.999999Z"
            ),
        )
        assert made.status_code == 201
        await event.move("scheduled")
        response = await event.post("/orders", factories.simple_order("1", paid_at=day))
        assert response.status_code in (201, 422), response.text
        assert (await event.get("/boards/hosts")).status_code == 200
        assert (await event.get()).status_code == 200
