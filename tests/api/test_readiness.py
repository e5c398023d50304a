"""``/readyz`` sends the load balancer elsewhere for every reason that there is."""

import pytest

from app.api.readiness import Readiness
from tests.app_in_process import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def readiness(api: Api):
    kept: Readiness = api.framework.state.readiness
    api.framework.state.readiness = Readiness()
    yield api.framework.state.readiness
    api.framework.state.readiness = kept


async def test_process_that_has_nothing_to_wait_for_is_ready(api: Api):
    assert (await api.client.get("/readyz")).json() == {"status": "ready"}


async def test_process_that_stops_is_not_ready_and_lives(api: Api, readiness: Readiness):
    readiness.is_stopping = True

    answer = await api.client.get("/readyz")

    assert (answer.status_code, answer.json()["code"]) == (503, "server_stopping")
    assert int(answer.headers["retry-after"]) >= 1
    assert (await api.client.get("/healthz")).status_code == 200


async def test_process_that_catches_up_is_not_ready_until_it_has(api: Api, readiness: Readiness):
    readiness.is_catching_up = lambda: True
    behind = await api.client.get("/readyz")
    readiness.is_catching_up = lambda: False
    then = await api.client.get("/readyz")

    assert (behind.status_code, behind.json()["code"]) == (503, "catching_up")
    assert then.status_code == 200
