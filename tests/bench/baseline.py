"""The plainest way to do the same: a script on the typed SDK that handles one record at a time, as an iPaaS flow does.

A look at a portfolio reads it with its history and the ids of its tickets, then each ticket with its history; a task is
made, a property is written and a record is found one a call. It is played for a few records, and its calls are counted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import Any, TypeVar

from hubspot import Client
from hubspot.crm import objects
from hubspot.crm.objects.exceptions import ApiException

from sync.sandbox.sandbox import Sandbox
from sync.sandbox.server import SandboxServer

T = TypeVar("T")


class PerRecord:
    """The script, over a socket, as the SDK does it. `calls`: how many were answered."""

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        self._sandbox = sandbox
        self._sdk: Any = Client.create(access_token=sandbox.token, host=url)
        self._names = sandbox.process.names
        self.calls = 0

    def look(self, portfolio: str) -> None:
        """Read a portfolio and all its tickets, as a decision needs them."""
        names, basic = self._names, self._sdk.crm.objects.basic_api
        read = self._call(
            lambda: basic.get_by_id(
                names.object_type_id,
                portfolio,
                properties=[names.status, names.date],
                properties_with_history=[names.status, names.date],
                associations=["tickets"],
            )
        )
        for ends in (read.associations or {}).values():
            for ticket in dict.fromkeys(end.id for end in ends.results):
                self._call(
                    lambda ticket=ticket: self._sdk.crm.tickets.basic_api.get_by_id(  # type: ignore[misc]
                        ticket,
                        properties=["subject", "hs_pipeline_stage"],
                        properties_with_history=["hs_pipeline_stage", names.needs_revisions],
                    )
                )

    def make_task(self, portfolio: str) -> None:
        """Make one task on a portfolio."""
        row = objects.SimplePublicObjectInputForCreate(
            properties={"hs_task_subject": "A task", "hs_timestamp": self._sandbox.clock.now().isoformat()},
            associations=[{"to": {"id": portfolio}, "types": [self._task_link]}],
        )
        self._call(lambda: self._sdk.crm.objects.basic_api.create("tasks", row))

    @cached_property
    def _task_link(self) -> dict[str, object]:
        """How a task is tied to a portfolio; asked for once, and not counted."""
        api = self._sdk.crm.associations.v4.schema.definitions_api
        plain = next(one for one in api.get_all("tasks", self._names.object_type_id).results if one.label is None)
        return {"associationCategory": plain.category, "associationTypeId": plain.type_id}

    def _call(self, call: Callable[[], T]) -> T:
        while True:
            try:
                answer = call()
            except ApiException as error:
                if error.status != 429:
                    raise
                self._sandbox.clock.advance(timedelta(seconds=1))  # it has to wait, and is not charged for that
            else:
                self.calls += 1
                return answer


@contextmanager
def per_record(sandbox: Sandbox) -> Iterator[PerRecord]:
    """The script against this sandbox, on a socket of its own."""
    with SandboxServer(sandbox, pump=False) as server:
        yield PerRecord(sandbox, server.url)
