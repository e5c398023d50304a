"""``python -m tests.screenshots [NAME ...]``: pictures of every page into ``docs/screenshots``, on a server of its own.

Every component in every theme over something like video, every page in light and dark; those whose names begin with
one of the given ones, all if none is given. Chromium is ``KOS_CHROMIUM`` or found as the tests find it.
"""

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from tests.app_server import AppServer, app_server, serving
from tests.browsers import find_chromium
from tests.pictures import small
from tests.processes import start_on_free_port
from tests.tour import SCHEMES, Stop, Toured, components, go_on_air, overlay, pages, sell, themes, visit, watch

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "screenshots"
BYTES_MAX = 150_000
# Behind an overlay, in place of video: somebody in front of a lit wall, in few colours, which leaves the others to it.
_STILL = """html { background:
    radial-gradient(9% 21% at 52% 40%, #c99a80 99%, transparent),
    radial-gradient(11.5% 27% at 52% 38%, #3a2740 99%, transparent),
    radial-gradient(25% 52% at 52% 108%, #5b4064 99.6%, transparent),
    radial-gradient(34% 62% at 62% 40%, #a98a92 99.6%, transparent),
    #8f727e !important; }"""


async def main(wanted: list[str]) -> None:
    """Take them one after the other, and say how large each is."""
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("no Chromium is found; say where it is in KOS_CHROMIUM")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/kos.db"
        order = await _sold(url, Path(folder, "clock"))
        async with (
            serving(url, KOS_DOCS_PUBLIC="true") as server,
            server.client() as client,
            async_playwright() as playwright,
        ):
            toured = await go_on_air(client, server.key, order)
            browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            blank = await browser.new_page()
            for name, stop, scheme in pictures(toured):
                if not wanted or name.startswith(tuple(wanted)):
                    await watch(client)
                    await _take(browser, blank, toured, name, stop, scheme)
            await browser.close()


async def _sold(url: str, clock: Path) -> str:
    """Hours of orders, in the journal at the times at which they were paid."""

    def turn(at: datetime) -> None:
        clock.with_suffix(".new").write_text(str(int(at.timestamp() * 1_000_000)))
        clock.with_suffix(".new").replace(clock)

    def make(port: int) -> AppServer:
        server = app_server(port, url, PYTHONPATH=str(ROOT))
        server.command = [sys.executable, "-m", "tests.turned_server", str(port), str(clock)]
        server.is_cold = True
        return server

    turn(datetime.now(UTC) - timedelta(days=1))
    server = start_on_free_port(make)
    try:
        async with server.client() as client:
            return await sell(client, turn)
    finally:
        server.close()


def pictures(toured: Toured) -> list[tuple[str, Stop, str]]:
    """Name of the file, page, colour scheme."""
    found = [(f"{stop.name}-{scheme}", stop, scheme) for stop in pages(toured) for scheme in SCHEMES]
    # Swagger UI has one.
    found = [picture for picture in found if picture[0] != "docs-dark"]
    over_video = [overlay(toured, component, theme) for component in components() for theme in themes()]
    return [*found, *((f"overlay-{stop.name}", stop, "dark") for stop in over_video)]


async def _take(browser: Browser, blank: Page, toured: Toured, name: str, stop: Stop, scheme: Any) -> None:
    page = await browser.new_page(color_scheme=scheme, reduced_motion="reduce", locale="en-GB")
    await visit(page, toured, stop)
    if name.startswith("overlay-"):
        await page.add_style_tag(content=_STILL)
    taken = await page.screenshot(animations="disabled")
    await page.close()
    picture = await small(blank, taken)
    (FOLDER / f"{name}.png").write_bytes(picture)
    print(f"{name}.png  {len(picture):,} bytes")
    if len(picture) > BYTES_MAX:
        raise SystemExit(f"{name}.png is over {BYTES_MAX:,} bytes: make the page's picture smaller in tests/tour.py")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
