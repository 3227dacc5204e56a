"""The public URL: whether what HubSpot signs would arrive."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses

from sync.admin.probe import obstacle
from sync.storage import service_state
from tests.world import PUBLIC, World


@pytest.fixture
def internet() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def publish(world: World, internet: responses.RequestsMock) -> None:
    """Have the world's receiver answer at its public URL."""

    def passed_on(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        path = urlsplit(str(request.url)).path
        answer = world.app.test_client().open(
            path, method=request.method, headers=dict(request.headers), data=request.body or b""
        )
        return answer.status_code, dict(answer.headers), answer.data

    internet.add_callback("GET", f"{PUBLIC}/healthz", passed_on)
    internet.add_callback("POST", f"{PUBLIC}/webhooks/hubspot", passed_on)


def test_the_receiver_itself_is_no_obstacle_and_notices_nothing(world: World, internet: responses.RequestsMock) -> None:
    publish(world, internet)
    assert obstacle(PUBLIC, world.sandbox.client_secret, world.clock) is None
    with world.service.store.read() as connection:
        assert service_state.get(connection, service_state.LAST_WEBHOOK) is None


def test_another_secret_than_the_receivers_is_noticed(world: World, internet: responses.RequestsMock) -> None:
    publish(world, internet)
    found = obstacle(PUBLIC, "another", world.clock)
    assert found is not None
    assert "refuses what HubSpot would sign" in found.problem


@pytest.mark.parametrize(
    ("health", "hook", "problem", "dangerous"),
    [
        ({"body": requests.ConnectionError("no route")}, {}, "nothing answers", False),
        ({"status": 404, "body": "<html>"}, {}, "not this service (404)", False),
        ({"status": 200, "body": "<html>"}, {}, "not this service (200)", False),
        ({"status": 301, "headers": {"Location": "https://other"}}, {}, "redirects to https://other", False),
        ({"json": {"alive": True}}, {"status": 503}, "answers 503", False),
        ({"json": {"alive": True}}, {"body": requests.Timeout("slow")}, "nothing answers", False),
        ({"json": {"alive": True}}, {"status": 200, "json": {"received": 0}}, "accepts a wrong signature", True),
    ],
)
def test_an_obstacle(
    world: World, internet: responses.RequestsMock, health: Any, hook: Any, problem: str, dangerous: bool
) -> None:
    internet.get(f"{PUBLIC}/healthz", **health)
    internet.post(f"{PUBLIC}/webhooks/hubspot", **hook)
    found = obstacle(PUBLIC, "secret", world.clock)
    assert found is not None
    assert problem in found.problem
    assert found.dangerous is dangerous
