"""Shops that post orders into one event through servers that die under them, and know what they were told.

Each client posts one call after the other. What was acknowledged is remembered with its answer; a call that ended
without an answer leaves orders whose fate is unknown, which ``settle`` sends again until they are answered. With a log
everything is written down too, for ``checker`` to judge; the clients then also read, and send what must be refused.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Sequence
from random import Random
from typing import Any

import httpx2

from tests import factories
from tests.app_server import ADMIN_KEY
from tests.client_log import ClientLog, Content, minor_units
from tests.event_client import EventClient

HOSTS = ("h7", "h8", "h9", "h10")
_CALL_SECONDS_MAX = 15.0
_PAUSE_SECONDS = 0.02
_SETTLE_SECONDS_MAX = 60.0
# Of a logged client's calls: looks at the board and at an order, and orders that must be refused.
_LOOKS, _STRAYS = 0.1, 0.05
_NO_HOST = "nobody"


class Traffic:
    """Orders for one event. ``urls`` are tried in turn after a failure: a client moves on to the next server."""

    def __init__(
        self,
        event: str,
        urls: Sequence[str],
        random: Random,
        orders_max: int = 1_000_000,
        log: ClientLog | None = None,
    ) -> None:
        self.event = event
        self.urls = urls
        self.acknowledged: dict[str, dict[str, Any]] = {}
        self.unknown: set[str] = set()
        self.replays = 0
        self._random = random
        self._orders_max = orders_max
        self._log = log
        self._strays = 0
        self._sent: dict[str, dict[str, Any]] = {}
        self._recent: deque[str] = deque(maxlen=200)
        self._is_stopped = False

    @property
    def amount_by_host(self) -> dict[str, int]:
        """Minor units that were acknowledged, by host."""
        amounts: Counter[str] = Counter()
        for identity in self.acknowledged:
            body = self._sent[identity]
            amounts[body["host"]] += minor_units(body["lines"][0]["unit_price"])
        return dict(amounts)

    def body_of(self, identity: str) -> dict[str, Any]:
        return self._sent[identity]

    async def run(self, clients: int, repeats: float = 0.1) -> None:
        """Post until ``stop`` or until the orders are used up; ``repeats`` is the part that is sent once more."""
        async with asyncio.TaskGroup() as group:
            for number in range(clients):
                group.create_task(self._client(number, repeats))

    def stop(self) -> None:
        self._is_stopped = True

    async def settle(self) -> None:
        """Send everything of unknown fate again, until each of them has an answer."""
        async with asyncio.timeout(_SETTLE_SECONDS_MAX):
            at = 0
            while self.unknown:
                async with self._connected(at) as client:
                    for identity in sorted(self.unknown):
                        if not await self._post(client, [identity], "settling"):
                            break
                at += 1
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _client(self, number: int, repeats: float) -> None:
        at = number
        while not self._is_over():
            async with self._connected(at) as client:
                while not self._is_over():
                    if not await self._step(client, f"{number} at {client.client.base_url}", repeats):
                        break
            at += 1
            await asyncio.sleep(_PAUSE_SECONDS)

    def _is_over(self) -> bool:
        return self._is_stopped or len(self._sent) >= self._orders_max

    def _next(self, repeats: float) -> list[str]:
        """Ids of one call: a new order, one of the last ones again, or a small batch of both."""
        size = self._random.choice((1, 1, 1, 5))
        identities = []
        for _ in range(size):
            is_used_up = len(self._sent) >= self._orders_max
            if is_used_up or (self._sent and self._random.random() < repeats):
                identities.append(self._random.choice(self._recent))
                continue
            identity = f"t{len(self._sent)}"
            price = self._random.randrange(1, 10_000)
            self._sent[identity] = factories.simple_order(
                identity, self._random.choice(HOSTS), f"{price // 100}.{price % 100:02}"
            )
            self._recent.append(identity)
            identities.append(identity)
        return identities

    async def _step(self, client: EventClient, reader: str, repeats: float) -> bool:
        """One call, most often a post; whether the server still answers."""
        if self._log is not None and self._random.random() < _LOOKS:
            return await self._look(client, self._log, reader)
        if self._log is not None and self._random.random() < _STRAYS:
            return await self._stray(client, reader)
        return await self._post(client, self._next(repeats), reader)

    async def _look(self, client: EventClient, log: ClientLog, reader: str) -> bool:
        """At the board, and at one of the last orders."""
        try:
            board = await client.get("/boards/hosts")
            if board.is_success:
                rows = {row["id"]: minor_units(row["score"]) for row in board.json()["rows"]}
                log.shown(reader, board.json()["position"], {host: score for host, score in rows.items() if score})
            if self._recent:
                identity = self._random.choice(self._recent)
                looked = await client.get(f"/orders/shop/{identity}")
                if looked.status_code in (200, 404):
                    log.looked(reader, identity, looked.is_success)
        except httpx2.TransportError:
            return False
        return board.is_success

    async def _stray(self, client: EventClient, reader: str) -> bool:
        """An order that must be refused, because there is no such host."""
        self._strays += 1
        response = await self._call(client, [factories.simple_order(f"stray{self._strays}", _NO_HOST)], reader)
        assert response is None or response.status_code in (422, 503), response.text
        return response is not None and response.status_code == 422

    async def _call(self, client: EventClient, bodies: Sequence[dict[str, Any]], reader: str) -> httpx2.Response | None:
        """The answer, None if none came; either is logged."""
        call = self._log.sent(reader, [content_of(body) for body in bodies]) if self._log is not None else 0
        try:
            if len(bodies) == 1:
                response = await client.post("/orders", bodies[0])
            else:
                response = await client.post("/orders/batch", list(bodies))
        except httpx2.TransportError as error:
            if self._log is not None:
                self._log.lost(call, error)
            return None
        if self._log is not None:
            self._log.answered(call, response, len(bodies) > 1)
        return response

    async def _post(self, client: EventClient, identities: list[str], reader: str) -> bool:
        """Whether the server still answers; what it said is kept."""
        bodies = [self._sent[identity] for identity in identities]
        self.unknown |= {identity for identity in identities if identity not in self.acknowledged}
        response = await self._call(client, bodies, reader)
        if response is None:
            return False
        if response.status_code == 503:
            assert int(response.headers["retry-after"]) >= 1
            return False
        assert response.status_code in (200, 201), response.text
        answer = response.json()
        results = answer["results"] if len(bodies) > 1 else [{"status": response.status_code, **answer}]
        for identity, result in zip(identities, results, strict=True):
            self._keep(identity, result)
        return True

    def _keep(self, identity: str, result: dict[str, Any]) -> None:
        if result["status"] == 503:
            return
        assert result["status"] in (200, 201), result
        self.replays += result["status"] == 200
        told = {name: result[name] for name in ("order", "position", "credits")}
        # The same order has the same answer for ever, whichever server and however often.
        assert self.acknowledged.setdefault(identity, told) == told
        self.unknown.discard(identity)

    def _connected(self, at: int) -> "contextlib.AbstractAsyncContextManager[EventClient]":
        @contextlib.asynccontextmanager
        async def connected():
            headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
            url = self.urls[at % len(self.urls)]
            # Certificates are of no use here, and to read them takes longer than many orders.
            async with httpx2.AsyncClient(
                base_url=url, headers=headers, timeout=_CALL_SECONDS_MAX, verify=False
            ) as client:
                yield EventClient(client, self.event)

        return connected()


def content_of(body: dict[str, Any]) -> Content:
    """What a log says of a simple order."""
    return body["id"], body["host"], minor_units(body["lines"][0]["unit_price"])


async def assert_counted_once(event: EventClient, traffic: Traffic) -> None:
    """Every acknowledged order is in the journal once, where its answer says, and the boards add up to them."""
    entries = await event.entries()
    paid = {entry["body"]["fact"]["id"]: entry for entry in entries if entry["kind"] == "order.paid"}
    assert len(paid) == sum(entry["kind"] == "order.paid" for entry in entries)
    assert {identity: entry["position"] for identity, entry in paid.items()} == {
        identity: answer["position"] for identity, answer in traffic.acknowledged.items()
    }
    scores = {host: minor_units(score) for host, score in (await event.scores()).items()}
    assert scores == traffic.amount_by_host
    counted = await event.scores("hosts.orders")
    assert sum(counted.values()) == len(traffic.acknowledged)
