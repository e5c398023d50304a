"""The package over HTTP: whole, signed, right; for auditors of the brand."""

from pathlib import Path

import pytest

from app.audit import PAGE
from app.audit.recount import recount
from app.audit.signing import fingerprint_of
from tests import factories
from tests.app_in_process import Api
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_package_of_several_pages_is_right_and_signed_where_the_event_was(
    api: Api, event: EventClient, tmp_path: Path
):
    checkpoints = api.services.checkpoints
    for batch in range(3):
        orders = [factories.simple_order(f"{batch}-{number}", "h7") for number in range(PAGE // 2)]
        answer = await event.ok("POST", "/orders/batch", orders)
        assert answer["accepted"] == len(orders)
        await checkpoints.at(api.services.events.known(event.id).head)  # type: ignore[union-attr]
    await event.sell("last", "h8")

    answer = await event.get("/package")
    path = tmp_path / "package.ndjson"
    path.write_bytes(answer.content)
    report = recount(path, fingerprint_of(checkpoints.key.public))

    head, head_hash = await event.head()
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == f'attachment; filename="{event.id}.kos.ndjson"'
    assert (report.findings.listed, report.exit_code) == ([], 0)
    assert (report.head, report.head_hash) == (head, head_hash) == (3 * (PAGE // 2) + 5, head_hash)
    # The head was not signed before.
    assert report.checkpoints == 4
    assert report.boards["hosts"]["total"] == f"{30_010:.2f}"


async def test_package_is_refused_before_it_begins(api: Api, event: EventClient):
    ops = api.client_of(await api.key_of("default", "ops"))

    assert (await EventClient(ops, event.id).get("/package")).status_code == 403
    assert (await EventClient(api.client, "nowhere").get("/package")).json()["code"] == "event_unknown"
