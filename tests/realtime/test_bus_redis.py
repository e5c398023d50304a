"""The bus on a real Valkey, alone and as a cluster of three: who hears what, and what happens when servers go."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest
import structlog
from redis import Redis
from redis.crc import key_slot

from app.realtime import redis_node
from app.realtime.bus_redis import MESSAGE_BYTES_MAX, channel_of
from tests.live import eventually
from tests.processes import Server, free_port
from tests.realtime.ears import ears, hears
from tests.valkey_cluster import ValkeyCluster, start_cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[ValkeyCluster]:
    """Shared, and whole again after each test."""
    started = start_cluster()
    yield started
    started.close()


@pytest.fixture
def own_cluster() -> Iterator[ValkeyCluster]:
    """A cluster that a test may leave changed."""
    started = start_cluster()
    yield started
    started.close()


def event_in(cluster: ValkeyCluster, server: Server, begin: str = "e") -> str:
    """An event whose channel this server was given."""
    return next(
        name for name in (f"{begin}{number}" for number in range(1_000)) if cluster.holder(channel_of(name)) is server
    )


async def test_followers_hear_what_others_tell_in_order_and_nobody_hears_itself(valkey: Server):
    async with ears(valkey.url, 3) as (one, two, stranger):
        await one.follows("kos101")
        await two.follows("kos101")
        await stranger.follows("kos102")
        said = [("kos101", b"%d" % number) for number in range(300)]

        for event, payload in said:
            one.bus.tell(event, "word", payload)
        await eventually(lambda: len(two.heard) == len(said))

        assert two.heard == said
        assert one.heard == stranger.heard == []
        assert (one.bus.figures.told, one.bus.figures.dropped, two.bus.figures.heard) == (300, 0, 300)


async def test_what_is_unfollowed_is_heard_no_more_and_can_be_followed_again(valkey: Server):
    async with ears(valkey.url) as (one, two):
        await one.follows("a1", "a2")
        await two.follows("a1", "a2")

        two.bus.unfollow("a1")
        two.bus.follow("a1")
        two.bus.unfollow("a1")
        await two.is_connected()
        one.bus.tell("a1", "word", b"1")
        one.bus.tell("a2", "word", b"2")
        await eventually(lambda: bool(two.heard))
        await two.follows("a1")
        one.bus.tell("a1", "word", b"3")
        await eventually(lambda: len(two.heard) == 2)

        assert two.heard == [("a2", b"2"), ("a1", b"3")]
        assert two.bus.figures.losses == 0


async def test_each_event_is_healed_when_it_begins_to_be_heard(valkey: Server):
    async with ears(valkey.url, 1) as (one,):
        await one.follows("b1", "b2")
        assert sorted(one.healed) == ["b1", "b2"]


async def test_messages_that_are_forged_torn_or_too_large_are_refused(valkey: Server):
    async with ears(valkey.url) as (one, two), ears(valkey.url, 1, b"guessed") as (forger,):
        for ear in (one, two, forger):
            await ear.follows("c1", "c2")
        sealed = one.bus._sealed(channel_of("c1"), one.bus._sender + b"\x04word" + b"true of c1")
        with Redis(port=valkey.port) as client:
            bad = [b"", b"x", sealed[:-1], sealed[:20], sealed + b"!", bytes(MESSAGE_BYTES_MAX + 1)]
            for message in bad:
                client.execute_command("SPUBLISH", channel_of("c1"), message)
            client.execute_command("SPUBLISH", channel_of("c2"), sealed)
        forger.bus.tell("c1", "word", b"forged")
        await eventually(lambda: two.bus.figures.refused == len(bad) + 2)

        one.bus.tell("c1", "word", b"well")
        await eventually(lambda: bool(two.heard))

        assert two.heard == [("c1", b"well")]
        assert two.bus.figures.losses == 0


async def test_kind_that_nobody_handles_and_handler_that_fails_disturb_no_other(valkey: Server):
    async with ears(valkey.url) as (one, two):

        def fail(event: str, payload: bytes) -> None:
            raise RuntimeError("scripted")

        two.bus.on("bad", fail)
        await one.follows("d1")
        await two.follows("d1")

        with structlog.testing.capture_logs() as logs:
            for kind in ("bad", "new", "word"):
                one.bus.tell("d1", kind, b"1")
            await eventually(lambda: bool(two.heard))

        assert [line["event"] for line in logs] == ["bus_message_failed"]
        assert two.bus.figures.heard == 2


async def test_message_above_the_limit_and_what_does_not_fit_the_outbox_is_dropped(valkey: Server, monkeypatch):
    monkeypatch.setattr(redis_node, "OUTBOX_MESSAGES_MAX", 3)
    monkeypatch.setattr(redis_node, "OUTBOX_BYTES_MAX", 4_000)
    async with ears(valkey.url) as (one, two):
        await one.follows("f1")
        await two.follows("f1")

        one.bus.tell("f1", "word", bytes(MESSAGE_BYTES_MAX))
        for number in range(5):
            one.bus.tell("f1", "word", b"%d" % number)
        await eventually(lambda: len(two.heard) == 3)
        for _ in range(3):
            one.bus.tell("f1", "word", bytes(1_500))
        await eventually(lambda: len(two.heard) == 5)

        assert (one.bus.figures.told, one.bus.figures.dropped) == (5, 4)


async def test_bus_comes_back_by_itself_after_its_server_was_killed(own_valkey: Server):
    async with ears(own_valkey.url) as (one, two):
        await one.follows("g1")
        await two.follows("g1")
        two.healed.clear()

        own_valkey.kill()
        await eventually(lambda: not two.bus.is_connected and not one.bus.is_connected)
        assert two.healed == ["g1"]
        one.bus.tell("g1", "word", b"lost")
        assert one.bus.figures.dropped == 1
        own_valkey.start()
        await one.is_connected()
        await two.is_connected()
        one.bus.tell("g1", "word", b"back")
        await eventually(lambda: bool(two.heard))

        assert two.heard == [("g1", b"back")]
        assert two.healed == ["g1", "g1"]
        assert two.bus.figures.losses >= 1


async def test_server_that_falls_silent_is_noticed(own_valkey: Server, monkeypatch):
    # Always asking: the connection is given up in the middle of a write, whose task must end all the same.
    monkeypatch.setattr(redis_node, "_PING_SECONDS", 0.0)
    monkeypatch.setattr(redis_node, "_SILENCE_SECONDS_MAX", 0.2)
    async with ears(own_valkey.url, 1) as (one,):
        await one.follows("h1")

        os.kill(own_valkey.pid, signal.SIGSTOP)
        try:
            await eventually(lambda: not one.bus.is_connected)
        finally:
            os.kill(own_valkey.pid, signal.SIGCONT)

        await one.is_connected()


async def test_quiet_bus_stays_connected_by_asking(valkey: Server, monkeypatch):
    monkeypatch.setattr(redis_node, "_PING_SECONDS", 0.01)
    monkeypatch.setattr(redis_node, "_SILENCE_SECONDS_MAX", 0.2)
    async with ears(valkey.url, 1) as (one,):
        await one.is_connected()
        await asyncio.sleep(0.5)

        assert one.bus.is_connected
        assert one.bus.figures.losses == 0


async def test_flushed_server_changes_nothing(valkey: Server):
    async with ears(valkey.url) as (one, two):
        await one.follows("i1")
        await two.follows("i1")

        with Redis(port=valkey.port) as client:
            client.flushall()
        one.bus.tell("i1", "word", b"1")
        await eventually(lambda: bool(two.heard))

        assert two.heard == [("i1", b"1")]


async def test_server_that_is_not_there_yet_is_found_when_it_comes():
    port = free_port()
    async with ears(f"redis://lin:hunter2@127.0.0.1:{port}", 1) as (one,):
        with structlog.testing.capture_logs() as logs:
            one.bus.follow("j1")
            one.bus.tell("j1", "word", b"1")
            await eventually(lambda: bool(logs))

        assert [line["event"] for line in logs] == ["bus_waits"]
        assert "hunter2" not in str(logs)
        assert not one.bus.is_connected
        assert one.bus.figures.dropped == 1


async def test_password_is_sent_and_stays_out_of_the_log(own_valkey: Server):
    with Redis(port=own_valkey.port) as client:
        client.config_set("requirepass", "hunter2")
    address = f"127.0.0.1:{own_valkey.port}"
    async with ears(f"redis://:hunter2@{address}", 1) as (one,), ears(f"redis://:hunter3@{address}", 1) as (other,):
        with structlog.testing.capture_logs() as logs:
            await one.follows("k1")
            await eventually(lambda: bool(logs))

        assert "hunter" not in str(logs)
        assert not other.bus.is_connected


async def test_cluster_delivers_events_of_every_server(cluster: ValkeyCluster):
    events = [event_in(cluster, server) for server in cluster.servers]
    async with ears(cluster.servers[2].url) as (one, two):
        await one.follows(*events)
        await two.follows(*events)

        for number in range(50):
            for event in events:
                one.bus.tell(event, "word", b"%d" % number)
        await eventually(lambda: len(two.heard) == 150)

        for event in events:
            assert [payload for heard, payload in two.heard if heard == event] == [b"%d" % n for n in range(50)]
        assert len({key_slot(channel_of(event)) for event in events}) == 3
        assert one.bus.figures.dropped == two.bus.figures.losses == 0


async def test_slot_that_moves_to_another_server_is_followed_there(cluster: ValkeyCluster):
    event = event_in(cluster, cluster.servers[0], "moving")
    async with ears(cluster.url) as (one, two):
        await one.follows(event)
        await two.follows(event)
        await hears(two, one, event, b"before")
        two.healed.clear()

        cluster.move(channel_of(event), cluster.servers[1])
        await hears(two, one, event, b"after")

        assert event in two.healed
        assert one.bus._map.owner(channel_of(event)) == ("127.0.0.1", cluster.servers[1].port)
        cluster.move(channel_of(event), cluster.servers[0])


async def test_server_of_the_cluster_that_is_gone_keeps_no_other_from_delivering(cluster: ValkeyCluster):
    for server in cluster.servers:
        cluster.run(server, "CONFIG", "SET", "cluster-require-full-coverage", "no")
    lost, kept = (event_in(cluster, server, "third") for server in cluster.servers[1:])
    async with ears(cluster.url) as (one, two):
        await one.follows(lost, kept)
        await two.follows(lost, kept)

        cluster.servers[1].kill()
        await eventually(lambda: not two.bus.is_connected)
        one.bus.tell(kept, "word", b"1")
        await eventually(lambda: bool(two.heard))
        cluster.servers[1].start()
        await hears(two, one, lost, b"2")

        assert two.heard[0] == (kept, b"1")
        assert set(two.heard[1:]) == {(lost, b"2")}


async def test_replica_that_takes_over_from_a_killed_primary_delivers_its_events(own_cluster: ValkeyCluster):
    # The one that the URL names, so that who comes back has to ask another.
    primary = own_cluster.servers[0]
    replica = own_cluster.add_replica(primary)
    lost = [event_in(own_cluster, primary, begin) for begin in ("a", "b", "c")]
    kept = event_in(own_cluster, own_cluster.servers[1])
    async with ears(own_cluster.url) as (one, two):
        for ear in (one, two):
            await ear.follows(*lost, kept)
            ear.healed.clear()

        primary.kill()
        await eventually(lambda: not one.bus.is_connected and not two.bus.is_connected)
        assert sorted(one.healed) == sorted(two.healed) == lost
        for ear in (one, two):
            ear.healed.clear()
        await eventually(lambda: one.bus.is_connected and two.bus.is_connected)
        one.heard.clear()
        two.heard.clear()
        for event in (*lost, kept):
            one.bus.tell(event, "word", b"1")
            two.bus.tell(event, "word", b"2")
        await eventually(lambda: len(one.heard) == len(two.heard) == 4)

        assert sorted(one.heard) == sorted((event, b"2") for event in (*lost, kept))
        assert sorted(two.heard) == sorted((event, b"1") for event in (*lost, kept))
        assert set(one.healed) == set(two.healed) == set(lost)
        assert {one.bus._map.owner(channel_of(event)) for event in lost} == {("127.0.0.1", replica.port)}


async def test_primary_that_hands_over_to_its_replica_and_is_stopped_takes_nothing_with_it(own_cluster: ValkeyCluster):
    primary = own_cluster.servers[0]
    replica = own_cluster.add_replica(primary)
    event = event_in(own_cluster, primary)
    async with ears(own_cluster.url) as (one, two):
        await one.follows(event)
        await two.follows(event)

        own_cluster.run(replica, "CLUSTER", "FAILOVER")
        await eventually(lambda: own_cluster.run(replica, "ROLE")[0] == b"master")
        await hears(two, one, event, b"handed over")
        await hears(one, two, event, b"handed over")
        primary.stop()
        await hears(two, one, event, b"stopped")
        await hears(one, two, event, b"stopped")

        assert one.bus._map.owner(channel_of(event)) == ("127.0.0.1", replica.port)


async def test_closed_bus_leaves_no_task_behind(valkey: Server):
    before = asyncio.all_tasks()
    async with ears(valkey.url, 1) as (one,):
        await one.follows("l1")

    assert asyncio.all_tasks() == before
    assert not one.bus.is_connected
    one.bus.tell("l1", "word", b"1")
    assert one.bus.figures.dropped == 1
