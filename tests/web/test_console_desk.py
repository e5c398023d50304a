"""The live desk and the orders of the console, in a real browser on a real server, while things sell."""

import re
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests import factories
from tests.app_server import AppServer
from tests.event_client import EventClient
from tests.web.console import PHONE, Console, console_page, crowded, key_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]

# With the four of ``factories`` ten thousand.
CROWD = 9_996


def tile(page: Page, name: str) -> Locator:
    return page.locator(".tile").filter(has=page.get_by_role("heading", name=name, exact=True))


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


async def test_tiles_follow_every_sale_and_refund(console: Console, event: EventClient):
    await console.sign_in(place=f"#/events/{event.id}/live")
    page = console.page
    await expect(tile(page, "Gross sales")).to_contain_text("£0.00")
    await expect(tile(page, "Average order")).to_contain_text("–")  # noqa: RUF001

    await event.order(host="h7")
    await event.sell("2", "h8", "16.00")
    await event.ok("POST", "/refunds", factories.refund(amount="18.75"))

    for name, value in {
        "Gross sales": "£50.00",
        "Net sales": "£33.00",
        "Orders": "2",
        "Units": "3",
        "Average order": "£16.50",
        "Refund rate": "34%",
        "House": "£0.00",
        "Viewers now": "0",
    }.items():
        await expect(tile(page, name).locator(".tile-value")).to_have_text(value)
        await expect(tile(page, name)).to_contain_text("now")


async def test_figure_says_what_it_is(console: Console, event: EventClient):
    await console.sign_in(place=f"#/events/{event.id}/live")
    page = console.page
    dictionary = await event.ok("GET", "/metrics/dictionary")
    wanted = next(measure for measure in dictionary["measures"] if measure["id"] == "net_sales")

    await page.get_by_role("button", name="What is “Net sales”?").click()

    dialog = page.get_by_role("dialog", name=wanted["name"])
    await expect(dialog).to_contain_text(wanted["formula"])
    await expect(dialog).to_contain_text(wanted["basis"])
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="What is “Net sales”?")).to_be_focused()


async def test_minutes_are_a_picture_and_a_table(console: Console, event: EventClient):
    await event.sell("1", "h7", "12.00")
    await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h7"}]})
    await event.ok("POST", "/pins", {"session": "night", "sku": "RUBY-WOO"})
    await console.sign_in(place=f"#/events/{event.id}/live")
    minutes = card(console.page, "Minute by minute")

    await expect(minutes.locator("canvas")).to_be_visible()
    await expect(minutes.get_by_role("figure")).to_have_accessible_name(re.compile("the highest £12.00 at"))
    await expect(minutes.get_by_role("list", name="What happened")).to_contain_text("RUBY-WOO")
    await minutes.get_by_role("button", name="Table").click()

    table = minutes.get_by_role("grid")
    await expect(table.get_by_role("row").filter(has_text="£12.00")).to_have_count(1)
    await minutes.get_by_label("Figure").select_option("orders")
    await minutes.get_by_role("button", name="Table").click()
    await expect(minutes.get_by_role("figure")).to_have_accessible_name(re.compile("^Orders by minute"))


# Each text of the last picture on a canvas, with where it begins and ends.
NOTED = """
    window.texts = [];
    const clearRect = CanvasRenderingContext2D.prototype.clearRect;
    CanvasRenderingContext2D.prototype.clearRect = function (...all) {
        window.texts = [];
        return clearRect.apply(this, all);
    };
    const fillText = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...rest) {
        const half = this.measureText(text).width / 2;
        const { a: scale, e, f } = this.getTransform();
        window.texts.push({ text, y: y * scale + f, from: x * scale + e - half, to: x * scale + e + half });
        return fillText.call(this, text, x, y, ...rest);
    };"""


@pytest.mark.parametrize("locale", ["en-US", "zh-TW", "de-DE"])
async def test_times_below_the_minutes_stand_apart(
    browser: Browser, console_server: AppServer, event: EventClient, locale: str
):
    """The one minute that was sold in is shown as the last of two hours, so that every place has a time to show."""
    await event.sell("1", "h7", "12.00")

    async def stretch(route: Route) -> None:
        document = await (await route.fetch()).json()
        last = document["minutes"][-1]
        end = datetime.fromisoformat(last["at"])
        document["minutes"] = [
            {**last, "at": (end - timedelta(minutes=ago)).isoformat(), "viewers": 9} for ago in range(119, -1, -1)
        ]
        await route.fulfill(json=document)

    viewport = {"width": 1440, "height": 900}
    async with console_page(browser, console_server, locale=locale, viewport=viewport) as console:
        await console.page.add_init_script(NOTED)
        await console.page.route("**/metrics/minutes*", stretch)
        await console.sign_in(place=f"#/events/{event.id}/live")
        await expect(card(console.page, "Minute by minute").locator("canvas")).to_be_visible()

        await expect(console.page.locator(".uplot")).to_be_visible()
        texts = await console.page.evaluate("window.texts")

    lowest = max(one["y"] for one in texts)
    times = sorted({(one["from"], one["to"], one["text"]) for one in texts if one["y"] == lowest})
    assert len(times) > 3
    for (_, end, left), (begin, _, right) in pairwise(times):
        assert end + 6 < begin, (left, right)


async def test_board_shows_who_climbed(console: Console, event: EventClient):
    await event.sell("1", "h7", "30.00")
    await event.sell("2", "h8", "20.00")
    await console.sign_in(place=f"#/events/{event.id}/live")
    board = card(console.page, "Boards").get_by_role("grid", name="Board of hosts")
    await expect(board.get_by_role("row").nth(1)).to_contain_text("Lin")

    await event.sell("3", "h8", "25.00")

    await expect(board.locator('[aria-rowindex="2"]')).to_contain_text("Mei")
    await expect(board.locator('[aria-rowindex="2"]').get_by_label("up 1")).to_be_visible()
    await expect(board.locator('[aria-rowindex="3"]').get_by_label("down 1")).to_be_visible()
    await console.page.get_by_role("tab", name="Hosts").press("ArrowRight")
    teams = card(console.page, "Boards").get_by_role("grid", name="Board of teams")
    await expect(teams.locator('[aria-rowindex="2"]')).to_contain_text("Jade")
    await expect(teams.locator('[aria-rowindex="2"]')).to_contain_text("£45.00")


async def test_desk_begins_at_its_head_on_a_phone(browser: Browser, console_server: AppServer, event: EventClient):
    await event.sell("1", "h7", "30.00")
    async with console_page(browser, console_server, viewport=PHONE) as console:
        await console.sign_in(place=f"#/events/{event.id}/live")
        await expect(card(console.page, "Boards").get_by_role("grid")).to_contain_text("Lin")

        assert await console.page.evaluate("scrollY") == 0
        await expect(console.page.get_by_role("heading", level=1)).to_be_in_viewport()


async def test_desk_says_when_an_event_was_to_start_that_is_a_draft_yet(console: Console, console_server: AppServer):
    async with console_server.client() as client:
        await EventClient(client, "late").create()
    await console.sign_in(place="#/events/late/live")

    await expect(console.page.get_by_role("main")).to_contain_text(re.compile(r"draft\s*was to start [\d,]+ days ago"))


async def test_new_order_comes_into_the_feed_and_leads_to_its_page(console: Console, event: EventClient):
    await console.sign_in(place=f"#/events/{event.id}/live")
    feed = card(console.page, "Newest orders")
    await expect(feed).to_contain_text("No orders yet")

    await event.order(code="LIN10")
    await feed.get_by_role("link", name="1001").click()

    await console.heading("Order 1001")
    await expect(console.page.get_by_role("main")).to_contain_text("the buyer used the host's code")


async def test_desk_says_what_waits(console: Console, event: EventClient):
    await event.ok("POST", "/refunds", factories.refund(order="never", amount="7.00"))
    await event.ok("PATCH", "/rules", {"approval_above": "5.00"})
    await event.order(host="h7")
    correction = {"id": "c1", "orders": [{"source": "shop", "id": "1001"}], "to": [{"host": "h8"}], "reason": "Poster"}
    await event.ok("POST", "/reattributions", correction)

    await console.sign_in(place=f"#/events/{event.id}/live")

    waits = card(console.page, "What waits")
    await expect(waits.get_by_role("listitem")).to_have_count(2)
    await expect(waits).to_contain_text("1 correction waits")
    await expect(waits).to_contain_text("1 unmatched refund")
    await expect(waits).to_contain_text("£7.00")


async def test_who_is_on_air_with_what(console: Console, event: EventClient):
    await console.sign_in(place=f"#/events/{event.id}/live")
    on_air = card(console.page, "On air")
    await expect(on_air).to_contain_text("Nobody is on air.")

    await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h7"}, {"id": "h8"}]})
    await event.ok("POST", "/pins", {"session": "night", "sku": "RUBY-WOO"})

    await expect(on_air).to_contain_text("Lin, Mei")
    await expect(on_air).to_contain_text("RUBY-WOO")


async def test_goals_and_announcements_are_on_the_desk(console: Console, event: EventClient):
    await console.sign_in(place=f"#/events/{event.id}/live")
    goals = card(console.page, "Goals and announcements")
    await expect(goals).to_have_count(0)

    goal = {"id": "g1", "title": "A hundred", "of": "event", "target_id": "", "measure": "net_sales"}
    await event.ok("POST", "/goals", goal | {"target": "100.00"})
    await event.ok("POST", "/announcements", {"id": "a1", "text": "Back at nine"})
    await event.sell("1", "h7", "25.00")

    await expect(goals).to_contain_text("£25.00 of £100.00")
    await expect(goals.get_by_role("progressbar", name="A hundred")).to_have_attribute("value", "0.25")
    await expect(goals).to_contain_text("Back at nine")
    await event.sell("2", "h7", "75.00")
    await expect(goals).to_contain_text("reached")


async def test_key_for_the_books_has_a_desk_without_what_it_may_not_do(
    browser: Browser, console_server: AppServer, event: EventClient
):
    key = await key_of(event.client, "books", "finance")
    await event.sell("1", "h7", "12.00")
    async with console_page(browser, console_server) as console:
        await console.sign_in(key, f"#/events/{event.id}/live")

        await expect(tile(console.page, "Gross sales")).to_contain_text("£12.00")
        await expect(card(console.page, "What waits")).to_contain_text("Nothing waits for anybody.")
        await expect(console.page.get_by_role("button", name="Choose an event")).to_have_count(0)


async def test_ten_thousand_hosts_are_few_elements(console: Console, event: EventClient):
    await crowded(event, CROWD)
    await event.sell("1", "host-09995", "12.00")
    await console.sign_in(place=f"#/events/{event.id}/live")
    page = console.page

    await card(page, "Boards").get_by_role("button", name="All 10,000").click()
    dialog = page.get_by_role("dialog", name="The whole board")
    table = dialog.get_by_role("grid")
    await expect(table).to_have_attribute("aria-rowcount", "10001")
    await table.focus()
    await page.keyboard.press("End")

    await expect(table.locator(".active")).to_be_in_viewport()
    await expect(table.locator(".active")).to_contain_text("10000")
    assert await table.get_by_role("row").count() < 80
    await dialog.get_by_role("searchbox").fill("number 9995")
    await expect(table.get_by_role("row")).to_have_count(2)
    await expect(table).to_contain_text("£12.00")


async def test_orders_are_searched_on_the_server(console: Console, event: EventClient):
    orders = [factories.simple_order(f"A-{number:04}", "h7") for number in range(450)]
    await event.ok("POST", "/orders/batch", [*orders, factories.simple_order("B-1", "h8", "99.00")])
    await console.sign_in(place=f"#/events/{event.id}/orders")
    page = console.page
    table = page.get_by_role("grid", name="Orders, newest first")
    await expect(table.locator('[aria-rowindex="2"]')).to_contain_text("B-1")
    assert await table.get_by_role("row").count() < 80

    await table.focus()
    for _ in range(6):
        await page.keyboard.press("End")
        await page.wait_for_timeout(150)
    await expect(table.get_by_role("row").filter(has_text="A-0000")).to_be_in_viewport()
    await page.get_by_label("Order id").fill("B-")
    await expect(table.get_by_role("row")).to_have_count(2)
    await expect(page).to_have_url(re.compile("query=B-"))
    await page.get_by_label("Order id").fill("")
    await page.get_by_label("Host id").fill("h8")
    await expect(page).to_have_url(re.compile("host=h8$"))
    await expect(table.get_by_role("row")).to_have_count(2)
    await table.focus()
    await page.keyboard.press("Enter")

    await console.heading("Order B-1")
    await page.go_back()
    await expect(page.get_by_label("Host id")).to_have_value("h8")


@pytest.mark.parametrize("locale", ["en-US", "en-GB", "zh-TW"])
async def test_time_of_an_order_is_never_cut_off(
    browser: Browser, console_server: AppServer, event: EventClient, locale: str
):
    await event.sell("1", "h7", paid_at="2021-04-29T22:58:00+08:00")
    async with console_page(browser, console_server, locale=locale) as console:
        await console.sign_in(place=f"#/events/{event.id}/orders")

        cell = console.page.get_by_role("gridcell").filter(has=console.page.locator("time"))
        await expect(cell).to_have_text(re.compile("(10|22):58"))
        assert await cell.evaluate("(cell) => cell.scrollWidth - cell.clientWidth") == 0


async def test_rows_stay_where_they_are_until_new_orders_are_asked_for(console: Console, event: EventClient):
    await event.sell("1", "h7")
    await console.sign_in(place=f"#/events/{event.id}/orders")
    page = console.page
    table = page.get_by_role("grid", name="Orders, newest first")
    await expect(table.get_by_role("row")).to_have_count(2)

    await event.sell("2", "h7")
    await page.get_by_role("button", name="Show new orders").click()

    await expect(table.get_by_role("row")).to_have_count(3)
    await expect(page.get_by_role("button", name="Show new orders")).to_have_count(0)


async def test_order_page_tells_who_why_what_and_when(console: Console, event: EventClient):
    console.refusals.add("404")
    await event.order(code="LIN10", click="unknown-click")
    await event.ok("POST", "/refunds", factories.refund(amount="5.00"))
    reason = "The poster had the wrong code"
    correction = {"id": "c1", "orders": [{"source": "shop", "id": "1001"}], "to": [{"host": "h8"}], "reason": reason}
    await event.ok("POST", "/reattributions", correction)

    await console.sign_in(place=f"#/events/{event.id}/orders/shop/1001")
    page = console.page

    await console.heading("Order 1001")
    main = page.get_by_role("main")
    await expect(main).to_contain_text("partly refunded")
    await expect(main).to_contain_text("£37.50")
    await expect(main).to_contain_text(f"“{reason}”")
    history = page.locator(".history > li")
    await expect(history.locator("strong:first-child").first).to_have_text("Credited to others")
    await expect(history.last).to_contain_text("Order paid")
    await history.last.locator("summary").click()
    await expect(history.last.get_by_role("row").filter(has_text="Income:Sales:ruby:h7")).to_contain_text("-£34.00")
    await history.last.get_by_role("button", name=re.compile("^Entry")).click()
    await expect(page.get_by_role("dialog")).to_contain_text('"kind": "order.paid"')
    await page.keyboard.press("Escape")

    receipt = page.get_by_role("link", name="Receipt for the host")
    async with page.context.expect_page() as opened:
        await receipt.click()
    sheet = await opened.value
    await expect(sheet.locator("body")).to_contain_text("LIN10", ignore_case=True)


async def test_order_that_has_not_come_says_so(console: Console, event: EventClient):
    console.refusals.add("404")
    await console.sign_in(place=f"#/events/{event.id}/orders/shop/none")

    await expect(console.page.get_by_role("main")).to_contain_text("Nothing has come of this order")
