"""The statement as a page: who gets it, that it says what the document says, and that it cannot be made to do more."""

import hashlib
import json
import re
from html import unescape

import httpx2
import pytest
import pytest_asyncio

from app.api.receipt_words import WORDS as RECEIPT_WORDS
from app.api.statement_words import WORDS
from app.audit.statements import LINES
from tests import factories
from tests.api.conftest import Clock
from tests.api.test_corrections import key_of
from tests.app_in_process import Api
from tests.event_client import EventClient

DAY_US = 86_400 * 1_000_000
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def april(event: EventClient, clock: Clock) -> EventClient:
    """Lin earned 3.40, was paid 3.00 and lost 2.40 of it again: a statement is closed, with a debt."""
    await event.ok("PATCH", "/rules", {"commission": {"bps": 1000, "hold_days": 7}})
    clock.at += 1_000_000
    await event.order(host="h7", paid_at="2021-04-10T12:00:00.5Z")
    clock.at += 9 * DAY_US
    await event.ok("POST", "/releases", {"id": "w1"})
    await event.ok("POST", "/payouts", {"id": "p1", "host": "h7", "amount": "3.00"})
    await event.ok("POST", "/refunds", factories.refund(lines=[{"id": "1", "amount": "24.00"}]))
    await event.ok("POST", "/statements", {"id": "april"})
    return event


async def page_of(event: EventClient, path: str, language: str = "", **params: str) -> httpx2.Response:
    headers = {"Accept": BROWSER, "Accept-Language": language}
    return await event.client.get(f"{event.path}/statements/{path}", headers=headers, params=params)


def text_of(response: httpx2.Response) -> str:
    body = re.sub(r"<(style|title)>.*?</\1>", "", response.text, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


@in_one_loop
async def test_page_says_who_which_range_what_happened_and_what_is_owed(april: EventClient):
    document = await april.ok("GET", "/statements/h7", statement="april")

    page = await page_of(april, "h7", statement="april")

    text = text_of(page)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert f"KOS101 {april.id} · Statement april Lin h7 " in text
    assert "Host Lin h7 Team Ruby ruby From 2021-04-10 20:00:00 Asia/Shanghai, entry of the journal: 1 " in text
    assert "To 2021-04-19 20:00:01 Asia/Shanghai, entry of the journal: 9 Closed 2021-04-19 20:00:01" in text
    assert "Held £0.00 earned, and cannot be paid out yet Available \u2212£2.00 a debt: more was paid" in text
    assert "What Entries Net sales Commission Held Available Paid At the beginning 0.00 0.00 0.00 Sales 1 34.00" in text
    assert "Refunds 1 \u221224.00 \u22122.40 0.00 \u22122.40 0.00" in text
    assert "Payouts 1 0.00 0.00 0.00 \u22123.00 3.00" in text
    assert "Sum 4 10.00 1.00 0.00 \u22122.00 3.00 At the end 0.00 \u22122.00 3.00 How to check" in text
    assert f"Hash of this statement {document['hash']} " in text


@in_one_loop
async def test_hashes_of_the_page_are_found_the_way_it_says(april: EventClient):
    text = text_of(await page_of(april, "h7", statement="april"))
    said = re.search(r"Hash of this statement (\w{64}) Its address (\S+)", text)
    journal = re.search(r"Hash of the journal at entry (\d+) (\w{64})", text)
    assert said
    assert journal

    document = (await april.client.get(said[2])).json()

    del document["hash"]
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(canonical.encode()).hexdigest() == said[1]
    assert (await april.entries())[int(journal[1]) - 1]["hash"] == journal[2]


@in_one_loop
async def test_what_is_not_closed_says_so(april: EventClient):
    await april.order(identity="1002", host="h7", paid_at="2021-04-12T12:00:00Z")

    text = text_of(await page_of(april, "h7"))

    assert "· Not closed yet Lin" in text
    assert "Closed Not yet. This is what came since the last statement; it changes with whatever comes next." in text
    assert "At the beginning 0.00 \u22122.00 3.00 Sales 1 34.00" in text


@in_one_loop
@pytest.mark.parametrize(("group", "heading"), [("teams/ruby", "Team Ruby ruby"), ("stores/soho", "Store Soho soho")])
async def test_group_has_a_row_and_a_sheet_for_each_host(april: EventClient, group, heading):
    hosts = [{"id": host, "store": "soho"} for host in ("h7", "h9")]
    await april.ok("PUT", "/roster", {"stores": [{"id": "soho", "name": "Soho"}], "hosts": hosts})

    page = await page_of(april, group, statement="april")

    text = text_of(page)
    assert f"· Statement april {heading} Event" in text
    # Not every browser keeps the table in a table whose rows are shown as blocks.
    assert re.findall(r"<(?:table|thead|tbody|tfoot|tr|th|td)\b(?![^>]* role=)", page.text) == []
    assert "Host Net sales Commission Held Available Paid Lin h7 10.00 1.00 0.00 \u22122.00 3.00 Yue h9 0.00" in text
    assert "Total 10.00 1.00 0.00 \u22122.00 3.00" in text
    assert text.count("Hash of this statement") == page.text.count('class="own-sheet"') == 2
    assert "Nothing was booked in this range." in text


@in_one_loop
async def test_group_of_nobody_has_an_empty_page(april: EventClient):
    await april.ok("PUT", "/roster", {"stores": [{"id": "empty", "name": "Empty"}]})

    page = await page_of(april, "stores/empty")

    assert "Nobody is in it." in text_of(page)


@in_one_loop
@pytest.mark.parametrize(("language", "chosen"), [("", "en"), ("fr-CA,en;q=0.5", "fr"), ("zh-Hans-CN", "zh")])
async def test_page_speaks_the_readers_language(april: EventClient, language, chosen):
    page = await page_of(april, "h7", language)

    assert f'<html lang="{chosen}" dir="ltr">' in page.text
    assert WORDS[chosen]["check_journal"] in unescape(page.text)
    assert page.headers["vary"] == "Accept, Accept-Language"


@in_one_loop
@pytest.mark.parametrize(
    ("language", "debt", "cells"),
    [("fr", "\u22122,00 £GB", "1 12 345,60 1 234,56"), ("zh", "\u2212£2.00", "1 12,345.60 1,234.56")],
)
async def test_money_is_written_as_the_reader_writes_it(april: EventClient, language, debt, cells):
    closed = text_of(await page_of(april, "h7", language, statement="april"))
    lines = [factories.line(unit_price="12345.60")]
    await april.ok("POST", "/orders", factories.order("1002", host="h7", lines=lines, paid_at="2021-04-12T12:00:00Z"))

    still_open = text_of(await page_of(april, "h7", language))

    assert f"{WORDS[language]['available']} {debt} " in closed
    assert cells in still_open


@in_one_loop
@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "application/json,text/html;q=0.5"])
async def test_programs_get_json(april: EventClient, accept):
    answer = await april.client.get(f"{april.path}/statements/h7", headers={"Accept": accept})

    assert (answer.json()["host"], answer.headers["vary"]) == ("h7", "Accept, Accept-Language")


@in_one_loop
async def test_page_is_for_whom_the_document_is_for(api: Api, april: EventClient):
    headers = {"Accept": BROWSER, **await key_of(api, "lin", "host:h7")}

    async def answer(path: str) -> tuple[int, str]:
        found = await april.client.get(f"{april.path}/statements/{path}", headers=headers)
        return found.status_code, found.headers["content-type"].split(";")[0]

    assert await answer("h7") == (200, "text/html")
    assert [await answer(path) for path in ("h8", "teams/ruby")] == [(403, "application/problem+json")] * 2
    assert await answer("h7?statement=none") == (404, "application/problem+json")


@in_one_loop
async def test_names_are_shown_and_never_markup(april: EventClient):
    evil = "<script>alert(1)</script>\"'&"
    roster = {"hosts": [{"id": "h7", "name": evil}], "teams": [{"id": "ruby", "name": evil}]}
    await april.ok("PUT", "/roster", roster)

    pages = [await page_of(april, "h7"), await page_of(april, "teams/ruby")]

    ours = r"html|head|meta|title|style|body|main|p|h[123]|section|span|bdi|dl|dt|dd|table|thead|tbody|tfoot|tr|th|td"
    for page in pages:
        assert evil in unescape(page.text)
        assert [tag for tag in re.findall(r"<(\w+)", page.text) if not re.fullmatch(ours, tag)] == []
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script" not in policy
        assert "unsafe" not in policy


def test_every_language_of_the_receipt_has_every_word_and_every_line():
    assert {language: words.keys() for language, words in WORDS.items()} == dict.fromkeys(
        RECEIPT_WORDS, WORDS["en"].keys()
    )
    assert {*LINES.values()} - WORDS["en"].keys() == set()
