"""``kos recount``: prove a result from its package alone. Exit 0 right, 1 wrong, 2 incomplete, 3 cannot run."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from app.audit.package_reader import CODES
from app.audit.recount import Report
from app.audit.recount import recount as recount_package
from app.audit.verify import PASSES
from app.cli.database import CANNOT_RUN

_ROWS = 20


def recount(
    file: Annotated[Path, typer.Argument(help="The package, as kos export or the API gave it.")],
    key: Annotated[str, typer.Option(help="Fingerprint of the key that must have signed it, 64 hex digits.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON, with every row.")] = False,
) -> None:
    """Check a package, decide every entry again and rank the boards; without a database or a network."""
    fingerprint = key.lower().replace(":", "")
    if fingerprint and not re.fullmatch("[0-9a-f]{64}", fingerprint):
        typer.echo("A fingerprint is 64 hex digits, as /.well-known/kos-keys.json has it.", err=True)
        raise typer.Exit(CANNOT_RUN)
    try:
        report = _recount(file, fingerprint, as_json)
    except OSError as error:
        typer.echo(f"The file cannot be read: {error}", err=True)
        raise typer.Exit(CANNOT_RUN) from None
    typer.echo(orjson.dumps(report.document()).decode() if as_json else "\n".join(as_text(report)))
    raise typer.Exit(report.exit_code)


def _recount(file: Path, fingerprint: str, quiet: bool) -> Report:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True, quiet=quiet)) as progress:
        # Read twice.
        task = progress.add_task(file.name, total=2 * file.stat().st_size)
        return recount_package(file, fingerprint, partial(progress.advance, task))


def as_text(report: Report) -> Iterator[str]:
    """The report for a person, line by line."""
    event = report.header.event if report.header else "no event"
    yield f"{event}: {report.head} entries, {report.checkpoints} checkpoints, head {report.head_hash}"
    for finding in report.findings.listed:
        rule = CODES.get(finding.code) or PASSES.get(finding.code, "")
        yield f"  line {finding.line}, entry {finding.position}: {finding.detail} [{finding.code}: {rule}]"
    if report.findings.more:
        yield f"  and {report.findings.more} more"
    for kind, count in report.unknown_kinds.items():
        yield f"  {count} entries of the kind {kind}, which this version does not know"
    for name, board in report.boards.items():
        yield f"\n{name}: {board['total']}, of nobody {board['house']}, excluded {board['excluded']}"
        for row in board["rows"][:_ROWS]:
            yield f"{row['rank']:6} {row['id']:30} {row['score']:>20}"
        if len(board["rows"]) > _ROWS:
            yield f"       and {len(board['rows']) - _ROWS} more; --json prints all"
    if report.signed_by:
        yield f"\nSigned by {report.signed_by}: compare it with what the organiser has published."
    yield {0: "right", 1: "WRONG", 2: "incomplete: no pass"}[report.exit_code]
