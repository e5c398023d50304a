"""The OpenAPI document: valid, complete, with examples that work, and true for whatever schemathesis thinks of."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.control import SkipTest
from schemathesis.core.failures import FailureGroup
from schemathesis.openapi.checks import UndefinedStatusCode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.main import create_app
from app.settings import Settings
from tests import factories
from tests.api.test_access import routes_of
from tests.app_in_process import running_app
from tests.app_server import AppServer, start_app_server
from tests.servers import LONG, Postgres

EXAMPLES = 400 if LONG else 4
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
UNDOCUMENTED = {
    *("/openapi.json", "/docs", "/overlay/{event}/{component}", "/e/{event}", "/console"),
    *("/static/{digest}/{name:path}", "/components/v1/{name}", "/components/v1/{digest}/{name:path}"),
    *("/v1/stream", "/v1/stream/sse", "/l/{code}", "/assets/{name}"),
}


def application() -> Any:
    # Only the document is asked for, so nothing is opened.
    return create_app(Settings(database_url="sqlite+aiosqlite:///not-opened.db"))._app  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    openapi: dict[str, Any] = application().openapi()
    return openapi


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_document_is_valid_openapi(document: dict[str, Any]):
    validate(document)


def test_every_route_is_documented(document: dict[str, Any]):
    routes = {
        f"{method} {route.path.replace(':path}', '}')}"
        for route in routes_of(application().routes)
        if route.path not in UNDOCUMENTED
        for method in route.methods - {"HEAD"}
    }

    assert {name for name, _ in operations(document)} == routes


def test_every_operation_says_what_it_does_and_what_can_go_wrong(document: dict[str, Any]):
    for name, operation in operations(document):
        assert operation.get("summary") or operation.get("description"), name
        assert operation["operationId"], name
        assert operation["tags"], name
        if name.endswith(("/healthz", "/readyz")):
            continue
        if name.endswith("/kos-keys.json"):
            assert operation["security"] == []
            continue
        if operation["operationId"] in ("sign_in", "sign_out"):
            assert operation["security"] == []
            continue
        assert operation["security"] == [{"key": []}], name
        for status in ("401", "403", "503"):
            assert status in operation["responses"], f"{name} lacks {status}"
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, f"{name} {status}"


def test_every_body_has_an_example(document: dict[str, Any]):
    for name, operation in operations(document):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            assert examples_of(content, document), f"{name} {media_type}"


def examples_of(content: dict[str, Any], document: dict[str, Any]) -> list[Any]:
    """Examples of a body, wherever OpenAPI lets them stand."""
    schema = content["schema"]
    for option in schema.get("anyOf", ()):
        if "$ref" in option:
            schema = option
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    found = [content["example"]] if "example" in content else []
    found += [example["value"] for example in content.get("examples", {}).values()]
    found += [schema["example"]] if "example" in schema else []
    return found + list(schema.get("examples", ()))


# The story that the examples tell, in an order in which it can be told.
STORY = [
    "create_event",
    "put_roster",
    "move_event",
    "change_rules",
    "put_rates",
    "start_session",
    "post_viewers",
    "post_order",
    "post_orders",
    "what_if",
    "open_claim",
    "reattribute",
    "adjust",
    "pay_out",
    "post_dispute",
    "post_disputes",
    "post_refund",
    "post_refunds",
    "post_cancellation",
    "post_cancellations",
    "change_session",
    "pin_product",
    "unpin_product",
    "start_offer",
    "end_offer",
    "set_goal",
    "announce",
    "end_session",
    "create_link",
    "close_statement",
    "put_overlays",
    "add_asset",
    "put_look",
    "create_token",
    "create_key",
]
# It has one person, and these need a second one.
FOR_TWO = {"approve_correction", "withdraw_correction", "close_claim"}
# Commission is held for days, and nothing was paid out yet.
FOR_LATER = {"release", "fail_payout"}
# Keys are made by chance, so no example is one.
FOR_KEY_HOLDERS = {"sign_in"}
CLOCK = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp()) * 1_000_000


async def test_examples_can_be_pasted_one_after_the_other(document: dict[str, Any], tmp_path: Path):
    by_id = {operation["operationId"]: (name, operation) for name, operation in operations(document)}
    assert {name for name, (_, operation) in by_id.items() if "requestBody" in operation} == set(
        STORY
    ) | FOR_TWO | FOR_LATER | FOR_KEY_HOLDERS
    async with running_app(f"sqlite+aiosqlite:///{tmp_path}/kos.db", lambda: CLOCK) as api:
        for identity in STORY:
            name, operation = by_id[identity]
            method, path = name.split()
            path = path.replace("{event}", "kos101").replace("{session}", "night-1")
            path = path.replace("{sku}", "MAC-RUBY").replace("{offer}", "happy-hour")
            for media_type, content in operation["requestBody"]["content"].items():
                for example in examples_of(content, document):
                    text = {"content": example} if isinstance(example, str) else {"json": example}
                    headers = {"Content-Type": media_type}
                    response = await api.client.request(method, path, headers=headers, **text)

                    assert response.is_success, f"{name} {media_type}: {response.text}"
                    refused = response.json().get("refused", 0)
                    assert refused == 0, f"{name} {media_type}: {response.text}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """A real server with an event that generated calls can hit upon."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database')}/kos.db"
        running = start_app_server(url)
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create_database()
        running = start_app_server(url)
    with caller(running) as client:
        path = "/v1/events/known"
        client.post("/v1/events", json=factories.event_body("known")).raise_for_status()
        client.put(f"{path}/roster", json=factories.roster_body()).raise_for_status()
        client.post(f"{path}/transitions", json={"to": "scheduled"}).raise_for_status()
        client.post(f"{path}/sessions", json={"id": "night", "hosts": [{"id": "h7"}]}).raise_for_status()
        client.post(f"{path}/orders", json=factories.order("1001", host="h7")).raise_for_status()
    yield running
    running.close()
    if request.param == "postgresql":
        postgres.drop_database(url)


def caller(server: AppServer) -> httpx2.Client:
    return httpx2.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.key}"}, timeout=30)


KNOWN = {"event": "known", "session": "night", "source": "shop", "order": "1001", "board": "hosts"}


@pytest.fixture(scope="module")
def schema(server: AppServer) -> Any:
    """The document as the server sends it."""
    return schema_of(server)


def schema_of(server: AppServer) -> Any:
    return schemathesis.openapi.from_url(
        f"{server.url}/openapi.json", headers={"Authorization": f"Bearer {server.key}"}
    )


def searches() -> Iterator[tuple[str, GenerationMode]]:
    for name, operation in operations(application().openapi()):
        yield name, GenerationMode.POSITIVE
        # What takes no input cannot be called wrongly.
        if operation.get("parameters") or "requestBody" in operation:
            yield name, GenerationMode.NEGATIVE


@pytest.mark.parametrize(("name", "mode"), list(searches()), ids=lambda value: getattr(value, "value", value))
def test_generated_calls_find_no_5xx_and_nothing_undocumented(
    server: AppServer, schema: Any, name: str, mode: GenerationMode
):
    method, path = name.split()

    calls = shake(server, schema[path][method], mode)

    assert calls
    with caller(server) as client:
        assert client.get("/readyz").status_code == 200


def shake(server: AppServer, operation: Any, mode: GenerationMode) -> int:
    """Call one operation with generated input; how often it was called."""
    calls = 0
    try:
        cases = operation.as_strategy(generation_mode=mode)
    except SkipTest:
        # Nothing that could be wrong: an operation without input, and values that are all right.
        return 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=not LONG,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    @given(case=cases, is_known=st.booleans())
    def call(case: Any, is_known: bool) -> None:
        nonlocal calls
        if is_known:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = KNOWN.get(name, case.path_parameters[name])
        calls += 1
        response = case.call(headers={"Authorization": f"Bearer {server.key}"})
        if response.text == "Invalid HTTP request received.":
            # A header such as `content-length: <u` is no HTTP: the server's parser says so before anything of ours.
            assert response.status_code == 400
            return
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=CHECKS)

    with suppress(SkipTest):
        call()
    return calls


def test_wrong_status_would_be_found(server: AppServer):
    """The search above is no use if it cannot fail: leave a status out of the document and it must say so."""
    schema = schema_of(server)
    del schema.raw_schema["paths"]["/v1/events/{event}"]["get"]["responses"]["404"]
    operation = schema["/v1/events/{event}"]["GET"]

    with pytest.raises(FailureGroup) as found:
        shake(server, operation, GenerationMode.POSITIVE)

    assert [type(failure) for failure in found.value.exceptions] == [UndefinedStatusCode]
