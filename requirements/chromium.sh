# Finds or fetches a Chromium for the browser tests; sourced by test.sh, after `sync_packages test`.
#
# find_chromium    prints the program's path. Order: $KOS_CHROMIUM, one on PATH, one fetched before, Playwright's
#                  download, Debian's package (root only), the npm package @sparticuz/chromium. Each one has to
#                  open a page before it is taken. Fails loudly when none does: browser tests are never skipped.
#                  The headless shell is preferred: the same Chromium without a window's frame and a process that
#                  imitates a graphics card; a page costs it a third to a quarter of the processor time.

# Asked through Playwright, as the tests do it: a program that only answers --version proves nothing.
opens_a_page() {
    [ -n "$1" ] && [ -x "$1" ] && .venv/bin/python - "$1" >>.tools/browser.log 2>&1 <<'PYTHON'
import sys

from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=["--no-sandbox"], timeout=30_000)
    page = browser.new_page()
    page.set_content("<p>kos</p>")
    found = page.inner_text("p")
    browser.close()
sys.exit(found != "kos")
PYTHON
}

from_playwright() {
    .venv/bin/python -m playwright install chromium-headless-shell >.tools/playwright.log 2>&1 || return 1
    fetched_by_playwright
}

fetched_by_playwright() {
    find .tools/browsers -type f \( -name headless_shell -o -name chrome-headless-shell \) 2>/dev/null | head -n 1
}

from_apt() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    apt-get update >.tools/apt.log 2>&1 || return 1
    for package in chromium-headless-shell chromium; do
        DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" >>.tools/apt.log 2>&1 &&
            { command -v "$package"; return 0; }
    done
    return 1
}

from_npm() {
    command -v npm >/dev/null || return 1
    mkdir -p .tools/npm &&
        npm install --prefix .tools/npm --ignore-scripts --no-audit --no-fund '@sparticuz/chromium@^147' \
            >.tools/npm.log 2>&1 || return 1
    unpacked_by_npm
}

# The package holds a compressed program and unpacks it into the temporary directory.
unpacked_by_npm() {
    [ -d .tools/npm/node_modules/@sparticuz/chromium ] || return 1
    mkdir -p .tools/unpacked
    (cd .tools/npm && TMPDIR=$PWD/../unpacked node --input-type=module -e \
        'import c from "@sparticuz/chromium"; console.log(await c.executablePath())' 2>>../npm.log)
}

find_chromium() {
    mkdir -p .tools
    export PLAYWRIGHT_BROWSERS_PATH="$PWD/.tools/browsers"
    if [ -n "${KOS_CHROMIUM:-}" ]; then
        opens_a_page "$KOS_CHROMIUM" && { printf '%s\n' "$KOS_CHROMIUM"; return 0; }
        say "KOS_CHROMIUM=$KOS_CHROMIUM does not open a page."
        return 1
    fi
    for name in chromium-headless-shell chrome-headless-shell chromium google-chrome chromium-browser google-chrome-stable; do
        found=$(command -v "$name" || true)
        if opens_a_page "$found"; then printf '%s\n' "$found"; return 0; fi
    done
    for way in fetched_by_playwright unpacked_by_npm from_playwright from_apt from_npm; do
        case $way in from_*) say "no Chromium yet, trying $way" ;; esac
        found=$($way || true)
        case $found in "" | /*) ;; *) found=$PWD/$found ;; esac
        if opens_a_page "$found"; then printf '%s\n' "$found"; return 0; fi
    done
    say "no Chromium for the browser tests. Install chromium or google-chrome, or set KOS_CHROMIUM to one."
    say "What was tried is in .tools/*.log."
    return 1
}
