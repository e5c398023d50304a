"""The Python client on real servers: what it shows is what the API answers, through a stop and a crash."""

import asyncio
from collections.abc import Iterable

from kos_client import Followed, KosClient
from kos_client.documents import Document
from tests.app_server import Serve
from tests.event_client import EventClient
from tests.kos_client.scripted import QUICK

BOARDS = ("hosts", "teams.orders", "hosts.units.day")
_SECONDS_MAX = 60.0


async def assert_right(followed: Iterable[Followed], event: EventClient) -> None:
    """Every followed board comes to be the API's."""
    for one in followed:
        board = await event.board(one.name.rpartition("/")[2])
        await until_shown(one, board)
        assert one.position <= board["position"]


async def until_shown(followed: Followed, board: Document) -> None:
    await followed.until(lambda one: shown(one.document) == shown(board))


def shown(board: Document) -> Document:
    """All but the position: one at which nothing else has changed is not told."""
    return {name: value for name, value in board.items() if name != "position"}


async def test_boards_are_the_apis_through_a_stop_and_a_crash(serve: Serve, database_url: str):
    async with asyncio.timeout(_SECONDS_MAX), serve(database_url) as server, server.client() as http:
        event = await EventClient(http, "followed").open()
        token = (await http.post("/v1/tokens", json={"event": event.id})).json()["token"]
        async with KosClient(server.url, token, timing=QUICK) as client:
            followed = [await client.follow(f"{event.id}/boards/{board}") for board in BOARDS]
            for number, end in enumerate((server.stop, server.kill)):
                await event.sell(f"{number}", "h7")
                await assert_right(followed, event)

                end()
                await asyncio.gather(*(one.until(lambda each: each.is_stale) for one in followed))
                await server.restart()
                # On a connection that the client may or may not have by now.
                await event.sell(f"again-{number}", "h8", "25.00")
                await asyncio.gather(*(one.until(lambda each: not each.is_stale) for one in followed))
                await assert_right(followed, event)

            assert client.connections_made >= 3
