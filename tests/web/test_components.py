"""The components in a real browser: what each says of its documents, what moves when they change, what stands still."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.realtime.served import Served
from tests.web.components import (
    HOST,
    NEIGHBOURS,
    STATE,
    TEAMS,
    TICKER,
    TOLD,
    VIEWERS,
    announcement,
    change,
    goal,
    host,
    moving,
    pin,
    plain,
    sale,
    session,
    show,
    state,
    teams,
    ticker,
    told,
    viewers,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]


async def test_ticker_lets_the_newest_sale_land_before_the_others(page: Page, served: Served):
    await show(page, served, "ticker")
    first = page.locator(".sale").first
    await expect(first.locator(".name")).to_have_text("Lin")

    newer = sale(2, "Mei", "19.50", units=3, team="jade")
    await change(served, TICKER, ticker(2, newer, sale(1, "Lin", "230.00")))

    await expect(first.locator(".name")).to_have_text("Mei")
    assert await moving(page, "ticker") > 0
    await expect(first.locator(".title")).to_have_text("3 \N{MULTIPLICATION SIGN} Ruby Woo")
    await expect(first.locator(".amount")).to_have_text("£19.50")
    await expect(page.get_by_role("heading", name="Latest sales")).to_be_visible()


async def test_sales_that_come_while_the_line_moves_enter_together_after_it(page: Page, served: Served):
    heard: list[str | bytes] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: heard.append(frame)))
    await show(page, served, "ticker")
    names = page.locator(".sale .name")
    sales = [sale(4, "Noor", "1.00"), sale(3, "Ana", "1.00"), sale(2, "Mei", "1.00"), sale(1, "Lin", "1.00")]
    # For the page no time goes by, so the line goes on moving.
    await page.evaluate(
        "() => { const now = performance.now(); window.own = performance.now; performance.now = () => now; }"
    )
    await change(served, TICKER, ticker(2, *sales[2:]))
    await expect(names).to_have_text(["Mei", "Lin"])
    await change(served, TICKER, ticker(3, *sales[1:]))
    await change(served, TICKER, ticker(4, *sales))
    while not any("Noor" in str(frame) for frame in heard):
        await page.evaluate("new Promise(requestAnimationFrame)")
    await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    while_moving = await names.all_text_contents()
    await page.evaluate("() => { performance.now = own; }")

    assert while_moving == ["Mei", "Lin"]
    await expect(names).to_have_text(["Noor", "Ana", "Mei", "Lin"])


async def test_ticker_of_one_team_shows_its_sales_only(page: Page, served: Served):
    rows = [sale(number, f"Host {number}", "1.00", team="jade" if number % 2 else "ruby") for number in range(9, 0, -1)]
    await change(served, TICKER, ticker(9, *rows))
    await show(page, served, "ticker", only_team="jade", limit=3, layout="stack")

    assert await page.locator(".sale .name").all_text_contents() == ["Host 9", "Host 7", "Host 5"]


async def test_what_nobody_was_credited_for_is_the_shops(page: Page, served: Served):
    await change(served, TICKER, ticker(2, {**sale(2, "", "5.00", host="House", team=""), "name": "House"}))
    await show(page, served, "ticker")

    await expect(page.locator(".sale .name")).to_have_text("Online shop")


async def test_team_bar_is_divided_in_proportion_and_counts_to_the_new_score(page: Page, served: Served):
    await show(page, served, "team-bar")
    parts = page.locator(".bar .part")
    await expect(parts).to_have_count(2)

    async def share() -> float:
        return float(
            await parts.first.evaluate("(part) => part.offsetWidth / (part.offsetWidth + part.nextSibling.offsetWidth)")
        )

    assert await share() == pytest.approx(0.75, abs=0.01)
    assert await page.locator(".team bdi").all_text_contents() == ["Team Ruby", "Team Jade"]
    assert await page.locator(".mark span").all_text_contents() == ["R", "J"]

    await change(served, TEAMS, teams(2, ruby=300, jade=900))

    await expect(page.locator('.team[data-id="jade"] .score')).to_have_text("£900.00")
    await expect(page.locator(".team").first).to_have_attribute("data-id", "jade")


async def test_teams_with_nothing_and_with_less_are_still_seen(page: Page, served: Served):
    await change(served, TEAMS, teams(2, ruby=300, jade=0, opal=-20))
    await show(page, served, "team-bar")

    widths = await page.locator(".bar .part").evaluate_all("(parts) => parts.map((part) => part.offsetWidth)")
    assert len(widths) == 3
    assert min(widths) > 20


async def test_host_card_says_rank_gap_and_neighbours(page: Page, served: Served):
    await show(page, served, "host-card", host="mei")

    await expect(page.locator("#rank")).to_have_text("2")
    await expect(page.get_by_role("heading", name="Mei")).to_be_visible()
    await expect(page.locator("#sales")).to_have_text("£400.00")
    assert plain(await page.locator("#gap").text_content()) == "£100.00 behind Host lin"
    assert plain(await page.locator("#team").text_content()) == "Jade · No. 1"
    assert await page.locator(".neighbour").all_text_contents() == ["Host lin", "Host mei", "Host ana"]

    await change(served, HOST, host(2, NEIGHBOURS | {"mei": 650}))

    await expect(page.locator("#rank")).to_have_text("1")
    await expect(page.locator("#sales")).to_have_text("£650.00")
    assert plain(await page.locator("#gap").text_content()) == "£150.00 ahead of Host lin"
    assert await page.locator(".neighbour").first.text_content() == "Host mei"


async def test_host_without_a_row_has_no_rank(page: Page, served: Served):
    await change(served, HOST, host(2, {"lin": 5}))
    await show(page, served, "host-card", host="mei")

    await expect(page.locator("#gap")).to_have_text("Not ranked")
    await expect(page.locator("#rank")).to_have_text("")
    await expect(page.locator(".row")).to_have_count(0)


async def test_goal_fills_its_bar_and_says_when_it_is_reached(page: Page, served: Served):
    await change(served, STATE, state(2, goals=[goal("250.00")]))
    await show(page, served, "goal")
    await expect(page.get_by_role("progressbar", name="First thousand")).to_have_attribute("aria-valuenow", "25")
    await expect(page.locator("#share")).to_have_text("25%")
    assert plain(await page.locator("#left").text_content()) == "£750.00 to go"

    reached = "2026-11-22T10:00:00.000000Z"
    await change(served, STATE, state(3, goals=[goal("1200.00", reached)]))

    await expect(page.locator("#reached")).to_have_text("Goal reached")
    assert await moving(page, "goal") > 0
    await expect(page.locator("#value")).to_have_text("£1,200.00")
    await expect(page.locator("#share")).to_have_text("100%")
    assert plain(await page.locator("#target").text_content()) == "of £1,000"


async def test_goal_that_is_nearly_reached_is_not_called_whole(page: Page, served: Served):
    units = goal(value="x", measure="units")
    await change(served, STATE, state(2, goals=[units | {"target": 100_000, "value": 99_999}]))
    await show(page, served, "goal")

    await expect(page.locator("#share")).to_have_text("99%")
    await expect(page.locator("#value")).to_have_text("99,999")


async def test_goal_shows_the_one_asked_for_else_the_first_that_is_open(page: Page, served: Served):
    reached = "2026-11-22T10:00:00.000000Z"
    goals = [goal("1.00", reached, id="a", title="Done"), goal("1.00", id="b", title="Open")]
    await change(served, STATE, state(2, goals=[*goals, goal("1.00", id="c", title="Later")]))

    await show(page, served, "goal")
    await expect(page.locator("#title")).to_have_text("Open")
    await show(page, served, "goal", goal="c")
    await expect(page.locator("#title")).to_have_text("Later")
    await show(page, served, "goal", state="empty", goal="none")
    await expect(page.locator("#card")).to_be_hidden()


async def test_viewers_of_the_event_and_of_a_session(page: Page, served: Served):
    await show(page, served, "viewers", peak=1)
    await expect(page.locator("#number")).to_have_text("1,200")
    await expect(page.locator("#words")).to_have_text("watching · Peak 1,500")

    await change(served, VIEWERS, viewers(2, 1301, 1500, night=801))
    await expect(page.locator("#number")).to_have_text("1,301")

    await show(page, served, "viewers", session="night")
    await expect(page.locator("#number")).to_have_text("801")
    await show(page, served, "viewers", session="gone")
    await expect(page.locator("#number")).to_have_text("0")


async def test_countdown_goes_to_the_start_and_then_to_the_end(page: Page, served: Served):
    soon = (datetime.now(UTC) + timedelta(days=3, hours=2, seconds=30)).isoformat()
    await change(served, STATE, state(2, status="scheduled", starts_at=soon))
    await show(page, served, "countdown")
    await expect(page.locator("#label")).to_have_text("Starts in")
    assert await page.locator(".unit").all_text_contents() == ["days", "hours", "minutes"]
    assert (await page.locator(".count").all_text_contents())[:2] == ["3", "02"]

    ends = (datetime.now(UTC) + timedelta(seconds=95)).isoformat()
    await change(served, STATE, state(3, ends_at=ends))
    await expect(page.locator("#label")).to_have_text("Ends in")
    assert await page.locator(".unit").all_text_contents() == ["minute", "seconds"]

    await change(served, STATE, state(4, status="ended"))
    await expect(page.locator("#done")).to_have_text("That\N{RIGHT SINGLE QUOTATION MARK}s it, thank you")
    await expect(page.locator("#parts")).to_be_hidden()


@pytest.mark.parametrize(
    ("to", "state_name", "label"),
    [
        ("start", "live", "We are live"),
        ("offer", "live", "Offer ends in"),
        ("offer:none", "empty", ""),
        ("soon", "empty", ""),
    ],
)
async def test_countdown_to_what_was_asked_for(page: Page, served: Served, to: str, state_name: str, label: str):
    await change(served, STATE, state(2, offers=[offer("RUBY", "15.00")]))
    await show(page, served, "countdown", state=state_name, to=to)

    if label:
        await expect(page.locator("#clock")).to_contain_text(label)
    else:
        await expect(page.locator("#clock")).to_be_hidden()


def offer(sku: str, price: str, minutes: int = 30, session: str = "") -> dict[str, Any]:
    now = datetime.now(UTC)
    starts, ends = (now - timedelta(minutes=5)).isoformat(), (now + timedelta(minutes=minutes)).isoformat()
    return {"id": f"o{price}", "session": session, "sku": sku, "price": price, "starts_at": starts, "ends_at": ends}


async def test_product_shows_the_latest_pin_with_offer_code_and_qr(page: Page, served: Served):
    ruby = pin("RUBY", 5, title="Ruby Woo", price="23.00", code="LIN10")
    offers = [offer("RUBY", "18.00"), offer("RUBY", "15.00", session="night"), offer("JADE", "1.00")]
    await change(served, STATE, state(2, rows=[session("night", ruby), session("duo", pin("OPAL", 1))], offers=offers))
    await show(page, served, "product", link="https://shop.example/l/lin-live")

    await expect(page.get_by_role("heading", name="Ruby Woo")).to_be_visible()
    await expect(page.locator("#price")).to_have_text("£15.00")
    await expect(page.locator("#was")).to_have_text("£23.00")
    await expect(page.locator("#code-text")).to_have_text("LIN10")
    await expect(page.locator("#offer")).to_contain_text("Offer ends in 29:")
    # 31 bytes at medium correction need the version of 29 modules; a quiet zone of two around it.
    await expect(page.get_by_role("img", name="Scan to buy")).to_have_attribute("viewBox", "0 0 33 33")

    await change(served, STATE, state(3, rows=[session("night", pin("OPAL", 9)), session("duo")]))

    await expect(page.locator("#title")).to_have_text("OPAL")
    await expect(page.locator("#prices")).to_be_hidden()
    await expect(page.locator("#offer")).to_be_hidden()
    await change(served, STATE, state(4, rows=[session("night")]))
    await expect(page.locator("#card")).to_be_hidden()


async def test_site_of_another_origin_gets_the_encoder_too(served: Served):
    async with httpx2.AsyncClient(follow_redirects=True) as client:
        today = await client.get(served.url("/components/v1/kos.js"))
        encoder = await client.get(str(today.url.join("vendor/qr.js")))
        outside = await client.get(str(today.url.join("vendor/../../vendor/preact/preact.js")))

    assert (encoder.status_code, encoder.headers["access-control-allow-origin"]) == (200, "*")
    assert outside.status_code == 404


@pytest.mark.parametrize("link", ["javascript:alert(1)", "//shop.example", ""])
async def test_product_makes_no_code_of_what_is_no_link(page: Page, served: Served, link: str):
    await change(served, STATE, state(2, rows=[session("night", pin("OPAL"))]))
    await show(page, served, "product", link=link)

    await expect(page.locator("#title")).to_have_text("OPAL")
    await expect(page.locator("#qr")).to_be_hidden()


async def test_offer_that_is_over_is_taken_off_without_a_word_from_the_server(page: Page, served: Served):
    ruby = session("night", pin("RUBY", price="23.00"))
    await change(served, STATE, state(2, rows=[ruby], offers=[offer("RUBY", "15.00", minutes=30)]))
    await show(page, served, "product")
    await expect(page.locator("#price")).to_have_text("£15.00")

    await later(page, "product", minutes=31)

    await expect(page.locator("#price")).to_have_text("£23.00")
    await expect(page.locator("#offer")).to_be_hidden()


async def later(page: Page, component: str, minutes: int) -> None:
    """Have the server's clock be ahead, for this component."""
    ahead = f"(element) => (element.now = () => Date.now() + {minutes * 60_000})"
    await page.locator(f"kos-{component}").evaluate(ahead)


async def test_console_speaks_before_the_event_and_both_leave_when_they_end(page: Page, served: Served):
    await change(served, STATE, state(2, announcements=[announcement("Welcome")]))
    await show(page, served, "announcement")
    await expect(page.get_by_role("status").filter(has_text="Welcome")).to_be_visible()

    await change(served, TOLD, told(1, message={"text": "Back at nine\nwith more", "until": None}))
    await expect(page.locator("#words")).to_have_text("Back at nine with more")
    await change(served, TOLD, told(2))
    await expect(page.locator("#words")).to_have_text("Welcome")
    ends = (datetime.now(UTC) + timedelta(minutes=30)).isoformat()
    await change(served, STATE, state(3, announcements=[announcement("Last words", ends)]))
    await expect(page.locator("#words")).to_have_text("Last words")
    await later(page, "announcement", minutes=31)
    await expect(page.locator("#card")).to_be_hidden()


async def test_token_that_may_not_hear_the_console_still_hears_the_event(page: Page, served: Served):
    del served.source.documents[TOLD]
    await change(served, STATE, state(2, announcements=[announcement("Welcome")]))
    await show(page, served, "announcement")

    await expect(page.locator("#words")).to_have_text("Welcome")
