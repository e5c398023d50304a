"""Corrections and settlement in a real browser on a real server: nothing is written before it was seen, nor twice."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests import factories
from tests.app_server import AppServer
from tests.event_client import EventClient
from tests.web.checks import tabs_fit, violations
from tests.web.console import PHONE, Console, console_page, key_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]

# Holds for orders of any time only if it is declared with the event.
COMMISSION = {"commission": {"bps": 1_000, "hold_days": 0}}
# Long enough ago to be released, and not too long to be claimed.
PAID_AT = (datetime.now(UTC) - timedelta(days=2)).isoformat()


def place(event: EventClient, tab: str = "corrections", **query: str) -> str:
    return f"#/events/{event.id}/money?" + "&".join(f"{name}={value}" for name, value in {"tab": tab, **query}.items())


async def earning(event: EventClient) -> EventClient:
    """Another event, whose hosts earn commission; h7 sold 1001 for 40.00 and 1002 for 20.00, h8 1003 for 50.00."""
    earning = await EventClient(event.client, f"{event.id}-earning").open(rules=COMMISSION)
    for order, host, price in (("1001", "h7", "40.00"), ("1002", "h7", "20.00"), ("1003", "h8", "50.00")):
        await earning.sell(order, host, price, paid_at=PAID_AT)
    return earning


async def answer(page: Page, title: str | re.Pattern[str], action: str, reason: str = "") -> None:
    """Answer the question that a page asks before it writes."""
    dialog = page.get_by_role("dialog", name=title)
    if reason:
        await dialog.get_by_label("Reason").fill(reason)
    await dialog.get_by_role("button", name=action, exact=True).click()
    await expect(dialog).to_have_count(0)


def row_of(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


async def correct_1001(page: Page) -> None:
    """Fill in that 1001 is h8's, and ask what that changes."""
    form = page.get_by_role("region", name="Correct who earned orders")
    await form.get_by_label("Source").fill("shop")
    await form.get_by_label("Order", exact=True).fill("1001")
    await form.get_by_label("Host", exact=True).fill("h8")
    await expect(form.locator(".hint", has_text="Mei · Jade")).to_be_visible()
    await form.get_by_label("Reason").fill("The code on the poster was hers")
    await form.get_by_role("button", name="Preview").click()


async def test_correction_is_seen_with_ranks_sales_and_pay_before_it_is_made(console: Console, event: EventClient):
    event = await earning(event)
    await console.sign_in(place=f"#/events/{event.id}/orders/shop/1001")
    page = console.page
    before = await event.head()

    # An order's own page leads here, with the order filled in.
    await page.get_by_role("link", name="Correct who earned it").click()
    await expect(page.get_by_label("Order", exact=True)).to_have_value("1001")
    await correct_1001(page)
    dialog = page.get_by_role("dialog", name="What this correction changes")

    hosts = dialog.get_by_role("table").first
    await expect(hosts.get_by_role("row", name="Lin")).to_contain_text(
        "1 → becomes 2£60.00 → becomes £20.00\N{MINUS SIGN}£4.00"
    )
    await expect(hosts.get_by_role("row", name="Mei")).to_contain_text("2 → becomes 1£50.00 → becomes £90.00+£4.00")
    await expect(dialog.get_by_role("table").nth(1)).to_contain_text("Jade")
    assert await event.head() == before
    assert await violations(page) == []

    await dialog.get_by_role("button", name="Make the correction").dblclick()

    await expect(page.get_by_text("The correction is made.")).to_be_visible()
    assert await event.scores() == {"h7": "20.00", "h8": "90.00"}
    made = [entry for entry in await event.entries(before[0]) if entry["kind"] == "correction.opened"]
    assert [entry["body"]["fact"]["reason"] for entry in made] == ["The code on the poster was hers"]
    await expect(page.get_by_label("Order", exact=True)).to_have_value("")


async def test_all_orders_that_are_alike_are_corrected_at_once(console: Console, event: EventClient):
    event = await earning(event)
    await console.sign_in(place=place(event))
    page = console.page
    form = page.get_by_role("region", name="Correct who earned orders")

    await form.get_by_label("All that are like this").check()
    await form.get_by_label("Host who has them now").fill("h7")
    await form.get_by_label("They are credited to").select_option("house")
    await form.get_by_label("Reason").fill("Bought by the brand itself")
    await form.get_by_role("button", name="Preview").click()
    dialog = page.get_by_role("dialog", name="What this correction changes")
    await expect(dialog).to_contain_text("2 orders worth £60.00 would move.")
    await dialog.get_by_text("Which orders").click()
    await expect(dialog.get_by_role("link")).to_have_text(["shop/1001", "shop/1002"])
    await dialog.get_by_role("button", name="Make the correction").click()

    await expect(page.get_by_text("The correction is made.")).to_be_visible()
    assert await event.scores() == {"h8": "50.00"}


async def test_orders_that_changed_since_the_preview_are_shown_again_before_anything_is_written(
    console: Console, event: EventClient
):
    event = await earning(event)
    await console.sign_in(place=place(event))
    page = console.page
    await correct_1001(page)
    dialog = page.get_by_role("dialog", name="What this correction changes")
    await expect(dialog).to_contain_text("£40.00")

    await event.ok("POST", "/refunds", factories.refund(order="1001", amount="15.00"))
    await dialog.get_by_role("button", name="Make the correction").click()

    await expect(dialog.get_by_role("alert")).to_contain_text("changed these orders meanwhile")
    await expect(dialog).to_contain_text("£25.00")
    assert (await event.scores())["h8"] == "50.00"
    await dialog.get_by_role("button", name="Make the correction").click()
    await expect(page.get_by_text("The correction is made.")).to_be_visible()
    assert (await event.scores())["h8"] == "75.00"


async def test_refusal_is_said_beside_the_form_and_nothing_is_lost(console: Console, event: EventClient):
    console.refusals.add("409")
    await console.sign_in(place=place(event))

    await correct_1001(console.page)

    form = console.page.get_by_role("region", name="Correct who earned orders")
    await expect(form.get_by_role("alert")).to_contain_text("order_not_there")
    await expect(form.get_by_label("Reason")).to_have_value("The code on the poster was hers")


async def test_large_correction_waits_for_a_second_person_who_is_not_the_first(
    browser: Browser, console: Console, console_server: AppServer, event: EventClient
):
    await event.ok("PATCH", "/rules", {"approval_above": "20.00"})
    await event.sell("1001", "h7", "40.00")
    ana, ben = await key_of(event.client, "Ana", "finance"), await key_of(event.client, "Ben", "finance")
    await console.sign_in(ana, place(event))
    page = console.page

    await correct_1001(page)
    await page.get_by_role("dialog").get_by_role("button", name="Ask for approval").click()

    waiting = page.get_by_role("region", name="Waiting for a second person")
    await expect(waiting).to_contain_text("1 order worth £40.00 to Mei")
    await expect(waiting.get_by_role("button", name="Approve")).to_have_attribute("aria-disabled", "true")
    assert await event.scores() == {"h7": "40.00"}
    async with console_page(browser, console_server) as other:
        await other.sign_in(ben, place(event))
        await other.page.get_by_role("button", name="Approve").click()
        await answer(other.page, "Approve this correction?", "Approve", "Checked against the recording")
        await expect(other.page.get_by_text("Approved: the correction is made.")).to_be_visible()
    assert await event.scores() == {"h8": "40.00"}
    # The first person's page hears of it by itself.
    await expect(waiting).to_contain_text("No correction waits.")


async def test_bonus_is_given_once_under_its_reason(console: Console, event: EventClient):
    # Who has no row on a board is paid all the same.
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h9", "status": "guest"}]})
    await console.sign_in(place=place(event))
    page = console.page
    form = page.get_by_role("region", name="Adjust what a host is paid")
    button = form.get_by_role("button", name="Adjust")
    await expect(button).to_have_attribute("aria-disabled", "true")
    await form.get_by_label("Host").fill("h9")
    await form.get_by_label("Amount in GBP").fill("-7.50")

    await button.click()
    await answer(page, "Take £7.50 from Yue?", "Adjust", "Came late")

    await expect(page.get_by_text("The adjustment is made.")).to_be_visible()
    accounts = (await event.ok("GET", "/ledger/accounts"))["accounts"]
    assert {row["account"]: row["balance"] for row in accounts}["Liabilities:Commission:h9:Available"] == "7.50"


async def test_claim_is_opened_for_a_host_and_answered_by_somebody_else(
    browser: Browser, console: Console, console_server: AppServer, event: EventClient
):
    event = await earning(event)
    await console.sign_in(place=place(event, "claims"))
    page = console.page
    await page.get_by_role("button", name="Claim for a host").click()
    dialog = page.get_by_role("dialog", name="Claim a sale for a host")
    await dialog.get_by_label("Host").fill("h8")
    await dialog.get_by_label("Source").fill("shop")
    await dialog.get_by_label("Order", exact=True).fill("1001")
    await dialog.get_by_label("Reason").fill("She bought <b>while</b> I showed it")
    await dialog.get_by_role("button", name="Open the claim").dblclick()

    claims = page.get_by_role("region", name="Open claims").get_by_role("listitem")
    await expect(claims).to_have_count(1)
    await expect(claims).to_contain_text("Mei claims shop/1001")
    await expect(claims).to_contain_text("She bought <b>while</b> I showed it")
    await expect(claims.get_by_role("button", name="Answer")).to_have_attribute("aria-disabled", "true")
    async with console_page(browser, console_server) as other:
        await other.sign_in(await key_of(event.client, "Cleo", "finance"), place(event, "claims"))
        await other.page.get_by_role("button", name="Answer").click()
        dialog = other.page.get_by_role("dialog", name="Answer the claim of Mei")
        await dialog.get_by_label("Answer").select_option("rejected")
        await dialog.get_by_label("Reason").fill("Bought a day before")
        await dialog.get_by_role("button", name="Close the claim").click()
        await expect(other.page.get_by_text("No claim is open")).to_be_visible()
    await expect(page.get_by_text("No claim is open")).to_be_visible()


async def test_host_is_released_paid_and_the_money_that_came_back_is_there_again(console: Console, event: EventClient):
    event = await earning(event)
    await console.sign_in(place=place(event, "commission"))
    page = console.page
    await expect(row_of(page, "Lin")).to_contain_text("£6.00")
    shown = asyncio.Event()

    async def late(route: Route) -> None:
        """The balances come after somebody has opened a host."""
        await shown.wait()
        await route.continue_()

    await page.route("**/ledger/accounts*", late)
    await page.get_by_role("button", name="Release commission").click()
    await answer(page, "Release commission?", "Release")
    await expect(page.get_by_text(re.compile("£11.00 of 2 hosts can be paid"))).to_be_visible()

    await row_of(page, "Lin").click()
    dialog = page.get_by_role("dialog", name="Lin")
    amount = dialog.get_by_label("Amount in GBP")
    await expect(amount).to_have_value("")
    shown.set()
    await expect(amount).to_have_value("6.00")
    await amount.fill("6.01")
    assert await violations(page) == []
    note = dialog.get_by_role("button", name="Note a payout")
    await expect(note).to_have_attribute("title", "At most £6.00 can be paid.")
    await amount.fill("4.00")
    await note.click()
    await answer(page, "Was Lin paid £4.00?", "Note the payout")
    await expect(dialog.get_by_text("Noted: Lin was paid £4.00.")).to_be_visible()
    await expect(dialog.get_by_role("listitem")).to_contain_text("£4.00 paid")
    await expect(amount).to_have_value("2.00")

    await dialog.get_by_role("button", name="It came back").click()
    await answer(page, "Did £4.00 come back?", "It came back", "The account is closed")

    await expect(dialog.get_by_role("listitem")).to_contain_text("£4.00 came back")
    await dialog.get_by_role("button", name="Close").click()
    await expect(row_of(page, "Lin")).to_contain_text("£6.00£0.00£6.00£0.00")


async def test_statement_is_closed_and_comes_as_page_and_files(console: Console, event: EventClient, tmp_path: Path):
    event = await earning(event)
    await console.sign_in(place=place(event, "statements", host="h7"))
    page = console.page
    await page.get_by_role("button", name="Close a statement").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("april")
    await answer(page, "Close a statement?", "Close it")
    statements = page.get_by_role("region", name="Statements of Lin").get_by_role("listitem")
    row = statements.filter(has_text="april")
    await expect(row).to_contain_text("Entries 1 to 7")

    async with page.expect_download() as csv:
        await row.get_by_role("button", name="CSV").click()
    await (await csv.value).save_as(tmp_path / "statement.csv")
    async with page.expect_popup() as popup:
        await row.get_by_role("link", name="Page to print").click()
    printed = await popup.value

    assert (await csv.value).suggested_filename == f"{event.id}-statement-h7-april.csv"
    assert "h7,GBP,0,7,sales,2,60.00,6.00" in (tmp_path / "statement.csv").read_text()
    await expect(printed.get_by_role("main")).to_contain_text("Lin")
    await expect(statements.first).to_contain_text("Since the last one openEntries 8 to 8")


async def test_rates_say_what_they_change_before_they_hold(console: Console, event: EventClient):
    await event.ok("PUT", "/rates", {"version": "v1", "rates": {"EUR": "0.86", "JPY": "0.005"}, "reason": "bank"})
    await console.sign_in(place=place(event, "rates"))
    page = console.page
    rates = page.get_by_role("textbox", name="Rates")
    await expect(rates).to_have_value("EUR 0.86\nJPY 0.005")
    await rates.fill("EUR 0.87\nCHF nothing")
    await expect(page.locator(".error")).to_have_text("“CHF nothing” is no line like EUR 7.8123, or comes twice.")

    await rates.fill("eur 0.87\nCHF 0.9")
    await page.get_by_role("button", name="Declare").click()
    changes = page.get_by_role("dialog").get_by_role("listitem")
    await expect(changes).to_have_text(
        [
            "1 EUR is worth 0.87 GBP, 0.86 until now.",
            "CHF is taken from now on: 1 CHF is worth 0.9 GBP.",
            "Orders in JPY are refused from now on.",
            "What is booked already keeps its rate.",
        ]
    )
    await answer(page, "Declare these rates?", "Declare", "The bank's of today")

    await expect(page.get_by_text("The rates hold from now on.")).to_be_visible()
    assert (await event.ok("GET", "/rates"))["rates"] == {"EUR": "0.87", "CHF": "0.9"}


async def test_accounts_come_as_a_file_and_commands_can_be_copied(console: Console, event: EventClient):
    await event.sell("1001", "h7")
    await console.sign_in(place=place(event, "exports"))
    page = console.page

    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download CSV").click()

    assert (await download.value).suggested_filename == f"{event.id}-accounts.csv"
    await expect(page.get_by_text(f"kos export --event {event.id} --format beancount")).to_be_visible()


async def test_who_may_only_look_is_told_which_scope_is_missing(console: Console, event: EventClient):
    await console.sign_in(await key_of(event.client, "Otto", "ops"), place(event))

    for tab, button in (
        ("Corrections", "Preview"),
        ("Claims", "Claim for a host"),
        ("Statements", "Close a statement"),
    ):
        await console.page.get_by_role("tab", name=tab).click()
        told = console.page.get_by_role("button", name=re.compile(f"^{button}.*Your key lacks the scope finance"))
        await expect(told).to_have_attribute("aria-disabled", "true")


async def test_tabs_and_a_correction_by_keyboard_alone(console: Console, event: EventClient):
    event = await earning(event)
    await console.sign_in(place=place(event, "claims"))
    page = console.page
    await page.get_by_role("tab", name="Claims").focus()
    await page.keyboard.press("ArrowLeft")
    await expect(page.get_by_role("tab", name="Corrections")).to_be_focused()
    await page.get_by_label("Source").focus()
    for text in ("shop", "1002"):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.type("h8")
    await page.get_by_role("region", name="Correct who earned orders").get_by_label("Reason").focus()
    await page.keyboard.type("typed")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="What this correction changes")
    await expect(dialog).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="Make the correction").focus()
    await page.keyboard.press("Enter")

    await expect(page.get_by_text("The correction is made.")).to_be_visible()
    assert await event.scores() == {"h7": "40.00", "h8": "70.00"}


async def test_tabs_fit_a_phone_and_axe_finds_nothing(browser: Browser, console_server: AppServer, event: EventClient):
    event = await earning(event)
    options: dict[str, Any] = {"viewport": PHONE, "color_scheme": "dark"}
    async with console_page(browser, console_server, **options) as console:
        await console.sign_in(place=place(event, host="h7"))
        await tabs_fit(console.page)
