"""Who comes back says where it stands, and is brought to the present from there, or told why not."""

import asyncio
from typing import Any

import orjson
import pytest

from app.errors import Unavailable
from app.realtime import messages
from app.realtime.messages import Subscribe
from tests.realtime.doubles import Reader, board, turns
from tests.realtime.test_hub import INTERVAL_SECONDS, NAME, staged


async def test_client_that_comes_back_gets_a_delta_while_the_channel_lingers():
    async with staged() as stage:
        subscriber, _ = await stage.join()
        await stage.clock.turn(INTERVAL_SECONDS)
        stage.hub.leave(subscriber)
        await stage.commit(2, a=5)
        await stage.clock.turn(INTERVAL_SECONDS)

        _, reader = await stage.join(held=board(1, {"a": 1, "b": 2}))

        assert "delta" in reader.messages[0]
        assert reader.documents[NAME] == board(2, {"a": 5})


async def test_client_ahead_of_the_channel_waits_for_a_fresh_read_and_needs_no_reset():
    async with staged() as stage:
        await stage.join()
        stage.source.documents[NAME] = board(5, {"a": 5})
        joining = asyncio.create_task(stage.join(held=board(5, {"a": 5})))
        await turns()
        assert len(stage.source.reads) == 1

        await stage.clock.turn(INTERVAL_SECONDS)
        _, reader = await joining

        assert reader.messages[0]["delta"]["rows"] == []
        assert reader.documents[NAME] == board(5, {"a": 5})


async def test_client_beyond_the_journal_gets_a_snapshot_with_reset():
    async with staged() as stage:
        await stage.join()
        joining = asyncio.create_task(stage.join(held=board(99, {})))
        await stage.clock.turn(INTERVAL_SECONDS)
        _, reader = await joining

        assert reader.messages[0]["reset"] is True
        assert reader.documents[NAME]["position"] == 1


async def test_client_beyond_only_this_process_waits_until_it_has_caught_up():
    async with staged() as stage:
        await stage.join()
        stage.source.elsewhere[NAME] = board(9, {"a": 9})
        joining = [asyncio.create_task(stage.join(held=board(9, {"a": 9}))) for _ in range(3)]
        await stage.clock.turn(INTERVAL_SECONDS)
        readers = [reader for _, reader in await asyncio.gather(*joining)]

        assert [reader.messages[0]["delta"]["rows"] for reader in readers] == [[], [], []]
        assert "reset" not in readers[0].messages[0]
        assert readers[0].documents[NAME] == board(9, {"a": 9})


async def test_client_beyond_a_process_that_cannot_catch_up_is_told_to_try_again():
    async with staged() as stage:
        await stage.join()
        stage.source.is_cut_off = True

        with pytest.raises(Unavailable) as failure:
            await stage.join(held=board(9, {"a": 9}))

        assert (failure.value.code, failure.value.retryable) == ("behind", True)


async def test_five_thousand_that_come_back_together_cost_one_encoding_per_position(monkeypatch):
    async with staged() as stage:
        await stage.join()
        held: list[dict[str, Any] | None] = [None, board(1, {"a": 1, "b": 2})]
        for position in range(2, 6):
            await stage.clock.turn(INTERVAL_SECONDS)
            await stage.commit(position, a=position)
            held.append(board(position, {"a": position}))
        encode, encoded = messages.encoded, list[dict[str, Any]]()

        def counted(document: dict[str, Any]) -> orjson.Fragment:
            encoded.append(document)
            return encode(document)

        monkeypatch.setattr(messages, "encoded", counted)
        reads = len(stage.source.reads)

        readers = []
        for number in range(5_000):
            reader = Reader()
            mine = held[number % len(held)]
            where = (mine["position"], mine["epoch"]) if mine else (None, None)
            if mine:
                reader.documents[NAME] = mine
            subscriber = reader.connect(stage.connections)
            assert stage.hub.subscribe_now(subscriber, Subscribe(NAME, number, *where), "public")
            readers.append(reader)

        assert all(reader.documents[NAME] == board(5, {"a": 5}) for reader in readers)
        # The step to the present was encoded when it was published.
        assert len(encoded) == len(held) - 1
        assert len(stage.source.reads) == reads
