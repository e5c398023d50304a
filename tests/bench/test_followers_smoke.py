"""The measurements with followers of a real server run, lose nothing and are reported. No figure is looked at."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from app.realtime import messages
from bench import client, orders, servers
from bench.fanout import counting, path
from bench.fanout.followers import followers, sqlite_in, tokens
from bench.sockets import post_paced
from tests.bench.test_bench_smoke import fanout_measured, reported

SOUND = {
    "handshakes": (),
    "crowd": ("frames missing or out of turn",),
    "memory": (),
    "reconnect": ("answers encoded beyond one a position", "gaps and connections lost"),
    "slow": ("missing at the others",),
}


@pytest.mark.at_full_size
@pytest.mark.parametrize("name", SOUND)
def test_measurement_runs_loses_nothing_and_is_reported(name: str, tmp_path: Path):
    result = fanout_measured(name, tmp_path)
    if result is None:
        return

    targets = {one["name"]: one for one in result["targets"]}
    assert all(targets[sound]["value"] == 0 for sound in SOUND[name])
    assert all(one["name"] in reported(tmp_path) for one in result["targets"])


# As everywhere here: without a compiler there is no load client, and the measurements say so.
HAS_COMPILER = shutil.which("gcc") is not None


@pytest.fixture(scope="module")
def kos() -> Iterator[servers.Kos]:
    with TemporaryDirectory() as folder, servers.kos(sqlite_in(folder), 0) as kos:
        kos.create_event()
        yield kos


def sold(kos: servers.Kos, prefix: str, count: int) -> list[tuple[float, int]]:
    made = orders.Orders(prefix, kos.started_at())
    requests = [client.request(path.ORDERS_PATH, body, servers.ADMIN_KEY) for body in made.singles(count)]
    return asyncio.run(post_paced(kos.port, requests, 100)).orders


def test_followers_come_back_with_their_positions_and_are_told_what_they_missed(kos: servers.Kos):
    if not HAS_COMPILER:
        return
    with followers(kos, path.CHANNEL, tokens(kos, 2)) as crowd:
        crowd.open(20)
        _, before = sold(kos, "back", 1)[0]
        crowd.reach(before)
        crowd.demand("drop", 20)
        _, missed = sold(kos, "missed", 1)[0]

        crowd.demand("back", 10, seconds=10)
        crowd.reach(missed)

        state = crowd.state()
        assert (state["live"], state["low"], state["high"]) == (20, missed, missed)
        assert (state["gaps"], state["lost"]) == (0, 0)


def test_follower_that_a_frame_did_not_reach_is_told(kos: servers.Kos):
    if not HAS_COMPILER:
        return
    with followers(kos, path.CHANNEL, tokens(kos, 1)) as crowd:
        crowd.open(2)
        crowd.demand("record")
        posted = sold(kos, "told", 3)
        head = max(position for _, position in posted)
        crowd.reach(head)

        with pytest.raises(servers.BenchFailed, match="reach"):
            crowd.reach(head + 1, 0.1)

        told = crowd.latency([*posted, (posted[0][0], head + 1)])
        assert (told["pairs"], told["missing"]) == (6, 2)


def test_document_that_is_encoded_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):

    monkeypatch.setattr(messages, "encoded", messages.encoded)
    counting.count_into(tmp_path / "encoded")

    messages.encoded({"a": 1})
    messages.encoded({"a": 2})

    assert (tmp_path / "encoded").read_text() == "2"


@pytest.mark.at_full_size
def test_whole_path_reaches_everybody_through_two_processes():
    if not HAS_COMPILER:
        return
    measured = path.measure(path.Options(2, "none", 50, 20, 1.0, 0.2, is_real=True))

    assert (measured["orders"], measured["missing"], measured["gaps"], measured["lost"]) == (60, 0, 0, 0)
