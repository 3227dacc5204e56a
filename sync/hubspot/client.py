"""The port `sync.crm.CRM`, spoken to HubSpot's API of one version: put together from its parts.

Reads answer for every id or raise; writes give one outcome for each item and are never sent twice unless HubSpot
certainly did nothing. Paths, batch sizes and type ids are those of HubSpot's API reference for that version.
"""

import random
from collections.abc import Callable

import requests

from sync.clock import Clock
from sync.crm import Account
from sync.hubspot.ask import Call, RequestBudget, Retries
from sync.hubspot.calls import Calls
from sync.hubspot.portal import PortalReads, PortalWrites
from sync.hubspot.records import RecordReads
from sync.hubspot.session import ANSWER_SECONDS
from sync.hubspot.single_send import SingleSend
from sync.hubspot.transport import Transport
from sync.hubspot.writes import RecordWrites
from sync.storage.budget import Priority


class HubSpotReader(RecordReads, PortalReads):
    """HubSpot as a CRM that can be read: `sync.crm.CRMReader`."""


class HubSpot(HubSpotReader, RecordWrites, PortalWrites, SingleSend):
    """HubSpot as the service's CRM. One is enough for a process; threads may share it.

    `portfolio_object` is the mapping's name for the custom object: its schema's fully qualified name, name, type id or
    label. `clock` must be the machine's own: retries and the budget wait by it. `reader` is the same client, for whatever
    may only read. Timeouts are in seconds: `connect_timeout` for a connection, `read_timeout` for a part of an answer,
    `answer_seconds` for the whole of it (of a `session` given, its own). `tells_of_no_associations`: whether the portal was
    ever seen to say of a record that it has none; `on_none_told` is called when it first is. `at_once`: how many calls of one
    read go side by side, where it takes several.
    """

    def __init__(
        self,
        *,
        token: str,
        portfolio_object: str,
        budget: RequestBudget,
        clock: Clock,
        base_url: str = "https://api.hubapi.com",
        session: requests.Session | None = None,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        answer_seconds: float = ANSWER_SECONDS,
        retries: Retries = Retries(),  # noqa: B008 (frozen)
        jitter: random.Random | None = None,
        priority: Priority = Priority.INTERACTIVE,
        on_call: Callable[[Call], None] | None = None,
        pool_size: int = 10,
        at_once: int = 1,
        tells_of_no_associations: bool = False,
        on_none_told: Callable[[], None] = lambda: None,
    ) -> None:
        transport = Transport(
            token=token,
            base_url=base_url,
            budget=budget,
            clock=clock,
            session=session,
            timeout=(connect_timeout, read_timeout),
            answer_seconds=answer_seconds,
            retries=retries,
            jitter=jitter if jitter is not None else random.Random(),  # noqa: S311 (spreads retries, guards nothing)
            on_call=on_call,
            pool_size=pool_size,
        )
        super().__init__(
            Calls(
                transport,
                portfolio_object,
                priority,
                tells_of_no_associations=tells_of_no_associations,
                on_none_told=on_none_told,
                at_once=at_once,
            )
        )
        self.reader = HubSpotReader(self._calls)

    def take_token(self, token: str, require: Callable[[Account], None]) -> bool:
        """Send every call with another token from now on, if it is good; see the port."""
        if self._calls.transport.uses(token):
            return False
        require(self.account_of(token))
        self._calls.transport.use(token)
        return True

    def close(self) -> None:
        """Close the connections; they open again when needed."""
        self._calls.transport.close()
