"""Every error as one RFC 9457 problem document, whoever raised it."""

from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from app.api.patterns import words_for
from app.console import COOKIE
from app.errors import AppError, BadRequest, Internal, Invalid, TooMany, Unavailable

log = structlog.get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"

_CODES = {
    404: ("not_found", "There is nothing at this path."),
    405: ("method_not_allowed", "This path does not take that method; the Allow header says which it takes."),
    413: ("body_too_large", "The body is over its limit."),
}
_KINDS = {
    "missing": ("missing_field", "This field is missing."),
    "extra_forbidden": ("unknown_field", "There is no such field."),
}


def told(error: AppError) -> AppError:
    """The error as a caller may hear it: a database's own words name machines, files and SQL, so they are logged."""
    if error.code != "database_unavailable" or not isinstance(error, Unavailable):
        return error
    log.warning("database_unavailable", reason=str(error.__cause__ or error.detail))
    detail = "The database does not answer; send it again."
    return Unavailable("database_unavailable", detail, error.retry_after_seconds)


def problem_response(error: AppError) -> Response:
    """The response that tells an error: its document, and when to come back if that helps."""
    error = told(error)
    headers = {}
    if isinstance(error, Unavailable | TooMany):
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(error.problem()), error.status, headers, PROBLEM_TYPE)


def install(app: FastAPI) -> None:
    """Have the application answer every error this way."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _bug)


async def _app_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AppError)
    response = problem_response(error)
    if error.code == "signed_out":
        # Or the browser would bring it along for ever, also to pages that everybody may read.
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:
        # What the framework says of a body that its JSON reader broke off at: bytes that are no text, say.
        return problem_response(BadRequest("invalid_json", "The body is not readable as JSON."))
    code, detail = _CODES.get(error.status_code, ("http_error", str(error.detail)))
    document = {
        "type": f"urn:kos:error:{code}",
        "title": str(error.detail),
        "status": error.status_code,
        "code": code,
        "detail": detail,
    }
    return Response(orjson.dumps(document), error.status_code, error.headers, PROBLEM_TYPE)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem_response(invalid(error.errors()))


async def _bug(request: Request, error: Exception) -> Response:
    return problem_response(Internal())


def invalid(errors: Any) -> AppError:
    """The first of pydantic's complaints in our words."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return BadRequest("invalid_json", "The body is not JSON.")
    place = [part for part in first["loc"] if part not in ("body", "query", "path", "header")]
    field = ""
    for part in place:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    if first["type"] in _KINDS:
        code, detail = _KINDS[first["type"]]
    elif first["type"] == "string_pattern_mismatch":
        code, detail = "invalid_value", words_for(first["ctx"]["pattern"])
    elif first["type"].endswith("_type"):
        code, detail = "wrong_type", f"{first['msg']}."
    else:
        code, detail = "invalid_value", f"{first['msg']}."
    return Invalid(code, detail, field)


def invalid_model(error: ValidationError) -> AppError:
    """As ``invalid`` for a model that was filled by hand."""
    return invalid(error.errors())
