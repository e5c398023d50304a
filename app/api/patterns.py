"""What the patterns of bodies and parameters ask for, in words: nobody has to read a pattern to mend a request."""

from typing import Final

_ONE_LINE: Final = "Send one line of text, without control characters"
_NAME: Final = "of A-Z a-z 0-9 _ . -, the first of them a letter or a digit"
_NO_SPACE: Final = "printable ASCII characters and no space"
_PICTURE: Final = "Send the name that the upload of the picture was answered with"

# By pattern, without its end: libraries write that as `$` or `\Z`.
_WORDS: Final = {
    r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}": f"Use 1 to 64 {_NAME}.",
    r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?": f"Use up to 64 {_NAME}.",
    r"^([A-Za-z0-9][A-Za-z0-9_-]{3,63})?": "Use 4 to 64 of A-Z a-z 0-9 _ -, the first of them a letter or a digit.",
    r"^[a-z0-9_-]{1,40}": "Use 1 to 40 of a-z 0-9 _ -.",
    r"^[a-z][a-z-]{0,30}": "Use 1 to 31 of a-z and -, the first of them a letter.",
    r"^[A-Za-z0-9_.:#/*-]{1,160}": "Use 1 to 160 of A-Z a-z 0-9 _ . : # / * -.",
    r"^[!-~]{1,100}": f"Use 1 to 100 {_NO_SPACE}.",
    r"^[!-~]{1,40}": f"Use 1 to 40 {_NO_SPACE}.",
    r"^[!-~]{0,40}": f"Use up to 40 {_NO_SPACE}.",
    r"^[!-~]+": f"Use {_NO_SPACE}.",
    r"^[!-~]*": f"Use {_NO_SPACE}.",
    r"^[^\x00-\x1f\x7f]*": f"{_ONE_LINE}.",
    r"^[^\x00-\x1f\x7f]+": f"{_ONE_LINE}, that is not empty.",
    r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*": f"{_ONE_LINE}, that is more than spaces.",
    r"^[^\x00]*[^\x00\s][^\x00]*": "Say it in words: spaces alone do not count, and a NUL character is not taken.",
    r"^[^\x00]*": "Send text without a NUL character.",
    r"^[^\x00-\x09\x0b-\x1f\x7f]*": "Send text without control characters other than line breaks.",
    r"^https?://[!-~]+": "Send a whole address, from https:// on, without spaces.",
    r"^(https?://[^\x00-\x20\x7f]+)?": "Send a whole address, from https:// on, without spaces; or nothing.",
    r"^#[0-9a-fA-F]{6}": "Send a colour as # and six hexadecimal digits, such as #e4007f.",
    r"^[0-9a-f]{64}\.(jpg|png|svg|webp)": f"{_PICTURE}.",
    r"^([0-9a-f]{64}\.(png|jpg|webp|svg))?": f"{_PICTURE}, or nothing.",
    r"^[0-9a-f]{64}\.(woff2)": "Send the name that the upload of the font was answered with.",
}


def words_for(pattern: str) -> str:
    """A sentence that says what fits the pattern; the pattern itself if it has no words."""
    return _WORDS.get(pattern.removesuffix("$").removesuffix(r"\Z"), f"Send text that fits {pattern}")
