"""``kos``: every command of the project, one module each, loaded when it is called.

The server's modules take seconds to load, so that `kos --help` and a mistyped command would take as long as a start.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

# Command to the first sentence of its help; its module has its name, and in it the function or group too.
COMMANDS = {
    "up": "Make a database, an event with 6 teams and 60 hosts, and play orders into it through the API.",
    "serve": "Serve the API, the stream and the overlays; the database is brought up to date first.",
    "replay": "Post a shop's order export into an event; running it twice changes nothing.",
    "verify": "Recompute hashes, postings and boards from the entries and name everything that does not agree.",
    "export": "Write an event's ledger, or its whole journal as a signed package, to a file.",
    "recount": "Check a package, decide every entry again and rank the boards; without a database or a network.",
    "backup": "Write an event or everything into a file, proven and whole; it is as secret as the database.",
    "restore": "Bring a backup into a database that has nothing of it, and prove it before it is there.",
    "keys": "Create, list and revoke API keys.",
}


def load(name: str) -> Any:
    """The command itself, with its options; for a group of commands the group."""
    found = getattr(import_module(f"{__name__}.{name}"), name)
    if isinstance(found, typer.Typer):
        return typer.main.get_group(found)
    app = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    app.command(name)(found)
    return typer.main.get_command(app)


class _Named(TyperCommand):
    """A command of which only name and help are known, until it is called: then the real one takes over."""

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        return load(str(self.name)).make_context(info_name, args, parent, **extra)


class _Commands(TyperGroup):
    """Knows its commands by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _Named(cmd_name, help=COMMANDS[cmd_name]) if cmd_name in COMMANDS else None


cli = typer.Typer(
    name="kos",
    cls=_Commands,
    help="KOS Live: livestream sales challenges whose every number can be recounted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


@cli.callback()
def _group() -> None:
    """Makes it a group, though no command is known yet."""


def main() -> None:
    """Entry point of the ``kos`` script."""
    cli()
