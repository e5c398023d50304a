"""``kos what-if``: an event under other rules, with who would rank and be paid otherwise. Writes nothing."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from app.audit.whatif import WhatIf, result_document
from app.audit.whatif import what_if as decide_again
from app.cli.database import CANNOT_RUN, opened_store, progress, run
from app.errors import NotFound


def what_if(
    event: Annotated[str, typer.Option(help="The event.")],
    rules: Annotated[Path, typer.Option(help="A JSON file with the rules that are to be tried, as PATCH rules takes.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Decide an event again under other rules and show who would rank and be paid otherwise."""
    try:
        given = orjson.loads(rules.read_bytes())
        if not isinstance(given, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError) as error:
        typer.echo(f"The rules cannot be read from {rules}: {error}", err=True)
        raise typer.Exit(CANNOT_RUN) from None
    found = run(lambda: _what_if(event, given, as_json))
    document = result_document(event, found)
    typer.echo(orjson.dumps(document).decode() if as_json else as_text(document))


async def _what_if(event: str, given: dict[str, Any], quiet: bool) -> WhatIf:
    async with opened_store() as store:
        head = await store.head(event)
        if head is None:
            raise NotFound("event_unknown", f"There is no event {event!r}.")
        with progress(quiet) as bars:
            task = bars.add_task(event, total=2 * head.position)
            return await decide_again(store, event, given, lambda count: bars.advance(task, count))


def as_text(document: dict[str, Any]) -> str:
    """The result for a person."""
    lines = [f"{document['event']}: {document['facts']} facts decided again, {document['refused']} refused"]
    lines += [f"  refused: {each['key']}: {each['detail']} [{each['code']}]" for each in document["refusals"]]
    for of in ("hosts", "teams"):
        if not document[of]:
            lines.append(f"  {of}: nothing changes")
        for row in document[of]:
            pairs = [f"{name} {row[name]['before']} -> {row[name]['after']}" for name in row if name != "id"]
            lines.append(f"  {of.removesuffix('s')} {row['id']}: {', '.join(pairs)}")
    return "\n".join(lines)
