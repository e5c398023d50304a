"""Pages and static files: cacheable, locked down, and nothing else of the folder."""

import re
from collections import defaultdict
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

import app.web
from app.errors import AppError
from app.web import Files, without_comments
from app.web.routes import OVERLAYS, web_routes
from tests.realtime.served import problem

WEB = Path(app.web.__file__).parent
SOURCES = sorted(
    path
    for path in WEB.rglob("*")
    if path.suffix in (".html", ".css", ".js") and "vendor" not in path.relative_to(WEB).parts
)


@pytest_asyncio.fixture
async def client():
    site = FastAPI(exception_handlers={AppError: problem})
    site.include_router(web_routes())
    transport = httpx2.ASGITransport(site)
    async with httpx2.AsyncClient(transport=transport, base_url="http://kos.test") as client:
        yield client


async def static_addresses(client) -> list[str]:
    page = (await client.get("/overlay/kos101/board")).text
    return [
        str(httpx2.URL("http://kos.test/overlay/kos101/board").join(found))
        for found in re.findall(r'(?:href|src)="(\.\./[^"]+)"', page)
    ]


async def test_page_is_the_same_for_every_event_and_tells_nothing(client):
    known = await client.get("/overlay/kos101/board?token=secret")
    other = await client.get("/overlay/%3Cscript%3E/board")

    assert known.status_code == other.status_code == 200
    assert known.content == other.content
    assert b"secret" not in known.content
    assert known.headers["content-type"] == "text/html; charset=utf-8"


async def test_page_runs_its_own_scripts_only_and_sends_no_referrer(client):
    answer = await client.get("/overlay/kos101/board")

    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["base-uri"] == policy["form-action"] == "'none'"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_public_page_is_the_same_for_every_event_and_takes_no_styles_of_others(client):
    known = await client.get("/e/kos101?token=secret")
    other = await client.get("/e/%3Cscript%3E")

    assert known.status_code == other.status_code == 200
    assert known.content == other.content
    assert "unsafe" not in known.headers["content-security-policy"]
    assert "style-src 'self';" in known.headers["content-security-policy"]


async def test_static_files_may_be_kept_for_ever_and_the_page_is_asked_for_again(client):
    page = await client.get("/overlay/kos101/board")
    addresses = await static_addresses(client)

    assert page.headers["cache-control"] == "no-cache"
    assert len(addresses) > 2
    for address in addresses:
        file = await client.get(address)
        assert file.status_code == 200
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_console_is_in_nobodys_frame_and_takes_no_style_but_its_own(client):
    answer = await client.get("/console")

    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["frame-src"] == "'self'"
    assert policy["default-src"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert answer.headers["referrer-policy"] == "no-referrer"
    for address in re.findall(r'(?:href|src)="(static/[^"]+)"', answer.text):
        assert (await client.get(f"/{address}")).status_code == 200


async def test_what_a_browser_holds_is_not_sent_again(client):
    for address in ["/overlay/kos101/board", *await static_addresses(client)]:
        first = await client.get(address)
        again = await client.get(address, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
        changed = await client.get(address, headers={"If-None-Match": '"other"'})

        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == first.headers["etag"]
        assert changed.status_code == 200


async def test_files_are_packed_for_whoever_takes_them_so(client):
    address = (await static_addresses(client))[0]
    plain = await client.get(address, headers={"Accept-Encoding": "identity"})
    packed = await client.get(address, headers={"Accept-Encoding": "br, gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
    assert packed.content == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]


def test_comments_of_scripts_are_not_sent_and_lines_stay_where_they_are():
    script = b"""// What it is.
/** Says
 * how. */
const a = "// no comment"; // stays
  // Why.
const b = `
  /* a style's */
`;
const c = 6 / 2 /** kept */ / 3;
"""

    assert (
        without_comments(script)
        == b"""


const a = "// no comment"; // stays

const b = `
  /* a style's */
`;
const c = 6 / 2 /** kept */ / 3;
"""
    )


async def test_overlay_asks_for_one_script_that_holds_all_that_it_can_show(client):
    for overlay in OVERLAYS:
        page = httpx2.URL(f"http://kos.test/overlay/kos101/{overlay}")
        text = (await client.get(page)).text
        (address,) = re.findall(r'<script type="module" src="([^"]+)"', text)
        script = await client.get(page.join(address))

        defined = re.findall(r'^customElements\.define\("kos-([a-z-]+)"', script.text, re.MULTILINE)
        assert defined == ([name for name in OVERLAYS if name != "scene"] if overlay == "scene" else [overlay])
        assert "modulepreload" not in text
        assert not re.search(r"^(import|export)\b", script.text, re.MULTILINE)
        # What is loaded later is asked for beside it, and has to be there.
        for later in re.findall(r'import\("([^"]+)"\)', script.text):
            assert (await client.get(page.join(address).join(later))).status_code == 200


def test_vendored_files_are_sent_as_they_are():
    files = Files(WEB)
    vendored = [path for path in WEB.rglob("*.js") if "vendor" in path.relative_to(WEB).parts]

    assert vendored
    for path in vendored:
        sent = files.static(path.relative_to(WEB).as_posix())
        assert sent is not None
        assert sent.content == path.read_bytes()


@pytest.mark.parametrize("overlay", [name for name in OVERLAYS if name != "scene"])
async def test_scripts_of_an_overlay_are_less_than_30_kilobytes(client, overlay):
    page = httpx2.URL(f"http://kos.test/overlay/kos101/{overlay}")
    addresses = re.findall(r'<script[^>]* src="([^"]+)"', (await client.get(page)).text)
    scripts = [await client.get(page.join(address), headers={"Accept-Encoding": "gzip"}) for address in addresses]
    sizes = {script.url.path: int(script.headers["content-length"]) for script in scripts}

    assert len(sizes) == 2
    assert 10 * 1024 < sum(sizes.values()) < 30 * 1024, sizes


async def test_address_of_another_version_is_served_but_not_kept(client):
    file = await client.get("/static/0123456789abcdef/overlays/overlay.js")

    assert file.status_code == 200
    assert file.headers["content-type"] == "text/javascript; charset=utf-8"
    assert file.headers["cache-control"] == "no-cache"


async def test_head_is_answered_without_a_body(client):
    answer = await client.head("/overlay/kos101/board")

    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize(
    "name",
    [
        "routes.py",
        "overlays/overlay.html",
        "../web/routes.py",
        "..%2f..%2ferrors.py",
        "/etc/passwd",
        "overlays",
        "",
    ],
)
async def test_anything_but_static_files_is_not_found(client, name):
    answer = await client.get(f"/static/x/{name}")

    assert answer.status_code == 404


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_source_asks_nothing_of_other_sites_and_writes_no_markup(path):
    text = path.read_text()

    assert re.findall(r"//[a-z0-9-]+\.[a-z]{2,}", text) == []
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
    if path.suffix == ".html":
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)


# Newer than Chromium 127, the engine of OBS before version 33. A real browser of today would not notice.
TOO_NEW_IN_SCRIPTS = (
    *("Promise.try", "RegExp.escape", "Iterator.concat", "Iterator.zip", "Math.sumPrecise", "Math.f16round"),
    *("Intl.DurationFormat", "Error.isError", "fromBase64", "toBase64", "Float16Array", "getOrInsert"),
    *("await using", "import defer", "moveBefore", "Temporal.", "AsyncContext", "Observable(", "URLPattern("),
)
TOO_NEW_IN_STYLES = (
    *("calc-size(", "interpolate-size", "sibling-index(", "sibling-count(", " if(", "@function", "text-box"),
    *("corner-shape", "::scroll-", "position-try-order", "reading-flow", "shape(", "progress(", "random("),
    *("contrast-color(", " type(", "scroll-state(", "::details-content", ":open", "::checkmark", "stretch"),
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_source_runs_in_the_browser_engine_of_obs(path):
    too_new = TOO_NEW_IN_STYLES if path.suffix == ".css" else TOO_NEW_IN_SCRIPTS
    text = path.read_text()

    assert [name for name in too_new if name in text] == []


def test_no_two_sheets_of_the_console_give_one_class_its_looks():
    """All sheets hold on all pages, so a later one would change what an earlier one is for."""
    sheets: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted(WEB.joinpath("console").glob("*.css")):
        for selectors in re.findall(r"([^{}]+)\{", re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)):
            for selector in selectors.split(","):
                if alone := re.fullmatch(r"\.([\w-]+)", selector.strip()):
                    sheets[alone[1]].add(path.name)
    assert {name: found for name, found in sheets.items() if len(found) > 1} == {}
