"""The client's document is the server's: the same step for every delta, the same end whatever is lost on the way."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.realtime import channels, messages
from app.realtime.channels import Channel
from kos_client.documents import Held, accept, apply, order_key
from tests.realtime.doubles import EPOCH, board, text_of
from tests.realtime.test_channels import CHANNEL, boards, tickers

ROWS = st.fixed_dictionaries(
    {"id": st.text(max_size=3)}, optional={"rank": st.integers(1, 3), "position": st.integers(0, 3)}
)


@given(st.one_of(boards(), tickers()))
def test_delta_makes_of_a_document_what_it_makes_on_the_server(documents):
    channel = Channel(CHANNEL, "public", removed_rows_max=100)
    channel.update(documents[0])

    for before, after in pairwise(documents):
        frame = channel.update(after)
        if frame is None:
            continue
        step = orjson.loads(text_of(frame))
        untouched = orjson.dumps(before)
        made = apply(before, step["delta"], step["position"])

        assert made == channels.apply(before, step["delta"], step["position"]) == after
        assert list(made) == list(before)
        assert orjson.dumps(before) == untouched


@given(ROWS)
def test_rows_are_ordered_as_on_the_server(row):
    assert order_key(row) == channels.order_key(row)


@given(*[st.integers(0, 4)] * 3)
def test_step_is_taken_ignored_or_missed_as_on_the_server(mine, previous, position):
    assert accept(mine, previous, position) == channels.accept(mine, previous, position)


@given(st.one_of(boards(), tickers()), st.lists(st.sampled_from(["heard", "lost", "twice"])), st.integers(0, 3))
def test_client_that_misses_messages_and_asks_after_each_gap_holds_what_the_channel_holds(documents, fates, removed):
    channel, held = Channel(CHANNEL, "public", removed), Held()

    def ask() -> None:
        standing = held.standing
        body = channel.since(standing.get("position"), standing.get("epoch"))
        assert held.take(orjson.loads(text_of(messages.subscribed(1, CHANNEL, body)))) != "gap"

    channel.update(documents[0])
    ask()
    for document, fate in zip(documents[1:], [*fates, *["heard"] * len(documents)], strict=False):
        frame = channel.update(document)
        if frame is None:
            # Nothing but the position is another, which is not told.
            continue
        for _ in range({"heard": 1, "lost": 0, "twice": 2}[fate]):
            if held.take(orjson.loads(text_of(frame))) == "gap":
                ask()
        if fate != "lost":
            assert held.document == document


def publication(**members: Any) -> dict[str, Any]:
    return {"type": "publication", "channel": CHANNEL, **members}


def test_snapshot_of_another_journal_replaces_a_higher_position():
    held = Held()
    held.take(publication(snapshot=board(9, {"a": 1}), epoch=EPOCH, position=9))

    told = board(2, {"b": 1}, epoch="5b0c77aa")
    assert held.take(publication(snapshot=told, epoch="5b0c77aa", position=2, reset=True)) == "changed"
    assert held.standing == {"position": 2, "epoch": "5b0c77aa"}


def test_delta_before_any_snapshot_is_a_gap():
    held = Held()

    assert held.take(publication(previous=1, position=2, delta={"rows": [], "gone": []})) == "gap"
    assert held.standing == {}


@pytest.mark.parametrize(
    ("time", "outcome"), [("09.999999Z", "same"), ("10.000000Z", "same"), ("10.000001Z", "changed")]
)
@pytest.mark.parametrize("kind", ["subscribed", "publication"])
def test_of_a_live_channel_the_latest_snapshot_wins_and_nothing_is_named_on_the_way_back(time, outcome, kind):
    def told(seconds: str, viewers: int) -> dict[str, Any]:
        when = f"2026-11-22T10:00:{seconds}"
        snapshot = {"event": "kos101", "time": when, "viewers": viewers}
        return {"type": kind, "channel": "kos101/viewers", "time": when, "snapshot": snapshot}

    held = Held()
    held.take(told("10.000000Z", 7))

    assert held.take(told(time, 8)) == outcome
    assert held.document is not None
    assert held.document["viewers"] == (8 if outcome == "changed" else 7)
    assert held.standing == {}
