"""``python -m tests.screenshots [NAME ...]``: pictures of every page into ``docs/screenshots``, on a server of its own.

Every component in every theme over something like video, every page in light and dark; those whose names begin with
one of the given ones, all if none is given. Chromium is ``KOS_CHROMIUM`` or found as the tests find it.
"""

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright

from tests.app_server import serving
from tests.pictures import small
from tests.tour import SCHEMES, Stop, Toured, components, overlay, pages, play, themes, visit

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
BYTES_MAX = 150_000
# Behind an overlay, in place of video; flat, since a picture's noise would be most of the file.
_STILL = """html { background: linear-gradient(#7d8fa3 0 34%, #b9a48f 34% 62%, #5a4a44 62%) !important; }"""


async def main(wanted: list[str]) -> None:
    """Take them one after the other, and say how large each is."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        async with serving(f"sqlite+aiosqlite:///{folder}/kos.db", KOS_DOCS_PUBLIC="true") as server:
            async with server.client() as client:
                toured = await play(client, server.key)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
                blank = await browser.new_page()
                for name, stop, scheme in _pictures(toured):
                    if not wanted or name.startswith(tuple(wanted)):
                        await _take(browser, blank, toured, name, stop, scheme)
                await browser.close()


def _pictures(toured: Toured) -> list[tuple[str, Stop, str]]:
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


def _chromium() -> str:
    names = ("chromium", "google-chrome", "chromium-browser", "google-chrome-stable")
    found = os.environ.get("KOS_CHROMIUM") or next((path for name in names if (path := shutil.which(name))), None)
    if not found:
        raise SystemExit("no Chromium is found; say where it is in KOS_CHROMIUM")
    return found


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
