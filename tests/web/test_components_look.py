"""A brand's look reaches every component: theme, colours, logos, font; and again when it changes."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.api.test_openapi import caller
from tests.app_server import AppServer, start_app_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]

FONT = Path(__file__).parents[1] / "data" / "press-start-2p" / "press-start-2p-latin-400-normal.woff2"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1" fill="#123456"/></svg>'
ROSTER = {
    "teams": [{"id": "ruby", "name": "Ruby"}, {"id": "jade", "name": "Jade"}],
    "hosts": [{"id": "lin", "name": "Lin", "team": "ruby"}, {"id": "mei", "name": "Mei", "team": "jade"}],
}
LOOK = {"theme": "gala", "colors": {"accent": "#0a84ff"}, "team_colors": {"ruby": "#bada55"}}


class Event:
    """A live event on a real server, and where its overlays are."""

    def __init__(self, server: AppServer, client: httpx2.Client) -> None:
        self.server, self.client, self.path = server, client, "/v1/events/spring"
        event = {"id": "spring", "currency": "GBP", "starts_at": "2026-01-01T00:00:00Z"}
        client.post("/v1/events", json=event | {"ends_at": "2099-01-01T00:00:00Z"}).raise_for_status()
        client.put(f"{self.path}/roster", json=ROSTER).raise_for_status()
        for status in ("scheduled", "live"):
            client.post(f"{self.path}/transitions", json={"to": status}).raise_for_status()
        made = client.post("/v1/tokens", json={"event": "spring"}).raise_for_status()
        self.token = made.json()["token"]

    def look(self, **members: object) -> None:
        self.client.put(f"{self.path}/look", json=members).raise_for_status()

    def asset(self, content: bytes, media_type: str) -> str:
        made = self.client.post(f"{self.path}/assets", content=content, headers={"Content-Type": media_type})
        return str(made.raise_for_status().json()["asset"])

    def overlay(self, component: str, **query: str) -> str:
        parameters = "".join(f"&{name}={value}" for name, value in query.items())
        return f"{self.server.url}/overlay/spring/{component}?token={self.token}{parameters}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def event(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Event]:
    server = start_app_server(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database')}/kos.db")
    with caller(server) as client:
        yield Event(server, client)
    server.close()


async def color(page: Page, component: str, name: str) -> str:
    script = f"(element) => getComputedStyle(element).getPropertyValue('--k-{name}').trim()"
    return str(await page.locator(f"kos-{component}").evaluate(script))


async def test_open_overlay_is_dressed_anew_when_the_look_changes(page: Page, event: Event):
    event.look()
    await page.goto(event.overlay("team-bar"))
    bar = page.locator("kos-team-bar")
    await expect(bar).to_have_attribute("data-theme", "dark")

    event.look(**LOOK, team_logos={"ruby": event.asset(SVG, "image/svg+xml")})

    await expect(bar).to_have_attribute("data-theme", "gala")
    assert await color(page, "team-bar", "accent") == "#0a84ff"
    assert await color(page, "team-bar", "on-accent") == "#0b0d14"
    part = page.locator('.part[data-id="ruby"]')
    assert await part.evaluate("(part) => part.style.getPropertyValue('--team')") == "#bada55"
    await expect(page.locator('.team[data-id="ruby"] img')).to_be_visible()
    await expect(page.locator('.team[data-id="jade"] .mark span')).to_have_text("J")

    event.look()

    await expect(bar).to_have_attribute("data-theme", "dark")
    await expect(page.locator('.team[data-id="ruby"] img')).to_be_hidden()
    assert await color(page, "team-bar", "accent") != "#0a84ff"


async def test_address_and_custom_css_go_before_the_look(page: Page, event: Event):
    event.look(**LOOK)
    await page.goto(event.overlay("board", theme="light", colors="ruby:112233"))
    await expect(page.locator("kos-board")).to_have_attribute("data-theme", "light")
    await expect(page.locator('.row[data-id="lin"]')).to_be_visible()
    team = "(row) => row.style.getPropertyValue('--team')"

    assert await page.locator('.row[data-id="lin"]').evaluate(team) == "#112233"
    await page.add_style_tag(content=":root { --accent: #654321; }")
    assert await color(page, "board", "accent") == "#654321"


async def test_look_is_there_from_the_first_picture_of_the_next_load(page: Page, event: Event):
    """Also while the server does not answer who asks for it."""
    event.look(**LOOK)
    await page.goto(event.overlay("viewers"))
    await expect(page.locator("kos-viewers")).to_have_attribute("data-theme", "gala")
    await page.route(re.compile(r"/v1/events/\w+/look"), lambda route: route.abort())

    await page.reload()

    await expect(page.locator("kos-viewers")).to_have_attribute("data-state", "live")
    assert await page.locator("kos-viewers").get_attribute("data-theme") == "gala"


async def test_overlay_is_drawn_with_the_font_of_the_look(page: Page, event: Event):
    """Of this font every letter is as wide as it is high, so its words have a width that follows from their length."""
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    font = event.asset(FONT.read_bytes(), "font/woff2")
    event.look(font=font)
    async with page.expect_response(lambda response: response.url.endswith(f"/assets/{font}")):
        await page.goto(event.overlay("countdown", title="Illinois"))
    label = page.locator("kos-countdown .label")
    await expect(label).to_have_text("Illinois")

    faces = await page.evaluate("Promise.all([...document.fonts].map(async (face) => (await face.loaded).family))")

    assert faces == [f"kos-{font[:16]}"]
    assert await page.evaluate("([name]) => document.fonts.check(`16px ${name}`)", faces)
    measured = await label.evaluate("""(label) => {
        const range = document.createRange();
        range.selectNodeContents(label);
        const { fontSize, letterSpacing } = getComputedStyle(label);
        return [range.getBoundingClientRect().width, parseFloat(fontSize), parseFloat(letterSpacing) || 0];
    }""")
    width, size, spacing = measured
    assert width == pytest.approx(8 * (size + spacing), rel=0.02)
    assert refused == []


async def test_font_of_the_look_comes_from_the_server_and_if_it_is_none_nothing_is_lost(page: Page, event: Event):
    font = event.asset(b"wOF2 and nothing else", "font/woff2")
    event.look(font=font)
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))

    async with page.expect_response(lambda response: response.url.endswith(f"/assets/{font}")) as served:
        await page.goto(event.overlay("viewers"))

    assert (await served.value).status == 200
    await expect(page.locator("#number")).to_be_visible()
    family = await page.locator("kos-viewers").evaluate("(element) => getComputedStyle(element).fontFamily")
    assert family.startswith(f"kos-{font[:16]}, Inter")
    assert hosts == {event.server.url.split("/")[2]}
    event.look()


async def test_pinned_product_shows_its_picture(page: Page, event: Event):
    picture = event.asset(SVG, "image/svg+xml")
    session = {"id": "night", "hosts": [{"id": "lin"}]}
    event.client.post(f"{event.path}/sessions", json=session).raise_for_status()
    pin = {"session": "night", "sku": "RUBY", "title": "Ruby Woo", "price": "23.00", "image": picture}
    event.client.post(f"{event.path}/pins", json=pin).raise_for_status()

    await page.goto(event.overlay("product", lang="en-GB"))

    await expect(page.locator("#title")).to_have_text("Ruby Woo")
    await expect(page.locator("#price")).to_have_text("£23.00")
    await expect(page.locator("#image")).to_be_visible()


async def test_goal_follows_the_orders_of_the_event(page: Page, event: Event):
    goal = {"id": "g1", "title": "Fifty", "measure": "net_sales", "target": "50.00"}
    event.client.post(f"{event.path}/goals", json=goal).raise_for_status()
    await page.goto(event.overlay("goal", lang="en-GB"))
    await expect(page.locator("#share")).to_have_text("0%")

    order = {"id": "1", "paid_at": "2026-02-01T12:00:00Z", "currency": "GBP", "host": "lin"}
    lines = [{"quantity": 1, "unit_price": "50.00"}]
    event.client.post(f"{event.path}/orders", json={**order, "lines": lines}).raise_for_status()

    await expect(page.locator("#reached")).to_have_text("Goal reached")
    await expect(page.locator("#value")).to_have_text("£50.00")
