"""Bodies of the order routes: decoded and checked in one pass, with errors in our words."""

import ast
import re
from typing import Any, NoReturn, TypeVar

import msgspec

from app.api.patterns import words_for
from app.errors import AppError, BadRequest, Invalid

T = TypeVar("T")

_PATH = re.compile(r" - at `\$(?P<path>.*?)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")
_TYPE = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`")
_PATTERN = re.compile(r"Expected `str` matching regex (?P<pattern>'.*')", re.DOTALL)
_ID = re.compile(r"[!-~]{1,100}")
_EXCERPT = 120


def decode(decoder: "msgspec.json.Decoder[T]", raw: bytes | msgspec.Raw) -> T:
    """The decoded body.

    Errors: BadRequest ``invalid_json``; Invalid ``missing_field``, ``unknown_field``, ``wrong_type``,
    ``invalid_value``.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        refuse(error)


class _Named(msgspec.Struct):
    """As much of an item as its refusal can be hung on."""

    id: Any = ""
    order: Any = ""


_named_item = msgspec.json.Decoder(_Named)


def name_of(raw: bytes | msgspec.Raw, *members: str) -> str:
    """The first of these members that an item, which could not be taken, has as an id; "" if it cannot be told."""
    try:
        item = _named_item.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    for member in members:
        value = getattr(item, member)
        if isinstance(value, str) and _ID.fullmatch(value):
            return value
    return ""


def refuse(error: Exception) -> NoReturn:
    """The body is not JSON at all."""
    reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:_EXCERPT]
    raise BadRequest("invalid_json", f"The body is not readable as JSON: {reason}.") from None


def invalid(message: str) -> AppError:
    """A validation message of the decoder as the error that a caller gets."""
    place = _PATH.search(message)
    field = place["path"].lstrip(".") if place else ""
    text = message[: place.start()] if place else message
    if unknown := _UNKNOWN.match(text):
        name = unknown["name"][:_EXCERPT]
        return Invalid("unknown_field", f"There is no field {name!r}; leave it away.", _join(field, name))
    if missing := _MISSING.match(text):
        return Invalid("missing_field", f"The field {missing['name']!r} is missing.", _join(field, missing["name"]))
    if wrong := _TYPE.match(text):
        wanted, got = wrong["wanted"], wrong["got"]
        return Invalid("wrong_type", f"Send {_named(wanted)} here, not {_named(got)}.", field)
    if unfit := _PATTERN.fullmatch(text):
        return Invalid("invalid_value", words_for(ast.literal_eval(unfit["pattern"])), field)
    return Invalid("invalid_value", f"{text[:_EXCERPT]}.", field)


def _join(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


def _named(kind: str) -> str:
    names = {
        "str": "a string",
        "int": "an integer",
        "float": "a number with decimals",
        "bool": "true or false",
        "object": "an object",
        "array": "a list",
        "null": "null",
    }
    return names.get(kind, kind)


def schema_of(kind: Any, components: dict[str, Any]) -> dict[str, Any]:
    """JSON schema of a struct for the OpenAPI document; what it refers to is added to ``components``."""
    (schema,), found = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    components.update(found)
    return schema
