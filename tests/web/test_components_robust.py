"""The components where things are not as usual: names of any kind, stillness asked for, a server that is gone."""

import gzip
import re
from itertools import cycle

import pytest
from playwright.async_api import Page, Response, expect

from tests.realtime.doubles import board
from tests.realtime.served import Served
from tests.tour import themes
from tests.web.components import (
    HOST,
    HOSTILE,
    LONG,
    NEIGHBOURS,
    STATE,
    TEAMS,
    TICKER,
    announcement,
    change,
    goal,
    host,
    moving,
    pin,
    sale,
    session,
    show,
    state,
    teams,
    ticker,
)
from tests.web.test_routes import WEB

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.at_full_size]

ALL = ("ticker", "team-bar", "host-card", "goal", "viewers", "countdown", "product", "announcement")


async def test_nothing_moves_for_who_asked_for_stillness(page: Page, served: Served):
    await page.emulate_media(reduced_motion="reduce")
    await change(served, STATE, state(2, goals=[goal("250.00")]))
    await show(page, served, "goal")
    await change(served, STATE, state(3, goals=[goal("900.00")]))
    await expect(page.locator("#value")).to_have_text("£900.00")
    assert await moving(page, "goal") == 0

    await show(page, served, "ticker")
    await change(served, TICKER, ticker(2, sale(2, "Mei", "1.00"), sale(1, "Lin", "230.00")))
    await expect(page.locator(".sale")).to_have_count(2)
    assert await moving(page, "ticker") == 0


async def test_figure_counts_on_its_way_and_never_past_its_end(page: Page, served: Served):
    await change(served, STATE, state(2, goals=[goal("100.00")]))
    await show(page, served, "goal")
    await page.evaluate(
        """() => {
            const value = document.querySelector("kos-goal").shadowRoot.getElementById("value");
            window.seen = [];
            const keep = () => window.seen.push(value.textContent);
            new MutationObserver(keep).observe(value, { childList: true, characterData: true, subtree: true });
        }"""
    )

    await change(served, STATE, state(3, goals=[goal("900.00")]))
    await expect(page.locator("#value")).to_have_text("£900.00")

    amounts = [float(text.strip("£").replace(",", "")) for text in await page.evaluate("window.seen")]
    assert amounts == sorted(amounts)
    assert amounts[-1] == 900
    assert 100 <= amounts[0] < 900


@pytest.mark.parametrize("component", ALL)
async def test_names_are_text_and_nothing_breaks_out_of_its_place(page: Page, served: Served, component: str):
    """200 characters of markup, one word without a break, Chinese, Arabic and an emoji; in every language."""
    rows = [{**row, "name": LONG} for row in teams(2, ruby=3, jade=2)["rows"]]
    mine = host(2, NEIGHBOURS, LONG)
    for row in mine["rows"]:
        row["name"] = LONG
    served.source.documents |= {
        STATE: state(
            2,
            goals=[goal("250.00", title=LONG)],
            announcements=[announcement(LONG)],
            rows=[session("night", pin("x", title=LONG, price="23.00", code="X" * 40))],
        ),
        TICKER: ticker(2, sale(2, LONG, "230.00", title=LONG), sale(1, LONG, "1.00")),
        TEAMS: teams(2, ruby=3, jade=2) | {"rows": rows},
        HOST: mine,
    }
    await show(page, served, component, **({"host": "mei"} if component == "host-card" else {}))
    element = page.locator(f"kos-{component}")

    for language in ("en", "fr", "zh", "de", "es", "ar"):
        await element.evaluate(SPEAK, language)
        assert component in ("viewers", "countdown") or HOSTILE[:4] in await element.locator(".content").inner_text()
        assert not await element.evaluate(BREAKS_OUT), language
    assert await page.evaluate("window.hacked") is None


SPEAK = """async (element, language) => {
    element.setAttribute("lang", language);
    element.dir = language === "ar" ? "rtl" : "ltr";
    element.changed();
    for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
}"""
BREAKS_OUT = """(element) => {
    const place = element.getBoundingClientRect();
    const card = element.shadowRoot.querySelector(".card").getBoundingClientRect();
    return card.left < place.left - 1 || card.right > place.right + 1 ||
        card.top < place.top - 1 || card.bottom > place.bottom + 1;
}"""


@pytest.mark.parametrize("component", [*ALL, "board"])
async def test_sample_data_needs_no_server_and_wears_every_theme(page: Page, served: Served, component: str):
    asked: list[str] = []
    page.on("websocket", lambda socket: asked.append(socket.url))
    await show(page, served, component, demo=1)
    element = page.locator(f"kos-{component}")
    await expect(element.locator(".content")).to_be_visible()
    assert (await element.locator(".content").inner_text()).strip()

    panels = set()
    for theme in ("dark", "light", "clear", "gala"):
        await element.evaluate("(element, theme) => element.setAttribute('theme', theme)", theme)
        await expect(element).to_have_attribute("data-theme", theme)
        panels.add(await element.evaluate("(element) => getComputedStyle(element).getPropertyValue('--k-panel')"))

    assert len(panels) == 4
    assert asked == []


@pytest.mark.parametrize(("component", "least"), [("ticker", 14), ("announcement", 14), ("goal", 9)])
async def test_component_in_a_narrow_page_can_be_read(page: Page, served: Served, component: str, least: int):
    await show(page, served, component, demo=1)

    sizes = await page.evaluate(
        """async (name) => {
            const place = document.createElement("div");
            place.style.width = "300px";
            const element = document.createElement(`kos-${name}`);
            element.setAttribute("demo", "");
            place.append(element);
            document.body.replaceChildren(place);
            while ((element.dataset.state ?? "loading") === "loading") await new Promise(requestAnimationFrame);
            return [parseFloat(getComputedStyle(element).fontSize), element.offsetWidth, element.offsetHeight];
        }""",
        component,
    )

    assert sizes[0] >= least
    assert sizes[1] == 300
    assert sizes[2] > 30


@pytest.mark.parametrize("component", [*ALL, "board"])
async def test_page_of_a_component_loads_less_than_30_kilobytes_of_script(page: Page, served: Served, component: str):
    served.source.documents[STATE] = state(2, goals=[goal("250.00")], rows=[session("night", pin("RUBY"))])
    scripts: list[Response] = []
    page.on("response", lambda answer: scripts.append(answer) if answer.url.endswith(".js") else None)
    await show(page, served, component, **({"host": "mei"} if component == "host-card" else {}))

    packed = [len(gzip.compress(await script.body())) for script in scripts]
    assert len(packed) > 1
    assert sum(packed) < 30_000


async def test_stale_component_keeps_its_last_picture_and_says_so(page: Page, served: Served):
    served.source.documents["kos101/boards/hosts"] = board(1, NEIGHBOURS)
    await show(page, served, "viewers")
    await served.stop()

    await expect(page.locator("kos-viewers")).to_have_attribute("data-state", "stale")
    await expect(page.locator("#number")).to_have_text("1,200")
    await expect(page.locator(".stale-badge")).to_contain_text("Reconnecting")
    await served.start()
    await expect(page.locator("kos-viewers")).to_have_attribute("data-state", "live")


# How many parts show something, and which of them leave their places or share some of the picture with others.
CROWDED = """() => {
    const seen = [...document.querySelectorAll(".part")].flatMap((part) => {
        const place = part.getBoundingClientRect();
        const cards = [...part.firstElementChild.shadowRoot.querySelectorAll(".card, .panel, .row")];
        return cards.map((card) => ({ name: part.dataset.part, place, box: card.getBoundingClientRect() }));
    }).filter(({ box }) => box.width && box.height);
    const leaves = seen.filter(({ place, box }) =>
        Math.max(place.left - box.left, place.top - box.top, box.right - place.right, box.bottom - place.bottom) > 1);
    const meets = (one, two) =>
        one.left < two.right - 1 && two.left < one.right - 1 && one.top < two.bottom - 1 && two.top < one.bottom - 1;
    const met = seen.filter((one) => seen.some((two) => one.name !== two.name && meets(one.box, two.box)));
    return { names: new Set(seen.map(({ name }) => name)).size, wrong: [...leaves, ...met].map(({ name }) => name) };
}"""
SAID = {
    "en": "Everything in the studio is at a special price until the clock runs out. " * 7,
    "zh": "红宝石队领先了,最后一小时现在开始,工作室里的所有商品都以特价出售。" * 14,
    "ar": "فريق روبي يتقدم الآن والساعة الأخيرة تبدأ وكل شيء في الاستوديو بسعر خاص " * 6,
}


@pytest.mark.parametrize("stage", [(1920, 1080), (1080, 1920)], ids=["wide", "tall"])
async def test_in_no_scene_one_part_lies_over_another(page: Page, served: Served, stage: tuple[int, int]):
    listed = WEB.joinpath("overlays", "scenes.js").read_text().partition("const SCENES = {")[2].partition("\n};")[0]
    scenes = re.findall(r'^  "?([a-z-]+)"?: \{$', listed, re.MULTILINE)
    assert len(scenes) == 6
    full = state(2, goals=[goal("9.00", title=LONG)])
    full["rows"] = [session("night", pin("A", title=LONG, price="1234567.00", code="MEI20"))]
    await change(served, "kos101/boards/hosts", board(2, {f"h{number}": 40 - number for number in range(20)}))
    await page.set_viewport_size({"width": stage[0], "height": stage[1]})
    await page.emulate_media(reduced_motion="reduce")

    for theme, language in zip(themes(), cycle(SAID), strict=False):
        served.source.documents[STATE] = full | {"announcements": [announcement(SAID[language][:500])]}
        for scene in scenes:
            query = f"token=good&scene={scene}&theme={theme}&lang={language}&host=mei"
            await page.goto(served.url(f"/overlay/kos101/scene?{query}"))
            await expect(page.locator("kos-announcement .words")).not_to_be_empty()
            await expect(page.locator("body:not([data-state=loading])")).to_be_attached()
            crowded = await page.evaluate(CROWDED)

            assert crowded["wrong"] == [], (scene, theme)
            assert crowded["names"] > 1, (scene, theme)
