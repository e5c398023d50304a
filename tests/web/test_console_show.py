"""The run of show in a real browser on a real server: what is on air, and every way in which ops change it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, WebSocketRoute, expect

from tests import factories
from tests.app_server import AppServer
from tests.event_client import EventClient
from tests.web.checks import overflow, violations
from tests.web.console import PHONE, Console, console_page, key_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]

MARKUP = '<img src=x onerror="document.title=1">' + "長い名前" * 17
SESSION = {"id": "night-1", "hosts": [{"id": "h7", "weight": 2}, {"id": "h9"}]}


async def open_show(console: Console, event: EventClient) -> Page:
    await console.sign_in(place=f"#/events/{event.id}/show")
    await console.heading("Run of show")
    await expect(console.page.get_by_label("Life of the event")).to_be_visible()
    return console.page


async def press(page: Page, name: str, within: str = "") -> None:
    scope: Page | Locator = page.get_by_label(within, exact=True) if within else page
    await scope.get_by_role("button", name=name).click()


def asked(page: Page) -> Locator:
    return page.get_by_role("dialog")


async def confirm(page: Page, name: str) -> None:
    """Press the dialog's button and wait until it is gone."""
    await asked(page).get_by_role("button", name=name, exact=True).click()
    await expect(asked(page)).to_have_count(0)


async def kinds(event: EventClient) -> list[str]:
    return [entry["kind"] for entry in await event.entries()]


async def test_event_is_paused_and_goes_on_with_a_reason_and_is_told_what_that_means(
    console: Console, event: EventClient
):
    page = await open_show(console, event)
    life = page.get_by_label("Life of the event")
    await expect(life).to_contain_text(re.compile(r"Ends by itself in [\d,]+ days \d+:\d\d:\d\d"))

    await press(page, "Pause…")
    await expect(asked(page)).to_contain_text("Money is not paused: orders go on being taken and credited.")
    await asked(page).get_by_label("Reason (optional)").fill("Lights out")
    await confirm(page, "Pause")
    await expect(page.locator(".steps .here")).to_contain_text("paused")
    await press(page, "Go on…")
    await confirm(page, "Go live")

    await expect(page.locator(".steps .here")).to_contain_text("live")
    moved = [entry["body"] for entry in await event.entries() if entry["kind"] == "event.moved"]
    assert [(body["to"], body.get("reason", "")) for body in moved[-2:]] == [("paused", "Lights out"), ("live", "")]


async def test_evening_is_run_from_the_page(console: Console, event: EventClient):
    page = await open_show(console, event)

    await press(page, "Start a session…")
    await asked(page).get_by_label("Name of the session").fill("night-1")
    for name, host in (("li", "Lin"), ("h9", "Yue")):
        await asked(page).get_by_label("Add a host").fill(name)
        await expect(asked(page).get_by_role("option").first).to_contain_text(host)
        await page.keyboard.press("Enter")
    await asked(page).get_by_label("Weight of Lin").fill("3")
    await expect(asked(page)).to_contain_text("Lin 75 %, Yue 25 %")
    await confirm(page, "Go on air")
    session = page.get_by_label("Session night-1")
    await expect(session).to_contain_text("75 %")

    await press(page, "Pin a product…", "Session night-1")
    await asked(page).get_by_label("SKU").fill("RUBY-WOO")
    await asked(page).get_by_label("Title (optional)").fill("Ruby Woo")
    await asked(page).get_by_label("Price in GBP (optional)").fill("17,00")
    await confirm(page, "Pin it")
    await expect(session.get_by_label("Pinned in night-1")).to_contain_text("Ruby Woo")

    await press(page, "Start an offer…", "Session night-1")
    await asked(page).get_by_label("Price in GBP").fill("14.00")
    await confirm(page, "Start it")
    offers = page.get_by_label("Offers", exact=True)
    await expect(offers).to_contain_text("£14.00")
    await expect(offers.locator("time")).to_have_text(re.compile(r"^1[45]:\d\d$"))

    await press(page, "Set a goal…")
    await asked(page).get_by_label("Title").fill("First hundred")
    await asked(page).get_by_label("Target in GBP").fill("100")
    await confirm(page, "Set it")
    await event.sell("1", "h7", "40.00")
    goals = page.get_by_label("Goals", exact=True)
    await expect(goals.get_by_role("img", name="40 per cent")).to_be_visible()

    await press(page, "Announce…")
    await asked(page).get_by_label("What viewers read").fill("Welcome!")
    await confirm(page, "Announce it")
    told = page.get_by_label("Announcements", exact=True)
    await expect(told).to_contain_text("Welcome!")
    await expect(page.get_by_label("What was done")).to_contain_text("The administrator announced")

    await press(page, "Withdraw “Welcome!”")
    await confirm(page, "Withdraw it")
    await expect(told).to_contain_text("Nothing is announced")
    await press(page, "End the goal First hundred")
    await confirm(page, "End it")
    await expect(goals).to_contain_text("No goal is set")
    await press(page, "End the offer")
    await confirm(page, "End it now")
    await expect(offers).to_contain_text("No offer runs")
    await press(page, "Take Ruby Woo off")
    await confirm(page, "Take it off")
    await expect(session).to_contain_text("No product is pinned.")
    await press(page, "End…", "Session night-1")
    await expect(asked(page)).to_contain_text("Lin, Yue go off air now.")
    await confirm(page, "End the session")
    await expect(page.get_by_label("On air", exact=True)).to_contain_text("Nobody is on air")


async def test_hosts_join_and_leave_a_session_from_now_on(console: Console, event: EventClient):
    await event.ok("POST", "/sessions", SESSION)
    page = await open_show(console, event)
    # Before the weights are here nothing could be changed but by giving everybody one.
    await expect(page.get_by_label("Session night-1")).to_contain_text("67 %")

    await press(page, "Change hosts…")
    await expect(asked(page).get_by_role("button", name="Change hosts")).to_have_attribute("aria-disabled", "true")
    await asked(page).get_by_role("button", name="Take Yue out").click()
    await asked(page).get_by_label("Add a host").fill("Mei")
    await page.keyboard.press("Enter")
    await expect(asked(page)).to_contain_text("Joins: Mei.")
    await expect(asked(page)).to_contain_text("Leaves: Yue.")
    await confirm(page, "Change hosts")

    await expect(page.get_by_label("Session night-1")).to_contain_text("Mei")
    session = (await event.ok("GET", "/sessions"))["sessions"][0]
    assert session["hosts"] == [{"id": "h7", "weight": 2}, {"id": "h8", "weight": 1}]
    assert len(session["earlier"]) == 1


async def test_hosts_cannot_be_changed_before_their_weights_are_known(console: Console, event: EventClient):
    """The stream says nothing of the session, as when it is slow."""
    await event.ok("POST", "/sessions", SESSION)

    def hold(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        route.on_message(lambda said: server.send(said) if f"{event.id}/sessions/" not in str(said) else None)

    await console.page.route_web_socket(re.compile("/v1/stream"), hold)
    page = await open_show(console, event)

    button = page.get_by_role("button", name="Change hosts… (Its weights are being read.)")
    await expect(button).to_have_attribute("aria-disabled", "true")


async def test_double_click_does_nothing_twice(console: Console, event: EventClient):
    page = await open_show(console, event)
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.url) if request.method == "POST" else None)

    await press(page, "Announce…")
    await asked(page).get_by_label("What viewers read").fill("Once")
    await asked(page).get_by_role("button", name="Announce it").dblclick()
    await expect(asked(page)).to_have_count(0)
    await expect(page.get_by_label("Announcements", exact=True)).to_contain_text("Once")

    assert len(posted) == 1
    assert (await kinds(event)).count("announcement.made") == 1


async def test_lost_answer_is_asked_for_again_and_nothing_is_done_twice(console: Console, event: EventClient):
    """The server took the call and the network lost what it said."""
    page = await open_show(console, event)
    lost: list[str] = []

    async def lose(route: Any) -> None:
        if lost:
            await route.fallback()
            return
        lost.append(route.request.url)
        await route.fetch()
        await route.abort()

    await page.route("**/announcements", lose)
    await press(page, "Announce…")
    await asked(page).get_by_label("What viewers read").fill("Heard once")
    await confirm(page, "Announce it")
    await expect(page.get_by_label("Announcements", exact=True)).to_contain_text("Heard once")

    assert len(lost) == 1
    assert (await kinds(event)).count("announcement.made") == 1
    console.wrong.clear()


async def test_second_press_after_lost_answers_means_the_same_offer(console: Console, event: EventClient):
    page = await open_show(console, event)

    async def lose(route: Any) -> None:
        await route.fetch()
        await route.abort()

    await page.route("**/offers", lose)
    await press(page, "Start an offer…")
    await asked(page).get_by_label("SKU").fill("RUBY-WOO")
    await asked(page).get_by_label("Price in GBP").fill("14")
    await asked(page).get_by_role("button", name="Start it").click()
    await expect(asked(page).get_by_role("alert")).to_contain_text("Whether it took this is not known")
    await page.unroute("**/offers")
    await confirm(page, "Start it")

    assert (await kinds(event)).count("offer.started") == 1
    console.wrong.clear()


async def test_second_person_sees_what_changed_before_confirming(
    console: Console, event: EventClient, browser: Browser, console_server: AppServer
):
    ana = await key_of(event.client, "Ana", "ops")
    page = await open_show(console, event)
    await press(page, "End the event…")
    ends = asked(page).get_by_role("button", name="End the event")
    await expect(ends).not_to_have_attribute("aria-disabled", "true")

    async with console_page(browser, console_server) as other:
        await other.sign_in(ana, f"#/events/{event.id}/show")
        await press(other.page, "Pause…")
        await confirm(other.page, "Pause")

    await expect(asked(page)).to_contain_text("Ana moved the event on.")
    await expect(asked(page).get_by_role("alert")).to_contain_text("The event is paused now, and no longer live.")
    await expect(ends).to_have_attribute("aria-disabled", "true")
    await ends.click(force=True)
    await expect(page.locator(".steps .here")).to_contain_text("paused")


async def test_move_is_refused_once_when_something_was_done_since_it_was_asked(console: Console, event: EventClient):
    console.refusals.add("409")
    page = await open_show(console, event)
    await press(page, "End the event…")
    await expect(asked(page)).to_be_visible()
    await event.move("paused", reason="Fire drill")
    await expect(asked(page).get_by_role("alert").filter(has_text="The event is paused now")).to_be_visible()
    await event.move("live")
    # As it was when it was asked, and yet something happened.
    await expect(asked(page).get_by_role("alert")).to_have_count(0)

    await asked(page).get_by_role("button", name="End the event").click()
    meanwhile = "moved the event from live to paused: Fire drill"
    await expect(asked(page).get_by_role("alert").filter(has_text=meanwhile)).to_be_visible()
    assert (await event.ok("GET"))["status"] == "live"
    await confirm(page, "End the event")

    assert (await event.ok("GET"))["status"] == "ended"


async def test_final_says_what_it_still_waits_for_and_takes_a_waiver(console: Console, event: EventClient):
    await event.ok("POST", "/refunds", factories.refund("r-1", "9999", amount="5.00"))
    await event.move("ended")
    page = await open_show(console, event)

    await press(page, "Make final…")
    await expect(asked(page)).to_contain_text("refund r-1 waits for order 9999")
    final = asked(page).get_by_role("button", name=re.compile("^Make final"))
    await expect(final).to_have_attribute("aria-disabled", "true")
    await asked(page).get_by_label("Why the result does not depend on them").fill("The shop says it is a test order")
    await confirm(page, "Make final")

    await expect(page.locator(".steps .here")).to_contain_text("final")
    assert (await event.entries())[-1]["body"]["waived"]["reason"] == "The shop says it is a test order"
    await expect(page.get_by_role("button", name="Start a session…")).to_have_attribute("aria-disabled", "true")


async def test_final_is_not_offered_while_somebody_has_to_decide(console: Console, event: EventClient):
    await event.sell("1", "h7", paid_at=datetime.now(UTC).isoformat())
    claim = {"id": "c-1", "host": "h8", "order": {"source": "shop", "id": "1"}, "reason": "I showed it"}
    await event.ok("POST", "/claims", claim)
    await event.move("ended")
    page = await open_show(console, event)

    await press(page, "Make final…")

    await expect(asked(page)).to_contain_text("Claim c-1 of host h8")
    await expect(asked(page).get_by_role("button", name=re.compile("^Make final"))).to_have_attribute(
        "aria-disabled", "true"
    )


async def test_refusal_stays_beside_its_field_and_the_dialog_stays_open(console: Console, event: EventClient):
    console.refusals.add("422")
    page = await open_show(console, event)
    await press(page, "Start a session…")
    await asked(page).get_by_label("Name of the session").fill("no good name")
    await asked(page).get_by_label("Add a host").fill("Lin")
    await page.keyboard.press("Enter")

    await asked(page).get_by_role("button", name="Go on air").click()

    await expect(asked(page).get_by_label("Name of the session")).to_have_attribute("aria-invalid", "true")
    await page.keyboard.press("Escape")
    await expect(asked(page)).to_have_count(0)
    assert "session.started" not in await kinds(event)


async def test_names_are_text_however_long_and_the_page_fits_a_phone(
    event: EventClient, browser: Browser, console_server: AppServer
):
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "name": MARKUP}]})
    await event.ok("POST", "/sessions", SESSION)
    await event.ok("POST", "/announcements", {"id": "a", "text": MARKUP})
    async with console_page(browser, console_server, viewport=PHONE) as console:
        page = await open_show(console, event)

        await expect(page.get_by_label("Session night-1")).to_contain_text(MARKUP)
        await expect(page.get_by_label("Announcements", exact=True)).to_contain_text(MARKUP)
        wider = await overflow(page)
        await press(page, "Start a session…")
        await asked(page).get_by_label("Add a host").fill("img")
        await expect(asked(page).get_by_role("option")).to_contain_text(MARKUP)

    assert wider == 0


async def test_session_is_started_by_the_keyboard_alone(console: Console, event: EventClient):
    page = await open_show(console, event)
    await page.get_by_role("button", name="Start a session…").focus()
    await page.keyboard.press("Enter")
    await expect(asked(page)).to_be_visible()
    await asked(page).get_by_label("Add a host").focus()
    await page.keyboard.type("mei")
    await expect(asked(page).get_by_role("option")).to_have_count(1)
    # The first Escape closes the list only.
    await page.keyboard.press("Escape")
    await expect(asked(page)).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(asked(page).get_by_label("Weight of Mei")).to_be_visible()
    await asked(page).get_by_role("button", name="Go on air").focus()
    await page.keyboard.press("Enter")

    await expect(page.get_by_label("On air", exact=True)).to_contain_text("Mei")
    await expect(page.get_by_role("button", name="Start a session…")).to_be_focused()


async def test_countdown_goes_by_the_servers_clock(browser: Browser, console_server: AppServer, event: EventClient):
    """The computer of the second one is ten minutes slow."""
    ends = datetime.now(UTC) + timedelta(minutes=5)
    await event.ok("POST", "/offers", {"id": "o", "sku": "A", "price": "1.00", "ends_at": ends.isoformat()})
    async with console_page(browser, console_server) as console:
        slow = "const real = Date.now; Date.now = () => real() - 600000;"
        await console.page.add_init_script(slow)
        page = await open_show(console, event)

        await expect(page.get_by_label("Offers", exact=True).locator("time")).to_have_text(re.compile(r"^[45]:\d\d$"))


async def test_axe_finds_nothing_on_the_page_and_in_its_dialogs(
    browser: Browser, console_server: AppServer, event: EventClient
):
    await event.ok("POST", "/sessions", SESSION)
    await event.ok("POST", "/pins", {"session": "night-1", "sku": "A", "title": "Ruby Woo", "price": "17.00"})
    ends = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    await event.ok("POST", "/offers", {"id": "o", "sku": "A", "price": "1.00", "ends_at": ends})
    await event.ok("POST", "/goals", {"id": "g", "title": "Ten", "measure": "orders", "target": 10})
    await event.ok("POST", "/announcements", {"id": "a", "text": "Welcome"})
    async with console_page(browser, console_server, color_scheme="dark", reduced_motion="reduce") as console:
        page = await open_show(console, event)
        await expect(page.get_by_label("Announcements", exact=True)).to_contain_text("Welcome")
        assert await violations(page) == []
        for name in ("Pause…", "Start a session…", "Pin a product…", "Change hosts…", "Set a goal…", "Announce…"):
            await page.get_by_role("button", name=name).click()
            await expect(asked(page)).to_be_visible()

            assert await violations(page) == [], name
            await page.keyboard.press("Escape")
            await expect(asked(page)).to_have_count(0)
