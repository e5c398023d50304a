"""How long the Python client waits, and which addresses it takes; no server is asked."""

import pytest

from kos_client import KosClient
from kos_client.client import stream_url


async def test_waits_grow_to_their_limit_and_are_never_the_same_for_all():
    client = KosClient("http://kos.test")

    for failures, whole in [(1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0), (5_000, 30.0)]:
        waits = [client._backoff(failures) for _ in range(50)]
        assert whole / 2 <= min(waits) < max(waits) <= whole


@pytest.mark.parametrize(
    ("given", "stream"),
    [
        ("http://kos.test:8000", "ws://kos.test:8000/v1/stream"),
        ("https://kos.test/live/", "wss://kos.test/live/v1/stream"),
        ("wss://kos.test/v1/stream", "wss://kos.test/v1/stream"),
    ],
)
def test_address_of_a_server_leads_to_its_stream(given: str, stream: str):
    assert stream_url(given) == stream


@pytest.mark.parametrize("given", ["kos.test:8000", "ftp://kos.test", "http://"])
def test_what_is_no_address_is_said_to_be_none(given: str):
    with pytest.raises(ValueError, match="no address"):
        KosClient(given)
