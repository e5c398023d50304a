"""What overlays cost the machine that streams: first paint, and whether anything grows or stutters as sales come in.

``kos serve`` on SQLite with 20 orders a second, a Chromium on the other core. First paint: a new browser profile each
time, nothing kept. Then each page stays open; the heap is read through the DevTools protocol after a collection of its
garbage, frames are the times between two of the page's own, long tasks those that Chromium reports (over 50 ms).
"""

import argparse
import asyncio
import os
import shutil
import statistics
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import Browser, CDPSession, Page, async_playwright

from bench import client, machine, orders, results, servers
from bench.machine import Meter
from bench.sockets import post_paced

PAGES = {"board": "board?limit=10", "ticker": "ticker?", "scene of six": "scene?scene=full"}
RATE = 20
SECONDS = 600.0
WARM_SECONDS = 30.0
LOOKS = 20
FIRST_PAINTS = 15
FIRST_PAINT_MS = 300
FRAME_MS = 50
# Between the first and the last third of the looks: what a collector leaves now and then, and nothing that adds up.
GROWTH_KIB = 256
KIB = 1024

_WATCH = """
    window.frames = { count: 0, worst: 0, long: 0, tasks: 0, painted: 0 };
    let last = 0;
    const frame = (now) => {
        if (last && window.counts) {
            frames.count += 1;
            frames.worst = Math.max(frames.worst, now - last);
            frames.long += now - last > 50;
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
    looks = LOOKS if seconds == SECONDS else 3
    made = orders.Orders(f"o{os.urandom(3).hex()}", kos.started_at())
    count = int((seconds + warm) * RATE)
    requests = [
        client.request(f"/v1/events/{orders.EVENT}/orders", body, servers.ADMIN_KEY) for body in made.singles(count)
    ]
    selling = asyncio.create_task(post_paced(kos.port, requests, RATE))
    await asyncio.sleep(warm)
    heaps, elements = [], []
    for _ in range(looks):
        heaps.append(await heap_kib(session))
        elements.append((await session.send("Memory.getDOMCounters"))["nodes"])
        await asyncio.sleep(0.2)
        await page.evaluate("window.counts = true")
        await asyncio.sleep(max(0.1, seconds / looks - 0.2))
        await page.evaluate("window.counts = false")
    frames = await page.evaluate("frames")
    state = await page.locator("body").get_attribute("data-state")
    await selling
    await page.close()
    if state not in ("live", "empty"):
        raise servers.BenchFailed(f"the page ended up {state}")
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
    }


async def measure(kos: servers.Kos, quick: bool) -> list[dict[str, Any]]:
    token = kos.call("POST", "/v1/tokens", {"event": orders.EVENT, "kind": "overlay"})["token"]
    kos.call("POST", f"/v1/events/{orders.EVENT}/transitions", {"to": "live"})
    path = os.environ.get("KOS_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    seconds, warm, paints = (3.0, 0.5, 1) if quick else (SECONDS, WARM_SECONDS, FIRST_PAINTS)
    runs = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, page in PAGES.items():
            url = f"http://127.0.0.1:{kos.port}/overlay/{orders.EVENT}/{page}&token={token}"
            painted = await first_paints(browser, url, paints)
            meter = Meter(kos.pid, 0)
            watching = await watched(browser, kos, url, seconds, warm)
            first = {"first_paint_ms": statistics.median(painted), "slowest_first_paint_ms": painted[-1]}
            runs.append({"page": name, **first, **watching, "server_core": meter.stop().server / (seconds + warm)})
            print(f"  {runs[-1]}", flush=True)
        await browser.close()
    return runs


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
    given = parser.parse_args()
    described = results.described()
    with ExitStack() as stack, results.pinned():
        folder = stack.enter_context(TemporaryDirectory(prefix="kos-bench-"))
        kos = stack.enter_context(servers.kos(f"sqlite+aiosqlite:///{folder}/kos.db", machine.cores()[0]))
        kos.create_event()
        runs = asyncio.run(measure(kos, given.quick))
    about = (
        f"Pages of 1920x1080 in Chromium, drawn without a graphics card on one core, {RATE} orders a second. "
        "First paint with nothing kept, median. Heap without its garbage, last third of the time against the first."
    )
    results.write(given.out, "overlays", {"machine": described, "about": about, "targets": targets(runs), "runs": runs})


if __name__ == "__main__":
    main()
