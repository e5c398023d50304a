"""Connections to PostgreSQL: how they are made, kept, bounded, and what their errors mean to us.

Plain asyncpg, because a commit of the writer must be one round trip of one prepared statement. Needs
sessions of its own: a pooler that switches servers between transactions would lose prepared statements.
"""

import asyncio
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url

from app.errors import InvariantError, Unavailable
from app.journal.store import ClockMoved, KeyTaken, OutcomeUnknown

CONNECT_SECONDS_MAX = 5.0
# The server gives up first, so that a slow statement ends as a certain failure and not as a lost link.
STATEMENT_SECONDS_MAX = 15.0
ANSWER_SECONDS_MAX = 20.0
LOCK_SECONDS_MAX = 5.0
# A process that hangs in the middle of a transaction holds up its event for this long.
IDLE_IN_TRANSACTION_SECONDS_MAX = 10.0
WAIT_SECONDS_MAX = 5.0

_UNIQUE_VIOLATION = "23505"
# The guard's word for entries ahead of the clock (migrations/guards.py).
_CLOCK = "KOS05"
# Classes of SQLSTATE after which the server has closed the link, so that the fate of a commit is not known.
_LINK_LOST = ("08", "57P", "25P03", "25P04")
# Classes that are the world's trouble and say that the statement had no effect: conflict with another
# transaction, resources, lock not had, statement cancelled, input/output, wrong server (a standby), not
# allowed in, no such database, no such table (not migrated yet).
_TROUBLE = ("40", "53", "54", "55", "57", "58", "25006", "28", "3D", "42P01")


def connect_arguments(url: str) -> dict[str, Any]:
    """What asyncpg needs to connect, from a URL in SQLAlchemy's form.

    Shape: ``postgresql+asyncpg://user:password@host:port/database``; a socket folder or several hosts as
    ``?host=``; ``?ssl=`` as asyncpg takes it.
    Errors: ValueError for another scheme or a parameter that we would ignore.
    """
    parsed = make_url(url)
    if parsed.drivername != "postgresql+asyncpg":
        raise ValueError(f"not a postgresql+asyncpg URL: {parsed.render_as_string()}")
    arguments = {
        "host": parsed.host,
        "port": parsed.port,
        "user": parsed.username,
        "password": parsed.password,
        "database": parsed.database,
    }
    for name, value in parsed.query.items():
        if name not in ("host", "port", "ssl", "user", "password") or not isinstance(value, str):
            raise ValueError(f"unknown parameter in the database URL: {name}")
        arguments[name] = int(value) if name == "port" else value
    return {name: value for name, value in arguments.items() if value is not None}


def translated(error: Exception, writing: bool) -> Exception:
    """What an exception of the driver is to our callers; ``writing``: a write or a commit was under way."""
    if isinstance(error, asyncpg.PostgresError):
        sqlstate = error.sqlstate or ""
        if sqlstate == _UNIQUE_VIOLATION and error.constraint_name in ("entry_key", "head_pkey"):
            return KeyTaken(error.detail or str(error))
        if sqlstate == _CLOCK:
            return ClockMoved(str(error))
        if sqlstate.startswith(_LINK_LOST) or not sqlstate:
            return _lost(error, writing)
        if sqlstate.startswith(_TROUBLE):
            return unavailable(error)
        return InvariantError(f"PostgreSQL refused with {sqlstate}: {error}")
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):
        return InvariantError(f"not a value for PostgreSQL: {error}")
    if isinstance(error, asyncpg.InterfaceError) and "another operation" in str(error):
        return InvariantError(f"two tasks share a connection: {error}")
    if isinstance(error, (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return _lost(error, writing)
    return InvariantError(f"{type(error).__name__}: {error}")


def unavailable(error: Exception) -> Unavailable:
    """The one error for a database that is not to be had now."""
    why = str(error) or type(error).__name__
    return Unavailable("database_unavailable", f"The database is not available: {why}")


def _lost(error: Exception, writing: bool) -> Exception:
    return OutcomeUnknown(f"{type(error).__name__}: {error}") if writing else unavailable(error)


def is_usable_after(error: BaseException) -> bool:
    """Whether the link still works: only after an error that the server itself told and survived."""
    if isinstance(error, asyncpg.PostgresError):
        return bool(error.sqlstate) and not error.sqlstate.startswith((*_LINK_LOST, "25006"))
    return isinstance(error, ValueError)


class Connections:
    """At most ``connections_max`` links to one database; idle ones are used again, the latest first."""

    def __init__(
        self,
        url: str,
        connections_max: int,
        wait_seconds_max: float = WAIT_SECONDS_MAX,
        lock_seconds_max: float = LOCK_SECONDS_MAX,
    ) -> None:
        self._arguments = connect_arguments(url)
        self._settings = _SERVER_SETTINGS | {"lock_timeout": f"{lock_seconds_max * 1000:.0f}"}
        self._slots = asyncio.Semaphore(connections_max)
        self._wait_seconds_max = wait_seconds_max
        self._idle: list[asyncpg.Connection] = []
        self._is_closed = False

    async def take(self) -> asyncpg.Connection:
        """A working link. Errors: Unavailable. Whoever took one gives it back, or gives None if it broke."""
        if self._slots.locked():
            try:
                async with asyncio.timeout(self._wait_seconds_max):
                    await self._slots.acquire()
            except TimeoutError:
                busy = "All connections to the database are in use."
                raise Unavailable("database_unavailable", busy) from None
        else:
            await self._slots.acquire()
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        try:
            return await self.connect()
        except BaseException:
            self._slots.release()
            raise

    def give(self, connection: asyncpg.Connection | None) -> None:
        """Take a link back; one that is None or closed only frees its place."""
        self._slots.release()
        if connection is None or connection.is_closed():
            return
        if self._is_closed or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)

    async def connect(self) -> asyncpg.Connection:
        """A new link in place of one that broke, within the place its holder has. Errors: Unavailable."""
        if self._is_closed:
            raise Unavailable("database_unavailable", "The store is closed.")
        try:
            connection = await asyncpg.connect(
                **self._arguments,
                timeout=CONNECT_SECONDS_MAX,
                command_timeout=ANSWER_SECONDS_MAX,
                max_cached_statement_lifetime=0,
                server_settings=self._settings,
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            raise unavailable(error) from error
        try:
            # A server that is set to answer before it has flushed would lose acknowledged orders.
            await connection.execute(_FLUSH_BEFORE_ANSWER)
        except BaseException as error:
            # Also when cancelled: nobody else knows of this link yet.
            connection.terminate()
            if isinstance(error, Exception):
                raise translated(error, writing=False) from error
            raise
        return connection

    async def close(self) -> None:
        self._is_closed = True
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=CONNECT_SECONDS_MAX)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()
        # Links that were cut are closed by the loop's next turn, which may otherwise not come.
        await asyncio.sleep(0)


_FLUSH_BEFORE_ANSWER = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)

_SERVER_SETTINGS = {
    "application_name": "kos",
    "statement_timeout": f"{STATEMENT_SECONDS_MAX * 1000:.0f}",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS_MAX * 1000:.0f}",
    # Every statement of ours is a lookup by index. On a table that was planned while empty the planner would
    # read it from end to end, and keep doing so until its first ANALYZE; and planning anew each time, or
    # compiling, costs more than the statement.
    "enable_seqscan": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
