"""Facts posted through the public API in batches, each batch until it is answered, whatever the network does.

Every fact carries its own key, so a batch whose answer was lost is simply sent again: nothing counts twice.
Nothing here knows what the facts mean.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx2
import orjson

Kind = Literal["orders", "refunds", "cancellations"]

BATCH_FACTS = 500
# Below the server's limit for a body, 1 MiB.
BODY_BYTES_MAX = 1_000_000
ATTEMPTS_MAX = 12
WAIT_SECONDS_FIRST = 0.25
WAIT_SECONDS_MAX = 10.0
REQUEST_SECONDS_MAX = 60.0
# The server, or a proxy before it, says that the same call may succeed later.
RETRIED = (429, 502, 503, 504)
EXAMPLES_MAX = 3

Sleep = Callable[[float], Awaitable[None]]


class PostingError(Exception):
    """Posting stopped: the sentence says why and what to do. What was answered before stays counted."""


class PayloadTooLarge(Exception):
    """The server takes less in one body than was sent."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Example:
    """One refused fact, as the server answered."""

    kind: Kind
    id: str
    detail: str
    field: str


@dataclass(slots=True)
class Tally:
    """What became of the facts posted so far: counts by kind, refusals also by code with the first few."""

    accepted: Counter[Kind] = field(default_factory=Counter)
    replayed: Counter[Kind] = field(default_factory=Counter)
    refused: Counter[Kind] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Example]] = field(default_factory=dict)

    def add(self, kind: Kind, results: Iterable[dict[str, Any]]) -> None:
        """Count the results of one batch."""
        for result in results:
            status = result["status"]
            if status == 201:
                self.accepted[kind] += 1
            elif status == 200:
                self.replayed[kind] += 1
            else:
                self._add_refusal(kind, result)

    def _add_refusal(self, kind: Kind, result: dict[str, Any]) -> None:
        code = str(result.get("code", result["status"]))
        self.refused[kind] += 1
        self.refusals[code] += 1
        kept = self.examples.setdefault(code, [])
        if len(kept) < EXAMPLES_MAX:
            texts = (str(result.get(name, "")) for name in ("id", "detail", "field"))
            kept.append(Example(kind, *texts))


def connect(url: str, key: str, transport: httpx2.AsyncBaseTransport | None = None) -> httpx2.AsyncClient:
    """A client of the API at ``url`` that sends ``key`` with every call; close it after use.

    Errors: PostingError for an address or a key that cannot be one.
    """
    if not key.isascii() or not key.isprintable():
        raise PostingError("The key holds characters that no key has; copy it again.")
    try:
        base = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise PostingError(f"{url!r} is not an address ({error}).") from None
    if base.scheme not in ("http", "https") or not base.host:
        raise PostingError(f"{url!r} is not an address such as http://127.0.0.1:8000.")
    return httpx2.AsyncClient(
        base_url=base,
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        timeout=REQUEST_SECONDS_MAX,
        transport=transport,
    )


def bodies(facts: Iterable[dict[str, Any]], facts_max: int, bytes_max: int = BODY_BYTES_MAX) -> Iterator[list[bytes]]:
    """Facts as encoded items, grouped so that a group is one body: in order, none left out, none empty.

    A fact that is too large by itself is a group of its own: the server says what is wrong with it.
    """
    group: list[bytes] = []
    size = 2
    for fact in facts:
        item = orjson.dumps(fact)
        if group and (len(group) == facts_max or size + len(item) + 1 > bytes_max):
            yield group
            group, size = [], 2
        group.append(item)
        size += len(item) + 1
    if group:
        yield group


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on when the server cannot answer; ``notice`` hears why it waits."""

    attempts: int = ATTEMPTS_MAX
    sleep: Sleep = asyncio.sleep
    notice: Callable[[str], None] = lambda _: None


PATIENT = Patience()


async def call(
    client: httpx2.AsyncClient, method: str, path: str, body: bytes = b"", patience: Patience = PATIENT
) -> Any:
    """One call of the API, repeated while the server cannot answer; the JSON of the answer.

    Errors: PostingError; PayloadTooLarge.
    """
    wait = WAIT_SECONDS_FIRST
    trouble = ""
    for attempt in range(patience.attempts):
        try:
            response = await client.request(method, path, content=body)
        except httpx2.TransportError as error:
            trouble = f"no answer from {client.base_url} ({str(error) or type(error).__name__})"
            pause = wait
        else:
            if response.status_code not in RETRIED:
                return _answer(response)
            trouble = f"{client.base_url} is not ready ({_said(response)})"
            pause = _retry_after(response, wait)
        if attempt + 1 < patience.attempts:
            pause = min(pause, WAIT_SECONDS_MAX)
            patience.notice(f"{trouble}; trying again in {pause:g} s")
            await patience.sleep(pause)
        wait *= 2
    raise PostingError(f"{trouble}; gave up. Run it again later: nothing counts twice.")


async def post_batch(
    client: httpx2.AsyncClient, path: str, items: Sequence[bytes], patience: Patience = PATIENT
) -> list[dict[str, Any]]:
    """Post items to a batch route until each has its answer; one result per item, in order.

    A batch that the server finds too large is halved; items that it could not take just now are sent again.
    Errors: PostingError.
    """
    results: dict[int, dict[str, Any]] = {}
    waiting = list(range(len(items)))
    for _ in range(patience.attempts):
        answers = await _post(client, path, [items[index] for index in waiting], patience)
        results |= zip(waiting, answers, strict=True)
        waiting = [index for index in waiting if results[index].get("status") == 503]
        if not waiting:
            break
        await patience.sleep(WAIT_SECONDS_FIRST)
    return [results[index] for index in range(len(items))]


async def _post(
    client: httpx2.AsyncClient, path: str, items: Sequence[bytes], patience: Patience
) -> list[dict[str, Any]]:
    try:
        answer = await call(client, "POST", path, b"[" + b",".join(items) + b"]", patience)
    except PayloadTooLarge as error:
        if len(items) == 1:
            name = str(orjson.loads(items[0]).get("id", ""))
            return [{"status": 413, "id": name, "code": error.code, "detail": error.detail}]
        half = len(items) // 2
        first = await _post(client, path, items[:half], patience)
        return first + await _post(client, path, items[half:], patience)
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or len(results) != len(items):
        raise PostingError(f"{client.base_url} did not answer with one result per item; is it a KOS Live server?")
    return results


def _answer(response: httpx2.Response) -> Any:
    if response.status_code == 413:
        raise PayloadTooLarge(*_problem(response))
    if response.status_code >= 400:
        raise PostingError(f"{response.request.method} {response.request.url.path}: {_said(response)}")
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        what = f"{response.request.url} answered {response.status_code} without JSON; is it a KOS Live server?"
        raise PostingError(what) from None


def _said(response: httpx2.Response) -> str:
    """The server's own words on an error."""
    return f"{response.status_code} {': '.join(_problem(response))}"


def _problem(response: httpx2.Response) -> tuple[str, str]:
    """Code and sentence of a problem document, or what HTTP has instead."""
    try:
        problem = orjson.loads(response.content)
        return str(problem["code"]), str(problem["detail"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"http_{response.status_code}", response.reason_phrase


def _retry_after(response: httpx2.Response, otherwise: float) -> float:
    given = response.headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() else otherwise
