"""``kos``: every command of the project, one module each."""

import typer

from app.cli.export import export
from app.cli.keys import keys
from app.cli.replay import replay
from app.cli.serve import serve
from app.cli.up import up
from app.cli.verify import verify

cli = typer.Typer(
    name="kos",
    help="KOS Live: livestream sales challenges whose every number can be recounted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
cli.command()(up)
cli.command()(serve)
cli.command()(replay)
cli.command()(verify)
cli.command()(export)
cli.add_typer(keys, name="keys")


def main() -> None:
    """Entry point of the ``kos`` script."""
    cli()
