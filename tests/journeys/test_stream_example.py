"""docs/examples/stream.mjs, a client by docs/protocol.md alone, stays right in a real Chromium whatever befalls it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, async_playwright

from tests.app_server import AppServer, Serve
from tests.event_client import EventClient
from tests.web.test_document import steps

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "stream.mjs"
CHANNELS = ["finale/boards/hosts", "finale/boards/teams.orders", "finale/orders"]
WAIT_MS = 30_000
# A socket that loses publications on demand before anybody hears them, and notes what is said over it.
MODULE = """
window.sent = []; window.lose = 0; window.shown = {}; window.ended = []; window.opened = 0;
const Real = WebSocket;
window.WebSocket = class extends Real {
  constructor(...given) {
    super(...given);
    this.addEventListener("open", () => { window.opened += 1; });
    this.addEventListener("message", (event) => {
      if (window.lose && JSON.parse(event.data).type === "publication") {
        window.lose -= 1;
        event.stopImmediatePropagation();
      }
    });
  }
  send(text) { window.sent.push({ connection: window.opened, ...JSON.parse(text) }); super.send(text); }
};
const example = window.example = await import("/stranger/stream.mjs");
window.start = (url, channels) => {
  window.stream = example.follow(
    url, channels,
    (channel, document, isStale) => { window.shown[channel] = { document, isStale }; },
    (...why) => window.ended.push(why),
  );
};
"""


@pytest.fixture
async def page(chromium: str) -> AsyncIterator[Page]:
    """A page with the example as its module; ``apply``, which it keeps to itself, is given to the test as well."""

    async def answer(route: Route) -> None:
        await route.fulfill(body=EXAMPLE.read_text() + "\nexport { apply };\n", content_type="text/javascript")

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.route("**/stranger/stream.mjs", answer)
        yield page
        await browser.close()
        assert errors == []


async def load(page: Page, server: AppServer) -> None:
    # A page of ours: one from elsewhere needs the browser's leave to reach this machine.
    await page.goto(f"{server.url}/healthz")
    await page.add_script_tag(content=MODULE, type="module")
    await page.wait_for_function("window.example")


async def start(page: Page, server: AppServer, token: str) -> None:
    await load(page, server)
    query = f"?token={token}" if token else ""
    await page.evaluate(
        "([url, channels]) => start(url, channels)",
        [f"{server.url.replace('http', 'ws', 1)}/v1/stream{query}", CHANNELS],
    )


async def shown(page: Page, channel: str, position: int) -> dict[str, Any]:
    """What the page shows of a channel, once it stands there and is not stale."""
    await page.wait_for_function(
        "([channel, position]) => shown[channel]?.document.position >= position && !shown[channel].isStale",
        arg=[channel, position],
        timeout=WAIT_MS,
    )
    document: dict[str, Any] = await page.evaluate("channel => shown[channel].document", channel)
    return document


async def assert_right(page: Page, event: EventClient) -> None:
    """Every board is the API's, and the ticker stands where they stand."""
    for channel in CHANNELS[:2]:
        board = await event.board(channel.rpartition("/")[2])
        assert await shown(page, channel, board["position"]) == board
    ticker = await shown(page, CHANNELS[2], board["position"])
    assert ticker["rows"][0]["position"] == board["position"]


async def test_example_shows_what_the_server_knows_through_a_gap_a_restart_and_a_crash(
    serve: Serve, database_url: str, page: Page
):
    async with serve(database_url) as server, server.client() as client:
        event = await EventClient(client, "finale").open()
        await event.sell("1", "h7")
        token = (await client.post("/v1/tokens", json={"event": "finale", "kind": "overlay"})).json()["token"]
        await start(page, server, token)
        await assert_right(page, event)
        await event.sell("2", "h8", "30.00")
        await assert_right(page, event)

        await page.evaluate("() => { lose = 3; }")
        await event.sell("3", "h9", "40.00")
        await page.wait_for_function("lose === 0", timeout=WAIT_MS)
        await event.sell("4", "h10", "1.00")
        await assert_right(page, event)
        asked = await page.evaluate("sent.filter(({ type, position }) => type === 'subscribe' && position)")
        assert sorted(message["channel"] for message in asked) == sorted(CHANNELS)
        assert {message["connection"] for message in asked} == {1}

        server.stop()
        await page.wait_for_function("Object.values(shown).every((one) => one.isStale)", timeout=WAIT_MS)
        await server.restart()
        await event.sell("5", "h9", "99.99")
        await assert_right(page, event)

        server.kill()
        await page.wait_for_function("Object.values(shown).every((one) => one.isStale)", timeout=WAIT_MS)
        await server.restart()
        await event.sell("6", "h8", "500.00")
        await assert_right(page, event)
        assert await page.evaluate("[opened >= 3, ended]") == [True, []]


async def test_example_whose_token_is_revoked_says_so_and_does_not_come_back(serve: Serve, tmp_path: Path, page: Page):
    async with serve(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as server, server.client() as client:
        event = await EventClient(client, "finale").open()
        token = (await client.post("/v1/tokens", json={"event": "finale", "kind": "overlay"})).json()
        await start(page, server, token["token"])
        board = await event.board("hosts")
        assert await shown(page, CHANNELS[0], board["position"]) == board

        assert (await client.delete(f"/v1/tokens/{token['id']}")).status_code == 204
        await page.wait_for_function("ended.length", timeout=WAIT_MS)

        assert await page.evaluate("[opened, ended]") == [1, [[4502]]]
        assert await page.evaluate("Object.values(shown).every((one) => one.isStale)")


async def test_example_without_a_token_says_what_is_public_no_longer(serve: Serve, tmp_path: Path, page: Page):
    async with serve(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as server, server.client() as client:
        event = await EventClient(client, "finale").open()
        await event.ok("PATCH", "/rules", {"public_channels": ["boards", "orders"]})
        await start(page, server, "")
        await event.sell("1", "h7")
        await assert_right(page, event)

        await event.ok("PATCH", "/rules", {"public_channels": ["boards"]})
        await page.wait_for_function("ended.length", timeout=WAIT_MS)
        await event.sell("2", "h7")

        board = await event.board("hosts")
        assert await shown(page, CHANNELS[0], board["position"]) == board
        assert await page.evaluate("[opened, ended]") == [1, [["unsubscribed", CHANNELS[2]]]]


async def test_example_applies_every_delta_as_the_server_does_and_orders_ids_by_code_points(
    serve: Serve, tmp_path: Path, page: Page
):
    given = steps()
    ids = ["a", "ab", "b", "z", "\ue000", "\U0001f484", "\U0001f484a", "林"]
    rows = [{"id": identity, "rank": 1} for identity in reversed(ids)]
    async with serve(f"sqlite+aiosqlite:///{tmp_path}/kos.db") as server:
        await load(page, server)
        outcomes = await page.evaluate(
            "(steps) => steps.map(({ held, message }) => example.apply(held, message.delta, message.position))", given
        )
        made = await page.evaluate("(rows) => example.apply({ rows: [] }, { rows, gone: [] }, 1)", rows)

    assert len(outcomes) > 300
    assert [step["expected"] for step in given] == outcomes
    assert [row["id"] for row in made["rows"]] == sorted(ids)


def test_example_is_short_enough_to_be_read():
    assert len(EXAMPLE.read_text().splitlines()) < 60
    assert "import" not in EXAMPLE.read_text()
