"""A process's open events on a real database, without HTTP: a clock that tests set, faults at the store's edge."""

import asyncio
import inspect
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, cast

from app.errors import AppError, Unavailable
from app.events import Events, OpenEvent
from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.journal.open import open_store
from app.journal.plan import Outcome
from app.journal.store import OutcomeUnknown, Session, Store
from app.main import RULES
from app.realtime.bus import WatchedBus
from app.settings import Settings
from tests.book import BRAND, DAY, EVENT, HOSTS, START, event_said, move_said, order_said, roster_said
from tests.book import order as order_of

# Calls of a session; every other call is the store's own.
_SESSION_CALLS = ("lookup", "read", "append_at", "begin", "append", "commit")


# 2099: no timer of a live process falls due in a test that does not ask for it.
FAR = 4_070_908_800_000_000


_numbers = count(1)


class Clock:
    """Microseconds since 1970 UTC; stands still until a test moves it."""

    def __init__(self, now: int = START + 4 * DAY) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Faulty:
    """A real store whose calls fail, or wait, when a test says so. Counts the calls that were made.

    A fault is a function that is given the real call: it may run it first, after, or not at all.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.calls: Counter[str] = Counter()
        self._faults: defaultdict[str, deque[Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]]] = defaultdict(
            deque
        )

    def at(self, name: str, *faults: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]) -> None:
        """The next calls of this name meet these faults, one each."""
        self._faults[name].extend(faults)

    async def session(self) -> Session:
        session: Session = await self._run("session", self.store.session)
        return cast(Session, _FaultySession(self, session))

    def __getattr__(self, name: str) -> Any:
        return self._wrapped(name, getattr(self.store, name))

    def _wrapped(self, name: str, call: Any) -> Any:
        if not inspect.iscoroutinefunction(call):
            return call
        return lambda *args, **kwargs: self._run(name, lambda: call(*args, **kwargs))

    async def _run(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        self.calls[name] += 1
        faults = self._faults[name]
        return await (faults.popleft()(call) if faults else call())


class _FaultySession:
    def __init__(self, faulty: Faulty, session: Session) -> None:
        self._faulty = faulty
        self._session = session

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._session, name)
        return self._faulty._wrapped(name, call) if name in _SESSION_CALLS else call


async def lost_before(call: Callable[[], Awaitable[Any]]) -> None:
    """The link is lost before the database did anything."""
    raise OutcomeUnknown("scripted: lost before")


async def lost_after(call: Callable[[], Awaitable[Any]]) -> None:
    """The database did it; the answer is lost."""
    await call()
    raise OutcomeUnknown("scripted: lost after")


async def gone(call: Callable[[], Awaitable[Any]]) -> None:
    raise Unavailable("database_unavailable", "scripted: gone")


def raising(error: BaseException) -> Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]:
    async def fault(call: Callable[[], Awaitable[Any]]) -> None:
        raise error

    return fault


class Held:
    """A fault that waits inside the call until the test lets go."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._let_go = asyncio.Event()

    async def reached(self) -> None:
        """Errors: TimeoutError if nobody makes the call."""
        await asyncio.wait_for(self._reached.wait(), 10)

    def let_go(self) -> None:
        self._let_go.set()

    async def __call__(self, call: Callable[[], Awaitable[Any]]) -> Any:
        self._reached.set()
        await self._let_go.wait()
        return await call()


@asynccontextmanager
async def running(
    url: str,
    clock: Callable[[], int] | None = None,
    faulty: bool = False,
    bus: WatchedBus | None = None,
    **settings: Any,
) -> AsyncIterator[Events]:
    """A process's events on a migrated database; ``faulty`` gives it such a store, see ``store_of``."""
    store = open_store(url, clock or Clock(), wait_seconds_max=5)
    events = Events(cast(Store, Faulty(store)) if faulty else store, RULES, Settings(**settings), bus)
    try:
        yield events
    finally:
        await events.close()
        await store.close()


def store_of(events: Events) -> Faulty:
    return cast(Faulty, events._store)


async def create(events: Events, to: str = "live", hosts: Iterable[dict[str, Any]] = HOSTS, **event: Any) -> OpenEvent:
    """A new event with its hosts, moved on as far as said; it ends in 2099 unless told otherwise."""
    opened = await events.create(event_said(**({"ends_at": FAR} | event)), f"{EVENT}-{next(_numbers)}", BRAND)
    await opened.submit_one(roster_said(hosts))
    path = ("scheduled", "live", "ended", "final")
    for status in path[: path.index(to) + 1] if to != "draft" else ():
        await opened.submit_one(move_said(status))
    return opened


async def entries_of(events: Events, event: OpenEvent) -> list[Entry]:
    """The journal as it is stored."""
    return await events._store.read(event.head.event, 0, 100_000)


async def eventually(is_so: Callable[[], bool]) -> None:
    """Wait for what happens by itself, in the background. Errors: TimeoutError."""
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110, there is nothing that could tell
            await asyncio.sleep(0.005)


def orders(count: int, first: int = 1, **fields: Any) -> list[Fact]:
    return [order_said(order_of(f"o{number}", **fields)) for number in range(first, first + count)]


def told(outcomes: Sequence[Outcome]) -> list[str]:
    """What each caller hears: new, again, nothing, or the code of its refusal."""
    return [
        outcome.code
        if isinstance(outcome, AppError)
        else ("again" if outcome.replayed else "new" if outcome.entries else "nothing")
        for outcome in outcomes
    ]
