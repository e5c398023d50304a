"""The measurements run, lose nothing and are reported. No figure is looked at: a test machine is never quiet."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import machine, results, servers
from bench.fanout import load, saturated
from bench.fanout.hub import Probe

ROOT = Path(__file__).parent.parent.parent
CONTESTANTS = {
    "single_postgresql",
    "naive",
    "pgbench",
    "pgbench_both_cores",
    "batch_postgresql",
    "single_sqlite",
    "batch_sqlite",
}
FANOUT_CONTESTANTS = {"limit_send", "limit_coalesce", "ours", "naive", "nchan", "uwebsockets"}


def measured(name: str, folder: Path):
    command = [sys.executable, "-m", f"bench.{name}", "--quick", "--out", str(folder / "results")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "results" / f"{name.rpartition('.')[2]}.json").read_text())


def fanout_measured(name: str, folder: Path):
    """As ``measured``; None where there is no compiler for the load client, and then it says so."""
    try:
        return measured(f"fanout.{name}", folder)
    except AssertionError as failure:
        if shutil.which("gcc") is not None or "no C compiler" not in str(failure):
            raise
        return None


def reported(folder: Path) -> str:
    command = [sys.executable, "-m", "bench.report", "--results", str(folder / "results")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    return (folder / "RESULTS.md").read_text()


def test_the_server_keeps_its_core_while_the_clients_keep_off_it():
    server, clients = machine.cores()
    before = os.sched_getaffinity(0)

    with results.pinned():
        assert machine.cores() == (server, clients)
        assert os.sched_getaffinity(0) == {clients}
    assert os.sched_getaffinity(0) == before
    assert (server != clients) == (len(before) > 1)


def ingest_measures_every_contestant_and_verifies_its_journals(tmp_path: Path):
    result = measured("ingest", tmp_path)

    assert set(result["medians"]) == CONTESTANTS
    assert all(figures["orders_per_second"] > 0 for figures in result["medians"].values())
    assert {one["result"] for one in result["verify"].values()} == {"clean"}
    assert "single orders / pgbench" in reported(tmp_path)


def recount_measures_each_stage_of_each_size(tmp_path: Path):
    result = measured("recount", tmp_path)

    stages = [f"{stage}, {orders} orders" for orders in ("500", "1,500") for stage in ("chain", "whole", "standalone")]
    assert [run["stage"] for run in result["runs"]] == stages
    assert all(run["entries_per_second"] > 0 for run in result["runs"])
    assert "Recount of a result" in reported(tmp_path)


def signs_of_viewers_are_counted_exactly_in_every_case(tmp_path: Path):
    result = measured("viewers", tmp_path)

    assert all(run["signs"] > 0 and run["server_us"] > 0 for run in result["runs"])
    assert "Signs of viewers" in reported(tmp_path)


def million_weighs_both_databases_and_verifies_them(tmp_path: Path):
    result = measured("million", tmp_path)

    assert [result[name]["verify"]["result"] for name in ("postgresql", "sqlite")] == ["clean", "clean"]
    assert "2,000 orders into one event" in reported(tmp_path)


def latency_sees_every_order_at_every_subscriber(tmp_path: Path):
    result = measured("latency", tmp_path)

    assert [run["orders"] for each in result["runs"].values() for run in each] == [60, 60]
    assert "SQLite, interval 0 ms: p99, ms" in reported(tmp_path)


def overlays_are_measured_in_a_browser(tmp_path: Path):
    result = measured("overlays", tmp_path)

    assert [run["page"] for run in result["runs"]] == ["board", "ticker", "scene of six"]
    assert all(run["first_paint_ms"] > 0 and run["frames"] > 0 and run["heap_start_kib"] > 0 for run in result["runs"])
    assert "## Overlays" in reported(tmp_path)


# Each takes half a minute of processes that start.
MEASUREMENTS = (
    million_weighs_both_databases_and_verifies_them,
    ingest_measures_every_contestant_and_verifies_its_journals,
    recount_measures_each_stage_of_each_size,
    signs_of_viewers_are_counted_exactly_in_every_case,
    latency_sees_every_order_at_every_subscriber,
    overlays_are_measured_in_a_browser,
)


@pytest.mark.at_full_size
@pytest.mark.parametrize("measurement", MEASUREMENTS)
def test_measurement_runs_and_is_reported(
    measurement: Callable[[Path], None], tmp_path: Path, chromium: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KOS_CHROMIUM", chromium)

    measurement(tmp_path)


@pytest.mark.at_full_size
def test_saturated_loads_every_contestant_and_ours_loses_no_message(tmp_path):
    result = fanout_measured("saturated", tmp_path)
    if result is None:
        return

    turns = result["medians"]["50"]
    targets = {one["name"]: one for one in result["targets"]}
    assert set(turns) | set(result["left_out"]) == FANOUT_CONTESTANTS
    assert all(one["saturated_per_cpu_s"] > 0 and one["paced_per_cpu_s"] > 0 for one in turns.values())
    assert targets["messages missing"]["floor_met"]
    assert "saturated / ordinary peer, 50 subscribers" in reported(tmp_path)


@pytest.mark.at_full_size
def test_stalls_asks_while_every_message_arrives(tmp_path):
    result = fanout_measured("stalls", tmp_path)
    if result is None:
        return

    (run,) = result["runs"]
    assert run["messages"] == 5
    assert run["longest_stall_ms"] > 0
    assert "longest stall, ms" in reported(tmp_path)


async def test_probe_sees_that_the_loop_was_held_and_starts_anew_when_asked():
    probe = Probe()
    probe.longest()
    await asyncio.sleep(0.01)

    time.sleep(0.2)  # noqa: ASYNC251 - what it is there to see
    await asyncio.sleep(0.01)

    assert probe.longest() > 0.15
    assert probe.longest() == 0
    probe.close()


def test_missing_compiler_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(load, "BINARIES", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(servers.BenchFailed, match="gcc, which is not installed"):
        load.compiled("wsload")


def test_pace_that_nobody_kept_is_no_target_met():
    figures = {"saturated_per_cpu_s": 9.0, "paced_per_cpu_s": None, "bytes_per_connection": 1, "missing": 0}
    rounds = [{50: dict.fromkeys(("ours", "limit_send", "limit_coalesce", "naive"), figures)}]

    targets = {one["name"]: one["floor_met"] for one in saturated.targets(rounds)}

    assert not targets["paced / limit, 50 subscribers"]
    assert targets["saturated / limit with coalescing, 50 subscribers"]
    assert not any("nchan" in name for name in targets)


def test_connection_that_was_lost_is_no_result():
    told = {"n": 2, "connected": 2, "errors": 1, "note": "closed by server", "phases": []}

    with pytest.raises(servers.BenchFailed, match="closed by server"):
        load.report(["wsload"], 0, json.dumps(told))


def test_verify_refuses_a_journal_that_holds_less_than_was_acknowledged(tmp_path):
    code = (
        "from bench import servers\n"
        f"url = 'sqlite+aiosqlite:///{tmp_path}/kos.db'\n"
        "with servers.kos(url, 0) as kos:\n"
        "    kos.create_event()\n"
        "    position = kos.position()\n"
        "print(servers.verify(url, position)['result'])\n"
        "servers.verify(url, position + 1)\n"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)

    assert done.stdout.strip() == "clean"
    assert "4 entries were acknowledged, the journal holds 3" in done.stderr
