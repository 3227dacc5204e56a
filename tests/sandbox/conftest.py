import pytest

from sync.sandbox import Sandbox
from tests.sandbox.client import Client, make


@pytest.fixture
def sandbox() -> Sandbox:
    return make()[0]


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return Client(sandbox.session())
