"""Batches posted until they are answered: repeats, waits, halving, and the moment at which it gives up."""

import orjson
import pytest

from app.cli.posting import Patience, PayloadTooLarge, PostingError, Tally, bodies, call, connect, post_batch
from tests.cli.scripted_api import scripted_api

PATH = "/v1/events/e/orders/batch"
UNREADY = (503, {"code": "database_unavailable", "detail": "Try again."})


@pytest.fixture
def api():
    with scripted_api() as api:
        yield api


class Naps:
    """A sleep that only remembers for how long; ``sentences`` are what was said meanwhile."""

    def __init__(self):
        self.seconds = []
        self.sentences = []

    async def sleep(self, seconds):
        self.seconds.append(seconds)

    def patience(self, attempts=12):
        return Patience(attempts, self.sleep, self.sentences.append)


def items(count):
    return [orjson.dumps({"id": str(number), "lines": []}) for number in range(count)]


async def post(api, what, patience=None):
    async with connect(api.url, api.key) as client:
        return await post_batch(client, PATH, what, patience or Naps().patience())


def test_group_is_full_at_the_number_of_facts():
    groups = list(bodies(({"id": str(number)} for number in range(7)), facts_max=3))

    assert [len(group) for group in groups] == [3, 3, 1]


def test_group_stays_below_the_limit_of_a_body():
    facts = [{"id": "x" * size} for size in (10, 60, 10, 10, 200, 10)]

    groups = list(bodies(facts, facts_max=100, bytes_max=100))

    assert [orjson.loads(item) for group in groups for item in group] == facts
    assert all(len(b"[" + b",".join(group) + b"]") <= 100 or len(group) == 1 for group in groups)


def test_no_facts_are_no_group():
    assert not list(bodies([], facts_max=3))


async def test_results_come_in_the_order_of_the_items(api):
    results = await post(api, items(5))

    assert [(result["status"], result["id"]) for result in results] == [(201, str(n)) for n in range(5)]
    assert api.requests[0][0:2] == ("POST", PATH)


async def test_server_that_is_not_ready_is_asked_again_after_the_time_it_names(api):
    naps = Naps()
    api.script += [(*UNREADY, [("Retry-After", "3")]), UNREADY]

    results = await post(api, items(2), naps.patience())

    assert [result["status"] for result in results] == [201, 201]
    assert naps.seconds == [3.0, 0.5]
    assert "503 database_unavailable: Try again." in naps.sentences[0]
    assert "trying again in 3 s" in naps.sentences[0]


async def test_wait_is_bounded_whatever_the_server_asks(api):
    naps = Naps()
    api.script.append((*UNREADY, [("Retry-After", "86400")]))

    await post(api, items(1), naps.patience())

    assert naps.seconds == [10.0]


async def test_lost_answer_is_asked_for_again(api):
    api.script.append("drop")

    results = await post(api, items(2))

    assert [result["status"] for result in results] == [201, 201]
    assert len(api.requests) == 2


async def test_server_that_stays_away_is_given_up(api):
    naps = Naps()
    api.script += [UNREADY] * 4

    with pytest.raises(PostingError, match=r"is not ready \(503 database_unavailable.*nothing counts twice"):
        await post(api, items(1), naps.patience(attempts=4))

    assert len(naps.seconds) == 3


async def test_address_where_nobody_listens_is_given_up(api):
    async with connect("http://127.0.0.1:1", "k") as client:
        with pytest.raises(PostingError, match=r"no answer from http://127\.0\.0\.1:1"):
            await call(client, "GET", "/", patience=Naps().patience(attempts=2))


async def test_batch_that_is_too_large_is_halved(api):
    api.body_bytes_max = 70

    results = await post(api, items(9))

    assert [result["id"] for result in results] == [str(number) for number in range(9)]
    assert {result["status"] for result in results} == {201}


async def test_item_that_is_too_large_by_itself_is_refused_alone(api):
    api.body_bytes_max = 70
    large = orjson.dumps({"id": "big", "lines": [], "title": "x" * 100})

    results = await post(api, [items(1)[0], large])

    assert results[0]["status"] == 201
    assert results[1] == {"status": 413, "id": "big", "code": "body_too_large", "detail": "Send less."}


async def test_items_that_the_server_could_not_take_are_sent_again_alone(api):
    api.busy_items = 2

    results = await post(api, items(4))

    assert [result["status"] for result in results] == [201] * 4
    assert [len(sent) for _, _, sent in api.requests] == [4, 2]


async def test_items_that_are_never_taken_are_refused_in_the_end(api):
    api.busy_items = 100

    results = await post(api, items(1), Naps().patience(attempts=3))

    assert results[0]["status"] == 503
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (
            (404, {"code": "event_unknown", "detail": "There is no event e."}),
            "404 event_unknown: There is no event e.",
        ),
        ((500, b"<html>"), "500 http_500: Internal Server Error"),
        ((200, b"<html>"), "without JSON; is it a KOS Live server"),
        ((200, {"results": []}), "one result per item"),
        ((200, []), "one result per item"),
    ],
)
async def test_answer_that_repeating_cannot_change_stops_at_once(api, answer, what):
    api.script.append(answer)

    with pytest.raises(PostingError) as caught:
        await post(api, items(1))

    assert what in str(caught.value)
    assert len(api.requests) == 1


async def test_wrong_key_stops_with_the_server_s_words(api):
    async with connect(api.url, "other") as client:
        with pytest.raises(PostingError, match="401 key_unknown: Send a key that is valid"):
            await call(client, "GET", "/v1/events/e/roster")


async def test_too_large_call_is_told_from_other_errors(api):
    api.script.append((413, {"code": "body_too_large", "detail": "Send less."}))

    async with connect(api.url, api.key) as client:
        with pytest.raises(PayloadTooLarge, match="Send less"):
            await call(client, "POST", PATH, b"[]")


@pytest.mark.parametrize("url", ["localhost:8000", "http://", "http://localhost:port", "ftp://localhost", ""])
def test_address_that_is_none_is_refused(url):
    with pytest.raises(PostingError, match="is not an address"):
        connect(url, "k")


@pytest.mark.parametrize("key", ["k\n", "schlüssel"])
def test_key_that_no_header_can_carry_is_refused(key):
    with pytest.raises(PostingError, match="characters that no key has"):
        connect("http://localhost", key)


def test_tally_counts_by_kind_and_keeps_the_first_refusals_of_each_code():
    tally = Tally()

    refusals = [{"status": 422, "id": str(number), "code": "bad", "detail": "d", "field": "f"} for number in range(5)]
    tally.add("orders", [{"status": 201, "id": "a"}, {"status": 200, "id": "b"}, *refusals])
    tally.add("refunds", [{"status": 201, "id": "a"}])

    assert (tally.accepted["orders"], tally.accepted["refunds"], tally.replayed["orders"]) == (1, 1, 1)
    assert (tally.refused["orders"], tally.refusals["bad"]) == (5, 5)
    assert [example.id for example in tally.examples["bad"]] == ["0", "1", "2"]
