"""Pictures of pages: small ones, of pages that there are, and true to the colour where there are few colours."""

import base64

from playwright.async_api import async_playwright

from tests.pictures import small
from tests.screenshots import BYTES_MAX, FOLDER, pictures
from tests.tour import Toured

PIXELS = """async (png) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    const at = (x, y) => [...context.getImageData(x, y, 1, 1).data];
    return [image.width, image.height, at(0, 0), at(30, 30), at(99, 59)];
}"""


def test_every_picture_is_small_and_of_a_page_that_there_is():
    taken = {path.stem: path.stat().st_size for path in FOLDER.glob("*.png")}

    assert taken.keys() - {name for name, _, _ in pictures(Toured("", "", "", ""))} == set()
    assert [name for name, size in taken.items() if size > BYTES_MAX] == []


async def test_picture_of_few_colours_is_the_same_picture(chromium: str):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 100, "height": 60})
        await page.set_content(
            "<body style='margin:0;background:#123456'><div style='background:#fedcba;height:30px;width:31px'></div>"
            "<div style='background:#0a0b0c;height:30px;width:31px'></div></body>"
        )
        taken = await page.screenshot()

        made = await small(page, taken)

        shown = await page.evaluate(PIXELS, base64.b64encode(made).decode())
        await browser.close()
    assert shown == [100, 60, [0xFE, 0xDC, 0xBA, 255], [0x0A, 0x0B, 0x0C, 255], [0x12, 0x34, 0x56, 255]]
    assert made[24:26] == bytes((8, 3))
