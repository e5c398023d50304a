"""``kos keys``: made, listed and revoked straight in the database, for whoever runs the installation."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table

from app.access import SCOPES, Access
from app.cli.database import load_settings, run
from app.database import create_engine
from app.journal.migrate import upgrade_in_loop

T = TypeVar("T")

keys = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)

Brand = Annotated[str, typer.Option(help="The brand that the key belongs to.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@keys.command()
def create(
    person: Annotated[str, typer.Option(help="Whose key it is.")],
    scope: Annotated[list[str], typer.Option(help=f"{', '.join(SCOPES)} or host:ID; may be given several times.")],
    brand: Brand = "default",
    as_json: AsJson = False,
) -> None:
    """Create a key and print it; it cannot be shown again."""
    identity, key, *_ = _run(lambda access: access.create_key(brand, person, scope))
    typer.echo(orjson.dumps({"id": identity, "key": key}).decode() if as_json else key)


@keys.command("list")
def list_keys(brand: Brand = "default", as_json: AsJson = False) -> None:
    """List a brand's keys, without their secrets."""
    found = _run(lambda access: access.keys(brand))
    if as_json:
        typer.echo(orjson.dumps(found).decode())
        return
    table = Table("id", "person", "scopes", "created", "revoked")
    for key in found:
        scopes = " ".join(key["scopes"])
        table.add_row(key["id"], key["person"], scopes, _date(key["created_at"]), _date(key["revoked_at"]))
    Console().print(table)


@keys.command()
def revoke(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The key's id.")], brand: Brand = "default"
) -> None:
    """Revoke a key; servers refuse it within seconds."""
    _run(lambda access: access.revoke_key(brand, identity))
    typer.echo(f"{identity} is revoked")


def _run(work: Callable[[Access], Awaitable[T]]) -> T:
    async def with_access() -> T:
        settings = load_settings()
        await upgrade_in_loop(settings.database_url)
        engine = create_engine(settings.database_url)
        try:
            return await work(Access(engine, "", "", settings.revocation_seconds_max))
        finally:
            await engine.dispose()

    return run(with_access)


def _date(at: int | None) -> str:
    return f"{datetime.fromtimestamp(at / 1_000_000, UTC):%Y-%m-%d %H:%M}" if at else ""
