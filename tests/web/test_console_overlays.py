"""Overlays from the console, in a real browser on a real server: built, linked, steered, dressed, revoked."""

import asyncio
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser, FilePayload, FrameLocator, Locator, Page, Route, WebSocketRoute, expect

from tests.app_server import AppServer
from tests.event_client import EventClient
from tests.web.checks import tabs_fit
from tests.web.console import PHONE, Console, console_page, key_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="4" fill="red"/></svg>'


async def open_overlays(console: Console, event: EventClient, tab: str = "") -> Page:
    await console.sign_in(place=f"#/events/{event.id}/overlays{f'?tab={tab}' if tab else ''}")
    await console.heading("Overlays")
    return console.page


def asked(page: Page) -> Locator:
    return page.get_by_role("dialog")


def preview(page: Page) -> FrameLocator:
    return page.frame_locator("iframe[title='Preview of the overlay'] >> visible=true")


async def told(event: EventClient) -> dict[str, Any]:
    document: dict[str, Any] = await event.ok("GET", "/overlays")
    return document


async def made_link(page: Page) -> str:
    await page.get_by_role("button", name="Make a link…").click()
    await asked(page).get_by_role("button", name="Make it").click()
    await expect(asked(page)).to_have_count(0)
    return await page.get_by_label("Link of the overlay").input_value()


async def test_link_is_built_previewed_and_opens_what_was_chosen(
    console: Console, event: EventClient, browser: Browser
):
    await event.sell("1", "h8", "40.00")
    page = await open_overlays(console, event)
    await page.get_by_label("Board", exact=True).check()
    await expect(preview(page).locator(".row").first).to_be_visible()
    await page.get_by_label("Which board").select_option("teams")
    await page.get_by_label("Theme").select_option("light")
    await page.get_by_label("Delay in seconds").fill("0.5")

    link = await made_link(page)

    query = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    assert urlsplit(link).path == f"/overlay/{event.id}/board"
    assert query.pop("token").startswith("ey")
    assert query == {"board": "teams", "theme": "light", "delay_ms": "500"}
    await expect(preview(page).locator(".row .name").first).to_have_text("Jade")
    air = await browser.new_page(viewport={"width": 1920, "height": 1080})
    await air.goto(link)
    await expect(air.locator(".row .name").first).to_have_text("Jade")
    await air.close()


async def test_changed_choice_changes_the_link_and_keeps_its_token(console: Console, event: EventClient):
    page = await open_overlays(console, event)
    first = await made_link(page)

    await page.get_by_label("Room (optional)").fill("lin")
    await page.get_by_label("First scene").select_option("finale")

    field = page.get_by_label("Link of the overlay")
    await expect(field).to_have_value(re.compile("scene=finale.*room=lin"))
    tokens = [parse_qs(urlsplit(url).query)["token"] for url in (first, await field.input_value())]
    assert tokens[0] == tokens[1]
    await page.get_by_label("Room (optional)").fill("Lin's room")
    await expect(page.get_by_text("A room has a name of small letters")).to_be_visible()
    await expect(field).to_have_count(0)


async def test_token_is_nowhere_once_the_page_is_left(console: Console, event: EventClient):
    page = await open_overlays(console, event)
    link = await made_link(page)
    token = parse_qs(urlsplit(link).query)["token"][0]

    await page.reload()
    await console.heading("Overlays")

    await expect(page.get_by_role("button", name="Make a link…")).to_be_visible()
    kept = await page.evaluate("document.body.innerHTML + JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert token not in kept


async def test_who_is_connected_is_seen_and_a_revoked_link_ends(console: Console, event: EventClient, browser: Browser):
    page = await open_overlays(console, event)
    await page.get_by_label("Board", exact=True).check()
    link = await made_link(page)
    air = await browser.new_page(viewport={"width": 1920, "height": 1080})
    await air.goto(link)
    await expect(air.locator("body")).to_have_attribute("data-state", re.compile("live|empty"))

    await page.get_by_role("tab", name="Links").click()
    row = page.locator(".table-rows [role=row]")
    # The preview of the builder is one of them.
    await expect(row).to_contain_text(re.compile(r"[12]\s*since"))
    await page.get_by_role("button", name=re.compile("^Revoke")).click()
    await asked(page).get_by_role("button", name="Revoke it").click()

    await expect(row).to_contain_text("revoked")
    await expect(air.locator("body")).to_have_attribute("data-state", "ended")
    await air.close()


async def test_scene_parts_and_message_are_told_at_once(console: Console, event: EventClient):
    page = await open_overlays(console, event, "remote")

    await page.get_by_role("button", name="Finale", exact=True).click()
    await expect(page.get_by_role("button", name="Finale", exact=True)).to_have_attribute("aria-pressed", "true")
    ticker = page.get_by_role("switch", name="Ticker")
    await ticker.click()
    await expect(ticker).to_have_attribute("aria-checked", "false")
    await page.get_by_label("New message").fill("Back at nine <b>sharp</b>")
    await page.get_by_role("button", name="Show it").click()
    await expect(page.get_by_text("Back at nine <b>sharp</b>")).to_be_visible()

    document = await told(event)
    assert (document["scene"], document["hidden"]) == ("finale", ["ticker"])
    assert document["message"]["text"] == "Back at nine <b>sharp</b>"
    await page.get_by_role("button", name="Take it off").click()
    await expect(page.get_by_text("Back at nine <b>sharp</b>")).to_have_count(0)
    assert (await told(event))["message"] is None


async def test_room_is_told_its_own_and_everything_else_stays(console: Console, event: EventClient):
    await event.ok("PUT", "/overlays", {"scene": "intro", "hidden": ["goal"]})
    page = await open_overlays(console, event, "remote")

    await page.get_by_label("Another room").fill("lin")
    await page.get_by_role("button", name="Add").click()
    await expect(page.get_by_role("button", name=re.compile("^lin"))).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Product", exact=True).click()
    await expect(page.get_by_role("button", name="Product", exact=True)).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("switch", name="Board").click()
    await expect(page.get_by_role("switch", name="Board")).to_have_attribute("aria-checked", "false")
    await page.get_by_label("A delay of its own").check()
    await page.get_by_role("spinbutton", name="Delay in seconds").fill("2.5")
    await page.get_by_role("button", name="Set the delay").click()
    await expect(page.get_by_label("Whom to tell")).to_contain_text("2.5 s late")

    document = await told(event)
    assert (document["scene"], document["hidden"]) == ("intro", ["goal"])
    assert document["rooms"]["lin"] == {"scene": "product", "hidden": ["board", "goal"], "delay_ms": 2500}
    await page.get_by_role("button", name="Forget the room").click()
    await expect(page.get_by_label("Whom to tell")).not_to_contain_text("late")
    assert (await told(event))["rooms"] == {}


async def test_two_people_steer_and_neither_undoes_the_other(
    console: Console, event: EventClient, browser: Browser, console_server: AppServer
):
    page = await open_overlays(console, event, "remote")
    async with console_page(browser, console_server) as other:
        second = await open_overlays(other, event, "remote")
        await second.get_by_role("switch", name="Goal").click()
        await expect(page.get_by_role("switch", name="Goal")).to_have_attribute("aria-checked", "false")

        await page.get_by_role("button", name="Lower third", exact=True).click()

        await expect(second.get_by_role("button", name="Lower third", exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
    document = await told(event)
    assert (document["scene"], document["hidden"]) == ("lower-third", ["goal"])


async def test_press_on_an_old_picture_is_added_to_what_was_told_since(console: Console, event: EventClient):
    """What the stream tells does not arrive."""
    console.refusals.add("409")
    held: list[str] = []

    def hold(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(lambda said: held.append(str(said)) if "publication" in str(said) else route.send(said))

    await console.page.route_web_socket(re.compile("/v1/stream"), hold)
    page = await open_overlays(console, event, "remote")
    await expect(page.get_by_role("switch", name="Goal")).to_have_attribute("aria-checked", "true")
    await event.ok("PUT", "/overlays", {"hidden": ["goal"]})

    await page.get_by_role("button", name="Lower third", exact=True).click()

    await expect(page.get_by_role("button", name="Lower third", exact=True)).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("switch", name="Goal")).to_have_attribute("aria-checked", "false")
    document = await told(event)
    assert (document["scene"], document["hidden"]) == ("lower-third", ["goal"])


async def test_press_that_is_refused_says_so_and_changes_nothing(console: Console, event: EventClient):
    console.refusals.add("422")
    page = await open_overlays(console, event, "remote")
    await page.get_by_label("New message").fill("tab\tin it")

    await page.get_by_role("button", name="Show it").click()

    await expect(page.locator(".toast.bad")).to_be_visible()
    assert (await told(event))["message"] is None
    await page.keyboard.press("Escape")
    await expect(page.locator(".toast.bad")).to_have_count(0)


# Where a press on the middle of something, of all that is in sight, would hit a message instead.
COVERED = """() => [...document.querySelectorAll("a, button, input, select, textarea, [role=tab]")]
    .filter((one) => !one.closest(".toasts"))
    .filter((one) => {
        const { left, right, top, bottom } = one.getBoundingClientRect();
        return document.elementFromPoint((left + right) / 2, (top + bottom) / 2)?.closest(".toast");
    })
    .map((one) => one.textContent || one.outerHTML)"""


async def test_messages_cover_nothing_that_can_be_pressed(console: Console, event: EventClient):
    await event.ok("PUT", "/overlays", {"rooms": {"lin": {}}})
    page = await open_overlays(console, event, "remote")
    await page.set_viewport_size({"width": 1280, "height": 640})
    await page.get_by_role("button", name="lin as all").click()
    await page.get_by_label("A delay of its own").check()
    await page.get_by_role("spinbutton", name="Delay in seconds").fill("2.5")

    for part in ("Board", "Ticker", "Goal"):
        await page.get_by_role("switch", name=part).click()
        await expect(page.get_by_role("switch", name=part)).to_have_attribute("aria-checked", "false")
    await page.get_by_role("button", name="Set the delay").click()

    await expect(page.locator(".toast").filter(has_text="lin: 2.5 seconds late")).to_be_visible()
    assert await page.evaluate(COVERED) == []


async def test_message_on_a_phone_goes_by_a_touch_and_the_end_of_the_page_comes_above_it(
    browser: Browser, console_server: AppServer, event: EventClient
):
    console_on_phone = console_page(browser, console_server, viewport=PHONE, has_touch=True, reduced_motion="reduce")
    async with console_on_phone as console:
        page = await open_overlays(console, event, "remote")
        await page.get_by_role("switch", name="Board").tap()
        toast = page.locator(".toast")
        await expect(toast).to_be_visible()

        await page.get_by_label("New message").fill("Back at nine")
        await page.evaluate("scrollTo(0, document.body.scrollHeight)")

        assert await page.evaluate(COVERED) == []
        before = await told(event)
        box = await toast.bounding_box()
        assert box is not None
        await page.touchscreen.tap(box["x"] + 30, box["y"] + box["height"] / 2)
        await expect(toast).to_have_count(0)
        assert await told(event) == before


async def test_look_is_tried_on_saved_and_worn(console: Console, event: EventClient):
    page = await open_overlays(console, event, "look")
    await page.get_by_role("combobox", name="Theme").select_option("light")
    await page.get_by_label("Accent").fill("#12ab34")
    previewed = page.frame_locator("iframe").first.locator("html")
    await expect(previewed).to_have_attribute("style", re.compile("--accent: #12ab34"))
    before = await event.ok("GET", "/look")
    file: FilePayload = {"name": "logo.svg", "mimeType": "image/svg+xml", "buffer": LOGO.encode()}
    await page.get_by_label("File of: Logo", exact=True).set_input_files(file)
    await expect(page.get_by_role("img", name="Logo")).to_have_js_property("complete", True)

    await page.get_by_role("button", name="Save the look").click()

    await expect(page.get_by_role("button", name="Save the look (Nothing is changed.)")).to_be_visible()
    look = await event.ok("GET", "/look")
    assert before["theme"] == ""
    assert (look["theme"], look["colors"]) == ("light", {"accent": "#12ab34"})
    assert look["logo"].endswith(".svg")


async def test_second_person_sees_what_another_one_changed_before_the_look_is_replaced(
    console: Console, event: EventClient
):
    """Told by the stream and, where that is late, by the answer to the first press."""
    console.refusals.add("409")
    await event.ok("PUT", "/look", {"theme": "dark", "colors": {"accent": "#112233"}})
    page = await open_overlays(console, event, "look")
    await page.get_by_role("combobox", name="Theme").select_option("light")
    released = asyncio.Event()

    async def late(route: Route) -> None:
        await released.wait()
        await route.continue_()

    # What others change does not come: it is found out by saving.
    await page.route(re.compile(r"/look$"), late)
    await event.ok(
        "PUT", "/look", {"theme": "dark", "colors": {"accent": "#445566"}, "team_colors": {"ruby": "#e0115f"}}
    )

    await page.get_by_role("button", name="Save the look").click()

    told = page.get_by_label("Save", exact=True).get_by_role("alert")
    await expect(told).to_contain_text("so yours is not saved yet")
    await expect(told.get_by_role("listitem")).to_have_text(
        ["Accent: #112233 → #445566", "Colour of Ruby: none → #e0115f"]
    )
    assert (await event.ok("GET", "/look"))["theme"] == "dark"
    released.set()
    await event.ok("PUT", "/look", {"theme": "gala", "colors": {"accent": "#445566"}})
    await expect(told.get_by_role("listitem")).to_have_text(["Theme: Dark → Gala", "Accent: #112233 → #445566"])
    await page.get_by_role("button", name="Save the look").click()

    await expect(page.get_by_role("button", name="Save the look (Nothing is changed.)")).to_be_visible()
    await expect(told).to_have_count(0)
    look = await event.ok("GET", "/look")
    assert (look["theme"], look["colors"]) == ("light", {"accent": "#112233"})


async def test_wrong_file_of_a_look_is_refused_in_a_sentence(console: Console, event: EventClient):
    console.refusals.update({"413", "422"})
    page = await open_overlays(console, event, "look")
    logo = page.get_by_label("File of: Logo", exact=True)

    await logo.set_input_files({"name": "logo.gif", "mimeType": "image/gif", "buffer": b"GIF89a"})
    await expect(page.locator(".note.bad")).to_contain_text("Choose a file that ends in .png")
    await logo.set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": b"no picture"})

    await expect(page.locator(".note.bad")).not_to_contain_text("ends in")
    await expect(page.get_by_role("button", name=re.compile("^Save the look"))).to_have_attribute(
        "aria-disabled", "true"
    )


async def test_tabs_fit_a_phone_and_axe_finds_nothing(browser: Browser, console_server: AppServer, event: EventClient):
    await event.ok("PUT", "/overlays", {"message": {"text": "Back at nine"}, "rooms": {"lin": {"scene": "product"}}})
    options: dict[str, Any] = {"viewport": PHONE, "color_scheme": "dark", "reduced_motion": "reduce"}
    async with console_page(browser, console_server, **options) as console:
        page = await open_overlays(console, event)
        await made_link(page)
        await tabs_fit(page)


async def test_who_may_not_is_told_why(event: EventClient, browser: Browser, console_server: AppServer):
    async with console_page(browser, console_server) as console:
        await console.sign_in(await key_of(event.client, "books", "finance"), f"#/events/{event.id}/overlays")

        await expect(console.page.get_by_text("Your key lacks the scope ops.").first).to_be_visible()
