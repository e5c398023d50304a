"""``kos verify``: prove that an event is what its journal says. Exit 0 clean, 1 found, 2 incomplete, 3 cannot run."""

from functools import partial
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from app.audit.verify import PASSES, Report
from app.audit.verify import verify as verify_event
from app.cli.database import CANNOT_RUN, opened_store, run


def verify(
    event: Annotated[str, typer.Option(help="The event; all of them if left out.")] = "",
    digest: Annotated[
        bool, typer.Option("--digest", help="Also print the content digest, to compare with another installation's.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reports as JSON, one line per event.")] = False,
) -> None:
    """Recompute hashes, postings and boards from the entries and name everything that does not agree."""
    reports = run(lambda: _verify(event, digest, as_json))
    if not reports:
        typer.echo(f"There is no event {event!r}." if event else "The database holds no event.", err=True)
        raise typer.Exit(CANNOT_RUN)
    for report in reports:
        typer.echo(orjson.dumps(report.document()).decode() if as_json else as_text(report))
    raise typer.Exit(max((report.exit_code for report in reports), key=_SEVERITY.index))


# A finding outweighs an incomplete check of another event.
_SEVERITY = (0, 2, 1)


async def _verify(event: str, digest: bool, quiet: bool) -> list[Report]:
    reports = []
    async with opened_store() as store:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True, quiet=quiet)) as progress:
            for head in await store.heads([event] if event else None):
                task = progress.add_task(head.event, total=head.position)
                report = await verify_event(store, head.event, partial(progress.advance, task), digest)
                # Entries may have come between the first look at the head and the snapshot.
                progress.update(task, total=report.entries)
                reports.append(report)
    return reports


def as_text(report: Report) -> str:
    """The report for a person."""
    lines = [f"{report.event}: {report.entries} entries, {report.postings} postings, head {report.head}"]
    if report.content_digest:
        lines.append(f"  content digest {report.content_digest}")
    for finding in report.findings:
        lines.append(f"  {finding.code} at position {finding.position}: {finding.detail} ({PASSES[finding.code]})")
    if not report.complete:
        lines.append("  incomplete: not everything could be checked")
    lines.append({0: "  clean", 1: f"  {len(report.findings)} findings", 2: "  no pass"}[report.exit_code])
    return "\n".join(lines)
