"""A cluster of three Valkeys on this machine, made without any tool of theirs; moving a slot inside it; replicas."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis import Redis
from redis.crc import key_slot

from tests.processes import START_SECONDS_MAX, Server, ServerFailed, start_on_free_port
from tests.servers import valkey_server

_SLOTS = 16_384
_NODES = 3


@dataclass
class ValkeyCluster:
    """Three primaries that share the slots evenly, and replicas if asked for; ``url`` is that of the first one."""

    servers: Sequence[Server]
    replicas: list[Server] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.servers[0].url

    def run(self, server: Server, *command: Any) -> Any:
        """A command on one server."""
        with Redis(port=server.port) as client:
            return client.execute_command(*command)

    def holder(self, channel: bytes) -> Server:
        """The server that was given the channel's slot at the start."""
        return self.servers[key_slot(channel) * _NODES // _SLOTS]

    def move(self, channel: bytes, to: Server) -> None:
        """Give the slot of a channel to another server."""
        slot, node = key_slot(channel), self.run(to, "CLUSTER", "MYID").decode()
        for server in (to, *(other for other in self.servers if other is not to)):
            self.run(server, "CLUSTER", "SETSLOT", slot, "NODE", node)

    def add_replica(self, primary: Server) -> Server:
        """One more server, which takes over when the primary is gone. Returns when every primary knows that it can."""
        replica, node = start_on_free_port(_node_on), self.run(primary, "CLUSTER", "MYID").decode()
        self.replicas.append(replica)
        self.run(replica, "CLUSTER", "MEET", "127.0.0.1", primary.port)
        _wait(lambda: node.encode() in self._nodes(replica))
        self.run(replica, "CLUSTER", "REPLICATE", node)
        _wait(lambda: self.run(replica, "INFO", "replication").get("master_link_status") == "up")
        _wait(lambda: all(b" slave %b " % node.encode() in self._nodes(server) for server in self.servers))
        return replica

    def _nodes(self, server: Server) -> bytes:
        nodes: bytes = self.run(server, "CLUSTER", "NODES")
        return nodes

    def close(self) -> None:
        for server in (*self.servers, *self.replicas):
            server.close()


def start_cluster() -> ValkeyCluster:
    """Returns when every server knows all slots; 1.5 s."""
    cluster = ValkeyCluster([start_on_free_port(_node_on) for _ in range(_NODES)])
    for number, server in enumerate(cluster.servers):
        first, last = (-(-_SLOTS * edge // _NODES) for edge in (number, number + 1))
        cluster.run(server, "CLUSTER", "ADDSLOTSRANGE", first, last - 1)
        cluster.run(server, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for server in cluster.servers[1:]:
        cluster.run(cluster.servers[0], "CLUSTER", "MEET", "127.0.0.1", server.port)
    try:
        _wait(lambda: all(_is_whole(cluster.run(server, "CLUSTER", "INFO")) for server in cluster.servers))
    except BaseException:
        cluster.close()
        raise
    return cluster


def _wait(is_so: Callable[[], bool]) -> None:
    """Errors: ServerFailed if it takes too long."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while not is_so():
        if time.monotonic() > deadline:
            raise ServerFailed("the cluster was not formed")
        time.sleep(0.02)


def _is_whole(info: bytes) -> bool:
    told = info.decode()
    return all(word in told for word in ("state:ok", f"slots_assigned:{_SLOTS}\r", f"known_nodes:{_NODES}\r"))


def _node_on(port: int) -> Server:
    directory = Path(tempfile.mkdtemp(prefix="kos-valkey-"))
    # By itself it misses a server after 15 seconds, and copies to a replica after five: the test's time here.
    options = {"cluster-enabled": "yes", "cluster-node-timeout": "2000", "repl-diskless-sync-delay": "0"}
    return valkey_server(port, directory, *(part for name, value in options.items() for part in (f"--{name}", value)))
