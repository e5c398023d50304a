"""The board overlay in a real browser: it shows what the stream says, says when it cannot, and comes back alone."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.realtime.doubles import board
from tests.realtime.served import BOARD, Served, serving
from tests.web.test_embedding import NOTHING_TOLD

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]

SCORES = {"lin": 300, "ana": 200, "tom": 100}


def ruby_board(position: int, scores: dict[str, int], **fields: Any) -> dict[str, Any]:
    document = board(position, scores, **fields)
    for row in document["rows"]:
        row |= {"team": "ruby", "gap": "1234.50"}
    return document


async def open_board(page: Page, served: Served, state: str = "live", **query: Any) -> None:
    await page.goto(served.page(**query))
    await expect(page.locator("body")).to_have_attribute("data-state", state)


async def shown(page: Page, selector: str = ".name") -> list[str]:
    return await page.locator(f".row {selector}").all_text_contents()


async def test_board_is_a_ranked_list_with_names_teams_and_money(page: Page):
    async with serving() as served:
        served.source.documents[BOARD] = ruby_board(1, SCORES)
        await open_board(page, served, lang="en-GB", gap=1)

        assert await shown(page, ".rank") == ["1", "2", "3"]
        assert await shown(page) == ["Host lin", "Host ana", "Host tom"]
        assert await shown(page, ".team") == ["Ruby"] * 3
        assert await shown(page, ".score") == ["£300.00", "£200.00", "£100.00"]
        assert await shown(page, ".gap") == ["\N{MINUS SIGN}£1,234.50"] * 3
        await expect(page.get_by_role("heading", level=1)).to_have_text("Hosts · Net sales")
        await expect(page.get_by_role("list", name="Hosts · Net sales").get_by_role("listitem")).to_have_count(3)
        await expect(page.locator("#badge")).to_contain_text("Live")


async def test_sale_lets_a_row_climb(page: Page):
    async with serving() as served:
        served.source.documents[BOARD] = board(1, SCORES)
        await open_board(page, served)

        await served.commit(2, **SCORES | {"tom": 500})
        await expect(page.locator(".row").first).to_contain_text("Host tom")
        tom = page.locator('.row[data-id="tom"]')
        await tom.evaluate("(row) => row.getAnimations().forEach((animation) => animation.pause())")
        await tom.evaluate("(row) => row.getAnimations().forEach((animation) => (animation.currentTime = 0))")
        start = await tom.evaluate("(row) => new DOMMatrix(getComputedStyle(row).transform).f")
        height = await tom.evaluate("(row) => row.offsetHeight")

        assert await shown(page) == ["Host tom", "Host lin", "Host ana"]
        assert start > 2 * height
        await expect(tom.locator(".move")).to_have_text("▲2")
        await expect(page.locator("#spoken")).to_have_text("Host tom is now number 1", timeout=5000)


async def test_sale_that_changes_no_order_has_nothing_laid_out_to_find_out_where_rows_are(page: Page):
    async with serving() as served:
        served.source.documents[BOARD] = board(1, SCORES)
        await open_board(page, served)
        await page.evaluate(
            """() => {
                window.asked = 0;
                for (const name of ["getBoundingClientRect", "getAnimations"]) {
                    const own = Element.prototype[name];
                    Element.prototype[name] = function (...given) { asked += 1; return own.apply(this, given); };
                }
            }"""
        )

        await served.commit(2, **SCORES | {"lin": 350})
        await expect(page.locator(".row").first).to_contain_text("350")
        unmoved = await page.evaluate("asked")
        await served.commit(3, **SCORES | {"lin": 350, "tom": 500})
        await expect(page.locator(".row").first).to_contain_text("Host tom")

        assert unmoved == 0
        assert await page.evaluate("asked") == 2 * len(SCORES)


async def test_nothing_moves_for_who_asked_for_stillness(page: Page):
    await page.emulate_media(reduced_motion="reduce")
    async with serving() as served:
        served.source.documents[BOARD] = board(1, SCORES)
        await open_board(page, served)

        await served.commit(2, **SCORES | {"tom": 500})
        await expect(page.locator(".row").first).to_contain_text("Host tom")

        moving = "(rows) => rows.flatMap((row) => row.getAnimations({ subtree: true })).length"
        assert await page.locator(".row").evaluate_all(moving) == 0


async def test_row_that_enters_and_row_that_leaves(page: Page):
    async with serving() as served:
        served.source.documents[BOARD] = board(1, SCORES)
        await open_board(page, served, limit=3)

        await served.commit(2, **SCORES | {"noor": 250})
        await expect(page.locator('.row[data-id="noor"]')).to_be_visible()

        assert await shown(page) == ["Host lin", "Host noor", "Host ana"]
        await expect(page.locator("#event")).to_contain_text("Top 3 of 4")


async def test_board_at_the_right_edge_reads_from_the_left_all_the_same(page: Page):
    async with serving() as served:
        served.source.documents[BOARD] = ruby_board(1, SCORES)
        await page.set_viewport_size({"width": 1920, "height": 1080})
        await open_board(page, served, align="right")

        left = await page.locator(".name").first.evaluate(
            "(name) => { const range = document.createRange(); range.selectNodeContents(name);"
            " return range.getBoundingClientRect().left - name.parentElement.getBoundingClientRect().left; }"
        )
        row = await page.locator(".row").first.bounding_box()
        assert row is not None
        assert row["x"] > 960
        assert abs(left) < 1


async def test_names_are_text_and_a_missing_name_is_the_id(page: Page):
    async with serving() as served:
        document = board(1, {"h1": 2, "h2": 1})
        document["rows"][0]["name"] = "<img src=x onerror=alert(1)>"
        del document["rows"][1]["name"]
        served.source.documents[BOARD] = document
        await open_board(page, served)

        assert await shown(page) == ["<img src=x onerror=alert(1)>", "h2"]
        assert await page.locator("img").count() == 0


async def test_language_and_unit_of_numbers(page: Page):
    async with serving() as served:
        document = board(1, {"h1": 1}, unit="EUR")
        document["rows"][0]["score"] = "1234567.80"
        served.source.documents[BOARD] = document
        await open_board(page, served, lang="de")
        assert await shown(page, ".score") == ["1.234.567,80\xa0€"]
        await expect(page.locator("h1")).to_have_text("Hosts · Nettoumsatz")

        served.publish(board(2, {"h1": 1}, unit="units", measure="units"))
        await expect(page.locator("h1")).to_have_text("Hosts · Stückzahl")
        # Above what a float holds exactly, in a currency without decimals.
        document["rows"][0]["score"] = "9007199254740993"
        served.publish(document | {"position": 3, "unit": "JPY"})
        await expect(page.locator(".score")).to_have_text("9.007.199.254.740.993\xa0¥")


async def test_language_that_is_none_falls_back(page: Page):
    async with serving() as served:
        await open_board(page, served, lang="not_a_language!", limit="many", scale="-", theme="pink")

        await expect(page.locator(".row")).to_have_count(1)


async def test_restarted_server_first_a_stale_badge_then_the_new_state(page: Page):
    async with serving() as served:
        served.source.documents[BOARD] = board(1, SCORES)
        await open_board(page, served, lang="en")
        await served.stop()
        await expect(page.locator("body")).to_have_attribute("data-state", "stale")
        await expect(page.locator("#badge")).to_contain_text("Reconnecting as of")
        assert await shown(page) == ["Host lin", "Host ana", "Host tom"]

        served.source.documents[BOARD] = board(5, SCORES | {"ana": 900})
        await served.start()

        await expect(page.locator("body")).to_have_attribute("data-state", "live", timeout=15_000)
        assert await shown(page) == ["Host ana", "Host lin", "Host tom"]


async def test_journal_that_began_anew_replaces_what_was_shown(page: Page):
    async with serving() as served:
        served.source.documents[BOARD] = board(90, SCORES)
        await open_board(page, served)

        served.publish(board(2, {"new": 1}, epoch="00000000"))

        await expect(page.locator(".row")).to_have_count(1)
        await served.commit(3, never=1)
        served.publish(board(3, {"new": 1, "newer": 2}, epoch="00000000"))
        await expect(page.locator(".row")).to_have_count(2)


async def test_states_that_show_no_board_say_why_where_a_link_is_tried_out(page: Page):
    async with serving() as served:
        served.source.documents["kos101/boards/empty"] = board(1, {})
        cases = [
            ("refused", "This link is no longer valid", {"token": "bad"}),
            ("forbidden", "This link does not open this part", {"event": "rival"}),
            ("unknown", "There is nothing of this name", {"board": "none"}),
            ("unknown", "There is nothing of this name", {"board": "%20%00"}),
            ("empty", "No sales yet", {"board": "empty"}),
        ]
        for state, sentence, query in cases:
            await open_board(page, served, state, lang="en", preview=1, **query)
            await expect(page.locator("#notice")).to_contain_text(sentence)

        served.source.gate.clear()
        served.source.documents["kos101/boards/slow"] = board(1, SCORES)
        await open_board(page, served, "loading", board="slow", lang="en", preview=1)
        await expect(page.locator("#notice")).to_have_text("Connecting…")
        served.source.gate.set()
        await expect(page.locator(".row")).to_have_count(3)
        await expect(page.locator("#notice")).to_be_hidden()


async def test_revoked_token_keeps_the_last_board_says_so_and_does_not_come_back(page: Page):
    sockets: list[Any] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    async with serving(token_check_seconds=0.05) as served:
        served.source.documents[BOARD] = board(1, SCORES)
        await open_board(page, served, lang="en")

        served.tokens.clear()

        await expect(page.locator("body")).to_have_attribute("data-state", "ended")
        await expect(page.locator("#badge")).to_contain_text("Access ended as of")
        assert await shown(page) == ["Host lin", "Host ana", "Host tom"]
        await asyncio.sleep(1.5)
        assert len(sockets) == 1


async def test_frozen_and_final_boards_are_not_called_live(page: Page):
    async with serving() as served:
        served.source.documents[BOARD] = board(1, SCORES, frozen=True)
        await open_board(page, served, lang="en")
        await expect(page.locator("#badge")).to_contain_text("Results pending")

        served.publish(board(2, SCORES, finality="final"))

        await expect(page.locator("#badge")).to_contain_text("Final")


async def test_everything_but_the_board_is_transparent(page: Page, browser: Browser):
    async with serving() as served:
        served.source.documents[BOARD] = ruby_board(1, SCORES)
        await page.set_viewport_size({"width": 1920, "height": 1080})
        await open_board(page, served)
        picture = await page.screenshot(omit_background=True)

    other = await browser.new_page()
    alphas = await other.evaluate(
        """async (bytes) => {
            const image = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
            const canvas = new OffscreenCanvas(image.width, image.height);
            const context = canvas.getContext("2d");
            context.drawImage(image, 0, 0);
            const alpha = (x, y) => context.getImageData(x, y, 1, 1).data[3];
            return { corner: alpha(1919, 1079), edge: alpha(2, 2), besides: alpha(1500, 60), head: alpha(300, 40) };
        }""",
        list(picture),
    )
    assert alphas["corner"] == alphas["edge"] == alphas["besides"] == 0
    assert alphas["head"] > 180


async def test_rows_fit_every_stage_whole_and_large(page: Page):
    scores = {f"h{number}": number for number in range(1, 41)}
    stages = [(800, 600, 10, 10, 17), (1920, 1080, 10, 10, 26), (1080, 1920, 20, 20, 26), (400, 300, 40, 6, 10)]
    async with serving() as served:
        served.source.documents[BOARD] = ruby_board(1, scores)
        for width, height, limit, rows, text_px in stages:
            await page.set_viewport_size({"width": width, "height": height})
            await open_board(page, served, limit=limit)
            boxes = await page.locator(".row").evaluate_all(
                "(rows) => rows.map((row) => row.getBoundingClientRect().toJSON())"
            )
            size = await page.locator(".name").first.evaluate("(name) => parseFloat(getComputedStyle(name).fontSize)")

            assert len(boxes) >= rows
            assert all(box["bottom"] <= height and box["right"] <= width for box in boxes)
            assert size >= text_px


async def test_hidden_page_collects_nothing_and_shows_the_present_when_it_is_seen_again(page: Page):
    """Hours behind another scene: frames stop, publications go on."""
    await page.add_init_script(
        """let hidden = false;
        Object.defineProperty(document, "hidden", { get: () => hidden });
        const frames = requestAnimationFrame.bind(window);
        window.requestAnimationFrame = (callback) => (hidden ? asked++ : frames(callback));
        window.asked = 0;
        window.WebSocket = class extends WebSocket {
            constructor(...options) {
                super(...options);
                this.addEventListener("message", (message) => (window.heard = message.data));
            }
        };
        window.hide = (value) => {
            hidden = value;
            document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
        };"""
    )
    async with serving(publish_interval_ms=0) as served:
        served.source.documents[BOARD] = board(1, SCORES)
        await open_board(page, served)
        await page.evaluate("hide(true)")
        for position in range(2, 300):
            await served.commit(position, **SCORES | {f"h{position % 7}": position * 10})
            await asyncio.sleep(0.002)
        # What came after it is seen again would move, and rightly so.
        await page.wait_for_function("heard.includes('\"position\":299')", polling=20)
        before = await shown(page)
        asked = await page.evaluate("asked")

        await page.evaluate("hide(false)")
        await expect(page.locator(".row")).to_have_count(4)
        moving = await page.locator("kos-board").evaluate("(board) => board.shadowRoot.getAnimations().length")

    assert before == ["Host lin", "Host ana", "Host tom"]
    assert asked == 1
    assert moving == 0


async def test_hundreds_of_changes_leave_no_elements_or_animations_behind(page: Page):
    async with serving(publish_interval_ms=0) as served:
        served.source.documents[BOARD] = board(1, SCORES)
        await open_board(page, served, limit=5)
        for position in range(2, 400):
            scores = {f"h{position * factor % 11}": position * factor % 97 for factor in range(1, 9)}
            await served.commit(position, **scores)
            await asyncio.sleep(0.003)
        await expect(page.locator(".row")).to_have_count(5)

        root = page.locator("kos-board")
        assert await root.evaluate("(board) => board.shadowRoot.getAnimations().length") <= 5 * 3
        assert await root.evaluate("(board) => board.shadowRoot.querySelectorAll('*').length") < 90


async def test_custom_css_of_the_broadcaster_applies(page: Page):
    """OBS adds it as a style element once the page has loaded."""
    async with serving() as served:
        await open_board(page, served)

        await page.evaluate(
            """() => {
                const style = document.createElement("style");
                style.innerHTML = ":root { --gold: rgb(1 2 3); }";
                document.head.appendChild(style);
            }"""
        )

        color = await page.locator(".rank").first.evaluate("(rank) => getComputedStyle(rank).color")
        assert color == "rgb(1, 2, 3)"


async def test_page_asks_only_its_own_server_and_its_policy_forbids_nothing_it_does(page: Page):
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    async with serving() as served:
        served.source.documents["kos101/overlays"] = NOTHING_TOLD
        await open_board(page, served)
        await served.commit(2, a=5)
        await expect(page.locator(".score")).to_contain_text("5")

        assert all(url.startswith((f"http://127.0.0.1:{served.port}/", "data:,")) for url in asked)
    assert complaints == []


async def test_colours_of_teams_may_be_chosen(page: Page):
    async with serving() as served:
        served.source.documents[BOARD] = ruby_board(1, SCORES)
        await open_board(page, served, colors="ruby:00ff00,jade:red;x")

        assert await page.locator(".row").first.evaluate("(row) => row.style.getPropertyValue('--team')") == "#00ff00"
