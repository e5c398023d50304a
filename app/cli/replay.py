"""``kos replay``: a shop's order export posted into an event through the public API.

Running it twice changes nothing: every fact has the shop's own id. Exit codes: 0 every fact was answered,
refusals are listed; 1 posting stopped; 2 the file or the map cannot be used, and nothing was posted.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import httpx2
import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.posting import (
    BATCH_FACTS,
    PATIENT,
    Kind,
    Patience,
    PostingError,
    Sleep,
    Tally,
    bodies,
    call,
    connect,
    post_batch,
)
from app.shops.csv_file import ReadingError
from app.shops.csv_orders import Fact, Reading, read_facts
from app.shops.maps import MapError, OrderMap, load_map, packaged_maps

# Refunds follow the orders they may speak about; a cancellation comes last (see docs/replay.md).
KINDS: tuple[Kind, ...] = ("orders", "refunds", "cancellations")
AS_FAST_AS_POSSIBLE = "max"


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast facts are played: ``speed`` times as fast as they happened; None is as fast as possible."""

    speed: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Sleep = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Job:
    """What to post where."""

    file: Path
    order_map: OrderMap
    event: str
    url: str
    key: str
    pace: Pace
    facts_max: int


def replay(
    file: Annotated[Path, typer.Argument(help="A shop's order export: CSV, also gzipped.")],
    map_name: Annotated[str, typer.Option("--map", help=f"A map in TOML, or one of: {', '.join(packaged_maps())}.")],
    event: Annotated[str, typer.Option(help="The event that the orders go into.")],
    speed: Annotated[
        str,
        typer.Option(help="How many times faster than it happened, such as 60; max: as fast as possible."),
    ] = AS_FAST_AS_POSSIBLE,
    url: Annotated[str, typer.Option(help="Where the server is.")] = "http://127.0.0.1:8000",
    key: Annotated[str, typer.Option(envvar="KOS_ADMIN_KEY", help="A key with the scope orders.")] = "",
    batch: Annotated[int, typer.Option(min=1, help="Facts in one request at most.")] = BATCH_FACTS,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, and nothing else.")] = False,
) -> None:
    """Post a shop's order export into an event; running it twice changes nothing."""
    console = Console(stderr=True, quiet=as_json)
    tally = Tally()
    pace = Pace(speed_of(speed))
    if not key:
        raise typer.BadParameter("give --key, or set KOS_ADMIN_KEY", param_hint="--key")
    try:
        job = Job(file, load_map(map_name), event, url, key, pace, batch)
        reading = asyncio.run(_run(job, tally, console))
    except (MapError, ReadingError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from None
    except PostingError as error:
        typer.echo(f"{error} So far: {_so_far(tally)}.", err=True)
        raise typer.Exit(1) from None
    typer.echo(as_document(reading, tally) if as_json else as_text(file, event, reading, tally))


def speed_of(text: str) -> float | None:
    """``max`` or how many times faster; None is as fast as possible. Errors: typer.BadParameter."""
    if text == AS_FAST_AS_POSSIBLE:
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise typer.BadParameter("give a number above zero, or max", param_hint="--speed")
    return speed


async def post_facts(
    client: httpx2.AsyncClient,
    event: str,
    facts: Sequence[Fact],
    tally: Tally,
    pace: Pace = Pace(),
    facts_max: int = BATCH_FACTS,
    patience: Patience = PATIENT,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Post facts in the order of their times, those of one time as they stand in the file.

    ``advance`` hears how many were answered. Errors: PostingError; what was answered before is in the tally.
    """
    ordered = sorted(facts, key=lambda fact: fact.at)
    async for due in _due(ordered, pace):
        for kind, group in _batches(due, facts_max):
            path = f"/v1/events/{quote(event, safe='')}/{kind}/batch"
            tally.add(kind, await post_batch(client, path, group, patience))
            advance(len(group))


async def roster_hosts(client: httpx2.AsyncClient, event: str, patience: Patience = PATIENT) -> list[str]:
    """Ids of the event's active hosts: those that a map deals customers out to. Errors: PostingError."""
    roster = await call(client, "GET", f"/v1/events/{quote(event, safe='')}/roster", patience=patience)
    hosts = [host["id"] for host in roster["hosts"] if host["status"] == "active"]
    if not hosts:
        raise PostingError(f"The event {event} has no active host to deal customers out to; put its roster first.")
    return hosts


async def _run(job: Job, tally: Tally, console: Console) -> Reading:
    patience = Patience(notice=lambda sentence: console.print(sentence, markup=False, highlight=False))
    async with connect(job.url, job.key) as client:
        hosts = await roster_hosts(client, job.event, patience) if job.order_map.hashed_column else []
        reading = read_facts(job.file, job.order_map, hosts)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(job.file.name, total=len(reading.facts))

            def advance(count: int) -> None:
                progress.advance(task, count)

            await post_facts(client, job.event, reading.facts, tally, job.pace, job.facts_max, patience, advance)
        return reading


async def _due(facts: Sequence[Fact], pace: Pace) -> AsyncIterator[Sequence[Fact]]:
    """Facts when their time has come, paced by the gaps between them; what is late comes together."""
    if pace.speed is None or not facts:
        yield facts
        return
    started, first = pace.clock(), facts[0].at
    begin = 0
    while begin < len(facts):
        played = (pace.clock() - started) * pace.speed
        end = begin
        while end < len(facts) and (facts[end].at - first).total_seconds() <= played:
            end += 1
        if end > begin:
            yield facts[begin:end]
            begin = end
        else:
            await pace.sleep(((facts[begin].at - first).total_seconds() - played) / pace.speed)


def _batches(facts: Sequence[Fact], facts_max: int) -> Iterator[tuple[Kind, list[bytes]]]:
    for kind in KINDS:
        for group in bodies((fact.body for fact in facts if fact.kind == kind), facts_max):
            yield kind, group


def as_document(reading: Reading, tally: Tally) -> str:
    """The summary for a script, one JSON object."""
    document: dict[str, Any] = {
        "rows": reading.rows,
        "accepted": tally.accepted.total(),
        "replayed": tally.replayed.total(),
        "refused": tally.refused.total(),
        "kinds": {
            kind: {
                "accepted": tally.accepted[kind],
                "replayed": tally.replayed[kind],
                "refused": tally.refused[kind],
            }
            for kind in KINDS
        },
        "refusals": [
            {
                "code": code,
                "count": count,
                "examples": [
                    {"kind": example.kind, "id": example.id, "detail": example.detail, "field": example.field}
                    for example in tally.examples[code]
                ],
            }
            for code, count in tally.refusals.most_common()
        ],
        "skipped": dict(reading.skipped.most_common()),
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def as_text(file: Path, event: str, reading: Reading, tally: Tally) -> str:
    """The summary for a person."""
    lines = [f"{file.name}: {reading.rows:,} rows, posted into {event}: {_so_far(tally)}."]
    lines += [
        f"  {kind:<13} {tally.accepted[kind]:>9,} accepted {tally.replayed[kind]:>9,} replayed"
        f" {tally.refused[kind]:>9,} refused"
        for kind in KINDS
        if tally.accepted[kind] + tally.replayed[kind] + tally.refused[kind]
    ]
    lines += [f"  left out by the map: {count:,} because {reason}" for reason, count in reading.skipped.most_common()]
    for code, count in tally.refusals.most_common():
        lines.append(f"  refused {count:,} with {code}, such as:")
        for example in tally.examples[code]:
            place = f" ({example.field})" if example.field else ""
            lines.append(f"    {example.kind.removesuffix('s')} {example.id}: {example.detail}{place}")
    return "\n".join(lines)


def _so_far(tally: Tally) -> str:
    parts = ((tally.accepted, "accepted"), (tally.replayed, "replayed"), (tally.refused, "refused"))
    return ", ".join(f"{count.total():,} {name}" for count, name in parts)
