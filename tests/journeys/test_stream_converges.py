"""Random journals, pacing, stalls and reconnects to random processes: a client shows only what the journal says.

Two processes share one PostgreSQL; each hears of the other only when it writes itself or when the machine lets it look.
Whatever document a client holds at any moment is the one that a fold of the journal up to its position gives, and
positions never go back. ``KOS_TEST_SEED`` repeats a run.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app import feed_documents as documents
from app.challenge.boards import parse_board
from app.database import create_engine
from app.events import Events, OpenEvent, load
from app.feed import CHANNEL_ROWS, Feed
from app.journal.drafts import Fact
from app.journal.migrate import upgrade
from app.journal.open import open_store
from app.main import RULES
from app.profiles import Profiles
from app.realtime.channels import order_key
from app.realtime.connections import Connections
from app.realtime.frames import TEXT
from app.realtime.hub import Hub
from app.settings import Settings
from tests import histories
from tests.book import BRAND, DAY, START, event_said, move_said, roster_said
from tests.live import Clock
from tests.realtime.doubles import Reader, TurnedClock, Viewer, connections_of, turns
from tests.realtime.test_frames import client_frame
from tests.servers import LONG, Postgres

RUNS, STEPS = (200, 80) if LONG else (15, 50)
INTERVAL_SECONDS = 0.05
PROCESS = st.integers(0, 1)
CLIENT = st.integers(0, 3)
CHANNELS = ("", "/boards/hosts", "/boards/teams", "/boards/hosts.orders", "/orders", "/hosts/ann", "/sessions/duo")
names = count(1)


@dataclass(frozen=True)
class Anybody(Viewer):
    def may_follow(self, channel: str) -> bool:
        return True


@dataclass
class Process:
    """One process of the database, with its stream."""

    url: str
    clock: Clock

    def start(self) -> None:
        self.turned = TurnedClock()
        self.store = open_store(self.url, self.clock, wait_seconds_max=5)
        self.engine = create_engine(self.url)
        self.events = Events(self.store, RULES, Settings(tail_interval_ms=3_600_000))
        self.feed = Feed(self.events, Profiles(self.engine), self.store)
        # So few rows and positions that they are forgotten all the time.
        self.hub = self.feed.hub = Hub(self.feed, 50, removed_rows_max=1, sleep=self.turned.sleep)
        self.connections: Connections = connections_of(self.hub)

    async def stop(self) -> None:
        await self.hub.close()
        await self.events.close()
        await self.store.close()
        await self.engine.dispose()


class Client(Reader):
    """Keeps documents over its connections, and every one that it ever showed."""

    def __init__(self, held: dict[str, dict[str, Any]]) -> None:
        super().__init__(high=2_000)
        self.documents = held
        self.shown: list[tuple[str, dict[str, Any]]] = []

    def follow(self, channel: str) -> None:
        request: dict[str, Any] = {"type": "subscribe", "channel": channel}
        if (mine := self.documents.get(channel)) is not None:
            request |= {"position": mine["position"], "epoch": mine["epoch"]}
        assert self.subscriber is not None
        self.subscriber.data_received(client_frame(TEXT, orjson.dumps(request)))

    def take(self, message: dict[str, Any]) -> None:
        assert message["type"] in ("subscribed", "publication"), message
        assert "reset" not in message
        channel = message["channel"]
        before = self.documents.get(channel, {}).get("position", 0)
        gaps = self.gaps
        super().take(message)
        after = self.documents[channel]
        assert after["position"] >= before
        self.shown.append((channel, after))
        if self.gaps > gaps:
            self.follow(channel)


@dataclass
class Followed:
    """What outlives a client's connections."""

    channels: tuple[str, ...] = ()
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    process: int | None = None
    client: Client | None = None


class Streams(RuleBasedStateMachine):
    """Two processes and four clients."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock(START + 4 * DAY)
        self.processes = [Process(self.url, self.clock) for _ in range(2)]
        self.name = f"stream-{next(names)}"
        self.clients = [Followed() for _ in range(4)]
        self.expected: dict[tuple[str, int], dict[str, Any]] = {}
        self.checked = 0

    @initialize(channels=st.lists(st.sets(st.sampled_from(CHANNELS), min_size=1), min_size=4, max_size=4))
    def begin(self, channels: list[set[str]]) -> None:
        self.runner.run(self.create())
        for number, chosen in enumerate(channels):
            self.clients[number].channels = tuple(f"{self.name}{one}" for one in sorted(chosen))
            self.come(number, number % 2)

    async def create(self) -> None:
        for process in self.processes:
            process.start()
        event = await self.processes[0].events.create(event_said(), self.name, BRAND)
        await event.submit([roster_said(), *histories.sessions_said(), move_said("scheduled"), move_said("live")])

    @rule(
        process=PROCESS,
        said=st.lists(histories.said(), min_size=1, max_size=4),
        seconds=st.sampled_from((0, 0.05, 0.2)),
    )
    def tell(self, process: int, said: list[Fact], seconds: float) -> None:
        async def submit() -> None:
            await (await self.processes[process].events.open(self.name)).submit(said)
            await turns()
            if seconds:
                await self.processes[process].turned.turn(seconds)

        self.runner.run(submit())

    @rule(process=PROCESS)
    def look(self, process: int) -> None:
        """What others committed is read and folded."""
        self.runner.run(self.processes[process].events.following.tail.catch_up())

    @rule(process=PROCESS, seconds=st.sampled_from((0.01, 0.05, 0.2)))
    def pass_time(self, process: int, seconds: float) -> None:
        self.runner.run(self.processes[process].turned.turn(seconds))

    @rule(number=CLIENT, process=PROCESS)
    def come(self, number: int, process: int) -> None:
        """Connect, or leave without a word and connect elsewhere, with what it holds."""
        followed = self.clients[number]
        followed.process = process

        async def connect() -> None:
            self.leave(followed)
            followed.client = client = Client(followed.documents)
            client.connect(self.processes[process].connections, Anybody())
            for channel in followed.channels:
                client.follow(channel)
            await turns()

        self.runner.run(connect())

    def leave(self, followed: Followed) -> None:
        if (client := followed.client) is not None:
            self.check(client)
            client.abort()
            followed.client = None

    @precondition(lambda self: any(followed.client for followed in self.clients))
    @rule(number=CLIENT, reads=st.booleans())
    def stop_or_go_on_reading(self, number: int, reads: bool) -> None:
        async def change() -> None:
            client = self.clients[number].client
            if client is not None:
                (client.read_on if reads else client.stop_reading)()
            await turns()

        self.runner.run(change())

    @rule(process=PROCESS)
    def restart(self, process: int) -> None:
        """All it knew is gone, and its clients are without a connection."""

        async def again() -> None:
            for followed in self.clients:
                if followed.process == process:
                    self.leave(followed)
            await self.processes[process].stop()
            self.processes[process].start()

        self.runner.run(again())

    @invariant()
    def everything_shown_is_what_the_journal_says(self) -> None:
        for followed in self.clients:
            if followed.client is not None:
                self.check(followed.client)

    def check(self, client: Client) -> None:
        shown, client.shown = client.shown, []
        for channel, document in shown:
            self.checked += 1
            known = self.expected.get((channel, document["position"]))
            # One of a lower position is from before; both are the same bytes then.
            self.expected.setdefault((channel, document["position"]), document)
            assert known is None or known == document

    async def expect(self, channel: str, position: int) -> dict[str, Any]:
        """The document by a fold of the journal up to a position, and nothing else."""
        event = await load(self.processes[0].store, self.name, position, use_states=False)
        document = self.document_of(event, channel)
        return {**document, "rows": sorted(document["rows"], key=order_key)}

    def document_of(self, event: OpenEvent, channel: str) -> dict[str, Any]:
        kind, _, identity = channel.partition("/")[2].partition("/")
        match kind:
            case "boards":
                return documents.board(event, "public", {}, parse_board(identity), CHANNEL_ROWS)
            case "hosts":
                return documents.host(event, "public", {}, identity)
            case "sessions":
                return documents.session(event, "public", {}, identity)
            case "orders":
                return documents.ticker(event, "public", {})
        return documents.state(event, "public", {})

    async def settle(self) -> None:
        """Everybody reads, looks, and has time: all must come to the same."""
        for process in self.processes:
            await process.events.open(self.name)
            await process.events.following.tail.catch_up()
        present = {}
        for followed in self.clients:
            if followed.client is None:
                continue
            followed.client.read_on()
            for channel in followed.channels:
                present[channel] = await self.expect(channel, 1_000_000)
        async with asyncio.timeout(20):
            while not self.are_at(present):
                for process in self.processes:
                    await process.turned.turn(INTERVAL_SECONDS)
                await asyncio.sleep(0.001)

    def are_at(self, present: dict[str, dict[str, Any]]) -> bool:
        """Whether every connected client shows the present, whatever position its last step had."""
        return all(
            {**followed.documents.get(channel, {}), "position": 0} == {**present[channel], "position": 0}
            for followed in self.clients
            if followed.client is not None
            for channel in followed.channels
        )

    def teardown(self) -> None:
        if self.clients[0].channels:
            self.runner.run(self.settle())
            self.everything_shown_is_what_the_journal_says()
            for (channel, position), document in self.expected.items():
                assert self.runner.run(self.expect(channel, position)) == document
            self.runner.run(self.stop())
        self.runner.close()

    async def stop(self) -> None:
        for followed in self.clients:
            self.leave(followed)
        for process in self.processes:
            await process.stop()


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    made = postgres.create_database(prepare=upgrade)
    yield made
    postgres.drop_database(made)


def test_whatever_happens_every_client_shows_what_the_journal_says_at_its_position(url):
    chosen = int(os.environ.get("KOS_TEST_SEED") or random.SystemRandom().getrandbits(32))
    print(f"KOS_TEST_SEED={chosen}")
    shown = []

    class OnPostgres(Streams):
        def teardown(self) -> None:
            super().teardown()
            shown.append(self.checked)

    OnPostgres.url = url
    run_state_machine_as_test(
        seed(chosen)(OnPostgres),
        settings=settings(
            max_examples=RUNS, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck), database=None
        ),
    )
    assert sum(shown) > RUNS
