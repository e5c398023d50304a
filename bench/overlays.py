"""What overlays cost the machine that streams: first paint, and whether anything grows or stutters as sales come in.

``kos serve`` on SQLite with 20 orders a second, a Chromium on what the cores have left. The event has sold before, and
has a goal, a product with an offer and an announcement, so that every part of a scene has something to draw. First
paint: a new browser profile each time, nothing kept. Then each page stays open; the heap is read through the DevTools
protocol after a collection of its garbage, frames are the times between two of the page's own, long tasks those that
Chromium reports (over 50 ms). ``KOS_CHROMIUM`` names the browser: a headless shell has no other way than to draw in
software, as a machine without a graphics card does.
"""

import argparse
import asyncio
import json
import os
import statistics
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from bench import client, machine, orders, results, servers
from bench.machine import Meter
from bench.sockets import post_paced
from tests.browsers import find_chromium

PAGES = {"board": "board?limit=10", "ticker": "ticker?", "scene of six": "scene?scene=full"}
RATE = 20
SECONDS = 600.0
WARM_SECONDS = 30.0
LOOKS = 20
SETTLE_SECONDS = 2.0
FIRST_PAINTS = 15
FIRST_PAINT_MS = 300
FRAME_MS = 50
# Between the first and the last third of the looks: what a collector leaves now and then, and nothing that adds up.
GROWTH_KIB = 256
KIB = 1024
SOLD_BEFORE = 200

_WATCH = """
    window.frames = { count: 0, worst: 0, long: 0, tasks: 0, slow: [] };
    window.counts = 0;
    let last = 0;
    const frame = (now) => {
        if (last && window.counts) {
            frames.count += 1;
            frames.worst = Math.max(frames.worst, now - last);
            if (now - last > 50) {
                frames.long += 1;
                frames.slow.push([Math.round(now - window.counts), Math.round(now - last)]);
                frames.slow.length = Math.min(frames.slow.length, 100);
            }
        }
        last = now;
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    new PerformanceObserver((list) => window.counts && (frames.tasks += list.getEntries().length))
        .observe({ type: "longtask" });
"""
# When a board's first row, or whatever a component shows first, has been painted.
_PAINTED = """() => new Promise((tell) => {
    const found = performance.getEntriesByName("first-contentful-paint")[0];
    if (found) return tell(found.startTime);
    new PerformanceObserver((list) => {
        const paint = list.getEntriesByName("first-contentful-paint")[0];
        if (paint) tell(paint.startTime);
    }).observe({ type: "paint", buffered: true });
})"""


async def first_paints(browser: Browser, url: str, times: int) -> list[float]:
    """Milliseconds from the start of the navigation, of new profiles; the first warms the server and is not counted."""
    found = []
    for _ in range(times + 1):
        context = await browser.new_context(viewport={"width": 1920, "height": 1080})
        page = await context.new_page()
        await page.goto(url)
        found.append(float(await page.evaluate(_PAINTED)))
        await context.close()
    return sorted(found[1:])


async def heap_kib(session: CDPSession) -> float:
    """The page's heap without garbage."""
    await session.send("HeapProfiler.collectGarbage")
    told = await session.send("Runtime.getHeapUsage")
    return float(told["usedSize"]) / KIB


async def opened(browser: Browser, url: str) -> tuple[Page, CDPSession]:
    page = await browser.new_page(viewport={"width": 1920, "height": 1080})
    await page.add_init_script(_WATCH)
    await page.goto(url)
    await page.evaluate(_PAINTED)
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.enable")
    return page, session


async def watched(browser: Browser, kos: servers.Kos, url: str, seconds: float, warm: float) -> dict[str, Any]:
    """One page under sales. Collecting garbage halts it, so frames do not count while that is done."""
    page, session = await opened(browser, url)
    looks = LOOKS if seconds >= LOOKS else 3
    settle = min(SETTLE_SECONDS, seconds / 10)
    selling = asyncio.create_task(sell(kos, int((warm + seconds + looks * settle) * RATE), RATE))
    await asyncio.sleep(warm)
    meter, browser_before = Meter(kos.pid), seconds_below(os.getpid(), kos.pid)
    heaps, elements = [], []
    for _ in range(looks):
        heaps.append(await heap_kib(session))
        elements.append((await session.send("Memory.getDOMCounters"))["nodes"])
        # What was collected with the garbage, compiled code among it, is made again first.
        await asyncio.sleep(settle)
        await page.evaluate("window.counts = performance.now()")
        await asyncio.sleep(seconds / looks)
        await page.evaluate("window.counts = 0")
    frames = await page.evaluate("frames")
    used, browser_seconds = meter.stop(), seconds_below(os.getpid(), kos.pid) - browser_before
    state = await page.locator("body").get_attribute("data-state")
    await selling
    await page.close()
    if state not in ("live", "empty"):
        raise servers.BenchFailed(f"the page ended up {state}")
    if frames["slow"]:
        print(f"  slow frames, ms since a look and ms long: {frames['slow']}", flush=True)
    third = looks // 3
    return {
        "seconds": seconds,
        "heap_start_kib": statistics.median(heaps[:third]),
        "heap_growth_kib": statistics.median(heaps[-third:]) - statistics.median(heaps[:third]),
        "nodes_growth": statistics.median(elements[-third:]) - statistics.median(elements[:third]),
        "frames": frames["count"],
        "frames_over_50_ms": frames["long"],
        "worst_frame_ms": frames["worst"],
        "long_tasks": frames["tasks"],
        "browser_core": browser_seconds / used.wall,
        "server_core": used.server / used.wall,
        "others_core": max(0.0, used.others - browser_seconds) / used.wall,
    }


def seconds_below(pid: int, but: int) -> float:
    """Processor time of all processes below one: the browser's, and what talks to it."""
    children = [child for child in machine.children_of(pid) if child != but]
    return sum(machine.cpu_seconds(child) + seconds_below(child, but) for child in children)


async def put_on_air(kos: servers.Kos) -> None:
    """The event as it is in the middle of a show."""
    event = f"/v1/events/{orders.EVENT}"
    ends_at = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    goal = {"id": "much", "title": "Ten million", "of": "event", "target_id": "", "measure": "net_sales"}
    pin = {"session": "night", "sku": "LIP-01", "title": "Ruby lipstick", "price": "170.00", "code": "KOS01"}
    offer = {"id": "hour", "session": "night", "sku": "LIP-01", "price": "150.00"}
    kos.call("POST", f"{event}/transitions", {"to": "live"})
    kos.call("POST", f"{event}/sessions", {"id": "night", "hosts": [{"id": "h1"}]})
    kos.call("POST", f"{event}/pins", pin)
    kos.call("POST", f"{event}/offers", offer | {"starts_at": datetime.now(UTC).isoformat(), "ends_at": ends_at})
    kos.call("POST", f"{event}/goals", goal | {"target": "10000000.00"})
    kos.call("POST", f"{event}/announcements", {"id": "a1", "text": "The last hour begins now.", "until": None})
    await sell(kos, SOLD_BEFORE, RATE * 10)


async def sell(kos: servers.Kos, count: int, rate: float) -> None:
    made = orders.Orders(f"o{os.urandom(3).hex()}", kos.started_at())
    path = f"/v1/events/{orders.EVENT}/orders"
    requests = [client.request(path, body, servers.ADMIN_KEY) for body in made.singles(count)]
    await post_paced(kos.port, requests, rate)


async def measure(kos: servers.Kos, pages: list[str], seconds: float, paints: int) -> list[dict[str, Any]]:
    token = kos.call("POST", "/v1/tokens", {"event": orders.EVENT, "kind": "overlay"})["token"]
    await put_on_air(kos)
    warm = min(WARM_SECONDS, seconds / 6)
    runs = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        for name in pages:
            url = f"http://127.0.0.1:{kos.port}/overlay/{orders.EVENT}/{PAGES[name]}&token={token}"
            painted = await first_paints(browser, url, paints)
            first = {"first_paint_ms": statistics.median(painted), "slowest_first_paint_ms": painted[-1]}
            runs.append({"page": name, **first, **await watched(browser, kos, url, seconds, warm)})
            print(f"  {runs[-1]}", flush=True)
        await browser.close()
    return runs


def measured_before(path: Path, but: list[str]) -> list[dict[str, Any]]:
    """What an earlier call found of other pages."""
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    return [run for run in runs if run["page"] not in but]


def targets(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for run in runs:
        name = run["page"]
        found += [
            results.target(f"{name}: first paint, ms", run["first_paint_ms"], FIRST_PAINT_MS, at_most=True),
            results.target(f"{name}: growth of the heap, KiB", run["heap_growth_kib"], GROWTH_KIB, at_most=True),
            results.target(f"{name}: frames over 50 ms", run["frames_over_50_ms"], 0, at_most=True),
        ]
    return found


def main() -> None:
    """Measure, write ``overlays.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    results.add_arguments(parser)
    parser.add_argument(
        "--page", action="append", choices=list(PAGES), help="only this one, beside what was found before"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each page is watched")
    given = parser.parse_args()
    pages = given.page or list(PAGES)
    seconds, paints = (3.0, 1) if given.quick else (given.seconds, FIRST_PAINTS)
    described = results.described()
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="kos-bench-"))
        kos = stack.enter_context(servers.kos(f"sqlite+aiosqlite:///{folder}/kos.db", machine.cores()[0]))
        kos.create_event()
        runs = asyncio.run(measure(kos, pages, seconds, paints))
    results.warn_unless_quiet(run["others_core"] for run in runs)
    runs = measured_before(given.out / "overlays.json", pages) + runs
    runs.sort(key=lambda run: list(PAGES).index(run["page"]))
    described["browser"] = Path(find_chromium() or "").name
    about = (
        f"Pages of 1920x1080 in Chromium ({described['browser']}), on two cores that the server shares, drawn without "
        f"a graphics card, {RATE} orders a second. First paint with nothing kept, median. Heap without its garbage, "
        "last third of the time against the first."
    )
    results.write(given.out, "overlays", {"machine": described, "about": about, "targets": targets(runs), "runs": runs})


if __name__ == "__main__":
    main()
