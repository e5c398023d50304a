"""What a client would rather have, by its Accept headers (RFC 9110, section 12.5). Pure."""

from collections.abc import Sequence


def qualities(header: str) -> dict[str, float]:
    """What a header names, in small letters, with how much it is wanted: 0 to 1. What cannot be read counts as 0."""
    found = {}
    for item in header[:1_000].split(","):
        name, *parameters = (part.strip().lower() for part in item.split(";"))
        quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        try:
            found[name] = min(1.0, max(0.0, float(quality)))
        except ValueError:
            found[name] = 0.0
    return found


def wants_html(header: str) -> bool:
    """Whether a page is named, and JSON is not wanted more: browsers name it, programs do not."""
    wanted = qualities(header)
    return wanted.get("text/html", 0) > 0 and wanted["text/html"] >= wanted.get("application/json", 0)


def language_of(header: str, known: Sequence[str]) -> str:
    """Which of the known languages is wanted most; the first of them if none is."""
    wanted: dict[str, float] = {}
    for name, quality in qualities(header).items():
        language = name.split("-")[0]
        wanted[language] = max(quality, wanted.get(language, 0))
    return max(known, key=lambda language: wanted.get(language, 0))
