"""``kos verify --digest``: one hash by which two installations find out whether they hold the same."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.app_server import Serve
from tests.event_client import EventClient
from tests.servers import Postgres


async def digests(serve: Serve, url: str, orders: Sequence[str]) -> tuple[str, str]:
    """What the command prints for a person and for a script, after these orders came one after the other."""
    async with serve(url) as server, server.client() as client:
        event = await EventClient(client, "compared").open()
        for order in orders:
            await event.sell(order, "h7")
        text = server.kos("verify", "--event", "compared", "--digest")
        document = server.kos("verify", "--event", "compared", "--digest", "--json")
    assert (text.returncode, document.returncode) == (0, 0), text.stdout
    (line,) = (line for line in text.stdout.splitlines() if "content digest" in line)
    return line.split()[-1], json.loads(document.stdout)["content_digest"]


async def test_installations_with_the_same_content_print_the_same_digest(
    serve: Serve, postgres: Postgres, tmp_path: Path
):
    url = postgres.create_database()
    here = await digests(serve, f"sqlite:///{tmp_path}/kos.db", ["1", "2", "3"])
    there = await digests(serve, url, ["3", "1", "2"])
    less = await digests(serve, f"sqlite:///{tmp_path}/less.db", ["1", "2"])
    postgres.drop_database(url)

    assert len({*here, *there}) == 1
    assert len(here[0]) == 64
    assert len({*here, *less}) == 2
