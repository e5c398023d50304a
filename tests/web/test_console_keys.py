"""Keys and tokens in a real browser on a real server: shown once, held to what their maker may, and revoked."""

import json
import re

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.app_server import AppServer
from tests.event_client import EventClient
from tests.web.checks import tabs_fit, violations
from tests.web.console import PHONE, Console, console_page, key_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]


async def test_key_is_shown_once_and_lets_its_holder_in(
    browser: Browser, console: Console, console_server: AppServer, event: EventClient
):
    await console.sign_in(place="#/keys")
    page = console.page
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    await dialog.get_by_label("For whom").fill("Mia <i>Wu</i>")
    make = dialog.get_by_role("button", name="Make the key")
    await expect(make).to_have_attribute("title", "Choose what it may.")
    await dialog.get_by_label("audit: read the journal").check()
    await make.dblclick()

    once = page.get_by_role("dialog", name="The key of Mia <i>Wu</i>")
    key = await once.locator("code").first.text_content()
    await once.get_by_role("button", name="I have kept it").click()

    await expect(page.get_by_role("row", name="Mia <i>Wu</i>")).to_have_count(1)
    await expect(page.get_by_role("row", name="Mia <i>Wu</i>")).to_contain_text("audit")
    assert key is not None
    assert key not in await page.content()
    async with console_page(browser, console_server) as other:
        await other.sign_in(key, f"#/events/{event.id}/audit")
        await other.heading("Audit")


async def test_key_whose_answers_were_lost_is_made_once_however_often_one_presses(console: Console, event: EventClient):
    """The first answer never comes, so that the page asks again by itself; the second is an error, so that one does."""
    console.refusals.add("500")
    await console.sign_in(place="#/keys")
    page = console.page
    answers: list[str] = []

    async def lose(route: Route) -> None:
        if route.request.method != "POST":
            return await route.fallback()
        answers.append(await (await route.fetch()).text())
        if len(answers) == 1:
            return await route.abort()
        return await route.fulfill(status=500, json={"code": "internal", "detail": "Nobody knows."})

    await page.route("**/v1/keys", lose)
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    await dialog.get_by_label("For whom").fill("Twice")
    await dialog.get_by_label("audit: read the journal").check()
    await dialog.get_by_role("button", name="Make the key").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Nobody knows.")
    await page.unroute("**/v1/keys")
    await dialog.get_by_role("button", name="Make the key").click()

    once = page.get_by_role("dialog", name="The key of Twice")
    key = await once.locator("code").first.text_content()
    await once.get_by_role("button", name="I have kept it").click()
    await expect(page.get_by_role("row", name="Twice")).to_have_count(1)
    assert [json.loads(answer)["key"] for answer in answers] == [key, key]
    console.wrong = [text for text in console.wrong if "ERR_FAILED" not in text]


async def test_link_that_is_made_by_two_presses_is_one_token(console: Console, event: EventClient):
    console.refusals.add("500")
    await console.sign_in(place=f"#/events/{event.id}/overlays")
    page = console.page

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.fulfill(status=500, json={"code": "internal", "detail": "Nobody knows."})

    await page.route("**/v1/tokens", lose)
    await page.get_by_role("button", name="Make a link").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Make it").dblclick()
    await expect(dialog.get_by_role("alert")).to_contain_text("Nobody knows.")
    await page.unroute("**/v1/tokens")
    await dialog.get_by_role("button", name="Make it").click()
    await expect(dialog).to_have_count(0)

    tokens = (await event.client.get("/v1/tokens", params={"limit": 1000})).json()["tokens"]
    assert len([token for token in tokens if token["event"] == event.id]) == 1


async def test_nobody_gives_what_their_own_key_lacks(console: Console, event: EventClient):
    await console.sign_in(await key_of(event.client, "Otto", "ops"), "#/keys")
    page = console.page

    await page.get_by_role("button", name="New key").click()

    dialog = page.get_by_role("dialog", name="New key")
    await expect(dialog.get_by_label("finance")).to_be_disabled()
    await expect(dialog.get_by_label("ops")).to_be_enabled()
    await expect(dialog.get_by_text("Your own key lacks it, so you cannot give it.")).to_have_count(3)
    assert await violations(page) == []


async def test_revoked_key_is_asked_about_first_and_then_hidden(console: Console, event: EventClient):
    key = await key_of(event.client, "Leaver", "ops")
    await console.sign_in(place="#/keys")
    page = console.page
    row = page.get_by_role("row", name="Leaver")
    await row.get_by_role("button", name="Revoke").click()
    dialog = page.get_by_role("dialog", name="Revoke the key of Leaver?")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(row).to_be_visible()

    await row.get_by_role("button", name="Revoke").click()
    await dialog.get_by_role("button", name="Revoke").click()

    await expect(page.get_by_text("The key of Leaver is revoked.")).to_be_visible()
    await expect(row).to_have_count(0)
    await page.get_by_label(re.compile("^Show .* revoked")).check()
    await expect(row).to_contain_text("revoked")
    refused = await event.client.get("/v1/events", headers={"Authorization": f"Bearer {key}"})
    assert refused.status_code == 401


async def test_own_key_is_marked_and_revoking_it_leads_to_the_door(console: Console, event: EventClient):
    console.refusals.add("401")
    await console.sign_in(await key_of(event.client, "Selma", "ops"), "#/keys")
    row = console.page.get_by_role("row", name="Selma")
    await expect(row).to_contain_text("this is you")

    await row.get_by_role("button", name="Revoke").click()
    dialog = console.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("It is your own key: you are signed out at once.")
    await dialog.get_by_role("button", name="Revoke").click()

    await expect(console.page.get_by_role("button", name="Sign in")).to_be_visible()


async def new_token(page: Page, event: EventClient, channels: str) -> str:
    await page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog", name="New token")
    await dialog.get_by_label("Event").fill(event.id)
    await dialog.get_by_label("Only these channels").fill(channels)
    await dialog.get_by_label("Ends").select_option("After a week")
    await dialog.get_by_role("button", name="Make the token").click()
    return await page.get_by_role("dialog", name=f"A token of {event.id}").locator("code").first.text_content() or ""


async def test_token_opens_the_board_that_it_was_made_for_until_it_is_revoked(console: Console, event: EventClient):
    console.refusals.add("422")
    await console.sign_in(place="#/keys?tab=tokens")
    page = console.page
    token = await new_token(page, event, f"{event.id}/boards/hosts")
    await page.get_by_role("button", name="I have kept it").click()

    anybody = {"Authorization": ""}
    board = f"{event.path}/boards/hosts?token={token}"
    assert (await event.client.get(board, headers=anybody)).status_code == 200
    row = page.get_by_role("row", name=event.id)
    await expect(row).to_contain_text(re.compile("in [67] days"))
    await row.get_by_role("button", name="Revoke").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(row).to_have_count(0)
    assert (await event.client.get(board, headers=anybody)).status_code == 401

    await page.get_by_role("button", name="New token").click()
    dialog = page.get_by_role("dialog", name="New token")
    await dialog.get_by_label("Event").fill(event.id)
    await dialog.get_by_label("Only these channels").fill(f"{event.id}/ops")
    await dialog.get_by_role("button", name="Make the token").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("channel_not_public")


async def test_tabs_fit_a_phone_and_axe_finds_nothing(browser: Browser, console_server: AppServer):
    async with console_page(browser, console_server, viewport=PHONE) as console:
        await console.sign_in(place="#/keys")
        await tabs_fit(console.page)
