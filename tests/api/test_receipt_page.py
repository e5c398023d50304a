"""The receipt as a page: who gets it, in which language, that it says why, and that it cannot be made to do more."""

import re
from html import unescape
from pathlib import Path

import httpx2
import pytest

from app.api.accepting import language_of, wants_html
from app.api.receipt_words import WORDS
from tests import factories
from tests.event_client import EventClient

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NIGHT = {"id": "night", "hosts": [{"id": "h7"}, {"id": "h8"}], "started_at": "2021-04-10T10:00:00Z"}


async def page_of(
    event: EventClient, order: str = "1001", language: str = "", accept: str = BROWSER
) -> httpx2.Response:
    headers = {"Accept": accept, "Accept-Language": language}
    return await event.client.get(f"{event.path}/orders/shop/{order}/receipt", headers=headers)


def text_of(response: httpx2.Response) -> str:
    body = re.sub(r"<style>.*?</style>", "", response.text, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.mark.asyncio(loop_scope="module")
async def test_page_says_who_earned_each_line_and_why_the_others_did_not(event: EventClient):
    await event.ok("POST", "/sessions", NIGHT)
    await event.ok("POST", "/pins", {"session": "night", "sku": "RUBY", "pinned_at": "2021-04-10T10:30:00Z"})
    lines = [factories.line(id="a", sku="RUBY", title="Ruby lipstick"), factories.line(id="b", code="NONE")]
    await event.order(lines=lines, code="LIN10")

    page = await page_of(event)

    text = text_of(page)
    assert "Order shop 1001 Paid 2021-04-10 19:00:00 Asia/Shanghai" in text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Ruby lipstick \u00d7 1 £10.00" in text
    assert "Lin · Ruby · Discount code £10.00" in text
    assert "Discount code: LIN10 ✓ earned it" in text
    assert "Pinned in session: night 2021-04-10 18:30:00 ✗ something that goes before it earned it" in text
    assert "Discount code: NONE ✗ nobody's code" in text
    assert "Nobody · nobody's code £10.00" in text
    assert "Sold directly £10.00 Sold while on air £0.00 Nobody's £10.00 Version of the rules 1" in text


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("language", "chosen"),
    [("", "en"), ("fr-CA,fr;q=0.9,en;q=0.5", "fr"), ("zh-Hans-CN", "zh"), ("de,fr;q=0.2", "fr"), ("de", "en")],
)
async def test_page_speaks_the_readers_language(event: EventClient, language, chosen):
    await event.order(code="LIN10")

    page = await page_of(event, language=language)

    assert f'<html lang="{chosen}">' in page.text
    assert WORDS[chosen]["as_decided"] in unescape(page.text)
    assert page.headers["vary"] == "Accept, Accept-Language"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("language", "shown"), [("en", "£12,345.60"), ("fr", "12 345,60 £GB"), ("zh", "£12,345.60")])
async def test_money_is_written_as_the_reader_writes_it(event: EventClient, language, shown):
    await event.order(lines=[factories.line(unit_price="12345.60")])

    assert f"\u00d7 1 {shown}" in text_of(await page_of(event, language=language))


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "application/json,text/html;q=0.5"])
async def test_programs_get_json(event: EventClient, accept):
    await event.order(code="LIN10")

    answer = await page_of(event, accept=accept)

    assert answer.json()["candidates"] == [{"by": "code", "id": "LIN10", "outcome": "won"}]


@pytest.mark.asyncio(loop_scope="module")
async def test_what_an_order_says_is_shown_and_never_markup(event: EventClient):
    evil = "<script>alert(1)</script>\"'&"
    roster = factories.roster_body()
    roster["hosts"][0]["name"] = evil[:20]
    await event.ok("PUT", "/roster", roster)
    lines = [factories.line(id="<b>", sku=evil, title=evil), factories.line(id="2", code=evil, click=evil)]
    await event.order(identity="1<i>", lines=lines, host="h7")

    page = await page_of(event, "1%3Ci%3E")

    assert evil in unescape(page.text)
    ours = r"html|head|meta|title|style|body|main|p|h[123]|section|span|ul|li|b|dl|dt|dd"
    assert [tag for tag in re.findall(r"<(\w+)", page.text) if not re.fullmatch(ours, tag)] == []
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy


@pytest.mark.asyncio(loop_scope="module")
async def test_page_of_an_order_that_is_not_there_is_a_problem_document(event: EventClient):
    page = await page_of(event, "none")

    assert (page.status_code, page.headers["content-type"]) == (404, "application/problem+json")


def test_every_language_has_every_word_and_every_outcome_that_is_documented():
    documents = Path(__file__).parents[2] / "docs" / "api.md"
    table = documents.read_text().split("| outcome | |")[1].split("\n\n")[0]
    outcomes = set(re.findall(r"`(\w+)`", "".join(line.split(" | ")[0] for line in table.splitlines())))

    assert {language: words.keys() for language, words in WORDS.items()} == dict.fromkeys(WORDS, WORDS["en"].keys())
    assert {outcome for outcome in outcomes if outcome not in WORDS["en"]} == set()


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/html;q=0", False),
        ("TEXT/HTML;q=0.4, application/json;q=0.3", True),
        ("text/html;q=high", False),
        ("", False),
        (",;,;q=", False),
    ],
)
def test_page_is_for_who_names_it(header, wanted):
    assert wants_html(header) is wanted


def test_unreadable_language_is_the_first_known_one():
    assert language_of(";;;,q=1;q=nan", ["en", "fr"]) == "en"
