"""The client of every page against a scripted server: gaps, silence, refusals, and how often it comes back."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.realtime.doubles import EPOCH, board
from tests.realtime.served import BOARD, Served, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCORES = {"lin": 300, "ana": 200}
NOTE_STATES = """() => {
    window.states = [];
    const note = () => window.states.push(document.body.dataset.state);
    new MutationObserver(note).observe(document.body, { attributeFilter: ["data-state"] });
}"""


class Script:
    """A server that says what a test tells it to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.sockets: list[WebSocketRoute] = []
        self.answers_pings = True
        self.document = board(10, SCORES)

    def accept(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda text: self.hear(socket, orjson.loads(text)))

    def hear(self, socket: WebSocketRoute, message: dict[str, Any]) -> None:
        if message.get("channel") == "kos101/overlays":
            # The page's own, which no test here is about.
            error = {"code": "channel_forbidden", "message": "Not yours."}
            self.say(socket, type="error", id=message["id"], **error)
            return
        self.asked.append(message)
        if message["type"] == "subscribe":
            self.answer(socket, message)
        elif self.answers_pings:
            self.say(socket, type="pong")

    def answer(self, socket: WebSocketRoute, message: dict[str, Any]) -> None:
        held = {"epoch": EPOCH, "position": self.document["position"], "snapshot": self.document}
        self.say(socket, type="subscribed", id=message["id"], channel=BOARD, **held)

    def say(self, socket: WebSocketRoute, **message: Any) -> None:
        socket.send(orjson.dumps(message).decode())

    def publish(self, previous: int, position: int, **delta: Any) -> None:
        delta = {"rows": [], "gone": [], **delta}
        self.say(self.sockets[-1], type="publication", channel=BOARD, previous=previous, position=position, delta=delta)

    def subscribes(self) -> list[dict[str, Any]]:
        return [message for message in self.asked if message["type"] == "subscribe"]


async def open_scripted(page: Page, script: Script, served: Served, state: str = "live") -> None:
    await page.route_web_socket("**/v1/stream*", script.accept)
    await page.goto(served.page(lang="en"))
    await expect(page.locator("body")).to_have_attribute("data-state", state)


def row(identity: str, rank: int, score: str) -> dict[str, Any]:
    return {"id": identity, "rank": rank, "score": score}


async def test_delta_is_applied_once_older_ones_are_ignored_and_a_gap_is_asked_for(page: Page):
    script = Script()
    async with serving() as served:
        await open_scripted(page, script, served)
        score = page.locator('.row[data-id="lin"] .score')

        script.publish(8, 10, rows=[row("lin", 1, "1.00")])
        script.publish(10, 12, rows=[row("lin", 1, "2.00")])
        await expect(score).to_have_text("£2.00")
        script.publish(9, 13, rows=[row("lin", 1, "3.00")])
        await expect(score).to_have_text("£3.00")
        script.publish(11, 12, rows=[row("lin", 1, "4.00")])
        script.document = board(20, {"lin": 9})
        script.publish(15, 16, rows=[row("lin", 1, "5.00")])
        await expect(score).to_have_text("£9.00")

    assert [(ask.get("position"), ask.get("epoch")) for ask in script.subscribes()] == [(None, None), (13, EPOCH)]
    await expect(page.locator(".row")).to_have_count(1)


async def test_publications_between_a_gap_and_its_answer_are_left_alone(page: Page):
    script = Script()
    async with serving() as served:
        await open_scripted(page, script, served)
        waiting: list[dict[str, Any]] = []
        script.answer = lambda socket, message: waiting.append(message)  # type: ignore[method-assign]

        script.publish(15, 16)
        script.publish(16, 17)
        await page.wait_for_timeout(100)
        assert len(waiting) == 1
        delta = {"rows": [row("lin", 1, "7.00")], "gone": ["ana"], "rows_total": 1}
        subscribed = {"type": "subscribed", "id": waiting[0]["id"], "channel": BOARD, "epoch": EPOCH}
        script.say(script.sockets[-1], **subscribed, position=17, delta=delta)

        await expect(page.locator(".row .score")).to_have_text(["£7.00"])


async def test_silent_server_is_asked_then_given_up_and_left_for_a_new_connection(page: Page):
    script = Script()
    await page.clock.install()
    async with serving() as served:
        await open_scripted(page, script, served)
        await page.clock.run_for(11_000)
        await page.wait_for_timeout(50)
        assert [ask["type"] for ask in script.asked] == ["subscribe", "ping"]
        await page.clock.run_for(9_000)
        await expect(page.locator("body")).to_have_attribute("data-state", "live")

        script.answers_pings = False
        # It comes back within half a second: whoever looks now and then may miss that it was away.
        await page.evaluate(NOTE_STATES)
        for _ in range(22):
            await page.clock.run_for(1_000)
            await page.wait_for_timeout(20)
            if len(script.sockets) == 2:
                break

        await expect(page.locator("body")).to_have_attribute("data-state", "live")
        assert "stale" in await page.evaluate("window.states")
        assert len(script.sockets) == 2
        assert script.subscribes()[-1]["position"] == 10


async def test_waits_between_attempts_grow_are_bounded_and_differ(page: Page):
    script = Script()
    attempts: list[float] = []
    await page.clock.install()
    async with serving() as served:
        await open_scripted(page, script, served)

        async def refuse(socket: WebSocketRoute) -> None:
            attempts.append(await page.evaluate("performance.now()"))
            await socket.close(code=4001)

        await page.unroute_all()
        await page.route_web_socket("**/v1/stream*", refuse)
        await script.sockets[-1].close(code=1012)
        for _ in range(240):
            await page.clock.run_for(1_000)
            await page.wait_for_timeout(2)

    waits = [later - earlier for earlier, later in pairwise(attempts)]
    assert 8 < len(attempts) < 25
    assert waits[0] < 3_000
    assert all(wait <= 32_000 for wait in waits)
    assert max(waits) > 14_000
    assert len({round(wait) for wait in waits[-4:]}) > 1


async def test_no_connection_is_tried_after_a_code_that_says_do_not(page: Page):
    script = Script()
    await page.clock.install()
    async with serving() as served:
        await open_scripted(page, script, served)
        await script.sockets[-1].close(code=4502)
        await expect(page.locator("body")).to_have_attribute("data-state", "ended")

        await page.clock.run_for(600_000)

    assert len(script.sockets) == 1


async def test_channel_that_cannot_be_read_now_is_asked_for_again(page: Page):
    script = Script()
    answer = script.answer

    def refuse(socket: WebSocketRoute, message: dict[str, Any]) -> None:
        code = {"code": "channel_unavailable", "message": "Later.", "retryable": True}
        script.say(socket, type="error", id=message["id"], **code)

    script.answer = refuse  # type: ignore[method-assign]
    await page.clock.install()
    async with serving() as served:
        await open_scripted(page, script, served, "loading")
        while not script.subscribes():
            await page.wait_for_timeout(10)
        script.answer = answer  # type: ignore[method-assign]
        await page.clock.run_for(17_000)

        await expect(page.locator(".row")).to_have_count(2)
    assert len(script.subscribes()) == 2
