"""What parts of a page share by one client: subscriptions, a late picture, live channels, the time, heartbeats."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.realtime.doubles import EPOCH, board
from tests.realtime.served import BOARD, serving
from tests.web.test_stream_client import Script

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]

LIVE = "kos101/viewers"
START = 1_800_000_000_000
OPEN = """async () => {
    const { KosClient, clientOf } = await import("/static/x/components/kos-client.js");
    Object.assign(window, { KosClient, clientOf, shown: [] });
    window.client = new KosClient({ url: `ws://${location.host}/v1/stream`, token: "good" });
    const note = (follow) => shown.push([follow.document?.position, follow.isLive]);
    window.follow = (name, delay) => client.follow(name, note, { delay });
}"""


class Channels(Script):
    """A scripted server of several channels, some of them live."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[str, dict[str, Any]] = {BOARD: board(10, {"lin": 300})}
        self.time: str | None = None

    def hear(self, socket: WebSocketRoute, message: dict[str, Any]) -> None:
        self.asked.append(message)
        if message["type"] == "subscribe":
            self.answer(socket, message)
        elif message["type"] == "ping" and self.answers_pings:
            self.say(socket, type="pong", id=message.get("id"), **({"time": self.time} if self.time else {}))

    def answer(self, socket: WebSocketRoute, message: dict[str, Any]) -> None:
        document = self.documents[message["channel"]]
        at = {"time": document["time"]} if "time" in document else {"epoch": EPOCH, "position": document["position"]}
        self.say(socket, type="subscribed", id=message["id"], channel=message["channel"], **at, snapshot=document)

    def types(self) -> list[str]:
        return [message["type"] for message in self.asked]


@asynccontextmanager
async def scripted(page: Page, at: int | None = None) -> AsyncIterator[Channels]:
    """A page with a client in ``window.client``, and virtual time if ``at`` names when it begins."""
    script = Channels()
    async with serving() as served:
        if at is not None:
            await page.clock.install(time=at / 1000)
        await page.route_web_socket("**/v1/stream*", script.accept)
        await page.goto(served.url("/static/x/overlays/overlay.css"))
        if at is not None:
            # It stands still but where a test moves it.
            await page.clock.pause_at(at / 1000 + 60)
        await page.evaluate(OPEN)
        yield script


async def until(is_so: Any) -> None:
    async with asyncio.timeout(10):
        while not is_so():  # noqa: ASYNC110, there is nothing that could tell
            await asyncio.sleep(0.005)


async def advance(page: Page, seconds: int) -> None:
    """Virtual time goes on, with time for the server's answers in between: they take none of it."""
    for _ in range(seconds // 5):
        await page.clock.run_for(5_000)
        await asyncio.sleep(0.03)


async def position(page: Page, name: str = "a") -> Any:
    return await page.evaluate(f"{name}.document?.position ?? null")


async def test_those_who_follow_the_same_share_a_subscription_that_ends_with_the_last(page: Page):
    async with scripted(page) as script:
        await page.evaluate(f"client.start(); window.a = follow('{BOARD}'); window.b = follow('{BOARD}')")
        await page.wait_for_function("a.isLive && b.isLive")
        await page.evaluate(f"window.late = follow('{BOARD}')")
        assert [await position(page, name) for name in ("a", "b", "late")] == [10, 10, 10]

        await page.evaluate("a.stop(); b.stop(); shown.length = 0")
        script.publish(10, 12)
        await page.wait_for_function("late.document.position === 12")
        assert await page.evaluate("shown") == [[12, True]]
        await page.evaluate("late.stop()")
        await until(lambda: script.types() == ["subscribe", "unsubscribe"])


async def test_client_of_a_page_is_one_for_each_token_and_leaves_with_its_last_follower(page: Page):
    async with scripted(page, START) as script:
        first, same, other = "clientOf('http://a/', 'x')", "clientOf('http://a/', 'x')", "clientOf('http://a/', 'y')"
        assert await page.evaluate(f"[{first} === {same}, {first} === {other}]") == [True, False]
        await page.evaluate(f"window.client = clientOf(location.origin + '/', 'good'); window.a = follow('{BOARD}')")
        await page.wait_for_function("a.isLive", polling=20)
        await page.evaluate(f"a.stop(); window.b = follow('{BOARD}')")
        await page.clock.run_for(5_000)
        assert await page.evaluate("client.state") == "live"
        await page.evaluate("b.stop()")
        await page.clock.run_for(5_000)

        assert await page.evaluate("client.state") == "stopped"
        assert len(script.sockets) == 1


async def test_late_picture_sees_nothing_early_and_a_lost_connection_at_once(page: Page):
    async with scripted(page, START) as script:
        await page.evaluate(f"client.start(); window.a = follow('{BOARD}', 4000); window.b = follow('{BOARD}')")
        await page.wait_for_function("b.document", polling=20)
        await page.clock.run_for(3_900)
        assert (await position(page), await position(page, "b")) == (None, 10)
        await page.clock.run_for(200)
        assert await position(page) == 10

        script.publish(10, 12)
        await page.wait_for_function("b.document.position === 12", polling=20)
        await page.clock.run_for(2_000)
        script.publish(12, 14)
        await page.wait_for_function("b.document.position === 14", polling=20)
        await page.clock.run_for(1_900)
        assert await position(page) == 10
        await page.clock.run_for(200)
        assert await position(page) == 12

        await script.sockets[-1].close(code=1012)
        await page.wait_for_function("!a.isLive", polling=20)
        assert await position(page) == 12
        await page.clock.run_for(2_000)
        assert await position(page) == 14


async def test_delay_that_is_not_known_yet_holds_everything_and_one_that_grows_takes_nothing_back(page: Page):
    async with scripted(page, START) as script:
        await page.evaluate(f"client.start(); window.a = follow('{BOARD}', Infinity); window.b = follow('{BOARD}')")
        await page.wait_for_function("b.document", polling=20)
        await page.clock.run_for(9_000)
        assert await position(page) is None
        await page.evaluate("a.delay = 0")
        assert await position(page) == 10

        await page.evaluate("a.delay = 5000")
        script.publish(10, 11)
        await page.wait_for_function("b.document.position === 11", polling=20)
        assert await position(page) == 10
        await page.evaluate("a.delay = 0")
        assert await position(page) == 11


async def test_what_waits_is_bounded_and_its_last_is_shown(page: Page):
    async with scripted(page, START) as script:
        await page.evaluate(f"client.start(); window.a = follow('{BOARD}', 60000); window.b = follow('{BOARD}')")
        await page.wait_for_function("b.document", polling=20)
        for at in range(10, 400):
            script.publish(at, at + 1)
        await page.wait_for_function("b.document.position === 400", polling=20)
        await page.evaluate("shown.length = 0")
        await page.clock.run_for(61_000)

        # They came faster than anybody sees, so far fewer were kept.
        assert await position(page) == 400
        assert await page.evaluate("shown.length") < 100


async def test_live_channel_goes_by_its_time_and_is_asked_for_without_a_position(page: Page):
    def viewers(second: int, count: int) -> dict[str, Any]:
        return {"event": "kos101", "time": f"2026-11-22T10:00:{second:02}.000000Z", "viewers": count, "rows": []}

    async with scripted(page) as script:
        script.documents[LIVE] = viewers(5, 100)
        await page.evaluate(f"client.start(); window.a = follow('{LIVE}')")
        await page.wait_for_function("a.document?.viewers === 100")
        for second, count in ((6, 101), (4, 7), (6, 8)):
            document = viewers(second, count)
            script.say(script.sockets[-1], type="publication", channel=LIVE, time=document["time"], snapshot=document)
        script.documents[LIVE] = viewers(7, 200)
        await script.sockets[-1].close(code=1012)
        await page.wait_for_function("a.document.viewers === 200")

        assert await page.evaluate("a.jumps") == 2
    assert [set(ask) for ask in script.subscribes()] == [{"type", "id", "channel"}] * 2


async def test_page_seen_again_asks_with_its_position_and_connects_at_once_if_its_loop_stood_still(page: Page):
    async with scripted(page, START) as script:
        await page.evaluate(f"client.start(); window.a = follow('{BOARD}')")
        await page.wait_for_function("a.isLive", polling=20)
        await page.clock.run_for(1_000)
        for name in ("obsSourceVisibleChanged", "obsSourceActiveChanged"):
            await page.evaluate(f"dispatchEvent(new CustomEvent('{name}', {{ detail: {{ visible: true }} }}))")
        await until(lambda: len(script.subscribes()) == 2)
        assert script.subscribes()[-1]["position"] == 10

        # An hour in which nothing ran: the other end may be gone, and would not have said so.
        script.document = script.documents[BOARD] = board(99, {"lin": 900})
        await page.clock.pause_at((START + 3_600_000) / 1000)
        await page.evaluate("dispatchEvent(new Event('obsSourceVisibleChanged'))")
        await page.wait_for_function("a.document.position === 99 && a.isLive", polling=20)

        assert len(script.sockets) == 2


async def test_client_that_waits_to_reconnect_does_so_when_the_page_is_seen_again(page: Page):
    async with scripted(page, START) as script:
        await page.evaluate(f"client.start(); window.a = follow('{BOARD}')")
        await page.wait_for_function("a.isLive", polling=20)
        await script.sockets[-1].close(code=1012)
        await page.wait_for_function("client.state === 'waiting'", polling=20)

        await page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")

        await page.wait_for_function("a.isLive", polling=20)


async def test_heartbeats_go_on_after_a_reconnect_pause_while_hidden_and_end_when_they_are_refused(page: Page):
    async with scripted(page, START) as script:
        await page.evaluate("client.start(); window.beat = client.heartbeat('kos101/sessions/s1', 'me')")
        await until(lambda: script.types() == ["heartbeat"])
        assert {**script.asked[0], "id": 0} == {
            "type": "heartbeat",
            "id": 0,
            "channel": "kos101/sessions/s1",
            "viewer": "me",
        }
        await advance(page, 30)
        await until(lambda: script.types().count("heartbeat") == 2)
        await page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
        await advance(page, 120)
        assert script.types().count("heartbeat") == 2
        await page.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
        await page.clock.run_for(2_000)
        await until(lambda: script.types().count("heartbeat") == 3)
        beat = next(message for message in reversed(script.asked) if message["type"] == "heartbeat")
        script.say(script.sockets[-1], type="error", id=beat["id"], code="session_ended", message="Over.")
        await advance(page, 120)

        assert script.types().count("heartbeat") == 3


async def test_time_is_the_servers_on_a_machine_whose_clock_is_wrong_by_minutes(page: Page):
    async with scripted(page, START) as script:
        script.time = "2026-11-22T10:00:00.000000Z"
        await page.evaluate(f"client.start(); window.a = follow('{BOARD}')")
        await page.wait_for_function("a.isLive", polling=20)
        assert "ping" not in script.types()
        assert await page.evaluate("[client.isTimeKnown, Math.abs(client.now() - Date.now()) < 5]") == [False, True]

        await page.wait_for_function("client.isTimeKnown", polling=20)
        assert abs(await page.evaluate("client.now() - Date.parse('2026-11-22T10:00:00Z')")) < 1_000
        await page.clock.run_for(90_000)
        assert abs(await page.evaluate("client.now() - Date.parse('2026-11-22T10:01:30Z')")) < 1_000


async def test_listener_that_fails_does_not_keep_others_from_hearing(page: Page):
    async with scripted(page) as script:
        await page.evaluate("window.reportError = (error) => (window.reported = String(error))")
        await page.evaluate(f"client.start(); client.follow('{BOARD}', () => {{ throw new Error('mine'); }})")
        await page.evaluate(f"window.a = follow('{BOARD}')")
        await page.wait_for_function("a.isLive")
        script.publish(10, 12)
        await page.wait_for_function("a.document.position === 12")

        assert await page.evaluate("reported") == "Error: mine"


async def test_channel_that_is_public_no_longer_is_not_called_live(page: Page):
    async with scripted(page) as script:
        await page.evaluate(f"client.start(); window.a = follow('{BOARD}')")
        await page.wait_for_function("a.isLive")
        script.say(script.sockets[-1], type="unsubscribed", channel=BOARD)
        await page.wait_for_function("!a.isLive")

        assert await page.evaluate("[a.error.code, a.document.position]") == ["channel_forbidden", 10]
        await expect(page.locator("body")).to_be_attached()
