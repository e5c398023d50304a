"""Which Chromium draws the pages; what a machine has, before anything is fetched (requirements/chromium.sh)."""

import os
import shutil

# The headless shell first: the same Chromium at a third of the processor time.
_NAMES = (
    *("chromium-headless-shell", "chrome-headless-shell", "chromium", "google-chrome"),
    *("chromium-browser", "google-chrome-stable"),
)


def find_chromium() -> str | None:
    """Path of a Chromium: ``KOS_CHROMIUM``, or the first one on PATH; None if there is none."""
    return os.environ.get("KOS_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
