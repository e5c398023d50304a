"""``kos export``: an event's ledger, or its whole journal as a signed package, as a file."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import IO, Annotated

import typer

from app.access import Access
from app.audit.beancount import export_beancount
from app.audit.checkpoints import PURPOSE, Checkpoints
from app.audit.export import LISTS, export_csv
from app.audit.package import package
from app.audit.signing import SigningKey
from app.cli.database import load_settings, opened_store, run
from app.database import create_engine
from app.journal.store import Store


class Format(StrEnum):
    """What can be exported."""

    CSV = "csv"
    BEANCOUNT = "beancount"
    PACKAGE = "package"


# The names of the lists, as the options of a command want them.
List = StrEnum("List", {name.upper(): name for name in LISTS})  # type: ignore[misc]

# Writes one event into a file; returns how many rows or transactions it wrote.
Export = Callable[[Store, str, IO[str]], Awaitable[int]]


def export(
    event: Annotated[str, typer.Option(help="The event.")],
    file_format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="csv: one of the lists; beancount: the whole ledger; package: everything, signed, to recount.",
        ),
    ] = Format.CSV,
    csv_list: Annotated[List | None, typer.Option("--list", help="Which list of a CSV; postings if left out.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; standard output if left out.")
    ] = None,
) -> None:
    """Write an event's ledger, or its whole journal as a signed package, to a file."""
    if file_format is not Format.CSV and csv_list is not None:
        raise typer.BadParameter("a list is for --format csv; the others are whole", param_hint="--list")
    name = str(csv_list or "postings")
    exports: dict[Format, tuple[str, Export]] = {
        Format.CSV: ("rows" if name == "boards" else name, partial(export_csv, name=name)),
        Format.BEANCOUNT: ("transactions", export_beancount),
        Format.PACKAGE: ("lines", _export_package),
    }
    noun, write = exports[file_format]
    written = run(lambda: _export(write, event, output))
    typer.echo(f"{written} {noun}", err=True)


async def _export(write: Export, event: str, output: Path | None) -> int:
    async with opened_store() as store:
        if output is None:
            return await write(store, event, sys.stdout)
        # Beside the file, which is replaced only once the export is whole.
        part = output.with_name(f"{output.name}.part")
        try:
            with part.open("w", newline="", encoding="utf-8") as out:
                written = await write(store, event, out)
            part.replace(output)
        finally:
            part.unlink(missing_ok=True)
        return written


async def _export_package(store: Store, event: str, out: IO[str]) -> int:
    written = 0
    async with _checkpoints() as checkpoints:
        async for piece in package(store, checkpoints, event):
            out.write(piece.decode())
            written += piece.count(b"\n")
    return written


@asynccontextmanager
async def _checkpoints() -> AsyncIterator[Checkpoints]:
    """The installation's, signed with the key that its servers have."""
    settings = load_settings(is_first=False)
    engine = create_engine(settings.database_url)
    try:
        signing_key = settings.signing_key.get_secret_value()
        access = Access(engine, "", signing_key, settings.revocation_seconds_max)
        await access.start()
        yield Checkpoints(engine, SigningKey(access.secret_for(PURPOSE)))
    finally:
        await engine.dispose()
