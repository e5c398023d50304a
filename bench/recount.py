"""How fast a result package is recounted, and in how much memory: processor time of one core, by size of the event.

The packages are made by the rules alone, without a server: orders of two lines with a code among 60 hosts, every 20th
refunded in part later on, every 100th cancelled. Each measurement is a process of its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.audit.kinds import Uses
from app.audit.package import Writer
from app.audit.package_reader import Findings, Walk
from app.audit.recount import recount
from app.audit.signing import Checkpoint, PublicKey, SigningKey, checkpoint_bytes
from app.journal.drafts import Fact
from app.journal.entry import Entry
from app.journal.plan import Known, plan_batch
from app.journal.store import head_after, new_head
from app.main import RULES
from app.state import State
from bench import machine, results

SIZES = (100_000, 300_000)
CHAIN_PER_SECOND = 150_000
WHOLE_PER_SECOND = 15_000
GROWTH_MIB_MAX = 16
BATCH = 500
CHECKPOINT_ENTRIES = 10_000
HOSTS = 60
SCORER = Path(__file__).parent.parent / "recount" / "kos_recount.py"
_START = 1_617_580_800_000_000
_DAY = 86_400_000_000
_KEY = SigningKey(bytes(range(32)))
MIB = 2**20
_AND_TELL_MEMORY = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    sys.stderr.write(open("/proc/self/status").read())
"""


def _facts(orders: int) -> Iterator[list[Fact]]:
    terms: dict[str, Any] = {"brand": "bench", "currency": "GBP", "exponent": 2, "timezone": "UTC", "rules": {}}
    yield [Fact("event.created", "", terms | {"starts_at": _START, "ends_at": _START + 30 * _DAY}, "key:bench")]
    hosts = [{"id": f"h{number}", "team": f"t{number % 6}", "codes": [f"CODE{number}"]} for number in range(HOSTS)]
    roster = {"teams": [f"t{number}" for number in range(6)], "stores": [], "hosts": hosts}
    moves = [Fact("event.moved", "", {"to": to}, "key:bench") for to in ("scheduled", "live")]
    yield [Fact("roster.changed", "", roster, "key:bench"), *moves]
    for start in range(0, orders, BATCH):
        said = [_order(number) for number in range(start, start + BATCH)]
        # Of orders that came a while ago, so that they have to be remembered meanwhile.
        for number in range(max(0, start - 20 * BATCH), max(0, start - 19 * BATCH), 20):
            said.append(_returned(number, "cancelled" if number % 100 == 0 else "refunded"))
        yield said


def _order(number: int) -> Fact:
    lines = [
        {"id": "1", "sku": "MAC-RUBY", "title": "Ruby Woo lipstick", "quantity": 1 + number % 3, "unit_price": 1_700},
        {"id": "2", "sku": "MAC-BRUSH", "title": "Brush", "quantity": 1, "unit_price": 900 + number % 100},
    ]
    content = {"id": str(number), "source": "shop", "paid_at": _START + number, "currency": "GBP", "lines": lines}
    return Fact("order.paid", f"order:shop:{number}", content | {"code": f"CODE{number % HOSTS}"}, "key:bench")


def _returned(number: int, how: str) -> Fact:
    content: dict[str, Any] = {"id": str(number), "source": "shop", "order": str(number), f"{how}_at": _START + _DAY}
    noun = "cancellation"
    if how == "refunded":
        noun, content["amount"] = "refund", 500
    return Fact(f"order.{how}", f"{noun}:shop:{number}", content, "key:bench", f"order:shop:{number}")


def make(path: Path, orders: int) -> int:
    """Write the package of an event with so many orders; how many entries it has."""
    head, state = new_head("bench", "bench"), State("bench")
    now = _START + 2 * _DAY
    kept: list[Entry] = []
    pages: list[list[Entry]] = []
    for said in _facts(orders):
        plan = plan_batch(RULES, head, state, said, now, Known(kept))
        refused = [outcome for outcome in plan.outcomes if isinstance(outcome, Exception)]
        if refused:
            raise refused[0]
        head, now = head_after(head, plan.entries), now + BATCH
        pages.append(plan.entries)
        kept = [*kept, *plan.entries][-40 * BATCH :]
    writer = Writer(head, _KEY)
    with path.open("wb") as file:
        file.write(writer.opening([PublicKey(_KEY.id, _KEY.public, _START)]))
        for page in pages:
            signed = [_signed(one) for one in page if one.position % CHECKPOINT_ENTRIES == 0 or one.hash == head.hash]
            file.write(writer.page(page, signed))
        file.write(writer.trailer())
    return head.position


def _signed(entry: Entry) -> Checkpoint:
    message = checkpoint_bytes(entry.event, entry.position, entry.hash, _START)
    return Checkpoint(entry.event, entry.position, entry.hash, _START, _KEY.id, _KEY.sign(message))


def run_stage(stage: str, path: Path) -> dict[str, Any]:
    """One measurement inside its own process. Units: seconds of processor time, peak memory in MiB."""
    started = time.process_time()
    if stage == "chain":
        findings = Findings()
        walk = Walk(findings, "", Uses().hear)
        with path.open("rb") as file:
            walk.read(file, lambda count: None)
        found = findings.listed
    else:
        found = recount(path).findings.listed
    seconds = time.process_time() - started
    if found:
        raise SystemExit(f"the package is not right: {found[:3]}")
    return {"seconds": seconds, "peak_mib": machine.resident_bytes(os.getpid(), peak=True) / MIB}


def _measured(stage: str, path: Path) -> dict[str, Any]:
    if stage == "standalone":
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        alone = [sys.executable, "-I", "-c", _AND_TELL_MEMORY, str(SCORER), str(path)]
        told = subprocess.run(alone, check=True, capture_output=True, text=True).stderr
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"seconds": seconds, "peak_mib": int(told.partition("VmHWM:")[2].split()[0]) * 1024 / MIB}
    command = [sys.executable, "-m", "bench.recount", "--stage", stage, "--file", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def measure(sizes: tuple[int, ...], folder: Path) -> list[dict[str, Any]]:
    """Every stage on a package of every size."""
    runs = []
    for orders in sizes:
        path = folder / f"{orders}.ndjson"
        entries = make(path, orders)
        for stage in ("chain", "whole", "standalone"):
            figures = _measured(stage, path)
            run = {
                "stage": f"{stage}, {orders:,} orders",
                "entries": entries,
                "mib": path.stat().st_size / MIB,
                "cpu_seconds": figures["seconds"],
                "entries_per_second": entries / figures["seconds"],
                "peak_mib": figures["peak_mib"],
            }
            runs.append(run)
            print(f"  {run}", flush=True)
        path.unlink()
    return runs


def targets(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of the largest package; memory against that of the smallest."""
    first, last = runs[:3], runs[-3:]
    growth = max(later["peak_mib"] - earlier["peak_mib"] for earlier, later in zip(first, last, strict=True))
    return [
        results.target("chain, entries/s of one core", last[0]["entries_per_second"], CHAIN_PER_SECOND),
        results.target("whole recount, entries/s of one core", last[1]["entries_per_second"], WHOLE_PER_SECOND),
        results.target("peak memory grown, MiB", growth, GROWTH_MIB_MAX, at_most=True),
    ]


def main() -> None:
    """Measure, write ``recount.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        print(json.dumps(run_stage(given.stage, given.file)))
        return
    described = results.described()
    with TemporaryDirectory(prefix="kos-bench-") as folder, results.pinned():
        runs = measure((500, 1_500) if given.quick else SIZES, Path(folder))
    about = (
        "A package recounted: `chain` checks bytes, hashes and signatures, `whole` also decides every entry again and "
        "folds the boards, `standalone` is the scorer of the standard library. Processor time; each in its own process."
    )
    results.write(given.out, "recount", {"machine": described, "about": about, "targets": targets(runs), "runs": runs})


if __name__ == "__main__":
    main()
