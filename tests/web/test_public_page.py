"""The public page of an event in a real browser, on a phone: right, back by itself, closed if it is not public."""

import itertools
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from tests.app_server import AppServer, serving
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = ["boards", "hosts", "orders", "sessions", "state", "viewers"]
LONG = ("<b>Wolfeschlegelsteinhausenbergerdorff</b>" * 5)[:120]
STICKING_OUT = """() => [...document.querySelectorAll("body *")]
    .filter((element) => element.checkVisibility() && !element.closest(".unseen, svg"))
    .map((element) => [element, element.getBoundingClientRect()])
    .filter(([, box]) => box.right > innerWidth + 0.5 || box.left < -0.5)
    .map(([element]) => `${element.tagName}.${element.className} ${element.textContent.slice(0, 40)}`)"""

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AppServer]:
    folder = tmp_path_factory.mktemp("public")
    async with serving(f"sqlite+aiosqlite:///{folder}/kos.db", KOS_CHECKPOINT_SECONDS="1") as started:
        yield started


@pytest_asyncio.fixture(loop_scope="module")
async def event(server: AppServer) -> AsyncIterator[EventClient]:
    async with server.client() as client:
        yield EventClient(client, f"event-{next(_numbers)}")


@pytest_asyncio.fixture(loop_scope="module")
async def phone(browser: Browser) -> AsyncIterator[Page]:
    """A phone's page; the test fails if its console says anything or it asks for anything of another site."""
    page = await browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: found.append(message.text))
    page.on(
        "request",
        lambda asked: None if "//127.0.0.1:" in asked.url or "data:" in asked.url else found.append(asked.url),
    )
    yield page
    await page.close()
    # What a browser says of an answer that is not 2xx, or of none, is no fault of the page.
    assert [text for text in found if not re.match(r"Failed to load|WebSocket connection", text)] == []


def rules(*words: str, **fields: Any) -> dict[str, Any]:
    return {"public_channels": list(words or ALL), **fields}


async def opened(page: Page, server: AppServer, event: EventClient, state: str = "live", **query: str) -> None:
    asked = "&".join(f"{name}={value}" for name, value in {"lang": "en", **query}.items())
    await page.goto(f"{server.url}/e/{event.id}?{asked}")
    await expect(page.locator("body")).to_have_attribute("data-state", state)


async def shown(page: Page, selector: str) -> list[str]:
    return await page.locator(f"#rows .{selector}").all_text_contents()


async def test_state_of_the_event_stays_one_line_beside_a_large_audience(
    phone: Page, server: AppServer, event: EventClient
):
    await event.open(rules=rules())
    await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h7"}]})
    await event.ok("POST", "/viewers", [{"type": "count", "session": "night", "source": "shop", "viewers": 1_234_567}])

    await opened(phone, server, event)

    await expect(phone.locator("#viewers-text")).to_contain_text("1,234,567")
    lines = """(word) => {
        const range = document.createRange();
        range.selectNodeContents(word);
        return range.getClientRects().length;
    }"""
    assert await phone.locator("#status-word").evaluate(lines) == 1


async def test_phone_shows_standings_who_is_on_air_and_what_is_pinned(
    phone: Page, server: AppServer, event: EventClient
):
    await event.open(rules=rules())
    until = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h7"}, {"id": "h8"}]})
    pin = {"session": "night", "sku": "LIP-01", "title": "Ruby lipstick", "price": "17.00", "code": "LIN10"}
    await event.ok("POST", "/pins", pin)
    await event.ok("POST", "/pins", {"session": "night", "sku": "SET-99"})
    await event.ok("POST", "/goals", {"id": "g", "title": "First 1,000", "measure": "net_sales", "target": "1000.00"})
    await event.ok("POST", "/announcements", {"id": "a", "text": "Back at <nine>"})
    await event.ok(
        "POST", "/offers", {"id": "o", "session": "night", "sku": "LIP-01", "price": "15.00", "ends_at": until}
    )
    await event.sell("1", "h7", "300.00")
    await event.sell("2", "h8", "100.00")

    await opened(phone, server, event)

    await expect(phone.get_by_role("heading", level=1)).to_have_text("KOS101")
    await expect(phone.locator("#status")).to_have_text("Live")
    await expect(phone.locator("#countdown")).to_contain_text(re.compile(r"Ends in [\d,]+ days \d\d:\d\d:\d\d"))
    await expect(phone.get_by_role("heading", name="Lin and Mei")).to_be_visible()
    pinned = phone.locator(".session .pins li")
    told = re.compile(r"Ruby lipstick£17\.00 £15\.00Code LIN10Offer ends in 0[12]:\d\d:\d\d")
    await expect(pinned).to_have_text(["SET-99 ", told])
    await expect(phone.locator("#goals-list li")).to_have_text("First 1,00040%£400.00 of £1,000.00")
    await expect(phone.locator("#announcements li")).to_have_text("Back at <nine>")
    await expect(phone.locator("#rows tr")).to_have_count(2)
    assert await shown(phone, "who") == ["Ruby", "Jade"]
    assert await shown(phone, "score") == ["£300.00", "£100.00"]
    assert await shown(phone, "gap") == ["", "£200.00 behind"]
    await expect(phone.locator("#sales-list li")).to_have_count(2)
    await expect(phone.locator("#viewers")).to_have_text(re.compile(r"\s*1 person watching\s*"))
    assert await phone.evaluate(STICKING_OUT) == []


async def test_sale_lets_a_team_climb_and_says_so(phone: Page, server: AppServer, event: EventClient):
    await event.open(rules=rules())
    await event.sell("1", "h7", "30.00")
    await event.sell("2", "h8", "10.00")
    await opened(phone, server, event)
    await expect(phone.locator("#rows tr")).to_have_count(2)
    assert await shown(phone, "who") == ["Ruby", "Jade"]

    await event.sell("3", "h8", "50.00")

    await expect(phone.locator("#rows .who").first).to_have_text("Jade")
    await expect(phone.locator("#rows .move").first).to_have_text("▲1up 1")
    await expect(phone.locator("#rows .move").last).to_have_text("▼1down 1")
    await expect(phone.locator("#spoken")).to_have_text("Jade is now number 1")


async def test_page_at_rest_draws_once_a_second(phone: Page, server: AppServer, event: EventClient):
    await event.open(rules=rules())
    await phone.add_init_script(
        "{ const ask = requestAnimationFrame.bind(window); window.frames = 0;"
        "window.requestAnimationFrame = (call) => { window.frames += 1; return ask(call); }; }"
    )
    await opened(phone, server, event)
    await expect(phone.locator("#viewers")).to_be_visible()

    before = await phone.evaluate("window.frames")
    await phone.wait_for_timeout(2000)

    assert await phone.evaluate("window.frames") - before <= 8


async def test_boards_are_chosen_by_keys_and_more_rows_by_a_button(phone: Page, server: AppServer, event: EventClient):
    hosts = [{"id": f"x{number}", "name": f"Host {number}", "team": "ruby"} for number in range(14)]
    await event.open({"teams": [{"id": "ruby", "name": "Ruby"}], "hosts": hosts}, rules=rules())
    await event.sell("1", "x3", "9.00")
    await opened(phone, server, event)

    await phone.get_by_role("tab", name="Teams").focus()
    await phone.keyboard.press("ArrowRight")

    await expect(phone.get_by_role("tab", name="Hosts")).to_have_attribute("aria-selected", "true")
    await expect(phone.get_by_role("tab", name="Hosts")).to_be_focused()
    await expect(phone.locator("#rows tr")).to_have_count(10)
    await expect(phone.locator("#rows .who").first).to_have_text("Host 3")
    await phone.get_by_role("button", name="Show 4 more").press("Enter")
    await expect(phone.locator("#rows tr")).to_have_count(14)
    await phone.get_by_role("radio", name="Whole event").focus()
    await phone.keyboard.press("ArrowRight")
    await expect(phone.get_by_role("radio", name="Today")).to_be_checked()
    # The test's orders were paid in 2021.
    await expect(phone.locator("#board-empty")).to_have_text("Nothing has been sold today yet.")


async def test_event_that_opened_nothing_looks_exactly_like_one_that_is_not_there(
    phone: Page, server: AppServer, event: EventClient
):
    await event.open()

    await opened(phone, server, event, "closed")
    closed = await phone.locator("main").inner_text()
    await opened(phone, server, EventClient(event.client, "nowhere"), "closed")

    assert closed == await phone.locator("main").inner_text()
    assert "This event is not public" in closed
    await expect(phone.locator("#content")).to_be_hidden()


async def test_token_opens_an_event_that_is_not_public(phone: Page, server: AppServer, event: EventClient):
    await event.open()
    made = (await event.client.post("/v1/tokens", json={"event": event.id, "kind": "viewer"})).json()

    await opened(phone, server, event, token=made["token"])
    await expect(phone.locator("#rows tr")).to_have_count(2)
    other = await EventClient(event.client, f"{event.id}-other").open()
    await opened(phone, server, other, "unknown", token=made["token"])
    await expect(phone.locator("#notice-title")).to_have_text("This link is for another event")
    await opened(phone, server, event, "refused", token="nonsense")
    await expect(phone.locator("#notice-title")).to_have_text("This link is no longer valid")


@pytest.mark.parametrize("who", ["rival", "default", "gone"])
async def test_who_is_signed_in_to_the_console_sees_what_everybody_sees(
    browser: Browser, server: AppServer, event: EventClient, who: str
):
    """By a key of another brand, of the event's own, and of one that was revoked since."""
    await event.open(rules=rules("boards"))
    await event.sell("1", "h7", "300.00")
    made = server.kos("keys", "create", "--brand", who, "--person", "x", "--scope", "ops", "--scope", "audit", "--json")
    key = json.loads(made.stdout)
    async with await browser.new_context() as context:
        page = await context.new_page()
        signed_in = await context.request.post(f"{server.url}/console/session", data={"key": key["key"]})
        assert signed_in.ok
        if who == "gone":
            server.kos("keys", "revoke", key["id"], "--brand", who)

        await opened(page, server, event)

        await expect(page.locator("#rows .score").first).to_have_text("£300.00")
        for part in ("sales", "viewers", "goals"):
            await expect(page.locator(f"#{part}")).to_be_hidden()
        # What it is shown goes on: it follows.
        await event.sell("2", "h8", "500.00")
        await expect(page.locator("#rows .score").first).to_have_text("£500.00")


async def test_event_that_closes_while_it_is_watched_is_hidden(phone: Page, server: AppServer, event: EventClient):
    await event.open(rules=rules())
    await opened(phone, server, event)
    await expect(phone.locator("#rows tr")).to_have_count(2)

    await event.ok("PATCH", "/rules", {"public_channels": []})
    await phone.evaluate("dispatchEvent(new Event('online'))")

    await expect(phone.locator("body")).to_have_attribute("data-state", "closed")
    await expect(phone.locator("#content")).to_be_hidden()


async def test_only_what_is_opened_is_shown(phone: Page, server: AppServer, event: EventClient):
    await event.open(rules=rules("state"))

    await opened(phone, server, event)

    await expect(phone.locator("#air-empty")).to_have_text("Nobody is on air at the moment.")
    for part in ("boards", "sales", "viewers", "goals"):
        await expect(phone.locator(f"#{part}")).to_be_hidden()


async def test_scoring_is_told_from_the_rules_in_force(phone: Page, server: AppServer, event: EventClient):
    attribution = {
        "precedence": ["code", "pin", "click"],
        "click_days": 3,
        "cart_days": 5,
        "split": "air_time",
        "self_purchase": "exclude",
        "store_bps": 1250,
    }
    await event.open(rules=rules(ranks="shared", attribution=attribution, claim_days=9, commission={"bps": 777}))
    await opened(phone, server, event)
    text = phone.locator("#rules-text")

    for said in (
        "ranked by net sales: what their orders sold for after discounts, without shipping and tax",
        "They share a rank, and the next one is left out: 1, 2, 2, 4.",
        "at most 3 days before paying",
        "by the time each was on air",
        "What hosts buy from themselves is credited to nobody.",
        "The store of a host gets 12.5% of what the host sells",
        "An order counts if it was paid from Mar 26, 2021, 12:00\u202fAM until Jan 1, 2099, 12:00\u202fAM",
        "for 9 days after it was paid",
        "taken off the day on which the order was paid",
    ):
        await expect(text).to_contain_text(said)
    order = await text.locator("ol li").all_text_contents()
    assert [line.split()[2] for line in order] == ["whose", "of", "whose"]
    assert "777" not in await text.inner_text()

    await event.ok("PATCH", "/rules", {"ranks": "distinct"})
    await phone.evaluate("dispatchEvent(new Event('online'))")
    await expect(text).to_contain_text("Whoever reached the score first is ahead.")


async def test_result_names_its_hash_and_what_signs_it(phone: Page, server: AppServer, event: EventClient):
    await event.open(rules=rules())
    await event.sell("1", "h7", "30.00")
    await opened(phone, server, event)

    await event.move("ended")
    await expect(phone.locator("#status")).to_have_text("Ended · provisional result")
    await event.move("final")

    position, head = await event.head()
    await expect(phone.locator("#status")).to_have_text("Final result")
    text = phone.locator("#verify-text")
    await expect(text).to_contain_text(f"All boards stop at entry {position}.")
    await expect(text.locator("code").first).to_have_text(head)
    key = (await event.client.get("/.well-known/kos-keys.json")).json()["keys"][-1]
    await phone.wait_for_timeout(1500)
    await phone.evaluate("dispatchEvent(new Event('online'))")
    await expect(text).to_contain_text(f"python3 kos_recount.py {event.id}.kos.ndjson --key {key['fingerprint']}")
    await expect(phone.locator("#countdown")).to_contain_text("Final since")


async def test_restarted_server_first_a_notice_then_the_new_state(phone: Page, server: AppServer, event: EventClient):
    await event.open(rules=rules())
    await event.sell("1", "h7", "30.00")
    await opened(phone, server, event)
    await expect(phone.locator("#rows tr")).to_have_count(2)

    server.stop()
    await expect(phone.locator("body")).to_have_attribute("data-state", "stale")
    await expect(phone.locator("#stale")).to_contain_text("Connection lost. These numbers were right at")
    assert await shown(phone, "who") == ["Ruby", "Jade"]
    await server.restart()
    await event.sell("2", "h8", "70.00")

    await expect(phone.locator("body")).to_have_attribute("data-state", "live", timeout=30_000)
    await expect(phone.locator("#rows .who").first).to_have_text("Jade")
    await expect(phone.locator("#stale")).to_be_empty()


async def test_page_without_an_answer_says_so_and_comes_back_by_itself(
    phone: Page, server: AppServer, event: EventClient
):
    await event.open(rules=rules())

    async def nothing(route: Route) -> None:
        await route.abort()

    await phone.route("**/public", nothing)
    await opened(phone, server, event, "gone")
    await expect(phone.locator("#notice-title")).to_have_text("The server cannot be reached")
    await phone.unroute("**/public")

    await expect(phone.locator("body")).to_have_attribute("data-state", "live")


async def test_names_are_text_in_their_own_direction_and_nothing_sticks_out(
    phone: Page, server: AppServer, event: EventClient
):
    names = [LONG, "نادية", "林娜 🎉", "x"]
    hosts = [{"id": f"h{number}", "name": name, "team": "ruby"} for number, name in enumerate(names)]
    await event.open({"teams": [{"id": "ruby", "name": LONG}], "hosts": hosts}, name=LONG, rules=rules())
    await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h0"}, {"id": "h1"}]})
    await event.sell("1", "h0", "9999999999.99")
    await event.sell("2", "h1", "1.00")

    for language in ("en", "fr", "zh"):
        await opened(phone, server, event, lang=language)
        await phone.get_by_role("tab").last.click()
        await expect(phone.locator("#rows tr")).to_have_count(4)
        assert await shown(phone, "who") == names
        assert await phone.locator("b").count() == 0
        assert await phone.evaluate(STICKING_OUT) == []


async def test_viewer_is_one_however_often_the_page_is_opened(phone: Page, server: AppServer, event: EventClient):
    await event.open(rules=rules())
    await opened(phone, server, event)
    await expect(phone.locator("#viewers")).to_contain_text("1 person watching")

    await phone.reload()

    await expect(phone.locator("#viewers")).to_contain_text("1 person watching")
    assert await phone.evaluate("/^[0-9a-f]{24}$/.test(localStorage.getItem('kos.viewer'))")


async def test_countdown_goes_by_the_servers_clock(phone: Page, server: AppServer, event: EventClient):
    starts = datetime.now(UTC) + timedelta(hours=3)
    await event.create(starts_at=starts.isoformat(), rules=rules())
    await event.ok("PUT", "/roster", {"hosts": []})
    await event.move("scheduled")
    # A visitor whose clock is an hour behind.
    await phone.add_init_script("{ const now = Date.now.bind(Date); Date.now = () => now() - 3600000; }")

    await opened(phone, server, event)

    await expect(phone.locator("#status")).to_have_text("Not started")
    await expect(phone.locator("#countdown")).to_have_text(re.compile(r"Starts in 02:59:\d\d"))
    await expect(phone.locator("#board-empty")).to_have_text("Nobody is on this board yet.")


async def test_languages_can_be_chosen_on_the_page(phone: Page, server: AppServer, event: EventClient):
    await event.open(rules=rules())
    await opened(phone, server, event)

    await phone.get_by_label("Language").select_option("fr")
    await expect(phone.get_by_role("heading", name="Comment les points sont comptés")).to_be_visible()
    await phone.get_by_label("Langue").select_option("zh")

    await expect(phone.get_by_role("heading", name="计分规则")).to_be_visible()
    assert await phone.evaluate("document.documentElement.lang") == "zh"
