"""Everything that can be set, each with its unit in its name; read from ``KOS_*`` in the environment."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
}
# What may stand after the question mark. Anything else would be refused by the driver, or ignored.
_OPTIONS: dict[str, tuple[str, ...]] = {"sqlite": (), "postgresql": ("host", "port", "ssl", "user", "password")}
_TLS = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_PORT_MAX = 65_535

_REDIS_OPTIONS = ("ssl_ca_certs",)

_PREFIX = "KOS_"
# Read by the tests and scripts of the project.
_NOT_SETTINGS = ("KOS_TEST_", "KOS_CHROMIUM")
# Two letters swapped, lost or added in a name of this length. Names that Kubernetes derives from a service called
# `kos` (KOS_PORT, KOS_SERVICE_HOST) are far below it.
_LIKENESS_MIN = 0.85


class Settings(BaseSettings):
    """Settings of one process. The defaults run on one machine with nothing else installed."""

    # A value that is refused may be a key, or a URL with a password: no error repeats it.
    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", hide_input_in_errors=True)

    database_url: str = Field(
        "sqlite+aiosqlite:///kos.db",
        description="sqlite+aiosqlite:///PATH or postgresql+asyncpg://USER@HOST/NAME",
    )
    redis_url: SecretStr = Field(
        SecretStr(""),
        description="redis://[[USER]:PASSWORD@]HOST:PORT, or rediss:// for TLS; empty: processes meet in the database",
    )
    admin_key: SecretStr = Field(SecretStr(""), description="A key of the brand `default` with every scope")
    signing_key: SecretStr = Field(
        SecretStr(""),
        description="Signs overlay and viewer tokens and checkpoints; empty: made once and kept in the database",
    )
    docs_public: bool = Field(False, description="Whether /docs and /openapi.json can be read without a key")
    metrics_public: bool = Field(False, description="Whether /metrics can be read without a key")
    log_format: Literal["console", "json"] = Field("console", description="`console` or `json`")

    body_bytes_max: int = Field(1 << 20, ge=1024, description="Largest request body but for the two below")
    order_body_bytes_max: int = Field(1 << 18, ge=1024, description="Largest body of a single order or refund")
    batch_body_bytes_max: int = Field(4 << 20, ge=1024, description="Largest body of a batch")
    roster_body_bytes_max: int = Field(8 << 20, ge=1024, description="Largest body of a roster")
    asset_bytes_max: int = Field(1 << 19, ge=1024, description="Largest logo, picture or font")
    batch_items_max: int = Field(5_000, ge=1, description="Most items in one batch request")

    batch_facts_max: int = Field(1_000, ge=1, description="Most facts in one transaction")
    queue_facts_max: int = Field(20_000, ge=1, description="Most facts waiting for one event; above it 503")
    state_entries: int = Field(10_000, ge=1, description="The folded state is stored every so many entries")
    checkpoint_entries: int = Field(10_000, ge=1, description="The head of an event is signed every so many entries")
    checkpoint_seconds: float = Field(60, gt=0, description="The head is signed at the latest so long after it moved")
    verify_at_start: bool = Field(True, description="Whether what came since the last checkpoint is verified at start")
    writer_connections_max: int = Field(8, ge=1, description="Database connections that writers may hold")
    events_open_max: int = Field(200, ge=1, description="Events kept folded in memory")
    event_idle_seconds: float = Field(600, gt=0, description="An event that nobody asks for is unloaded after this")
    tail_interval_ms: int = Field(50, ge=1, description="How often other processes' entries are looked for")
    heal_interval_ms: int = Field(1_000, ge=1, description="The same, while Redis brings them")

    publish_interval_ms: int = Field(50, ge=0, description="At most one publication per channel in this time")
    removed_rows_max: int = Field(1_000, ge=1, description="Rows that left a channel's window and are remembered")
    subscriptions_per_connection_max: int = Field(100, ge=1, description="Channels one connection may follow")
    channels_per_event_max: int = Field(200, ge=1, description="Channels of one event followed in one process")
    viewers_per_event_max: int = Field(
        100_000, ge=1, description="Viewers of one event and minute that are counted, and as many in its sessions"
    )
    viewers_late_seconds: int = Field(
        30, ge=0, le=300, description="How long after its end viewers of a minute are still taken"
    )
    touch_days: int = Field(90, ge=1, le=366, description="How long a click of a tracking link is remembered")
    message_bytes_max: int = Field(4_096, ge=256, description="Largest message a client may send")
    messages_per_second_max: int = Field(
        50, ge=1, description="Messages a client may send; and at once as many more as it may follow channels"
    )
    subscriber_lag_bytes_max: int = Field(
        1 << 16, ge=1, description="Waiting for one connection; above it, it gets a snapshot once it has drained"
    )
    subscriber_stall_seconds_max: float = Field(15, gt=0, description="A connection that takes nothing is closed")
    sse_channels_max: int = Field(16, ge=1, description="Channels one connection of server-sent events may follow")
    origins_allowed: str = Field("*", description="Origins whose pages may connect, separated by commas; `*` is any")
    connections_max: int = Field(
        0, ge=0, description="Connections of the stream in one process; 0: as many as it may open files, less 256"
    )
    connections_per_address_max: int = Field(25_000, ge=1, description="Connections of the stream of one address")
    handshakes_per_second_max: int = Field(
        2_500, ge=1, description="Connections of the stream that one address may open; twice as many at once"
    )
    handshake_seconds_max: float = Field(10, gt=0, description="A request whose head takes longer is cut off")
    request_seconds_max: float = Field(60, gt=0, description="A request whose body takes longer is cut off")
    ping_seconds: float = Field(20, gt=0, description="Between two pings; a connection silent for longer is ended")
    revocation_seconds_max: float = Field(
        5, gt=0, description="A revoked key or token is refused after this at the latest"
    )
    session_seconds: int = Field(43_200, ge=60, description="A session of the console ends after this")
    sign_ins_per_minute_max: int = Field(
        10, ge=1, description="Wrong keys that one address may try a minute to sign in to the console"
    )
    drain_seconds: float = Field(5, ge=0, description="How long a stopping process waits for what is under way")

    @property
    def origins(self) -> frozenset[str]:
        """The origins allowed, in small letters and without a slash at their end."""
        return frozenset(one.strip().lower().rstrip("/") for one in self.origins_allowed.split(",") if one.strip())

    @field_validator("database_url")
    @classmethod
    def with_driver(cls, url: str) -> str:
        """The URL with the driver that we use; ``postgresql://`` as others write it is understood."""
        scheme, separator, rest = url.partition("://")
        scheme = _DRIVERS.get(scheme, scheme)
        if not separator or scheme not in _DRIVERS.values():
            raise ValueError("a database URL begins with sqlite:// or postgresql://")
        url = f"{scheme}://{rest}"
        _check(url)
        return url

    @field_validator("redis_url")
    @classmethod
    def reachable(cls, url: SecretStr) -> SecretStr:
        """The URL as it was given, if it can name a server."""
        if url.get_secret_value():
            _check_redis(url.get_secret_value())
        return url


def unknown_variables(names: Iterable[str]) -> dict[str, str]:
    """Which of these variables look like settings and are none, each with the setting that was meant, "" if unclear."""
    settings = [f"{_PREFIX}{name}".upper() for name in Settings.model_fields]
    given = sorted(name for name in names if name.upper().startswith(_PREFIX))
    return {
        name: next(iter(get_close_matches(name.upper(), settings, 1, _LIKENESS_MIN)), "")
        for name in given
        if name.upper() not in settings and not name.startswith(_NOT_SETTINGS)
    }


def _check(url: str) -> None:
    """Refuse what could only fail later, in words of the driver's. Errors: ValueError, without the password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("the database URL cannot be read; is its port a number?") from None
    backend = parsed.get_backend_name()
    for name, value in parsed.query.items():
        known = _OPTIONS[backend]
        if name not in known:
            takes = f"PostgreSQL takes {', '.join(known)}" if known else "SQLite takes none"
            raise ValueError(f"unknown option {name!r} in the database URL; {takes}")
        if not isinstance(value, str):
            raise ValueError(f"option {name!r} stands twice in the database URL")
    path = parsed.database or ""
    if backend == "sqlite" and (parsed.host or not path or path.startswith((":memory:", "file:"))):
        raise ValueError("an SQLite database is a file: sqlite:///kos.db, or sqlite:////var/lib/kos/kos.db")
    port = parsed.query.get("port", parsed.port)
    if port is not None and not (str(port).isdecimal() and 1 <= int(str(port)) <= _PORT_MAX):
        raise ValueError(f"the port in the database URL must be a number from 1 to {_PORT_MAX}")
    if parsed.query.get("ssl", _TLS[0]) not in _TLS:
        raise ValueError(f"ssl in the database URL must be one of {', '.join(_TLS)}")


def _check_redis(url: str) -> None:
    """Refuse what could never connect. Errors: ValueError, without the password."""
    try:
        parsed = urlsplit(url)
        port = parsed.port
    except ValueError:
        raise ValueError(f"the Redis URL cannot be read; is its port a number from 1 to {_PORT_MAX}?") from None
    if parsed.scheme not in ("redis", "rediss"):
        raise ValueError("a Redis URL begins with redis:// or rediss://")
    if not parsed.hostname or port == 0:
        raise ValueError("a Redis URL names a host, and a port if it is not 6379: redis://127.0.0.1:6379")
    # Channels belong to no database, so the number that others write there means nothing and does no harm.
    if parsed.path.strip("/") and not parsed.path.strip("/").isdecimal():
        raise ValueError("after the host of a Redis URL stands nothing, or the number of a database")
    for name, values in parse_qs(parsed.query, keep_blank_values=True).items():
        if name not in _REDIS_OPTIONS or parsed.scheme == "redis" or len(values) > 1:
            raise ValueError(f"unknown option {name!r} in the Redis URL; rediss:// takes {', '.join(_REDIS_OPTIONS)}")
