"""``/metrics``: who may read it, and that it counts what happens."""

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.app_in_process import Api, running_app
from tests.event_client import EventClient

pytestmark = pytest.mark.asyncio(loop_scope="module")


def values(answer: httpx2.Response) -> dict[str, float]:
    """By name and labels as they are written."""
    assert answer.status_code == 200, answer.text
    return {
        " ".join([sample.name, *sorted(sample.labels.values())]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if family.name.startswith("kos_")
    }


@pytest.mark.parametrize(("scope", "status"), [("ops", 200), ("audit", 200), ("orders", 403)])
async def test_key_needs_a_scope_for_the_metrics(api: Api, scope: str, status: int):
    async with api.client_of(await api.key_of("default", scope)) as caller:
        assert (await caller.get("/metrics")).status_code == status


async def test_nobody_reads_the_metrics_unless_the_setting_says_so(api: Api, tmp_path):
    async with api.client_of("") as nobody:
        assert (await nobody.get("/metrics")).status_code == 401

    url = f"sqlite+aiosqlite:///{tmp_path}/kos.db"
    async with running_app(url, metrics_public=True) as running, running.client_of("") as nobody:
        answer = await nobody.get("/metrics")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")


async def test_orders_commits_and_calls_are_counted(api: Api, event: EventClient):
    before = values(await api.client.get("/metrics"))

    await event.sell("1", "h7")
    await event.post("/orders/batch", [])
    await api.client.get("/no-such-path")
    after = values(await api.client.get("/metrics"))

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert grown("kos_journal_batch_facts_sum") == 1
    assert grown("kos_journal_commit_seconds_count") == 1
    assert grown("kos_http_requests_total /v1/events/{event}/orders 201") == 1
    assert grown("kos_http_requests_total  404") == 1
    assert grown("kos_http_requests_total /metrics 200") == 1
