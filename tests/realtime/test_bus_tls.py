"""The bus on a real Valkey over TLS (``rediss://``): a server that proves who it is, and those that do not."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
import trustme
from pydantic import SecretStr
from redis import Redis

from app.realtime.bus_redis import channel_of
from app.settings import Settings
from tests.live import eventually
from tests.processes import Server
from tests.realtime.ears import ears


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """What the processes trust, if told so."""
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    """The options of a URL that trusts the authority; the name of its file has what a URL may not have as it is."""
    path = tmp_path / "our & only.pem"
    authority.cert_pem.write_to_path(str(path))
    return f"?ssl_ca_certs={quote(str(path))}"


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def over_tls(valkey: Server, authority: trustme.CA, name: str = "127.0.0.1") -> AsyncIterator[str]:
    """URL of the server behind TLS, with a certificate of this name. The wheel's server is built without TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, ahead = await asyncio.open_connection("127.0.0.1", valkey.port)
        ways = [asyncio.create_task(_pass_on(*way)) for way in ((reader, ahead), (behind, writer))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (ahead, writer):
            end.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def configured(url: str) -> str:
    """The URL as a process that is configured with it has it."""
    return Settings(redis_url=SecretStr(url)).redis_url.get_secret_value()


async def test_bus_works_over_tls_with_an_authority_of_ones_own(valkey: Server, authority: trustme.CA, trusted: str):
    async with over_tls(valkey, authority) as url, ears(configured(url + trusted)) as (one, two):
        await one.follows("tls1")
        await two.follows("tls1")
        said = [("tls1", b"%d" % number * 1_000) for number in range(100)]

        for event, payload in said:
            one.bus.tell(event, "word", payload)
        await eventually(lambda: len(two.heard) == len(said))

        assert two.heard == said
        assert (one.bus.figures.dropped, one.bus.figures.losses, two.bus.figures.losses) == (0, 0, 0)


async def assert_refused(url: str, valkey: Server, event: str, why: str) -> None:
    """The bus says why it waits; it tells nothing and hears nothing, while others do on the same server."""
    with structlog.testing.capture_logs() as logs:
        async with ears(configured(url), 1) as (refused,), ears(valkey.url) as (one, two):
            refused.bus.follow(event)
            await eventually(lambda: bool(logs))
            for ear in (one, two):
                await ear.follows(event)
            refused.bus.tell(event, "word", b"to a stranger")
            one.bus.tell(event, "word", b"1")
            await eventually(lambda: bool(two.heard))
            with Redis(port=valkey.port) as client:
                followers = client.pubsub_shardnumsub(channel_of(event).decode())

            assert (refused.bus.is_connected, refused.heard, refused.bus.figures.dropped) == (False, [], 1)
            assert (one.heard, two.heard) == ([], [(event, b"1")])
            assert followers == [(channel_of(event), 2)]
    assert [line["event"] for line in logs] == ["bus_waits"]
    assert why in logs[0]["reason"]


async def test_server_whose_certificate_nobody_trusts_is_refused(valkey: Server, authority: trustme.CA):
    async with over_tls(valkey, authority) as url:
        await assert_refused(url, valkey, "tls2", "certificate verify failed")


async def test_server_with_a_certificate_of_another_authority_is_refused(valkey: Server, trusted: str):
    async with over_tls(valkey, trustme.CA()) as url:
        await assert_refused(url + trusted, valkey, "tls3", "certificate verify failed")


async def test_server_with_a_certificate_of_another_name_is_refused(
    valkey: Server, authority: trustme.CA, trusted: str
):
    async with over_tls(valkey, authority, "redis.example.org") as url:
        await assert_refused(url + trusted, valkey, "tls4", "IP address mismatch")


async def test_file_of_authorities_that_is_not_there_is_told(valkey: Server, authority: trustme.CA):
    async with over_tls(valkey, authority) as url:
        await assert_refused(f"{url}?ssl_ca_certs=/nowhere.pem", valkey, "tls5", "No such file")
