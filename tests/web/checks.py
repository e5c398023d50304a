"""What every page has to hold: it fits its screen, and axe-core finds nothing."""

from pathlib import Path

from playwright.async_api import Page, expect

AXE = Path(__file__).parent.parent / "data" / "axe-core" / "axe.min.js"
# Everything that WCAG 2.2 AA asks, and what axe's authors think good beyond it.
RUN = """async () => (await axe.run(document, { resultTypes: ["violations"], runOnly: {
    type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } })).violations
    .map(({ id, help, nodes }) => [id, help, ...nodes.slice(0, 3).map((node) => node.html.slice(0, 160))].join(": "))"""

# Browsers say in whole pixels how wide something is and cut by fractions of them, so what is in it is measured.
_CUT = """() => [...document.querySelectorAll(".figure, .tile-value, [role=gridcell].end, [role=columnheader]")]
    .filter((element) => {
        const { paddingLeft, paddingRight } = getComputedStyle(element);
        const scale = element.getBoundingClientRect().width / element.offsetWidth;
        const room = (element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) + 0.02) * scale;
        const inside = document.createRange();
        inside.selectNodeContents(element);
        return element.clientWidth && inside.getBoundingClientRect().width > room;
    }).map((element) => `${element.className}: ${element.textContent}`)"""


async def violations(page: Page) -> list[str]:
    """By axe; evaluated from outside, where no policy of the page holds."""
    await page.evaluate(AXE.read_text())
    found: list[str] = await page.evaluate(RUN)
    return found


async def overflow(page: Page) -> int:
    """How many pixels the page is wider than the screen."""
    return int(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


async def cut_figures(page: Page) -> list[str]:
    """Amounts, counts and heads of tables that are not seen whole: half a number is another number."""
    found: list[str] = await page.evaluate(_CUT)
    return found


async def tabs_fit(page: Page) -> None:
    """Each tab of a page, pressed: no wider than the screen, and without a violation."""
    for tab in await page.get_by_role("tab").all():
        await tab.click()
        heading = page.get_by_role("tabpanel").get_by_role("heading")
        await expect(heading.locator("visible=true").first).to_be_visible()
        await expect(page.locator(".loading, [aria-busy=true]").locator("visible=true")).to_have_count(0)

        assert await overflow(page) == 0, await tab.text_content()
        assert await cut_figures(page) == [], await tab.text_content()
        assert await violations(page) == [], await tab.text_content()
        await expect(tab).to_be_in_viewport(ratio=1)
