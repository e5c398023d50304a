"""The statement in a real browser: on a desk and a phone, in the dark and on paper, and nothing sticks out of it."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests import factories
from tests.app_server import AppServer, serving
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What is left of A4 between its margins, at 96 dots an inch.
PAPER = ViewportSize(width=702, height=1000)
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=900)
LARGEST = "9999999999.99"
NAMES = {
    "h7": "林娜 (ナナ)",
    "h8": "نادية <b>Nadia</b>",
    "h9": "Wolfeschlegelsteinhausenbergerdorff" * 3,
    "h10": "Jia",
}
HOSTS = [{"id": host, "name": name, "team": "ruby", "store": "soho"} for host, name in NAMES.items()]
MANY = [{"id": f"guest-{number}", "name": f"Guest {number}", "team": "jade"} for number in range(50)]

STICKING_OUT = """() => [...document.querySelectorAll("main *")]
    .filter((element) => !element.closest("thead") || matchMedia("print").matches)
    .map((element) => [element.tagName, element.getBoundingClientRect(), element])
    .filter(([, box, element]) => box.left < -0.5 || box.right > innerWidth + 0.5
        || element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== "inline")
    .map(([tag, box]) => `${tag} ${box.left} to ${box.right}`)"""


@dataclass
class Statements:
    """A server with statements whose names and amounts are as wide as they can be."""

    server: AppServer
    path: str

    async def shown(self, page: Page, path: str, language: str = "en") -> Page:
        await page.set_extra_http_headers(
            {"Authorization": f"Bearer {self.server.key}", "Accept-Language": language, "Accept": "text/html"}
        )
        await page.goto(f"{self.server.url}{self.path}/statements/{path}")
        return page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Statements]:
    folder = tmp_path_factory.mktemp("statements")
    async with serving(f"sqlite+aiosqlite:///{folder}/kos.db") as server, server.client() as client:
        yield Statements(server, await tell(client))


async def tell(client: httpx2.AsyncClient) -> str:
    """Everything that a statement has a line for happens to h7, in the largest amounts that there are."""
    event = EventClient(client, "spring")
    teams = [{"id": "ruby", "name": "Ruby"}, {"id": "jade", "name": "Jade"}]
    roster = {"teams": teams, "stores": [{"id": "soho", "name": "Soho"}], "hosts": HOSTS + MANY}
    rules = {"commission": {"bps": 10_000, "hold_days": 0}}
    await event.open(roster, name="La grande vente de printemps, Paris et 上海", rules=rules)
    await event.sell("1", "h7", LARGEST)
    await event.sell("2", "h8", "12.00")
    await event.sell("3", "h7", "5.00")
    await event.ok("POST", "/releases", {"id": "w1"})
    await event.ok("POST", "/payouts", {"id": "p1", "host": "h7", "amount": LARGEST})
    await event.ok("POST", "/refunds", factories.refund(order="1", amount=LARGEST))
    await event.ok("POST", "/cancellations", factories.cancellation("3"))
    moved = {"id": "c1", "orders": [{"source": "shop", "id": "2"}], "to": [{"host": "h7"}], "reason": "the wrong code"}
    await event.ok("POST", "/reattributions", moved)
    await event.ok("POST", "/payouts/p1/fail", {"reason": "closed"})
    await event.ok("POST", "/adjustments", {"id": "a1", "host": "h7", "amount": "-7.00", "reason": "late"})
    dispute = {"id": "d1", "source": "shop", "order": "2", "amount": "3.00", "disputed_at": factories.PAID_AT}
    await event.ok("POST", "/disputes", dispute)
    won = {"id": "d1", "source": "shop", "outcome": "won", "closed_at": factories.PAID_AT}
    await event.ok("POST", "/disputes", won)
    await event.ok("POST", "/statements", {"id": "april"})
    return event.path


@pytest_asyncio.fixture(loop_scope="module")
async def dark(browser: Browser) -> AsyncIterator[Page]:
    page = await browser.new_page(viewport=DESK, color_scheme="dark")
    yield page
    await page.close()


async def back_and_text(page: Page) -> tuple[str, str]:
    style = await page.evaluate(
        "(({backgroundColor, color}) => [backgroundColor, color])(getComputedStyle(document.body))"
    )
    return style[0], style[1]


async def test_every_line_stands_in_a_table_that_a_screen_reader_can_walk(told: Statements, page: Page):
    await told.shown(page, "h7?statement=april")

    table = page.get_by_role("table")
    for head in ("What", "Entries", "Net sales", "Commission", "Held", "Available", "Paid"):
        await expect(table.get_by_role("columnheader", name=head, exact=True)).to_be_visible()
    heads = await table.get_by_role("rowheader").all_inner_texts()
    assert heads == [
        *("At the beginning", "Sales", "Refunds", "Cancellations", "Disputes", "Disputes that ended"),
        *("Orders moved by corrections", "Adjustments", "Released from hold", "Payouts", "Payouts that came back"),
        *("Sum", "At the end"),
    ]
    refunds = table.get_by_role("row").filter(has_text="Refunds")
    assert await refunds.get_by_role("cell").all_inner_texts() == [
        *("1", "\u22129,999,999,999.99", "\u22129,999,999,999.99", "0.00", "\u22129,999,999,999.99", "0.00")
    ]
    assert [await page.get_by_role("heading", level=level).count() for level in (1, 2, 3)] == [1, 3, 0]


async def test_names_of_other_scripts_and_markup_are_text(told: Statements, page: Page):
    await told.shown(page, "teams/ruby?statement=april")

    for name in NAMES.values():
        await expect(page.get_by_role("heading", level=2, name=name).first).to_be_visible()
    assert await page.locator("b").count() == 0


@pytest.mark.parametrize("path", ["h7?statement=april", "teams/ruby?statement=april", "teams/jade"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_nothing_sticks_out_of_a_screen(told: Statements, page: Page, size, path):
    await page.set_viewport_size(size)

    await told.shown(page, path, "fr")

    assert await page.evaluate(STICKING_OUT) == []


async def test_rows_of_a_phone_are_blocks_that_name_their_amounts_and_still_a_table(told: Statements, page: Page):
    await page.set_viewport_size(PHONE)
    await told.shown(page, "h7?statement=april")

    row = page.get_by_role("row").filter(has_text="Payouts that came back")
    cells = row.get_by_role("cell")
    assert await cells.count() == 6
    assert [await cells.nth(number).is_visible() for number in range(6)] == [True] * 6
    label = await cells.nth(5).evaluate("(cell) => getComputedStyle(cell, '::before').content")
    assert label == '"Paid"'


@pytest.mark.parametrize("path", ["h7?statement=april", "teams/ruby?statement=april", "teams/jade"])
async def test_paper_is_black_on_white_and_loses_no_column(told: Statements, dark: Page, path):
    await dark.set_viewport_size(PAPER)
    await told.shown(dark, path, "fr")
    await dark.emulate_media(media="print", color_scheme="dark")

    assert await dark.evaluate(STICKING_OUT) == []
    assert await back_and_text(dark) == ("rgb(255, 255, 255)", "rgb(0, 0, 0)")
    assert await dark.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"


async def test_sheets_are_a4_and_every_host_begins_one(told: Statements, page: Page):
    await told.shown(page, "teams/ruby?statement=april")

    paper = await page.pdf(prefer_css_page_size=True)

    sizes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)
    assert {(round(float(width)), round(float(height))) for width, height in sizes} == {(595, 842)}
    # All hosts, each of them, and how to check it behind the last one.
    assert len(re.findall(rb"/Type /Page\b(?!s)", paper)) == 1 + len(HOSTS)


async def test_screen_follows_the_readers_colours(told: Statements, page: Page, dark: Page):
    await told.shown(page, "h7")
    await told.shown(dark, "h7")

    assert await back_and_text(page) == ("rgb(244, 245, 248)", "rgb(23, 26, 36)")
    assert await back_and_text(dark) == ("rgb(14, 17, 25)", "rgb(236, 238, 244)")


async def test_page_asks_nobody_for_anything(told: Statements, page: Page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    await told.shown(page, "h7")

    assert asked == [f"{told.server.url}{told.path}/statements/h7"]
