"""What the OpenAPI document says beyond what the routes' types say: bodies of the order routes, problems, examples."""

import json
from collections.abc import Sequence
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from app.api.decoding import schema_of
from app.api.guard import may_read_docs
from app.api.intake import INTAKES
from app.api.models import RosterBody
from app.audience.signs import Sign

TITLE = "KOS Live"
DESCRIPTION = (
    "Livestream sales challenges whose every number is a pure function of one journal. Money is decimal strings, "
    "times are RFC 3339 with an offset, errors are RFC 9457 problem documents with a stable `code`."
)

_ORDER: dict[str, Any] = {
    "id": "1001",
    "source": "shop",
    "paid_at": "2026-11-21T20:15:00+08:00",
    "currency": "CNY",
    "lines": [{"id": "1", "sku": "MAC-RUBY", "title": "Ruby Woo lipstick", "quantity": 2, "unit_price": "17.00"}],
    "shipping": "3.50",
    "total": "37.50",
    "code": "LIN10",
}
_EXAMPLES: dict[str, dict[str, Any]] = {
    "orders": _ORDER,
    "refunds": {
        "id": "r-7",
        "source": "shop",
        "order": "1001",
        "refunded_at": "2026-11-22T09:00:00+08:00",
        "lines": [{"id": "1", "quantity": 1}],
    },
    "cancellations": {"source": "shop", "order": "1001", "cancelled_at": "2026-11-22T09:00:00+08:00"},
    "disputes": {
        "id": "d-3",
        "source": "shop",
        "order": "1001",
        "disputed_at": "2026-11-23T09:00:00+08:00",
        "amount": "17.00",
    },
}

_SIGNS: list[dict[str, Any]] = [
    {"type": "heartbeat", "viewer": "b3f1c2", "session": "night-1"},
    {"type": "count", "session": "night-1", "source": "tiktok", "viewers": 1204},
]


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:kos:error:currency_mismatch"])
    title: str = Field(examples=["Invalid"])
    status: int = Field(examples=[422])
    code: str = Field(description="Stable; made for programs", examples=["currency_mismatch"])
    detail: str = Field(description="Says what to change", examples=["The event counts in GBP, not in EUR."])
    field: str | None = Field(None, description="Where in the body", examples=["currency"])


_PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_MEANINGS = {
    400: "The body is not readable as JSON",
    401: "No key, or one that is not valid",
    403: "The key lacks the scope",
    404: "There is no such thing here",
    405: "Not with this method",
    409: "Another state is needed, or other content holds the key",
    413: "The body is over its limit",
    422: "The body must change; `field` says where",
    429: "Too often from this address; `Retry-After` says when to come back",
    503: "Not possible now; `Retry-After` says when to come back",
}


REPEAT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The same fact again: the first answer",
        "headers": {"Idempotency-Replayed": {"schema": {"type": "string"}, "description": "true"}},
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that can end with these problems."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        found[status] = {"description": _MEANINGS[status], "content": _PROBLEM_CONTENT}
        if status in (429, 503):
            found[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds"}}
    return found


def install(app: FastAPI) -> None:
    """Serve ``/openapi.json``, to those who may read ``/docs``, and have it include what only this module knows."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(generate())
        return app.openapi_schema

    async def document() -> JSONResponse:
        return JSONResponse(app.openapi())

    app.openapi = openapi  # type: ignore[method-assign]
    app.add_api_route(
        "/openapi.json",
        document,
        methods=["GET", "HEAD"],
        dependencies=[Depends(may_read_docs)],
        include_in_schema=False,
    )


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    # The roster is read as JSON or CSV by hand, so the framework does not know its model.
    roster = RosterBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(roster.pop("$defs", {}), RosterBody=roster)
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key `kos_...` or an overlay or viewer token",
        }
    }
    for noun, intake in INTAKES.items():
        schema = schema_of(intake.struct, schemas)
        _set_body(document["paths"][f"/v1/events/{{event}}/{noun}"], schema, _EXAMPLES[noun])
        batch = {"type": "array", "items": schema}
        path = document["paths"][f"/v1/events/{{event}}/{noun}/batch"]
        _set_body(path, batch, [_EXAMPLES[noun]])
        path["post"]["requestBody"]["content"]["application/x-ndjson"] = _lines([_EXAMPLES[noun]])
    sign = schema_of(Sign, schemas)
    path = document["paths"]["/v1/events/{event}/viewers"]
    _set_body(path, {"type": "array", "items": sign}, _SIGNS)
    path["post"]["requestBody"]["content"]["application/x-ndjson"] = _lines(_SIGNS)
    for methods in document["paths"].values():
        for operation in methods.values():
            # FastAPI describes its own shape of a 422; ours is a problem like all others.
            if "422" in operation["responses"]:
                operation["responses"].update(_text_keys(problem_responses(422)))
            if "401" in operation["responses"]:
                operation.setdefault("security", [{"key": []}])
                # A body where none belongs is refused by its size as well.
                operation["responses"].update(_text_keys(problem_responses(413)))
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    return document


def _set_body(path: dict[str, Any], schema: dict[str, Any], example: Any) -> None:
    operation = path["post"]
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": schema, "example": example}},
    }
    answer: dict[str, Any] = {"schema": {"type": "object"}}
    for status in ("201", "200"):
        if status in operation["responses"]:
            operation["responses"][status]["content"] = {"application/json": answer}
    if "201" in operation["responses"]:
        operation["responses"].update(_text_keys(REPEAT))


def _lines(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema": {"type": "string", "description": "The same items, one JSON object per line"},
        "example": "".join(json.dumps(item) + "\n" for item in items),
    }


def _text_keys(responses: dict[int | str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {str(status): response for status, response in responses.items()}
