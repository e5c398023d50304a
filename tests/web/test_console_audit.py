"""The audit page in a real browser on a real server: the journal as it was hashed, and what holds together is told from
what does not.
"""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.app_server import AppServer, run_kos
from tests.event_client import EventClient
from tests.web.checks import tabs_fit, violations
from tests.web.console import PHONE, Console, console_page, key_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]

# Spent only where something is wrong, or the machine is busy.
WAIT_SECONDS = 20.0


def place(event: EventClient, tab: str = "journal") -> str:
    return f"#/events/{event.id}/audit?tab={tab}"


async def sold(event: EventClient, orders: int) -> None:
    """A batch of orders, with texts whose bytes are not what they look like."""
    lines = [{"quantity": 1, "unit_price": "10.00", "title": '"body":{"\\ \n 口红 🎉'}]
    paid = {"source": "shop", "paid_at": "2021-04-10T11:00:00Z", "currency": "GBP", "lines": lines, "host": "h7"}
    for start in range(0, orders, 5_000):
        some = [{"id": str(number), **paid} for number in range(start, min(orders, start + 5_000))]
        answer = await event.post("/orders/batch", some)
        assert answer.json()["accepted"] == len(some), answer.text


async def tamper(page: Page, position: int, **members: Any) -> None:
    """From here on the server's journal has another entry at this position."""

    async def answer(route: Route) -> None:
        response = await route.fetch()
        lines = (await response.text()).splitlines(keepends=True)
        for number, line in enumerate(lines):
            if line.startswith(f'{{"position":{position},'):
                lines[number] = json.dumps(json.loads(line) | members, separators=(",", ":"), ensure_ascii=False) + "\n"
        await route.fulfill(response=response, body="".join(lines))

    await page.route("**/journal?*", answer)


async def test_entries_are_listed_newest_first_and_read_on_down_to_the_first(console: Console, event: EventClient):
    await sold(event, 450)
    await console.sign_in(place=place(event))
    page = console.page
    grid = page.get_by_role("grid", name="Entries of the journal, newest first")
    await expect(page.get_by_role("heading", name="454 entries")).to_be_visible()
    await expect(grid.get_by_role("row").nth(1)).to_contain_text("454Order paidorder:shop:449")

    last = grid.get_by_role("row").last
    async with asyncio.timeout(WAIT_SECONDS):
        # The end of what is here so far: some more is read each time.
        while not (await last.text_content() or "").startswith("1Event made"):
            await grid.focus()
            await page.keyboard.press("End")
    await expect(last).to_contain_text("1Event made")

    await page.get_by_label("Go to entry").fill("100")
    await page.keyboard.press("Enter")
    await expect(grid.get_by_role("row").nth(1)).to_contain_text("100Order paidorder:shop:95")
    await page.get_by_role("button", name="354 newer: show the newest").click()
    await expect(grid.get_by_role("row").nth(1)).to_contain_text("454")
    assert await grid.get_by_role("row").count() < 60

    await event.sell("new", "h7")
    await expect(page.get_by_role("button", name="1 newer: show the newest")).to_be_visible()


async def test_entry_shows_the_very_text_that_was_hashed(console: Console, event: EventClient):
    await sold(event, 1)
    await console.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await console.sign_in(place=place(event))
    page = console.page
    await expect(page.get_by_role("row").nth(1)).to_contain_text("order:shop:0")

    await page.get_by_role("grid").focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Entry 5")
    await expect(dialog.get_by_text("follows from these fields")).to_be_visible()
    await expect(dialog.get_by_text("is the hash of the entry before")).to_be_visible()
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Copy as it was hashed").click()

    copied = await page.evaluate("navigator.clipboard.readText()")
    line = (await event.client.get(f"{event.path}/journal?after=4", headers={"Accept": "application/x-ndjson"})).text
    assert f'"body":{copied},"prev_hash"' in line
    assert json.loads(copied) == json.loads(await dialog.locator("pre").text_content() or "")
    await dialog.get_by_role("button", name="Earlier").click()
    await expect(page.get_by_role("dialog", name="Entry 4")).to_contain_text("Event moved")


async def test_whole_journal_is_computed_anew_with_its_signed_checkpoints(console: Console, event: EventClient):
    await console.sign_in(place=place(event, "check"))
    page = console.page
    await expect(page.get_by_text("No checkpoint yet")).to_be_visible()
    await sold(event, 2_500)
    await event.move("ended")
    await event.move("final")
    # Made soon after the end, by the server itself; the page finds it.
    await expect(newest_checkpoint(page)).to_be_visible()

    await page.get_by_role("button", name="Check every entry").click()

    result = page.get_by_role("region", name="In this browser").get_by_role("status")
    await expect(result).to_contain_text("2,506 entries, all in order.")
    await expect(result).to_contain_text("agree")
    await expect(result).not_to_contain_text("cannot check")


def newest_checkpoint(page: Page) -> Locator:
    return page.get_by_role("grid", name="Signed checkpoints, newest first").get_by_role("row").nth(1)


async def test_event_is_verified_by_the_server(console: Console, event: EventClient):
    await sold(event, 20)
    await console.sign_in(place=place(event, "check"))
    server = console.page.get_by_role("region", name="On the server")

    await server.get_by_role("button", name="Verify the event").dblclick()

    await expect(server.get_by_role("status")).to_contain_text("24 entries, all as they must be.", timeout=60_000)
    await expect(server.get_by_role("status")).to_contain_text("At entry 24")


async def test_entry_that_was_changed_is_found_and_named(console: Console, event: EventClient):
    await sold(event, 3)
    await console.sign_in(place=place(event, "check"))
    page = console.page
    await tamper(page, 6, actor="key:somebody")

    await page.get_by_role("button", name="Check every entry").click()

    result = page.get_by_role("region", name="In this browser").get_by_role("status")
    await expect(result.get_by_role("listitem")).to_have_text(["Entry 6: Its hash does not follow from its fields."])
    await page.get_by_role("tab", name="Journal").click()
    await page.get_by_role("row", name="order:shop:1").click()
    await expect(page.get_by_role("dialog").get_by_text("does not follow from these fields")).to_be_visible()


async def test_chain_that_was_written_anew_is_found_by_its_links(console: Console, event: EventClient):
    await sold(event, 3)
    await console.sign_in(place=place(event, "check"))
    await tamper(console.page, 6, hash=hashlib.sha256(b"another").hexdigest())

    await console.page.get_by_role("button", name="Check every entry").click()

    here = console.page.get_by_role("region", name="In this browser")
    findings = here.get_by_role("status").get_by_role("listitem")
    await expect(findings).to_have_text(
        [
            "Entry 6: Its hash does not follow from its fields.",
            "Entry 7: It does not continue the entry before it.",
        ]
    )


async def test_package_from_the_page_is_recounted_with_the_command_that_it_shows(
    console: Console, event: EventClient, tmp_path: Path
):
    await sold(event, 20)
    await console.sign_in(place=place(event, "package"))
    page = console.page

    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    package = await download.value
    await package.save_as(tmp_path / package.suggested_filename)
    command = await page.locator(".command", has_text="kos recount").locator("code").text_content()

    assert command is not None
    _, *arguments = command.replace(package.suggested_filename, str(tmp_path / package.suggested_filename)).split()
    done = run_kos(*arguments)
    assert done.returncode == 0, done.stderr
    assert "h7" in done.stdout


async def test_who_has_not_the_scope_is_told(console: Console, event: EventClient):
    await console.sign_in(await key_of(event.client, "Otto", "ops"), place(event))

    await expect(console.page.get_by_role("main")).to_contain_text("Your key lacks the scope audit.")


async def test_tabs_fit_a_phone_and_axe_finds_nothing(browser: Browser, console_server: AppServer, event: EventClient):
    async with console_page(browser, console_server, viewport=PHONE) as console:
        await console.sign_in(place=place(event))
        await tabs_fit(console.page)
