"""The real orders of a real shop that tests post, the hosts that they are dealt to, and an event to post them into."""

import asyncio
import csv
import gzip
import hashlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx2

DATA = Path(__file__).parent / "data"
FILE = DATA / "online-retail-2010-12.csv.gz"
TEAMS = [f"team-{number}" for number in range(1, 7)]
TEAM_OF = {f"host-{number}": TEAMS[number % len(TEAMS)] for number in range(1, 61)}
EVENT_ID = "retail"
EVENT: dict[str, Any] = {
    "id": EVENT_ID,
    "name": "December 2010",
    "currency": "GBP",
    "timezone": "Europe/London",
    "starts_at": "2010-12-01T00:00:00+00:00",
    "ends_at": "2011-01-01T00:00:00+00:00",
    "rules": {},
}
PAGE = 1000


def invoices() -> dict[str, list[dict[str, str]]]:
    """Rows of the file by invoice, both in the file's order."""
    found: dict[str, list[dict[str, str]]] = {}
    with gzip.open(FILE) as stream:
        for row in csv.DictReader(io.TextIOWrapper(stream, "utf-8")):
            found.setdefault(row["InvoiceNo"], []).append(row)
    return found


def pence(price: str) -> int:
    pounds, _, rest = price.partition(".")
    assert len(rest) <= 2, price
    return int(pounds) * 100 + int(rest.ljust(2, "0"))


def dealt_to(customer: str) -> str:
    if not customer:
        return ""
    hosts = sorted(TEAM_OF, key=lambda host: host.encode())
    return hosts[int(hashlib.sha256(customer.encode()).hexdigest()[:16], 16) % len(hosts)]


def retail_hosts() -> list[dict[str, Any]]:
    return [{"id": host, "name": host.title(), "team": team} for host, team in TEAM_OF.items()]


class Event:
    """One event of one running server, called as any client would."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key
        headers = {"Authorization": f"Bearer {key}"}
        self.client = httpx2.AsyncClient(base_url=url, headers=headers, timeout=60)

    async def __aenter__(self) -> "Event":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def ask(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        response = await self.client.request(method, f"/v1/events{path}", json=body, params=params)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    async def open(self, event: dict[str, Any], hosts: list[dict[str, Any]]) -> None:
        await self.ask("POST", "", event)
        teams = [{"id": team, "name": team.title()} for team in TEAMS]
        await self.ask("PUT", f"/{event['id']}/roster", {"teams": teams, "hosts": hosts})
        for state in ("scheduled", "live"):
            await self.ask("POST", f"/{event['id']}/transitions", {"to": state, "reason": "test"})

    async def entries(self) -> list[dict[str, Any]]:
        """The journal without what the clock wrote by itself."""
        entries: list[dict[str, Any]] = []
        after = 0
        while page := (await self.ask("GET", f"/{EVENT_ID}/journal", after=after, limit=PAGE))["entries"]:
            assert [entry["position"] for entry in page] == list(range(after + 1, after + 1 + len(page)))
            entries += page
            after = page[-1]["position"]
        return [entry for entry in entries if entry["actor"] != "schedule"]

    async def replay(self, file: Path, map_name: str, event: str) -> Any:
        """The command as a user runs it; its JSON summary."""
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("kos"),
            *("replay", str(file), "--map", map_name, "--event", event, "--url", self.url, "--json"),
            env=os.environ | {"KOS_ADMIN_KEY": self.key},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return json.loads(out)
