"""The stand-in for the Autobahn suite runs and echoes, and what its suite says becomes the page."""

import asyncio
import socket

import pytest
from websockets.asyncio.client import connect

from tests.rfc6455 import echo, record


@pytest.mark.parametrize("how", ["handed_over", "attached"])
async def test_echo_sends_back_text_binary_and_what_came_in_parts(how: str):
    server = echo.server(how)
    sent: list[str | bytes | list[str] | list[bytes]] = [
        "t\u00e4xt",
        b"\x00\xff binary",
        ["in ", "parts"],
        [b"\x01", b"\x80"],
    ]

    received = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        served = asyncio.create_task(server.serve([listener]))
        async with asyncio.timeout(20), connect(f"ws://127.0.0.1:{listener.getsockname()[1]}") as client:
            for message in sent:
                await client.send(message)
                received.append(await client.recv())
        server.should_exit = True
        await served

    assert received == ["t\u00e4xt", b"\x00\xff binary", "in parts", b"\x01\x80"]


def test_record_counts_the_worse_of_message_and_close_and_names_what_it_cannot_explain():
    fine = {"behavior": "OK", "behaviorClose": "OK"}
    report = {
        "handed over": {"1.1.1": fine, "5.3": {"behavior": "OK", "behaviorClose": "WRONG CODE"}},
        "attached": {"1.1.1": fine, "6.4.1": {"behavior": "NON-STRICT", "behaviorClose": "OK"}},
    }

    page = record.record(report)

    assert "| all | 1 | 0 | 0 | 1 | 1 | 1 | 0 | 0 |" in page
    assert "- handed over, failed: 5.3: unexplained." in page
    assert "- attached, non-strict: 6.4.1: a text is checked when it is whole" in page
