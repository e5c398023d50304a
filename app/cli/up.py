"""``kos up``: a server with an event that is being played, for whoever wants to see it work."""

import asyncio
import contextlib
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx2
import typer
from pydantic import SecretStr
from rich.console import Console
from sqlalchemy.engine import make_url

from app.cli import cast
from app.cli.database import load_settings
from app.cli.serve import address, listen, prepare, server
from app.settings import Settings

_START_SECONDS_MAX = 30.0


def up(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.", min=0, max=65535)] = 8000,
    rate: Annotated[float, typer.Option(help="Orders a second, on average; 0 posts none.", min=0.0, max=200.0)] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the orders that are played.")] = 101,
) -> None:
    """Make a database, an event with 6 teams and 60 hosts, and play orders into it through the API."""
    settings = load_settings()
    key = settings.admin_key.get_secret_value() or f"kos-{secrets.token_urlsafe(18)}"
    settings = settings.model_copy(update={"admin_key": SecretStr(key), "docs_public": True})
    prepare(settings)
    listener = listen(host, port)
    origin = f"http://{address(host, listener.getsockname()[1])}"
    serving = server(settings)

    async def play() -> None:
        task = asyncio.create_task(serving.serve(sockets=[listener]))
        try:
            await _started(serving, task)
            async with httpx2.AsyncClient(base_url=origin, headers={"Authorization": f"Bearer {key}"}) as client:
                token = await _prepare(client)
                _announce(settings, origin, key, token, rate)
                if rate:
                    playing = asyncio.create_task(_play(client, rate, seed))
                    await asyncio.wait([task, playing], return_when=asyncio.FIRST_COMPLETED)
                    playing.cancel()
        finally:
            await task

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(play())


async def _started(serving: Any, task: "asyncio.Task[None]") -> None:
    deadline = time.monotonic() + _START_SECONDS_MAX
    while not serving.started:
        if task.done() or time.monotonic() > deadline:
            raise typer.Exit(1)
        await asyncio.sleep(0.02)


async def _prepare(client: httpx2.AsyncClient) -> str:
    """The event, its roster and a token for its overlay; what is there already stays."""
    now = datetime.now(ZoneInfo(cast.ZONE))
    created = await client.post("/v1/events", json=cast.event_body(now))
    if created.status_code not in (201, 409):
        created.raise_for_status()
    path = f"/v1/events/{cast.EVENT}"
    event = (await client.get(path)).raise_for_status().json()
    if event["status"] == "draft":
        (await client.put(f"{path}/roster", json=cast.roster_body())).raise_for_status()
        for status in ("scheduled", "live"):
            (await client.post(f"{path}/transitions", json={"to": status})).raise_for_status()
    token = await client.post("/v1/tokens", json={"event": cast.EVENT, "kind": "overlay"})
    text: str = token.raise_for_status().json()["token"]
    return text


async def _play(client: httpx2.AsyncClient, rate: float, seed: int) -> None:
    random = Random(seed)  # noqa: S311 (the pace of a demonstration)
    path = f"/v1/events/{cast.EVENT}"
    prefix = f"{int(time.time())}"
    shows, next_show = 0, time.monotonic()
    for action in cast.actions(seed, prefix):
        await asyncio.sleep(random.expovariate(rate))
        if time.monotonic() >= next_show:
            with contextlib.suppress(httpx2.TransportError):
                await _put_on_air(client, path, cast.show(shows, prefix, datetime.now(UTC)))
            shows, next_show = shows + 1, next_show + cast.SHOW_MINUTES * 60
        moment = "paid_at" if action.path == "orders" else "refunded_at"
        with contextlib.suppress(httpx2.TransportError):
            # A server that is being stopped refuses; the next order finds out whether it is back.
            await client.post(f"{path}/{action.path}", json={**action.body, moment: cast.now_text()})


async def _put_on_air(client: httpx2.AsyncClient, path: str, show: list[cast.Action]) -> None:
    """The next show in place of what is on air, by this run or by one before it."""
    sessions = (await client.get(f"{path}/sessions")).json().get("sessions", [])
    for session in sessions:
        if "ended_at" not in session:
            await client.post(f"{path}/sessions/{session['id']}/end")
    for action in show:
        await client.post(f"{path}/{action.path}", json=action.body)


def _announce(settings: Settings, origin: str, key: str, token: str, rate: float) -> None:
    console = Console(highlight=False, soft_wrap=True)
    overlays, query = f"{origin}/overlay/{cast.EVENT}", f"?token={quote(token)}"
    url = make_url(settings.database_url)
    database = Path(url.database or "").absolute() if url.get_backend_name() == "sqlite" else url.render_as_string()
    console.print(f"""
[bold]KOS Live is up[/bold] and the event [bold]{cast.EVENT}[/bold] {"is being played" if rate else "waits for orders"}.

  Console          {origin}/console
  Public page      {origin}/e/{cast.EVENT}
  Overlay, hosts   {overlays}/board{query}
  Overlay, teams   {overlays}/board{query}&board=teams
  Overlay, scene   {overlays}/scene{query}&scene=full
  Board as JSON    {origin}/v1/events/{cast.EVENT}/boards/teams?token={quote(token)}
  API reference    {origin}/docs
  Key              {key}
  Database         {database}

Post an order:

  curl -X POST {origin}/v1/events/{cast.EVENT}/orders \\
    -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
    -d '{{"id":"try-1","paid_at":"{cast.now_text()}","currency":"{cast.CURRENCY}",
         "lines":[{{"quantity":1,"unit_price":"5000.00"}}],"host":"h7"}}'

Stop with Ctrl-C.""")
