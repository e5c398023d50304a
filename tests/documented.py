"""Holds every response that a test meets to the OpenAPI document: its status, its content type, its schema."""

import re
from dataclasses import dataclass, field
from typing import Any

import httpx2
from jsonschema import Draft202012Validator

# The only parameters that may hold slashes; see the look-up of orders.
_DEEP = ("order", "channel")


@dataclass
class Documented:
    """One application's document; ``check`` is a hook for responses of a client."""

    document: dict[str, Any]
    seen: set[tuple[str, str]] = field(default_factory=set)
    _paths: list[tuple[re.Pattern[str], str]] = field(default_factory=list)
    _validators: dict[tuple[str, str, str], Draft202012Validator] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in sorted(self.document["paths"], key=len, reverse=True):
            pattern = re.sub(r"{(\w+)}", lambda found: ".+" if found[1] in _DEEP else "[^/]+", path)
            self._paths.append((re.compile(pattern), path))

    async def check(self, response: httpx2.Response) -> None:
        """Errors: AssertionError for what the document does not say."""
        found = self.operation(response.request.method, response.request.url.path)
        if found is None:
            return
        name, operation = found
        status = str(response.status_code)
        await response.aread()
        assert status in operation["responses"], f"{name} answers {status}, which is not documented: {response.text}"
        self.seen.add((name, status))
        content = operation["responses"][status].get("content", {})
        media_type = response.headers.get("content-type", "").split(";")[0]
        assert bool(content) == bool(response.content), f"{name} {status}: a body is there, or documented, not both"
        if not content:
            return
        assert media_type in content, f"{name} {status} is {media_type}, documented is {', '.join(content)}"
        if media_type in ("application/json", "application/problem+json"):
            self._validator(name, status, media_type, content[media_type].get("schema", {})).validate(response.json())

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """Name and operation of a call; None for a path or a method that the document does not have."""
        for pattern, template in self._paths:
            if pattern.fullmatch(path):
                operation = self.document["paths"][template].get(method.lower())
                return (f"{method} {template}", operation) if operation else None
        return None

    def _validator(self, name: str, status: str, media_type: str, schema: dict[str, Any]) -> Draft202012Validator:
        key = name, status, media_type
        if key not in self._validators:
            self._validators[key] = Draft202012Validator({**schema, "components": self.document["components"]})
        return self._validators[key]
