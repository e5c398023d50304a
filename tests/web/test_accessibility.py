"""Every page in both colour schemes: no violation that axe-core knows, no figure cut off, nothing in its console, a
strict policy."""

from collections.abc import AsyncIterator, Sequence
from itertools import cycle
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.app_server import serving
from tests.servers import LONG
from tests.tour import SCHEMES, Stop, Toured, components, overlay, pages, play, themes, visit
from tests.web.checks import cut_figures, violations

pytestmark = pytest.mark.asyncio(loop_scope="module")

# With it a policy lets markup from data run scripts.
FORBIDDEN = ("'unsafe-eval'", "*", "http:", "https:", "script-src 'self' 'unsafe-inline'")
_NOBODY = Toured("", "", "", "")
NAMES = [stop.name for stop in pages(_NOBODY)]
OVERLAYS = [(component, theme) for component in components() for theme in themes()]
if not LONG:
    # Each component in one of the themes, and all themes among them.
    OVERLAYS = list(zip(components(), cycle(themes()), strict=False))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def toured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Toured]:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('tour')}/kos.db"
    async with serving(url) as server, server.client() as client:
        yield await play(client, server.key)


async def findings(browser: Browser, toured: Toured, stop: Stop, schemes: Sequence[Any] = SCHEMES) -> list[str]:
    """What is wrong with a page, in each of the colour schemes."""
    page = await browser.new_page(color_scheme=schemes[0], reduced_motion="reduce")
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    # What a browser says of a refusal that the page is there to explain.
    expected = "Failed to load resource" if stop.is_refused else None
    page.on("console", lambda said: found.append(said.text) if not expected or expected not in said.text else None)
    policy = await visit(page, toured, stop)
    found += [f"cut: {figure}" for figure in await cut_figures(page)]
    for scheme in schemes:
        await page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {violation}" for violation in await violations(page)]
    await page.close()
    if not policy.startswith("default-src 'none'"):
        found.append(f"policy: {policy}")
    return found + [f"policy allows {word}" for word in FORBIDDEN if word in policy]


@pytest.mark.parametrize("name", NAMES)
async def test_page_has_no_violation(browser: Browser, toured: Toured, name: str):
    stop = next(stop for stop in pages(toured) if stop.name == name)

    assert await findings(browser, toured, stop) == []


@pytest.mark.parametrize(("component", "theme"), OVERLAYS)
async def test_overlay_has_no_violation(browser: Browser, toured: Toured, component: str, theme: str):
    assert await findings(browser, toured, overlay(toured, component, theme), ["dark"]) == []


async def test_violation_would_be_found(browser: Browser, toured: Toured):
    """The checks above are no use if they cannot fail."""
    page = await browser.new_page()
    await visit(page, toured, next(stop for stop in pages(toured) if stop.name == "public"))

    await page.evaluate("document.querySelector('#language').labels[0].remove()")
    await page.evaluate("document.querySelector('.top').append(document.createElement('select'))")
    await page.evaluate("document.querySelector('#rows .who').style.color = '#ddd'")

    found = {finding.split(":")[0] for finding in await violations(page)}
    await page.close()
    assert found >= {"select-name", "color-contrast"}
