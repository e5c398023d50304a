"""One order, thousands of times, from 64 clients to three processes, some with other content: it is there once."""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import httpx2

from tests import factories
from tests.app_server import Serve
from tests.event_client import EventClient
from tests.final_read import final_read
from tests.servers import LONG, Postgres

REPEATS = 10_000 if LONG else 1_500
CLIENTS = 64
PROCESSES = 3
OTHERS = 0.3
SEED = 20_210_419


async def test_one_order_from_everywhere_at_once_is_one_entry_and_one_answer(serve: Serve, postgres: Postgres):
    print(f"seed {SEED}")
    random = Random(SEED)
    url = postgres.create_database()
    bodies = [factories.simple_order("storm", "h7", "10.00"), factories.simple_order("storm", "h8", "11.00")]
    turns = [random.random() < OTHERS for _ in range(REPEATS)]
    answers: Counter[tuple[bool, int, str]] = Counter()
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serve(url)) for _ in range(PROCESSES)]
        clients = [await stack.enter_async_context(server.client()) for server in servers]
        events = [EventClient(client, "storm") for client in clients]
        await events[0].open()

        async def client(number: int) -> None:
            while turns:
                is_other = turns.pop()
                response = await events[number % PROCESSES].post("/orders", bodies[is_other])
                answers[is_other, response.status_code, said(response)] += 1

        await asyncio.gather(*(client(number) for number in range(CLIENTS)))

        final = await final_read(url, events)
        assert final.paid == [final.paid[0]]
        # Whichever content came first is the order, in every process and for ever.
        taken = final.paid[0].host == "h8"
        good = Counter({key: count for key, count in answers.items() if key[0] == taken})
        refused = Counter({key: count for key, count in answers.items() if key[0] != taken})
        assert {status for _, status, _ in good} == {200, 201}
        assert sum(count for (_, status, _), count in good.items() if status == 201) == 1
        assert len({text for _, _, text in good}) == 1
        assert {status for _, status, _ in refused} == {409}
        assert len({text for _, _, text in refused}) == 1
        assert sum(answers.values()) == REPEATS
        assert final.boards == [final.ledger] * PROCESSES
    postgres.drop_database(url)


def said(response: httpx2.Response) -> str:
    answer: dict[str, Any] = response.json()
    return json.dumps(answer, sort_keys=True)
