"""The roster in a real browser on a real server: found, changed, imported by a file that was tried out first."""

import asyncio
import contextlib
import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Error, Locator, Page, Route, expect

from tests.app_server import AppServer
from tests.event_client import EventClient
from tests.web.checks import overflow, violations
from tests.web.console import PHONE, Console, console_page, crowded, key_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]


# Everybody at once, where a page would do.
WHOLE = re.compile(r"/roster$")


async def open_roster(console: Console, event: EventClient, query: str = "") -> Page:
    await console.sign_in(place=f"#/events/{event.id}/roster{query}")
    await console.heading("Roster")
    await expect(console.page.get_by_role("tab", name="Hosts")).to_be_visible()
    return console.page


def asked(page: Page) -> Locator:
    return page.get_by_role("dialog")


async def confirm(page: Page, name: str) -> None:
    await asked(page).get_by_role("button", name=name, exact=True).click()
    await expect(asked(page)).to_have_count(0)


def rows(page: Page) -> Locator:
    return page.locator(".table-rows [role=row]")


async def import_file(page: Page, content: str | bytes, name: str = "hosts.csv") -> None:
    """As far as the preview."""
    await page.get_by_role("button", name="Import a file…").click()
    buffer = content.encode() if isinstance(content, str) else content
    await asked(page).get_by_label("CSV file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": buffer})


def read(path: Path) -> str:
    return path.read_text("utf-8-sig")


async def hosts_of(event: EventClient) -> dict[str, dict[str, Any]]:
    return {host["id"]: host for host in (await event.ok("GET", "/roster"))["hosts"]}


async def test_ten_thousand_hosts_are_scrolled_and_searched_with_few_elements(console: Console, event: EventClient):
    await crowded(event, 10_000)
    whole: list[str] = []
    console.page.on("request", lambda request: whole.append(request.url) if WHOLE.search(request.url) else None)
    page = await open_roster(console, event)
    await expect(page.get_by_role("tab", name="Hosts 10,004")).to_be_visible()
    assert await rows(page).count() < 80

    # What is loaded ends, and more of it comes, as often as one goes there.
    for last in (200, 400):
        await page.get_by_role("grid").focus()
        await page.keyboard.press("End")
        await expect(page.locator(f"[role=row][aria-rowindex='{last + 1}']")).to_be_visible()
        await expect(page.locator(f"[role=row][aria-rowindex='{last + 2}']")).to_be_attached()
    assert await rows(page).count() < 80
    await page.get_by_role("columnheader", name="Id").get_by_role("button").click()
    await expect(rows(page).first).to_contain_text("h10")
    await page.get_by_role("columnheader", name="Id").get_by_role("button").click()
    await expect(page.get_by_role("columnheader", name="Id")).to_have_attribute("aria-sort", "descending")
    await page.get_by_role("grid").focus()
    await page.keyboard.press("Home")
    await expect(rows(page).first).to_contain_text("host-09999")

    await page.get_by_label("Search hosts").fill("team 77 number 7712")
    await expect(rows(page)).to_have_count(1)
    await expect(rows(page)).to_contain_text("Host number 7712")
    await expect(page.get_by_text("1 of 10,004")).to_be_visible()
    await page.get_by_label("Search hosts").fill("nobody at all")
    await expect(page.get_by_text("No host fits")).to_be_visible()
    assert whole == []


async def test_answer_to_an_older_search_never_takes_the_place_of_a_newer_one(console: Console, event: EventClient):
    page = await open_roster(console, event)
    await expect(rows(page)).to_have_count(4)
    released = asyncio.Event()
    held: list[str] = []
    let_go = asyncio.Semaphore(0)

    async def late(route: Route) -> None:
        held.append(route.request.url)
        await released.wait()
        # A page that has given the question up takes no answer to it any more.
        with contextlib.suppress(Error):
            await route.continue_()
        let_go.release()

    await page.route(re.compile(r"/roster\?.*query=l(in)?&"), late)
    async with page.expect_request(re.compile(r"/roster\?.*query=l&")):
        await page.get_by_label("Search hosts").fill("l")
    await page.get_by_label("Search hosts").fill("mei")
    await expect(rows(page)).to_have_count(1)
    await expect(rows(page)).to_contain_text("MEI20")
    async with page.expect_request(re.compile(r"/roster\?.*query=lin&")):
        await page.get_by_label("Search hosts").fill("lin")
    await page.get_by_label("Search hosts").fill("yue")
    await expect(rows(page)).to_contain_text("Yue")
    released.set()
    for _ in held:
        await let_go.acquire()
    # Asked after them: by its answer theirs would be there.
    await page.evaluate("fetch('/console').then((answer) => answer.text())")

    await expect(rows(page)).to_have_count(1)
    await expect(rows(page)).to_contain_text("Yue")
    assert len(held) == 2


async def test_page_says_that_the_roster_has_changed_and_moves_no_row_before_it_is_told_to(
    console: Console, event: EventClient
):
    page = await open_roster(console, event)
    await expect(rows(page)).to_have_count(4)

    await event.ok("PUT", "/roster", {"hosts": [{"id": "h0", "name": "Aaron"}]})
    await expect(page.get_by_text("The roster has changed.")).to_be_visible()
    assert await rows(page).count() == 4
    await page.get_by_role("button", name="Show it as it is now").click()

    await expect(rows(page).first).to_contain_text("Aaron")
    await expect(page.get_by_text("The roster has changed.")).to_have_count(0)
    await expect(page.get_by_role("tab", name="Hosts 5")).to_be_visible()


async def test_enter_waits_for_what_fits_and_never_takes_what_fitted_before(console: Console, event: EventClient):
    page = await open_roster(console, event, "?query=LIN10")
    await rows(page).first.click()
    team = asked(page).get_by_role("combobox", name="Team")
    released = asyncio.Event()

    async def late(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await team.click()
    await expect(asked(page).get_by_role("option", name="Ruby")).to_be_visible()
    await page.route(re.compile(r"/roster\?.*query=jad"), late)
    await team.fill("jad")
    await page.keyboard.press("Enter")
    await asked(page).get_by_label("Segment").fill("night")
    await expect(team).to_have_value("jad")
    released.set()

    await expect(team).to_have_value("Jade")
    await expect(asked(page)).to_contain_text("Lin sells in Jade")


async def test_host_is_changed_by_what_is_filled_in_and_nothing_else_is_sent(console: Console, event: EventClient):
    page = await open_roster(console, event, "?query=LIN10")
    await rows(page).first.click()
    await expect(asked(page).get_by_role("button", name=re.compile("^Save"))).to_have_attribute("aria-disabled", "true")

    await asked(page).get_by_role("combobox", name="Team").fill("jad")
    await page.keyboard.press("Enter")
    await asked(page).get_by_label("Commission in %").fill("8,25")
    await expect(asked(page)).to_contain_text("Lin sells in Jade for what is paid from now on.")
    async with page.expect_request(lambda request: request.method == "PUT") as sent:
        await confirm(page, "Save")

    assert json.loads((await sent.value).post_data or "")["hosts"] == [
        {"id": "h7", "team": "jade", "commission_bps": 825}
    ]
    await expect(rows(page).first).to_contain_text("Jade")
    changed = (await hosts_of(event))["h7"]
    assert (changed["team"], changed["commission_bps"], changed["codes"]) == ("jade", 825, ["LIN10"])


async def test_host_with_a_new_team_is_added_and_a_wrong_one_is_told_beside_the_field(
    console: Console, event: EventClient
):
    console.refusals.add("409")
    page = await open_roster(console, event)
    await page.get_by_role("button", name="Add a host…").click()
    await asked(page).get_by_label("Id", exact=True).fill("h11")
    await asked(page).get_by_label("Name").fill("Anran 安然")
    await asked(page).get_by_role("combobox", name="Team").fill("amber")
    await page.keyboard.press("Enter")
    await asked(page).get_by_label("Codes").fill("LIN10")
    await expect(asked(page)).to_contain_text("The team amber is new.")

    await asked(page).get_by_role("button", name="Add", exact=True).click()
    await expect(asked(page).get_by_role("alert")).to_contain_text("LIN10")
    await asked(page).get_by_label("Codes").fill("ANRAN")
    await confirm(page, "Add")

    await expect(page.get_by_role("tab", name="Teams 3")).to_be_visible()
    assert (await hosts_of(event))["h11"]["team"] == "amber"


async def test_file_is_imported_after_its_preview_whatever_spreadsheet_wrote_it(console: Console, event: EventClient):
    page = await open_roster(console, event)
    before = await event.head()
    # Semicolons, capitals, a byte order mark: what a spreadsheet in Germany makes of it.
    await import_file(
        page, '\ufeffID;Name;Team;Codes\r\nh7;Lin Wei;jade;LIN10\r\nn1;"Zhao; Min";amber;ZHAO\r\nh8;Mei;jade;\r\n'
    )
    counts = asked(page).locator(".counts")
    await expect(counts).to_have_text(re.compile(r"New\s*1\s*Changed\s*1\s*As before\s*1\s*Wrong\s*0"))
    await expect(asked(page)).to_contain_text("New team: amber.")
    await expect(asked(page).get_by_role("grid")).to_contain_text("team: ruby → jade")
    assert await event.head() == before

    await confirm(page, "Import 2 changes")

    await expect(page.get_by_role("tab", name="Hosts 5")).to_be_visible()
    hosts = await hosts_of(event)
    assert (hosts["h7"]["name"], hosts["h7"]["team"], hosts["n1"]["name"]) == ("Lin Wei", "jade", "Zhao; Min")


async def test_wrong_lines_are_listed_by_number_and_nothing_can_be_imported(console: Console, event: EventClient):
    page = await open_roster(console, event)
    before = await event.head()

    await import_file(page, "id,name,codes,commission_bps\nh7,Lin,MEI20,900\n\nh8,Mei,,much\nh9,Yue,,800\n")

    table = asked(page).get_by_role("grid", name="Wrong lines")
    await expect(table.get_by_role("row").nth(1)).to_contain_text(re.compile(r"2\s*codes"))
    await expect(table.get_by_role("row").nth(2)).to_contain_text(re.compile(r"4\s*commission_bps"))
    await expect(asked(page).get_by_role("button", name=re.compile("^Import"))).to_have_attribute(
        "aria-disabled", "true"
    )
    assert await event.head() == before


async def test_file_that_is_no_table_is_refused_in_a_sentence(console: Console, event: EventClient):
    console.refusals.add("422")
    page = await open_roster(console, event)

    await import_file(page, b"\x89PNG\r\n\x1a\n\x00\x00")

    await expect(asked(page).get_by_role("alert")).to_contain_text("csv_columns")


async def test_downloaded_file_changes_nothing_when_it_is_imported_and_holds_no_formula(
    console: Console, event: EventClient
):
    await event.ok(
        "PUT", "/roster", {"hosts": [{"id": "h9", "name": '=HYPERLINK("http://x")'}, {"id": "h10", "name": 'a,"b'}]}
    )
    page = await open_roster(console, event)

    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Download CSV").click()
    download = await downloading.value
    assert re.fullmatch(rf"{event.id}-roster-\d{{4}}-\d\d-\d\d\.csv", download.suggested_filename)
    content = read(await download.path())
    names = {row["id"]: row["name"] for row in csv.DictReader(io.StringIO(content))}
    assert names["h9"] == '\'=HYPERLINK("http://x")'
    assert names["h10"] == 'a,"b'

    await import_file(page, content)

    await expect(asked(page)).to_contain_text("Everything in the file is so already.")


async def test_who_may_only_read_changes_nothing_and_sees_why(
    event: EventClient, browser: Browser, console_server: AppServer
):
    key = await key_of(event.client, "auditor", "audit")
    async with console_page(browser, console_server, viewport=PHONE) as console:
        await console.sign_in(key, f"#/events/{event.id}/roster")
        await expect(rows(console.page)).to_have_count(4)
        button = console.page.get_by_role("button", name="Import a file… (Your key lacks the scope ops.)")
        await expect(button).to_have_attribute("aria-disabled", "true")
        await rows(console.page).first.click()
        await expect(asked(console.page)).to_have_count(0)
        wider = await overflow(console.page)
    assert wider == 0


async def test_second_person_sees_a_change_before_it_is_saved(console: Console, event: EventClient):
    console.refusals.add("409")
    page = await open_roster(console, event, "?query=LIN10")
    await rows(page).first.click()
    await asked(page).get_by_label("Name").fill("Lin W.")
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "team": "jade"}]})
    await expect(asked(page)).to_contain_text("The administrator changed the roster.")

    await asked(page).get_by_role("button", name="Save").click()
    await expect(asked(page).get_by_role("alert")).to_contain_text("Something was done meanwhile")
    assert (await hosts_of(event))["h7"]["name"] == "Lin"
    await confirm(page, "Save")

    host = (await hosts_of(event))["h7"]
    assert (host["name"], host["team"]) == ("Lin W.", "jade")


async def test_file_is_tried_out_again_when_the_roster_changed_meanwhile(console: Console, event: EventClient):
    console.refusals.add("409")
    page = await open_roster(console, event)
    await import_file(page, "id,team\nh7,jade\nh9,jade\n")
    await expect(asked(page).get_by_role("button", name="Import 2 changes")).to_be_visible()
    await event.ok("PUT", "/roster", {"hosts": [{"id": "h7", "team": "jade"}]})

    await asked(page).get_by_role("button", name="Import 2 changes").click()

    await expect(asked(page).get_by_role("alert")).to_contain_text("Something was done meanwhile")
    assert (await hosts_of(event))["h9"]["team"] == "ruby"
    await confirm(page, "Import 1 change")
    assert (await hosts_of(event))["h9"]["team"] == "jade"


async def test_axe_finds_nothing_on_the_tabs_and_in_the_dialogs(
    browser: Browser, console_server: AppServer, event: EventClient
):
    async with console_page(browser, console_server, color_scheme="dark", reduced_motion="reduce") as console:
        page = await open_roster(console, event)
        for tab in await page.get_by_role("tab").all():
            await tab.click()
            await expect(rows(page).first.or_(page.locator(".empty"))).to_be_visible()
            assert await violations(page) == [], await tab.text_content()
        await page.get_by_role("tab", name="Hosts").click()
        await rows(page).first.click()
        await expect(asked(page)).to_be_visible()
        assert await violations(page) == []
        await page.keyboard.press("Escape")

        await import_file(page, "id,name,commission_bps\nh7,Lin W,900\nh8,Mei,x\n")

        await expect(asked(page).get_by_role("grid")).to_be_visible()
        assert await violations(page) == []
