"""A whole evening from the console, in a real Chromium on a real server: the event is made, sells, is put right and
settled, and what it leaves behind is recounted without it. Nothing but the shop's orders comes from elsewhere.
"""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import FilePayload, Locator, Page, async_playwright, expect

from tests.app_server import AppServer, run_kos, serving
from tests.event_client import EventClient
from tests.web.console import Console, console_page, key_of

EVENT = "spring-gala"
ZONE = "Europe/London"
ROSTER = "id,name,team,codes\nlin,Lin,Ruby,LIN10\nmei,Mei,Jade,MEI10\nyue,Yue,Jade,\n"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[AppServer]:
    async with serving(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as server:
        yield server


@pytest.fixture
async def console(chromium: str, server: AppServer) -> AsyncIterator[Console]:
    """Signed in as Ana, who may do everything."""
    expect.set_options(timeout=15_000)
    async with async_playwright() as playwright, server.client() as client:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        async with console_page(browser, server) as console:
            await console.sign_in(await key_of(client, "Ana", "ops", "finance", "audit"))
            yield console
        await browser.close()


def asked(page: Page) -> Locator:
    return page.get_by_role("dialog")


async def begin(page: Page, name: str, within: str = "") -> Locator:
    """Press what asks before it acts; the question."""
    scope = page.get_by_label(within, exact=True) if within else page
    await scope.get_by_role("button", name=name).click()
    await expect(asked(page)).to_be_visible()
    return asked(page)


async def answer(page: Page, name: str) -> None:
    await asked(page).get_by_role("button", name=name, exact=True).click()
    await expect(asked(page)).to_have_count(0)


async def go(console: Console, page: str, heading: str) -> None:
    """By the navigation, as a person does."""
    side = console.page.get_by_role("navigation", name="Pages")
    await side.get_by_role("link", name=page).click()
    await console.heading(heading)


async def make_the_event(console: Console) -> None:
    page = console.page
    began = datetime.now(ZoneInfo(ZONE)) - timedelta(hours=1)
    dialog = await begin(page, "New event")
    await dialog.get_by_label("Name").fill("Spring Gala")
    await dialog.get_by_label("Time zone").fill(ZONE)
    await dialog.get_by_label("Starts").fill(began.strftime("%Y-%m-%dT%H:%M"))
    await dialog.get_by_label("Currency").fill("GBP")
    await answer(page, "Make the event")
    await console.heading("Spring Gala")


async def import_the_roster(console: Console) -> None:
    page = console.page
    await go(console, "Roster", "Roster")
    dialog = await begin(page, "Import a file")
    file = FilePayload(name="hosts.csv", mimeType="text/csv", buffer=ROSTER.encode())
    await dialog.get_by_label("CSV file").set_input_files(file)
    await expect(dialog.locator(".counts")).to_have_text(
        re.compile(r"New\s*3\s*Changed\s*0\s*As before\s*0\s*Wrong\s*0")
    )
    await answer(page, "Import 3 changes")
    await expect(page.get_by_role("tab", name="Hosts 3")).to_be_visible()


async def open_the_show(console: Console) -> None:
    page = console.page
    await go(console, "Run of show", "Run of show")
    for button, action in (("Schedule", "Schedule"), ("Go live", "Go live")):
        await begin(page, button, "Life of the event")
        await answer(page, action)
    dialog = await begin(page, "Start a session")
    await dialog.get_by_label("Name of the session").fill("night-1")
    await dialog.get_by_label("Add a host").fill("lin")
    await expect(dialog.get_by_role("option").first).to_contain_text("Lin")
    await page.keyboard.press("Enter")
    await answer(page, "Go on air")
    dialog = await begin(page, "Pin a product", "Session night-1")
    await dialog.get_by_label("SKU").fill("RUBY-WOO")
    await dialog.get_by_label("Title (optional)").fill("Ruby lipstick")
    await answer(page, "Pin it")
    dialog = await begin(page, "Set a goal")
    await dialog.get_by_label("Title").fill("The first hundred")
    await dialog.get_by_label("Target in GBP").fill("100")
    await answer(page, "Set it")


async def sell(event: EventClient, order: str, price: str, **fields: object) -> None:
    line = {"quantity": 1, "unit_price": price, "sku": fields.pop("sku", "")}
    paid_at = datetime.now(UTC).isoformat()
    body = {"id": order, "source": "shop", "paid_at": paid_at, "currency": "GBP", "lines": [line], **fields}
    await event.ok("POST", "/orders", body)


async def correct_an_order(console: Console, event: EventClient) -> None:
    """1002 came with Mei's code, which stood on Lin's poster."""
    page = console.page
    await go(console, "Orders", "Orders")
    await page.get_by_role("row", name="1002").click()
    await console.heading("Order 1002")
    await page.get_by_role("link", name="Correct who earned it").click()
    form = page.get_by_role("region", name="Correct who earned orders")
    await form.get_by_label("Host", exact=True).fill("lin")
    await form.get_by_label("Reason").fill("Her code stood on the other's poster")
    await form.get_by_role("button", name="Preview").click()
    await expect(asked(page).get_by_role("row", name="Mei")).to_contain_text("£50.00")
    await answer(page, "Make the correction")
    assert await event.scores() == {"lin": "84.00"}


async def end_the_show(console: Console) -> None:
    page = console.page
    await go(console, "Run of show", "Run of show")
    await expect(page.get_by_label("Goals", exact=True).get_by_role("img", name="84 per cent")).to_be_visible()
    await begin(page, "End…", "Session night-1")
    await answer(page, "End the session")
    for button in ("End the event", "Make final"):
        await begin(page, button, "Life of the event")
        await answer(page, button)
    await expect(page.get_by_label("Life of the event")).to_contain_text("final")


async def close_the_books(console: Console, folder: Path) -> str:
    """The statement of Lin as a file."""
    page = console.page
    await go(console, "Corrections & settlement", "Corrections & settlement")
    await page.get_by_role("tab", name="Statements").click()
    await page.get_by_role("combobox", name="Who").fill("lin")
    dialog = await begin(page, "Close a statement")
    await dialog.get_by_label("Name").fill("evening")
    await answer(page, "Close it")
    async with page.expect_download() as download:
        await page.get_by_role("listitem").filter(has_text="evening").get_by_role("button", name="CSV").click()
    await (await download.value).save_as(folder / "statement.csv")
    return (folder / "statement.csv").read_text()


async def recount(console: Console, folder: Path) -> str:
    """What the command beside the package says of it, on a machine that knows nothing of the server."""
    page = console.page
    await go(console, "Audit", "Audit")
    await page.get_by_role("tab", name="Package & recount").click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    name = (await download.value).suggested_filename
    await (await download.value).save_as(folder / name)
    command = await page.locator(".command", has_text="kos recount").locator("code").text_content()
    assert command is not None
    _, *arguments = command.replace(name, str(folder / name)).split()
    done = run_kos(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_evening_from_the_first_click_to_the_recount(console: Console, server: AppServer, tmp_path: Path):
    page = console.page
    await make_the_event(console)
    await import_the_roster(console)
    await open_the_show(console)
    async with server.client() as client:
        event = EventClient(client, EVENT)
        # The first is Lin's by her pin, the second Mei's by her code.
        await sell(event, "1001", "34.00", sku="RUBY-WOO")
        await sell(event, "1002", "50.00", code="mei10")
        assert await event.scores() == {"lin": "34.00", "mei": "50.00"}
        await go(console, "Live desk", "Spring Gala")
        await expect(page.get_by_role("main")).to_contain_text("£84.00")

        await correct_an_order(console, event)
        await end_the_show(console)
        statement = await close_the_books(console, tmp_path)
        told = await recount(console, tmp_path)

        assert (await event.ok("GET"))["status"] == "final"
    assert "sales,1,34.00" in statement
    assert "corrections,1,50.00" in statement
    assert re.search(r"lin\s+84\.00", told), told
