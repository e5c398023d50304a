"""What commands share: settings, a store for reading, and errors as one line."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import structlog
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from sqlalchemy.exc import SQLAlchemyError

from app.errors import AppError
from app.journal.migrate import require_current
from app.journal.open import open_store
from app.journal.store import Store
from app.settings import Settings, unknown_variables
from app.telemetry import configure_logging

log = structlog.get_logger(__name__)

T = TypeVar("T")

CANNOT_RUN = 3


def first_line(error: Exception) -> str:
    """What an error says in one line; its name if it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def load_settings(is_first: bool = True) -> Settings:
    """The settings of the environment, with the logs set up as they say; a second process of one command is quiet.

    Errors: typer.Exit 3 with one line for each setting that is wrong or misspelt.
    """
    unknown = unknown_variables(os.environ)
    wrong = [f"{name} is not a setting; did you mean {meant}?" for name, meant in unknown.items() if meant]
    try:
        settings = Settings()
    except ValidationError as error:
        for each in error.errors():
            wrong.append(f"KOS_{str(each['loc'][0]).upper()}: {each['msg'].removeprefix('Value error, ')}")
    if wrong:
        # Served all the same, a misspelt database URL would put orders into another database than the one meant.
        typer.echo("\n".join(wrong), err=True)
        raise typer.Exit(CANNOT_RUN)
    # To standard error: standard output is for the answer alone.
    configure_logging(settings.log_format)
    if unknown and is_first:
        log.warning("variables_ignored", names=list(unknown))
    return settings


@asynccontextmanager
async def opened_store() -> AsyncIterator[Store]:
    """The store that ``KOS_DATABASE_URL`` names, for reading beside a server."""
    settings = load_settings()
    store = open_store(settings.database_url)
    try:
        await require_current(settings.database_url)
        await store.ping()
        yield store
    finally:
        await store.close()


def progress(quiet: bool) -> Progress:
    """Bars on standard error, of steps done and steps to do; none if ``quiet``."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True, quiet=quiet))


@contextmanager
def progress_of(what: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar, and who is to be told how many steps are done and of how many."""
    with progress(quiet) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it; an AppError becomes one line and exit code 3: the command could not do its work."""
    try:
        return asyncio.run(work())
    except AppError as error:
        typer.echo(f"{error.detail} [{error.code}]", err=True)
    except (OSError, SQLAlchemyError) as error:
        typer.echo(f"The database cannot be used: {first_line(error)}", err=True)
    raise typer.Exit(CANNOT_RUN)
