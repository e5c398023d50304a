"""The measurements run, lose nothing and are reported. No figure is looked at: a test machine is never quiet."""

import json
import subprocess
import sys
from pathlib import Path

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


def measured(name: str, folder: Path):
    command = [sys.executable, "-m", f"bench.{name}", "--quick", "--out", str(folder / "results")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "results" / f"{name}.json").read_text())


def reported(folder: Path) -> str:
    command = [sys.executable, "-m", "bench.report", "--results", str(folder / "results")]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    return (folder / "RESULTS.md").read_text()


def test_ingest_measures_every_contestant_and_verifies_its_journals(tmp_path):
    result = measured("ingest", tmp_path)

    assert set(result["medians"]) == CONTESTANTS
    assert all(figures["orders_per_second"] > 0 for figures in result["medians"].values())
    assert {one["result"] for one in result["verify"].values()} == {"clean"}
    assert "single orders / pgbench" in reported(tmp_path)


def test_million_weighs_both_databases_and_verifies_them(tmp_path):
    result = measured("million", tmp_path)

    assert [result[name]["verify"]["result"] for name in ("postgresql", "sqlite")] == ["clean", "clean"]
    assert "10,000 orders into one event" in reported(tmp_path)


def test_latency_sees_every_order_at_every_subscriber(tmp_path):
    result = measured("latency", tmp_path)

    assert [run["orders"] for each in result["runs"].values() for run in each] == [60, 60]
    assert "SQLite, interval 0 ms: p99, ms" in reported(tmp_path)


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
