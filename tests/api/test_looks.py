"""Looks and assets over HTTP: uploaded once, named by their hash, served so that nothing in them runs."""

import asyncio
import hashlib
from typing import Any

import httpx2
import pytest

from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")

SVG = b'<?xml version="1.0"?>\n<!-- logo -->\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PNG = b"\x89PNG\r\n\x1a\nrest"
CONTENTS = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0rest",
    "image/webp": b"RIFF\x04\x00\x00\x00WEBPrest",
    "image/svg+xml": SVG,
    "font/woff2": b"wOF2rest",
}
NO_LOOK: dict[str, Any] = {"theme": "", "colors": {}, "team_colors": {}, "logo": None, "team_logos": {}, "font": None}


async def upload(event: EventClient, content: bytes, media_type: str) -> httpx2.Response:
    return await event.client.post(f"{event.path}/assets", content=content, headers={"Content-Type": media_type})


@pytest.mark.parametrize("media_type", CONTENTS)
async def test_asset_is_named_by_its_hash_and_served_to_anybody_for_ever(api: Api, event: EventClient, media_type):
    content = CONTENTS[media_type]

    made = await upload(event, content, media_type)
    again = await upload(event, content, f"{media_type}; charset=utf-8")

    name = made.json()["asset"]
    assert (made.status_code, made.json()["url"]) == (201, f"/assets/{name}")
    assert name.startswith(hashlib.sha256(content).hexdigest() + ".")
    assert again.json() == made.json()
    async with api.client_of("") as anybody:
        served = await anybody.get(f"/assets/{name}")
    assert (served.status_code, served.content) == (200, content)
    assert served.headers["content-type"].startswith(media_type)
    assert served.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"GIF89a", "image/gif", 422, "asset_type_unknown"),
        (b"<html></html>", "text/html", 422, "asset_type_unknown"),
        (PNG, "image/jpeg", 422, "asset_not_readable"),
        (b"", "image/png", 422, "asset_not_readable"),
        (b"<html><svg></svg></html>", "image/svg+xml", 422, "asset_not_readable"),
        (b'<!DOCTYPE svg [<!ENTITY a "a">]><svg/>', "image/svg+xml", 422, "asset_not_readable"),
        (b"\xff<svg/>", "image/svg+xml", 422, "asset_not_readable"),
        (PNG + bytes(1 << 19), "image/png", 413, "body_too_large"),
    ],
)
async def test_what_is_no_asset_is_refused(event: EventClient, content, media_type, status, code):
    response = await upload(event, content, media_type)

    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_asset_that_is_not_there_is_not_found(api: Api):
    for name in ("a" * 64 + ".png", "x.png", "%2e%2e%2fkos.db"):
        response = await api.client.get(f"/assets/{name}")

        assert response.status_code == 404


async def test_look_holds_whole_and_overlays_hear_of_it(event: EventClient):
    logo = (await upload(event, SVG, "image/svg+xml")).json()["asset"]
    font = (await upload(event, CONTENTS["font/woff2"], "font/woff2")).json()["asset"]
    await event.ok("PUT", "/overlays", {"scene": "intro"})
    before = await overlays(event)
    look: dict[str, Any] = {
        "theme": "gala",
        "colors": {"accent": "#E0115F"},
        "team_colors": {"ruby": "#e0115f"},
        "logo": logo,
        "team_logos": {"ruby": logo},
        "font": font,
    }

    made = await event.ok("PUT", "/look", look)
    after = await overlays(event)
    again = await event.ok("PUT", "/look", look)
    emptied = await event.ok("PUT", "/look", {})

    assert made == {"event": event.id, "version": made["version"], **look}
    assert again == made
    assert (before["look_version"], after["look_version"], after["scene"]) == ("", made["version"], "intro")
    assert after["time"] > before["time"]
    assert {name: emptied[name] for name in NO_LOOK} == NO_LOOK
    assert (await overlays(event))["look_version"] == emptied["version"] != made["version"]


async def overlays(event: EventClient) -> dict[str, Any]:
    document: dict[str, Any] = (await event.client.get(f"/v1/channels/{event.id}/overlays")).json()
    return document


@pytest.mark.parametrize(
    ("look", "code"),
    [
        ({"logo": "a" * 64 + ".png"}, "asset_unknown"),
        ({"team_logos": {"ruby": "b" * 64 + ".svg"}}, "asset_unknown"),
        ({"logo": "c" * 64 + ".woff2"}, "invalid_value"),
        ({"font": "c" * 64 + ".png"}, "invalid_value"),
        ({"colors": {"accent": "red;background:url(//x)"}}, "invalid_value"),
        ({"colors": {"--x": "#ffffff"}}, "invalid_value"),
        ({"theme": "neon"}, "invalid_value"),
        ({"css": "* {}"}, "unknown_field"),
    ],
)
async def test_look_with_anything_else_is_refused(event: EventClient, look, code):
    response = await event.client.put(f"{event.path}/look", json=look)

    assert (response.status_code, response.json()["code"]) == (422, code)
    assert (await event.ok("GET", "/look"))["version"] == ""


async def test_asset_of_another_event_is_unknown(event: EventClient, draft: EventClient):
    logo = (await upload(event, SVG, "image/svg+xml")).json()["asset"]
    await draft.open()

    look = await draft.client.put(f"{draft.path}/look", json={"logo": logo})
    await draft.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h7"}]})
    pin = await draft.post("/pins", {"session": "night", "sku": "ruby", "image": logo})

    assert [(one.status_code, one.json()["code"]) for one in (look, pin)] == [(422, "asset_unknown")] * 2


async def test_pin_shows_an_asset(event: EventClient):
    picture = (await upload(event, PNG, "image/png")).json()["asset"]
    await event.ok("POST", "/sessions", {"id": "night", "hosts": [{"id": "h7"}]})

    pinned = await event.ok("POST", "/pins", {"session": "night", "sku": "ruby", "image": picture})

    assert pinned["pins"][0]["image"] == picture


async def test_look_is_for_whoever_may_read_the_boards(api: Api, event: EventClient, draft: EventClient):
    await draft.open(rules={"public_channels": ["boards"]})
    token = (await api.client.post("/v1/tokens", json={"event": event.id})).json()["token"]

    async with api.client_of("") as nobody:
        closed = await nobody.get(f"{event.path}/look")
        opened = await nobody.get(f"{draft.path}/look")
        by_token = await nobody.get(f"{event.path}/look", params={"token": token})

    assert (closed.status_code, closed.json()["code"]) == (401, "key_missing")
    assert (opened.status_code, by_token.status_code) == (200, 200)
    assert by_token.headers["access-control-allow-origin"] == "*"


async def put_look(event: EventClient, expected: str, **look: Any) -> httpx2.Response:
    return await event.client.put(f"{event.path}/look", json=look, params={"expected_version": expected})


async def test_look_that_somebody_else_has_changed_is_not_replaced_unseen(event: EventClient):
    nothing = (await event.ok("GET", "/look"))["version"]
    first = await put_look(event, nothing, theme="dark")
    told = await event.ok("GET", "/overlays")

    stale = await put_look(event, nothing, theme="light")

    held = await event.ok("GET", "/look")
    assert (nothing, first.status_code, held["theme"]) == ("", 200, "dark")
    assert (stale.status_code, stale.json()["code"], stale.json()["now"]) == (409, "changed_meanwhile", held)
    assert await event.ok("GET", "/overlays") == told
    again = await put_look(event, held["version"], theme="light")
    assert (again.status_code, again.json()["theme"]) == (200, "light")
    # Whoever says nothing of what was seen replaces whatever is there.
    assert (await event.ok("PUT", "/look", {"theme": "gala"}))["theme"] == "gala"


async def test_look_that_is_put_again_after_a_lost_answer_is_no_change_of_somebody_else(event: EventClient):
    first = await put_look(event, "", theme="dark")

    again = await put_look(event, "", theme="dark")

    assert (again.status_code, again.json()) == (200, first.json())


async def test_of_two_who_change_one_look_at_once_one_is_told(event: EventClient):
    version = ""
    for number in range(5):
        themes = [{"accent": f"#00000{number}"}, {"accent": f"#11111{number}"}]
        answers = await asyncio.gather(*(put_look(event, version, colors=colors) for colors in themes))
        held = await event.ok("GET", "/look")

        assert sorted(answer.status_code for answer in answers) == [200, 409]
        assert held in [answer.json().get("now", answer.json()) for answer in answers]
        version = held["version"]
