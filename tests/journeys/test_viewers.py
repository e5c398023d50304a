"""Viewers over two processes and one Valkey: each counts once, in both the same, also through the crash of one."""

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Any

from kos_client import Followed, KosClient, Timing
from tests.app_server import AppServer, Serve
from tests.event_client import EventClient
from tests.processes import Server
from tests.servers import Postgres

# As the protocol says, only sooner.
HASTY = Timing(
    backoff_seconds_first=0.05,
    backoff_seconds_max=0.5,
    quiet_seconds=5,
    answer_seconds_max=5,
    retry_seconds=0.2,
    heartbeat_seconds=0.5,
    sweep_seconds=0.1,
)
_SECONDS_MAX = 60.0
# How many of each kind: 60 viewers on 70 connections.
OF_A_SESSION, ON_BOTH_SESSIONS, ON_BOTH_PROCESSES, OF_THE_EVENT, NAMELESS = 20, 5, 5, 5, 5
S1 = OF_A_SESSION + ON_BOTH_SESSIONS + ON_BOTH_PROCESSES
S2 = OF_A_SESSION + ON_BOTH_SESSIONS
VIEWERS = 2 * OF_A_SESSION + ON_BOTH_SESSIONS + ON_BOTH_PROCESSES + OF_THE_EVENT + NAMELESS


class Crowd:
    """Clients of two processes that are counted, and what each is shown."""

    def __init__(self, servers: list[AppServer], event: str, token: str, stack: AsyncExitStack) -> None:
        self.shown: tuple[list[Followed], list[Followed]] = ([], [])
        self._servers = servers
        self._event = event
        self._token = token
        self._stack = stack

    async def join(self, process: int, viewer: str = "", session: str = "") -> None:
        """One connection more; returns once the process has heard its first heartbeat."""
        client = KosClient(self._servers[process].url, self._token, timing=HASTY)
        client.count_as_viewer(f"{self._event}/sessions/{session}" if session else self._event, viewer)
        await self._stack.enter_async_context(client)
        self.shown[process].append(await client.follow(f"{self._event}/viewers"))
        # The heartbeat went out with the first question; the answer to a later one comes after it was counted.
        await client.follow(self._event)

    async def join_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(OF_A_SESSION):
                group.create_task(self.join(0, f"a{number}", "s1"))
                group.create_task(self.join(1, f"b{number}", "s2"))
            for number in range(ON_BOTH_SESSIONS):
                group.create_task(self.join(0, f"c{number}", "s1"))
                group.create_task(self.join(1, f"c{number}", "s2"))
            for number in range(ON_BOTH_PROCESSES):
                group.create_task(self.join(0, f"d{number}", "s1"))
                group.create_task(self.join(1, f"d{number}"))
            for number in range(OF_THE_EVENT):
                group.create_task(self.join(1, f"e{number}"))
            for _ in range(NAMELESS):
                group.create_task(self.join(0))

    async def is_shown(self, viewers: int, followed: Iterable[Followed] = ()) -> None:
        """Everybody (or these) is shown so many, never more, and of the sessions always the same."""
        wanted = (viewers, viewers, [{"id": "s1", "viewers": S1}, {"id": "s2", "viewers": S2}])
        for one in followed or (*self.shown[0], *self.shown[1]):
            await one.until(lambda each: numbers(each.document) == wanted)


def numbers(document: dict[str, Any]) -> tuple[int, int, list[dict[str, Any]]]:
    return document["viewers"], document["peak"], document["rows"]


async def test_viewers_of_two_processes_count_once_through_the_crash_of_one(
    serve: Serve, postgres: Postgres, valkey: Server
):
    url = postgres.create_database()
    async with asyncio.timeout(_SECONDS_MAX), AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serve(url, KOS_REDIS_URL=valkey.url)) for _ in range(2)]
        http = await stack.enter_async_context(servers[0].client())
        event = await EventClient(http, "watched").open()
        for session in ("s1", "s2"):
            await event.ok("POST", "/sessions", {"id": session, "hosts": [{"id": "h7"}]})
        token = (await http.post("/v1/tokens", json={"event": event.id, "kind": "viewer"})).json()["token"]
        crowd = Crowd(servers, event.id, token, stack)

        await crowd.join_all()
        await crowd.is_shown(VIEWERS)
        # Told after all the others by both: if anybody counted twice, it would show now, in the peak at least.
        await asyncio.gather(crowd.join(0, "late"), crowd.join(1, "late"))
        await crowd.is_shown(VIEWERS + 1)

        servers[1].kill()
        # The number that is left is counted anew with this one, and those of the dead process are in it.
        await crowd.join(0, "later")
        await crowd.is_shown(VIEWERS + 2, crowd.shown[0])
        await servers[1].restart()
        await crowd.is_shown(VIEWERS + 2)
        await asyncio.gather(crowd.join(0, "last"), crowd.join(1, "last"))
        await crowd.is_shown(VIEWERS + 3)
    postgres.drop_database(url)
