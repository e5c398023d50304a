"""The JavaScript client and the server apply deltas by one rule: same documents in, same documents out."""

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from playwright.async_api import Page

from app.realtime.channels import Channel, accept, apply, order_key
from tests.realtime.doubles import text_of
from tests.realtime.served import serving
from tests.realtime.test_channels import boards, tickers

pytestmark = pytest.mark.asyncio(loop_scope="module")


def histories(count: int) -> list[list[dict[str, Any]]]:
    """Documents of boards and tickers in order, drawn as the server's own property test draws them."""
    drawn: list[list[dict[str, Any]]] = []
    for strategy in (boards(), tickers()):

        @settings(max_examples=count, database=None, suppress_health_check=list(HealthCheck))
        @given(strategy)
        def collect(documents: list[dict[str, Any]]) -> None:
            drawn.append(documents)

        collect()
    return drawn


def steps() -> list[dict[str, Any]]:
    """Every delta that a channel sends along those histories, with what it applies to and what comes out."""
    found = []
    for documents in histories(80):
        channel = Channel("kos101/boards/hosts", "public", removed_rows_max=100)
        channel.update(documents[0])
        for before, after in pairwise(documents):
            frame = channel.update(after)
            if frame is None:
                # Nothing but the position is another.
                continue
            message = orjson.loads(text_of(frame))
            found.append({"held": before, "message": message, "expected": after})
    return found


async def test_javascript_applies_every_delta_as_the_server_does(page: Page):
    given_steps = steps()
    async with serving() as served:
        await page.goto(served.page())
        outcomes = await page.evaluate(
            """async (steps) => {
                const { apply } = await import(new URL("../../static/x/components/document.js", location));
                return steps.map(({ held, message }) => apply(held, message.delta, message.position));
            }""",
            given_steps,
        )

    assert len(outcomes) > 300
    for step, outcome in zip(given_steps, outcomes, strict=True):
        message = step["message"]
        assert outcome == step["expected"] == apply(step["held"], message["delta"], message["position"])


async def test_javascript_accepts_and_orders_as_the_server_does(page: Page):
    cases = [[mine, previous, position] for mine in range(4) for previous in range(4) for position in range(5)]
    ranked = [("b", 2), ("a", 2), ("c", 1), ("B", 2), ("a:1", 3)]
    newest = [("b", 2), ("a", 2), ("c", 9), ("a:1", 2)]
    lists: list[list[dict[str, Any]]] = [
        [{"id": identity, "rank": rank} for identity, rank in ranked],
        [{"id": identity, "position": position} for identity, position in newest],
        [{"id": identity} for identity in ("b", "a", "Z", "a:1", "a-1", "1")],
    ]
    async with serving() as served:
        await page.goto(served.page())
        decisions, ordered = await page.evaluate(
            """async ([cases, lists]) => {
                const address = new URL("../../static/x/components/document.js", location);
                const { accept, compareRows } = await import(address);
                return [cases.map((numbers) => accept(...numbers)), lists.map((list) => list.sort(compareRows))];
            }""",
            [cases, lists],
        )

    assert decisions == [accept(*case) for case in cases]
    assert ordered == [sorted(rows, key=order_key) for rows in lists]
