"""A client that applies what a channel tells it holds what the channel holds, wherever it started from."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvariantError
from app.realtime.channels import Channel, accept, apply, order_key
from app.realtime.messages import Body
from tests.realtime.doubles import EPOCH, board, text_of

IDS = "abcdef"
CHANNEL = "kos101/boards/hosts"


@st.composite
def boards(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A board's documents in the order in which they were read, positions rising, with gaps between them."""
    position = 0
    documents = []
    for _ in range(draw(st.integers(1, 12))):
        position += draw(st.integers(1, 3))
        scores = draw(st.dictionaries(st.sampled_from(IDS), st.integers(0, 3)))
        documents.append(board(position, scores, frozen=draw(st.booleans())))
    return documents


@st.composite
def tickers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A ticker's documents: the newest rows of a list that only grows."""
    documents, rows, position = [], list[dict[str, Any]](), 0
    for _ in range(draw(st.integers(1, 12))):
        for _ in range(draw(st.integers(1, 4))):
            position += 1
            rows.insert(0, {"id": f"shop:{position}:1", "position": position, "amount": "1.00"})
        documents.append({"event": "kos101", "epoch": EPOCH, "position": position, "rows": rows[:5]})
    return documents


def content(body: Body) -> Any:
    return orjson.loads(orjson.dumps(body.content))


def brought_up(held: dict[str, Any], body: Body) -> dict[str, Any]:
    """The document of a client that held one and was answered."""
    return apply(held, content(body), body.position) if body.is_delta else content(body)


@given(st.one_of(boards(), tickers()), st.integers(0, 4), st.integers(1, 5))
def test_answer_to_any_published_position_leads_to_the_present_document(documents, removed_max, positions_max):
    channel = Channel(CHANNEL, "public", removed_max, positions_max)

    for index, document in enumerate(documents):
        channel.update(document)
        for held in documents[: index + 1]:
            body = channel.since(held["position"], EPOCH)
            assert brought_up(held, body) == document
            assert not body.reset


@given(st.one_of(boards(), tickers()), st.integers(0, 4), st.integers(1, 5))
def test_publication_applied_to_any_state_it_accepts_gives_the_next_document(documents, removed_max, positions_max):
    channel = Channel(CHANNEL, "public", removed_max, positions_max)
    channel.update(documents[0])
    told = documents[0]["position"]

    for index, (before, document) in enumerate(pairwise(documents), start=1):
        frame = channel.update(document)
        is_news = {**before, "position": 0} != {**document, "position": 0}
        assert (frame is not None) == is_news
        if frame is None:
            continue
        message = orjson.loads(text_of(frame))
        if "snapshot" in message:
            assert message["snapshot"] == document
            told = document["position"]
            continue
        assert message["previous"] == told
        for held in documents[: index + 1]:
            decision = accept(held["position"], message["previous"], message["position"])
            stands = told <= held["position"] < document["position"]
            assert decision == ("apply" if stands else "ignore" if held is document else "gap")
            if decision == "apply":
                assert apply(held, message["delta"], message["position"]) == document
        told = document["position"]


def test_positions_that_change_nothing_are_answered_and_not_published():
    channel = Channel(CHANNEL, "public", 10)
    channel.update(board(1, {"a": 1}))

    assert channel.update(board(5, {"a": 1})) is None
    assert content(channel.since(None, None))["position"] == 5
    assert not channel.since(5, EPOCH).reset

    frame = channel.update(board(6, {"a": 2}))
    assert frame is not None
    message = orjson.loads(text_of(frame))
    assert (message["previous"], message["position"]) == (1, 6)
    assert apply(board(5, {"a": 1}), message["delta"], 6) == board(6, {"a": 2})


@given(boards())
def test_delta_from_an_earlier_position_may_be_applied_at_every_later_one(documents):
    channel = Channel(CHANNEL, "public", removed_rows_max=100)
    for document in documents:
        channel.update(document)

    body = channel.since(documents[0]["position"], EPOCH)

    assert body.is_delta
    for held in documents:
        assert apply(held, content(body), body.position) == documents[-1]


@given(boards())
def test_position_that_was_never_published_gets_a_snapshot(documents):
    """A row may have changed and changed back around it: no delta of ours would mention that row."""
    channel = Channel(CHANNEL, "public", removed_rows_max=100)
    for document in documents:
        channel.update(document)
    published = {document["position"] for document in documents}

    for position in set(range(documents[-1]["position"])) - published:
        body = channel.since(position, EPOCH)
        assert content(body) == documents[-1]
        assert not body.is_delta


def test_client_that_holds_nothing_gets_a_snapshot():
    channel = Channel(CHANNEL, "public", 10)
    channel.update(board(4, {"a": 1}))

    assert content(channel.since(None, None)) == board(4, {"a": 1})
    assert not channel.since(None, None).reset
    assert not channel.since(4, None).is_delta


def test_client_at_the_present_position_gets_an_empty_delta():
    channel = Channel(CHANNEL, "public", 10)
    channel.update(board(4, {"a": 1}))

    body = channel.since(4, EPOCH)

    repeated = {"rows_total": 1, "total": "1.00", "house": "0.00", "excluded": "0.00"}
    assert content(body) == {"rows": [], "gone": [], **repeated}


@pytest.mark.parametrize(("position", "epoch"), [(4, "00000000"), (5, EPOCH)])
def test_other_epoch_or_position_beyond_the_head_gets_a_snapshot_with_reset(position, epoch):
    channel = Channel(CHANNEL, "public", 10)
    channel.update(board(4, {"a": 1}))

    body = channel.since(position, epoch)

    assert body.reset
    assert content(body) == board(4, {"a": 1})


def test_delta_holds_whole_changed_rows_gone_ids_and_changed_fields_only():
    channel = Channel(CHANNEL, "public", 10)
    channel.update(board(4, {"a": 3, "b": 2, "c": 1}))

    channel.update(board(6, {"a": 3, "b": 5}, frozen=True))

    assert content(channel.since(4, EPOCH)) == {
        "rows": [
            {"rank": 1, "id": "b", "name": "Host b", "score": "5.00"},
            {"rank": 2, "id": "a", "name": "Host a", "score": "3.00"},
        ],
        "gone": ["c"],
        "rows_total": 2,
        "total": "8.00",
        "house": "0.00",
        "excluded": "0.00",
        "frozen": True,
    }


def published(channel: Channel, document: dict[str, Any]) -> dict[str, Any]:
    frame = channel.update(document)
    assert frame is not None
    message: dict[str, Any] = orjson.loads(text_of(frame))
    return message


def test_name_that_changed_without_a_step_is_published_whole_and_reaches_those_who_come_back():
    channel = Channel(CHANNEL, "public", 10)
    channel.update(board(4, {"a": 1, "b": 2}))
    renamed = board(4, {"a": 1, "b": 2})
    renamed["rows"][0]["name"] = "Lin"

    assert channel.update(board(4, {"a": 1, "b": 2})) is None
    publication = published(channel, renamed)
    assert publication["position"] == 4
    assert publication["snapshot"] == renamed
    assert "reset" not in publication
    # Who names this position may hold it as it was.
    assert content(channel.since(4, EPOCH)) == renamed

    stepped = board(5, {"a": 1, "b": 3})
    stepped["rows"][0]["name"] = "Lin"
    assert published(channel, stepped)["position"] == 5
    assert content(channel.since(4, EPOCH)) == stepped


@pytest.mark.parametrize(
    ("document", "is_reset"),
    [
        (board(5, {"a": 1}, window="day:2021-04-27"), False),
        (board(5, {"a": 1}, goal="9.00"), False),
        (board(3, {"a": 1}), True),
        (board(5, {"a": 1}, epoch="00000000"), True),
    ],
    ids=["other window", "new member", "position back", "other epoch"],
)
def test_what_no_delta_can_express_is_published_as_a_snapshot(document, is_reset):
    channel = Channel(CHANNEL, "public", 10)
    channel.update(board(4, {"a": 2, "b": 1}))

    frame = channel.update(document)

    assert frame is not None
    message = orjson.loads(text_of(frame))
    assert message["snapshot"] == document
    assert message["epoch"] == document["epoch"]
    assert message.get("reset", False) is is_reset
    assert content(channel.since(4, EPOCH)) == document


def test_document_with_a_row_twice_is_our_bug():
    channel = Channel(CHANNEL, "public", 10)
    document = board(4, {"a": 2})
    document["rows"] *= 2

    with pytest.raises(InvariantError):
        channel.update(document)


def test_document_without_rows_is_a_channel_of_fields():
    channel = Channel("kos101", "public", 10)
    channel.update({"event": "kos101", "epoch": EPOCH, "position": 1, "state": "scheduled"})

    channel.update({"event": "kos101", "epoch": EPOCH, "position": 2, "state": "live"})

    assert content(channel.since(1, EPOCH)) == {"rows": [], "gone": [], "state": "live"}


def test_rows_stand_by_rank_then_id_or_newest_first():
    ranked = [{"id": "b", "rank": 2}, {"id": "a", "rank": 2}, {"id": "z", "rank": 1}]
    newest = [{"id": "x:1", "position": 7}, {"id": "x:2", "position": 9}, {"id": "x:0", "position": 7}]

    assert [row["id"] for row in sorted(ranked, key=order_key)] == ["z", "a", "b"]
    assert [row["id"] for row in sorted(newest, key=order_key)] == ["x:2", "x:0", "x:1"]


def test_memory_of_a_channel_is_bounded():
    channel = Channel("kos101/orders", "public", removed_rows_max=30, positions_max=20)

    for position in range(1, 500):
        rows = [{"id": str(at), "position": at} for at in range(position, max(0, position - 10), -1)]
        channel.update({"epoch": EPOCH, "position": position, "rows": rows})
        for earlier in range(position):
            channel.since(earlier, EPOCH)

    assert len(channel._removed) <= 30
    assert len(channel._published) <= 20
    assert len(channel._answers) <= 64
    assert channel.since(480, EPOCH).is_delta
    assert not channel.since(479, EPOCH).is_delta
