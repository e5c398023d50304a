"""Overlay pages in a real browser: stages, scenes, what the console tells them, and nothing seen where nothing is."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import Browser, Page, expect

from tests.realtime.doubles import EPOCH, board
from tests.realtime.served import BOARD, Served, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOLD = "kos101/overlays"
SCORES = {"lin": 300, "ana": 200, "tom": 100}
STATE = {
    "event": "kos101",
    "event_name": "KOS101",
    "unit": "GBP",
    "epoch": EPOCH,
    "position": 1,
    "finality": "live",
    "frozen": False,
    "status": "live",
    "entered_at": "2026-01-01T00:00:00.000000Z",
    "timezone": "Europe/London",
    "starts_at": "2026-01-01T00:00:00.000000Z",
    "ends_at": "2099-01-01T00:00:00.000000Z",
    "offers": [],
    "goals": [],
    "announcements": [],
    "rows": [],
}
TWO = "board:40,40,620,500;board:1260,40,620,500,board=teams,name=teams,limit=2"


def told(second: int, **members: Any) -> dict[str, Any]:
    time = f"2026-11-22T10:00:{second:02}.000000Z"
    return {"event": "kos101", "time": time, "scene": "", "hidden": [], "message": None, "rooms": {}, **members}


def tell(served: Served, second: int, **members: Any) -> None:
    served.source.documents[TOLD] = told(second, **members)
    served.hub.mark_live(TOLD)


def prepare(served: Served) -> None:
    served.source.documents |= {
        BOARD: board(1, SCORES),
        "kos101/boards/teams": board(1, {"ruby": 5, "jade": 4, "opal": 3}, of="team"),
        TOLD: told(0),
        "kos101": STATE,
    }


async def open_page(page: Page, served: Served, component: str, **query: Any) -> None:
    parameters = "".join(f"&{name}={quote(str(value), safe=':,;=')}" for name, value in query.items())
    await page.goto(served.url(f"/overlay/kos101/{component}?token=good{parameters}"))


async def place(page: Page, name: str) -> list[int]:
    box = await page.locator(f'[data-part="{name}"]').bounding_box()
    assert box is not None
    return [round(box[side]) for side in ("x", "y", "width", "height")]


async def painted(page: Page, browser: Browser) -> dict[str, Any]:
    """Of the page as a video mixer takes it: how many points are seen at all, and the highest alpha of its corners."""
    picture = await page.screenshot(omit_background=True)
    other = await browser.new_page()
    found: dict[str, Any] = await other.evaluate(
        """async (bytes) => {
            const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
            const canvas = new OffscreenCanvas(image.width, image.height);
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const { data } = context.getImageData(0, 0, image.width, image.height);
            let seen = 0;
            for (let at = 3; at < data.length; at += 4) seen += data[at] > 0;
            const alpha = (x, y) => data[(y * image.width + x) * 4 + 3];
            const [right, bottom] = [image.width - 1, image.height - 1];
            return { seen, corners: Math.max(alpha(0, 0), alpha(right, 0), alpha(0, bottom), alpha(right, bottom)) };
        }""",
        list(picture),
    )
    await other.close()
    return found


async def advance(page: Page, seconds: int) -> None:
    """Virtual time goes on, with time for the server's answers in between: they take none of it."""
    for _ in range(seconds // 5):
        await page.clock.run_for(5_000)
        await asyncio.sleep(0.03)


@pytest.mark.parametrize(
    ("source", "teams"),
    [
        ((1920, 1080), [1260, 40, 620, 500]),
        ((960, 540), [630, 20, 310, 250]),
        ((3840, 2160), [2520, 80, 1240, 1000]),
        # Letters are never distorted: what is of another shape gets the largest stage that fits, in its middle.
        ((1920, 1440), [1260, 220, 620, 500]),
    ],
)
async def test_scene_is_the_same_picture_in_a_source_of_any_size(page: Page, source: tuple[int, int], teams: list[int]):
    async with serving() as served:
        prepare(served)
        await page.set_viewport_size({"width": source[0], "height": source[1]})
        await open_page(page, served, "scene", show=TWO)
        await expect(page.locator('[data-part="teams"] .row')).to_have_count(2)

        assert await place(page, "teams") == teams
        await expect(page.locator('[data-part="board"] .row')).to_have_count(3)


async def test_component_alone_may_be_put_anywhere(page: Page):
    async with serving() as served:
        prepare(served)
        await page.set_viewport_size({"width": 960, "height": 540})
        await open_page(page, served, "board", at="1000,100,800,900")
        await expect(page.locator(".row")).to_have_count(3)

        assert await place(page, "board") == [500, 50, 400, 450]


async def test_parts_that_cannot_be_read_are_left_out(page: Page):
    async with serving() as served:
        prepare(served)
        bad = "nonsense:0,0,1,1;board;board:1,2,3;board:1,2,x,4;board:0,0,0,9;;board:0,0,99999,9"
        await open_page(page, served, "scene", show=f"{bad};board:10,20,600,600,onclick=x,token=bad,title=50%25%2C up")

        await expect(page.locator("kos-board h1")).to_have_text("50%, up")
        await expect(page.locator("kos-board")).to_have_count(1)
        assert await page.locator("kos-board").get_attribute("onclick") is None


async def test_console_hides_and_shows_parts_which_stay_up_to_date(page: Page):
    async with serving() as served:
        prepare(served)
        await open_page(page, served, "scene", show=TWO)
        await expect(page.locator('[data-part="board"] .row')).to_have_count(3)

        tell(served, 1, hidden=["teams"])
        await expect(page.locator('[data-part="teams"]')).to_be_hidden()
        await expect(page.locator('[data-part="board"]')).to_be_visible()
        tell(served, 2, hidden=["board"])
        await expect(page.locator('[data-part="board"]')).to_be_hidden()
        await expect(page.locator('[data-part="teams"]')).to_be_hidden()
        await served.commit(2, lin=1, noor=9)
        await expect(page.locator('[data-part="board"] .row .name').first).to_have_text("Host noor")
        tell(served, 3)

        await expect(page.locator('[data-part="board"]')).to_be_visible()
        await expect(page.locator('[data-part="teams"]')).to_be_visible()


async def test_console_switches_scenes_for_all_or_one_room_and_back(page: Page, browser: Browser):
    async with serving() as served:
        prepare(served)
        lin = await browser.new_page(viewport={"width": 1920, "height": 1080})
        await page.set_viewport_size({"width": 1920, "height": 1080})
        await open_page(page, served, "scene", show="board:40,40,620,500")
        await open_page(lin, served, "scene", show="board:40,40,620,500", room="lin")
        for one in (page, lin):
            await expect(one.locator("kos-board .row")).to_have_count(3)
        element = await page.locator("kos-board").element_handle()

        tell(served, 1, scene="board", rooms={"lin": {"scene": "finale", "hidden": ["board"]}})
        await expect(page.locator('[data-part="board"]')).to_have_css("width", "760px")
        await expect(lin.locator('[data-part="team-bar"]')).to_be_attached()
        await expect(lin.locator('[data-part="board"]:not([data-hidden])')).to_have_count(0)
        tell(served, 2, scene="nowhere")
        await expect(page.locator('[data-part="board"]')).to_have_css("width", "620px")
        await expect(lin.locator('[data-part="board"]:not([data-hidden])')).to_have_css("width", "620px")

        # It moved, and was not made anew: nothing blinks, nothing is loaded again.
        assert await element.evaluate("(element) => element.isConnected")
        await lin.close()


async def test_room_that_is_late_shows_nothing_before_it_knows_by_how_much(page: Page):
    async with serving() as served:
        prepare(served)
        served.source.documents[TOLD] = told(1, rooms={"lin": {"delay_ms": 40_000}})
        await page.clock.install()
        await open_page(page, served, "board", room="lin")
        await expect(page.locator("kos-board")).to_have_attribute("data-state", "loading")
        async with asyncio.timeout(10):
            while {(TOLD, "public"), (BOARD, "public")} - set(served.source.reads):  # noqa: ASYNC110, nothing tells
                await asyncio.sleep(0.01)
        await advance(page, 20)
        assert await page.locator(".row").count() == 0
        await advance(page, 30)
        await expect(page.locator(".row")).to_have_count(3)

        # Spoken by the console during the show: from now on at once.
        tell(served, 2, rooms={"lin": {"delay_ms": 0}})
        await served.commit(2, noor=9)
        await expect(page.locator(".name").first).to_have_text("Host noor")


@pytest.mark.parametrize("component", ["board", "scene"])
async def test_nothing_is_seen_of_a_link_that_shows_nothing(page: Page, browser: Browser, component: str):
    async with serving() as served:
        prepare(served)
        served.source.gate.clear()
        cases = [("good", "kos101", "loading"), ("bad", "kos101", "refused"), ("good", "rival", "forbidden")]
        for token, event, state in cases:
            scene = "&show=board:0,0,800,800" if component == "scene" else ""
            await page.goto(served.url(f"/overlay/{event}/{component}?token={token}{scene}"))
            await expect(page.locator("kos-board")).to_have_attribute("data-state", state)
            assert await painted(page, browser) == {"seen": 0, "corners": 0}
        served.source.gate.set()


async def test_a_board_in_a_scene_is_seen_and_nothing_around_it(page: Page, browser: Browser):
    async with serving() as served:
        prepare(served)
        await page.set_viewport_size({"width": 1920, "height": 1080})
        await open_page(page, served, "scene", show="board:400,200,700,600")
        await expect(page.locator(".row")).to_have_count(3)
        found = await painted(page, browser)

        assert found["corners"] == 0
        assert 50_000 < found["seen"] < 700 * 600


async def test_stale_part_says_so_of_the_whole_scene(page: Page):
    async with serving() as served:
        prepare(served)
        await open_page(page, served, "scene", show=TWO, lang="en")
        await expect(page.locator('[data-part="teams"] .row')).to_have_count(2)
        await served.stop()

        await expect(page.locator("body")).to_have_attribute("data-state", "stale")
        await expect(page.locator('[data-part="board"] #badge')).to_contain_text("Reconnecting as of")
        await served.start()
        await expect(page.locator('[data-part="board"]')).to_be_visible()
        await expect(page.locator('[data-part="board"] #badge')).to_contain_text("Live")


async def test_hidden_for_an_hour_it_is_right_within_a_second_of_being_seen(page: Page):
    """As in OBS: the source was in no scene, frames and timers stood still, and the network went away meanwhile."""
    await page.add_init_script(
        """window.obsstudio = { pluginVersion: "2.24.4", getControlLevel: (tell) => tell(1) };
        let hidden = false;
        Object.defineProperty(document, "hidden", { get: () => hidden });
        window.setVisible = (visible) => {
            hidden = !visible;
            document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
            for (const name of ["obsSourceVisibleChanged", "obsSourceActiveChanged"])
                dispatchEvent(new CustomEvent(name, { detail: { visible, active: visible } }));
        };"""
    )
    await page.clock.install()
    async with serving() as served:
        prepare(served)
        await open_page(page, served, "board")
        await expect(page.locator(".row")).to_have_count(3)
        await page.evaluate("setVisible(false)")
        await served.stop()
        served.source.documents[BOARD] = board(900, {"noor": 900, "lin": 800})
        await served.start()
        await page.clock.fast_forward(3_600_000)

        moved = await page.evaluate(
            """async () => {
                const names = () => [...document.querySelector("kos-board").shadowRoot.querySelectorAll(".name")];
                setVisible(true);
                for (let waited = 0; waited < 1000; waited += 10) {
                    if (names()[0]?.textContent === "Host noor") return names().length;
                    await new Promise((go) => setTimeout(go, 10));
                }
                return 0;
            }"""
        )
        assert moved == 2
        await expect(page.locator("body")).to_have_attribute("data-state", "live")
        moving = "(board) => board.shadowRoot.getAnimations().length"
        assert await page.locator("kos-board").evaluate(moving) == 0


async def test_catching_up_after_an_outage_replays_nothing(page: Page):
    async with serving() as served:
        prepare(served)
        await open_page(page, served, "board")
        await expect(page.locator(".row")).to_have_count(3)
        await page.evaluate(
            """() => {
                window.moved = 0;
                const animate = Element.prototype.animate;
                Element.prototype.animate = function (...of) { window.moved += 1; return animate.apply(this, of); };
            }"""
        )
        await served.stop()
        await expect(page.locator("body")).to_have_attribute("data-state", "stale")
        served.source.documents[BOARD] = board(50, {"tom": 900, "ana": 800, "lin": 1})
        await served.start()
        await expect(page.locator(".name").first).to_have_text("Host tom")
        assert await page.evaluate("moved") == 0

        await served.commit(51, tom=900, ana=950, lin=1)
        await expect(page.locator(".name").first).to_have_text("Host ana")
        assert await page.evaluate("moved") > 0


async def test_reload_loses_nothing(page: Page):
    async with serving() as served:
        prepare(served)
        await open_page(page, served, "scene", show=TWO)
        tell(served, 1, hidden=["teams"])
        await served.commit(2, noor=9)
        await expect(page.locator('[data-part="teams"]')).to_be_hidden()
        await page.reload()

        await expect(page.locator('[data-part="board"] .name').first).to_have_text("Host noor")
        await expect(page.locator('[data-part="teams"]')).to_be_hidden()


async def test_sources_side_by_side_are_told_apart_by_their_tokens_only(page: Page):
    """What one part of a scene asks for never takes another event or token than the page's."""
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    async with serving() as served:
        prepare(served)
        await open_page(page, served, "scene", show=f"{TWO};board:0,0,100,100,event=rival,token=other,server=x,name=y")
        await expect(page.locator("kos-board[data-state=live]")).to_have_count(3)
        await asyncio.sleep(0.1)

    assert len(sockets) == 1
    assert sockets[0].endswith("token=good")


async def test_no_part_of_a_scene_stands_in_front_of_another_or_outside_the_picture(page: Page):
    async with serving() as served:
        await page.goto(served.url("/static/x/overlays/overlay.css"))
        scenes: list[tuple[str, str, dict[str, list[int]]]] = await page.evaluate(
            """async () => {
                const { SCENE_NAMES, sceneParts } = await import("/static/x/overlays/scenes.js");
                const places = (parts) => Object.fromEntries(parts.map((part) => [part.name, part.place]));
                return ["wide", "tall"].flatMap((shape) =>
                    SCENE_NAMES.map((name) => [name, shape, places(sceneParts(name, shape, new Map()))]));
            }"""
        )

    assert {name for name, _, _ in scenes} == {"board", "lower-third", "product", "full", "intro", "finale"}
    for name, shape, places in scenes:
        width, height = (1920, 1080) if shape == "wide" else (1080, 1920)
        boxes = [(left, top, left + wide, top + high) for left, top, wide, high in places.values()]
        assert all(box[0] >= 0 and box[1] >= 0 and box[2] <= width and box[3] <= height for box in boxes), (name, shape)
        for at, one in enumerate(boxes):
            for other in boxes[:at]:
                is_apart = one[0] >= other[2] or other[0] >= one[2] or one[1] >= other[3] or other[1] >= one[3]
                assert is_apart, (name, shape, one, other)
