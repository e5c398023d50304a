"""Modules as one script: in the order in which they need each other, and nothing that would not work there."""

import pytest
from playwright.async_api import Page

from app.web.bundle import bundled, imported

SOURCES = {
    "one/main.js": 'import "./side.js";\nimport {\n  half,\n  Whole as All,\n} from "../two/parts.js";\n'
    "told.push(half(8), new All().name, typeof secret);\n",
    "one/side.js": 'import { half } from "../two/parts.js";\nconst secret = "side";\ntold.push(secret, half(4));\n',
    "two/parts.js": 'import { TWO } from "./two.js";\nconst secret = "parts";\n'
    "export function half(number) {\n  return number / TWO;\n}\nexport class Whole {\n  name = secret;\n}\n"
    "export async function later() {}\n",
    "two/two.js": "told.push('two');\nexport const TWO = 2;\n",
}


def test_module_comes_once_and_after_what_it_imports():
    assert imported(["one/main.js", "two/parts.js"], SOURCES) == [
        "two/two.js",
        "two/parts.js",
        "one/side.js",
        "one/main.js",
    ]


@pytest.mark.asyncio(loop_scope="module")
async def test_bundle_does_what_its_modules_do_and_keeps_their_names_apart(page: Page):
    script = bundled(["one/main.js"], SOURCES)

    told = await page.evaluate(f"() => {{ const told = []; {script}; return told; }}")

    assert told == ["two", "side", 2, 4, "parts", "undefined"]


@pytest.mark.parametrize(
    "line",
    [
        'import all from "./two.js";',
        'import * as all from "./two.js";',
        'import { TWO } from "elsewhere";',
        "export default 1;",
        "export let changing = 1;",
        "export const { a, b } = {};",
        'export { TWO } from "./two.js";',
    ],
)
def test_what_is_not_understood_is_refused(line: str):
    with pytest.raises(ValueError, match="cannot be bundled"):
        bundled(["two/new.js"], SOURCES | {"two/new.js": f"{line}\n"})


def test_modules_that_import_each_other_are_refused():
    circle = {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}

    with pytest.raises(ValueError, match="imports itself"):
        bundled(["a.js"], circle)
    with pytest.raises(KeyError):
        bundled(["a.js"], {"a.js": 'import { b } from "./gone.js";\n'})
