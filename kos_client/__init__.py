"""A client of a KOS Live server's stream for asyncio; needs nothing but ``websockets``.

``KosClient`` keeps one connection, ``follow`` gives a document that stays right. The wire is in docs/protocol.md.
"""

from kos_client.client import KosClient, Timing
from kos_client.errors import ChannelRefused, KosError, StreamClosed, StreamEnded
from kos_client.followed import Followed

__all__ = ["ChannelRefused", "Followed", "KosClient", "KosError", "StreamClosed", "StreamEnded", "Timing"]
