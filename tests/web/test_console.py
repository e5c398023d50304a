"""The console's frame in a real browser on a real server: in, out, where to, who may what, and on what screens."""

import re
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, expect

from tests import factories
from tests.app_server import ADMIN_KEY, AppServer
from tests.event_client import EventClient
from tests.web.checks import overflow
from tests.web.console import PHONE, Console, console_page, key_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]


async def test_wrong_key_is_told_and_the_right_one_goes_in(console: Console):
    console.refusals.add("401")
    await console.go("")
    page = console.page
    await expect(page.get_by_role("button", name="Sign in")).to_have_attribute("aria-disabled", "true")
    await page.get_by_label("Key").fill("kos_nobody_0")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_contain_text("key_invalid")

    await page.get_by_label("Key").fill(ADMIN_KEY)
    await page.keyboard.press("Enter")

    await console.heading("Events")
    await expect(page).to_have_title("Events · KOS Live")


async def test_key_stays_nowhere_in_the_browser_and_the_session_lives_through_a_reload(console: Console):
    await console.sign_in()

    await console.page.reload()
    await console.heading("Events")

    kept = await console.page.evaluate("JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])")
    assert ADMIN_KEY not in kept
    assert "kos_session" not in kept


async def test_signing_out_leads_to_the_door_and_the_way_back_is_shut(console: Console):
    await console.sign_in()
    page = console.page

    await page.get_by_role("button", name="admin").click()
    await page.get_by_role("button", name="Sign out").click()

    await expect(page.get_by_role("status").filter(has_text="You are signed out.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="Sign in")).to_be_visible()


async def test_revoked_key_ends_the_session_where_it_stands(console: Console, event: EventClient):
    console.refusals.add("401")
    made = (await event.client.post("/v1/keys", json={"person": "Ana", "scopes": ["ops"]})).json()
    await console.sign_in(made["key"], "#/events")
    await console.heading("Events")

    await event.client.delete(f"/v1/keys/{made['id']}")

    await expect(console.page.get_by_role("button", name="Sign in")).to_be_visible()
    await expect(console.page.get_by_role("status")).to_contain_text("You were signed out")
    await console.sign_in(place="#/events")
    await console.heading("Events")


async def test_what_a_key_may_not_do_is_not_offered_and_says_why(console: Console, event: EventClient):
    key = await key_of(event.client, "books", "finance")
    await console.sign_in(key, f"#/events/{event.id}/orders")
    page = console.page
    await console.heading("Orders")
    side = page.get_by_role("navigation", name="Pages")

    await expect(side.get_by_text("Events (Your key lacks the scope ops.)")).to_be_attached()
    await expect(side.get_by_role("link", name="Events")).to_have_count(0)
    await console.go("#/events")

    await expect(page.get_by_role("main")).to_contain_text("Your key lacks the scope ops.")


async def test_event_is_made_once_however_often_the_button_is_pressed(console: Console, event: EventClient):
    await console.sign_in()
    page = console.page
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)
    await page.get_by_role("button", name="New event").click()
    dialog = page.get_by_role("dialog", name="New event")
    await dialog.get_by_label("Name").fill("Spring Gala, Zürich!")
    await expect(dialog.get_by_label("Id", exact=True)).to_have_value("spring-gala-zurich")
    await dialog.get_by_label("Time zone").fill("Europe/Zurich")
    await dialog.get_by_label("Starts").fill("2099-07-01T20:00")
    await dialog.get_by_label("Currency").fill("chf")

    await dialog.get_by_role("button", name="Make the event").dblclick()

    await console.heading("Spring Gala, Zürich!")
    await expect(page.get_by_role("heading", name="First steps")).to_be_visible()
    made = (await event.client.get("/v1/events/spring-gala-zurich")).json()
    assert made["currency"] == "CHF"
    # Eight in the evening in Zurich in summer, for four hours.
    assert (made["starts_at"], made["ends_at"]) == ("2099-07-01T18:00:00.000000Z", "2099-07-01T22:00:00.000000Z")
    assert [url for url in posted if url.endswith("/v1/events")] == [f"{console.url}/v1/events"]


async def test_event_made_with_what_is_filled_in_takes_an_order_that_is_paid_now(console: Console, event: EventClient):
    await console.sign_in()
    page = console.page
    await page.get_by_role("button", name="New event").click()
    dialog = page.get_by_role("dialog", name="New event")
    await dialog.get_by_label("Name").fill("Mine")
    await dialog.get_by_role("button", name="Make the event").click()
    await console.heading("Mine")
    mine = EventClient(event.client, "mine")
    await mine.move("scheduled")
    await mine.move("live")

    paid_at = datetime.now(UTC).isoformat()
    currency = (await mine.ok("GET"))["currency"]
    await mine.ok("POST", "/orders", factories.order("1", paid_at=paid_at, currency=currency))


async def test_complaint_of_the_server_stands_at_its_field(console: Console, event: EventClient):
    console.refusals |= {"409", "422"}
    await console.sign_in()
    page = console.page
    await page.get_by_role("button", name="New event").click()
    dialog = page.get_by_role("dialog", name="New event")
    await dialog.get_by_label("Name").fill("Again")
    await dialog.get_by_label("Currency").fill("QQQ")
    await dialog.get_by_role("button", name="Make the event").click()
    await expect(dialog.get_by_label("Currency")).to_have_attribute("aria-invalid", "true")
    await expect(dialog.get_by_label("Currency")).to_have_accessible_description(re.compile("QQQ"))

    await dialog.get_by_label("Currency").fill("EUR")
    await dialog.get_by_label("Id", exact=True).fill(event.id)
    await dialog.get_by_role("button", name="Make the event").click()

    await expect(dialog.get_by_label("Id", exact=True)).to_have_accessible_description(re.compile("is taken"))
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_everything_can_be_reached_with_the_keyboard(console: Console, event: EventClient):
    await console.sign_in()
    page = console.page
    await page.reload()
    await expect(page.get_by_role("gridcell", name=event.id, exact=True)).to_be_visible()

    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    await page.keyboard.press("Control+k")
    await expect(page.get_by_label("Name or id of an event")).to_be_focused()
    await page.keyboard.type(event.id)
    await expect(page.get_by_role("dialog").get_by_role("link")).to_have_count(1)
    await page.keyboard.press("Enter")

    await console.heading("KOS101")
    await expect(page.get_by_role("main")).to_be_focused()


async def test_table_moves_by_arrows_and_opens_by_enter(console: Console, event: EventClient):
    await console.sign_in(place=f"#/events?query={event.id}")
    page = console.page
    table = page.get_by_role("grid", name="Events")
    await expect(table).to_have_attribute("aria-rowcount", "2" if event.id != "event-1" else re.compile(r"\d+"))

    await table.focus()
    await page.keyboard.press("End")
    await page.keyboard.press("Home")
    await expect(table.locator(".active")).to_contain_text(event.id)
    await page.keyboard.press("Enter")

    await console.heading("KOS101")


async def test_names_are_text_however_long_and_whatever_is_in_them(console: Console, console_server: AppServer):
    name = "<img src=x onerror=alert(1)> " + "W" * 80
    async with console_server.client() as client:
        await EventClient(client, "hostile").create(name=name)
    await console.sign_in(place="#/events/hostile/live")

    await console.heading(name)

    assert await console.page.locator("img").count() == 0
    assert await overflow(console.page) == 0


async def test_phone_has_a_menu_and_nothing_beside_the_screen(
    browser: Browser, console_server: AppServer, event: EventClient
):
    await event.sell("1", "h7")
    async with console_page(browser, console_server, viewport=PHONE, has_touch=True) as console:
        await console.sign_in(place=f"#/events/{event.id}/live")
        page = console.page
        await console.heading("KOS101")
        side = page.get_by_role("navigation", name="Pages")
        await expect(side).not_to_be_visible()

        for place in (f"#/events/{event.id}/orders", f"#/events/{event.id}/orders/shop/1", "#/events"):
            assert await overflow(page) <= 0
            await console.go(place)
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
        await page.get_by_role("button", name="Menu").click()
        await side.get_by_role("link", name="Live desk").click()

        await console.heading("KOS101")
        await expect(side).not_to_be_visible()
        assert await overflow(page) <= 0


async def test_colours_follow_the_device_until_they_are_chosen(browser: Browser, console_server: AppServer):
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    async with console_page(browser, console_server, color_scheme="dark") as console:
        await console.sign_in()
        page = console.page
        dark = await page.evaluate(ground)
        await page.get_by_role("button", name="Colours: as the device").click()
        light = await page.evaluate(ground)
        await page.reload()
        await console.heading("Events")

        assert await page.evaluate(ground) == light != dark


async def test_restarted_server_is_told_and_come_back_to(console: Console, serve, tmp_path):
    # A failed call says so in the browser's console; so does every attempt of the socket.
    async with serve(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as server, server.client() as client:
        event = await EventClient(client, "restarted").open()
        there = Console(await console.page.context.new_page(), server.url)
        await there.sign_in(place=f"#/events/{event.id}/live")
        page = there.page
        await expect(page.locator(".connection")).to_have_text("Live")

        server.stop()
        await expect(page.locator(".connection")).to_contain_text("Reconnecting · as of")
        await expect(page.locator(".tile").first).to_contain_text("as of")
        await page.get_by_role("link", name="Orders", exact=True).click()
        await expect(page.get_by_role("alert").filter(has_text="unreachable")).to_be_visible()
        await server.restart()

        await expect(page.locator(".connection")).to_have_text("Live", timeout=30_000)
        await expect(page.get_by_role("main")).to_contain_text("No orders yet")
        await event.sell("after", "h7", "12.50")
        await page.get_by_role("link", name="Live desk").click()
        await expect(page.locator(".tile").first).to_contain_text("£12.50")


async def test_unknown_places_say_so_and_lead_on(console: Console):
    console.refusals |= {"404"}
    await console.sign_in(place="#/nowhere")
    await expect(console.page.get_by_role("main")).to_contain_text("There is no such page")

    await console.go("#/events/nobodys/live")

    await expect(console.page.get_by_role("main")).to_contain_text("There is no event “nobodys” that your key may see.")
