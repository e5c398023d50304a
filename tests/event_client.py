"""One event of one server, called as a client would call it."""

from typing import Any

import httpx2

from tests import factories

_PAGE = 1_000


class EventClient:
    """Calls below ``/v1/events/{id}``. ``post`` and ``get`` give the response, the others what a success answered."""

    def __init__(self, client: httpx2.AsyncClient, identity: str) -> None:
        self.client = client
        self.id = identity
        self.path = f"/v1/events/{identity}"

    async def open(self, roster: dict[str, Any] | None = None, **fields: Any) -> "EventClient":
        """Create the event, give it a roster, take it to live."""
        await self.create(**fields)
        await self.ok("PUT", "/roster", factories.roster_body() if roster is None else roster)
        await self.move("scheduled")
        await self.move("live")
        return self

    async def create(self, **fields: Any) -> dict[str, Any]:
        response = await self.client.post("/v1/events", json=factories.event_body(self.id, **fields))
        assert response.status_code == 201, response.text
        document: dict[str, Any] = response.json()
        return document

    async def post(self, path: str, body: Any, **options: Any) -> httpx2.Response:
        return await self.client.post(self.path + path, json=body, **options)

    async def get(self, path: str = "", **params: Any) -> httpx2.Response:
        return await self.client.get(self.path + path, params=params)

    async def ok(self, method: str, path: str = "", body: Any = None, **params: Any) -> Any:
        """What a call answers that has to succeed."""
        given = {} if body is None else {"json": body}
        response = await self.client.request(method, self.path + path, params=params, **given)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    async def order(self, **fields: Any) -> Any:
        """Post an order that has to be accepted."""
        return await self.ok("POST", "/orders", factories.order(**fields))

    async def sell(self, identity: str, host: str = "", price: str = "10.00", **fields: Any) -> Any:
        """Post a simple order that has to be accepted."""
        return await self.ok("POST", "/orders", factories.simple_order(identity, host, price, **fields))

    async def move(self, to: str, **fields: Any) -> Any:
        return await self.ok("POST", "/transitions", {"to": to, **fields})

    async def board(self, board: str = "hosts", **params: Any) -> Any:
        return await self.ok("GET", f"/boards/{board}", **params)

    async def scores(self, board: str = "hosts", **params: Any) -> dict[str, Any]:
        """Scores by id of those rows that have one."""
        document = await self.board(board, **params)
        return {row["id"]: row["score"] for row in document["rows"] if float(row["score"])}

    async def entries(self, after: int = 0) -> list[dict[str, Any]]:
        """The journal behind a position, checked to have no gap."""
        found: list[dict[str, Any]] = []
        while page := (await self.ok("GET", "/journal", after=after, limit=_PAGE))["entries"]:
            assert [entry["position"] for entry in page] == list(range(after + 1, after + 1 + len(page)))
            found += page
            after = page[-1]["position"]
        return found

    async def head(self) -> tuple[int, str]:
        """Position and hash of the newest entry: equal before and after a call that must leave no trace."""
        document = await self.ok("GET")
        return document["position"], document["head_hash"]
