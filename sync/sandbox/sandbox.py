"""One simulated HubSpot account with everything around it, put together: the sandbox's composition root."""

from datetime import datetime

import requests

from mappings.schema import ProcessMapping
from sync.sandbox.api import Api
from sync.sandbox.clock import VirtualClock
from sync.sandbox.delivery import Delivery, DeliveryMode, Sender
from sync.sandbox.faults import Faults
from sync.sandbox.limits import Budget
from sync.sandbox.mail import SmtpSink
from sync.sandbox.people import People
from sync.sandbox.portal import Portal
from sync.sandbox.process import Names, Process
from sync.sandbox.quirks import Quirks
from sync.sandbox.renamed import account_of, names_of, stand_ins
from sync.sandbox.request_log import RequestLog
from sync.sandbox.schema import Account
from sync.sandbox.seed import install_account, install_process, settle_in
from sync.sandbox.transport import URL, mount


class Sandbox:
    """A portal with the process installed, its API, webhooks, faults, people. Same arguments, same behaviour.

    With a `mapping` it calls things as that does.
    An `empty` one is an account with its people and nothing of the process; once that was built there, `settle_in`.
    `mail` is set where an SMTP sink runs beside it; the control API then shows what it got.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        start: datetime | None = None,
        ticking: bool = False,
        names: Names | None = None,
        account: Account | None = None,
        quirks: Quirks | None = None,
        budget: Budget | None = None,
        association_page: int = 500,
        mode: DeliveryMode | None = None,
        target: str | None = None,
        sender: Sender | None = None,
        with_task_property: bool = False,
        empty: bool = False,
        mapping: ProcessMapping | None = None,
    ) -> None:
        if mapping is not None:
            names, account = names_of(mapping), account or account_of(mapping)
        self.clock = VirtualClock(start, ticking=ticking)
        self.portal = Portal(self.clock, account=account, quirks=quirks)
        self.process: Process = (
            install_account(self.portal, names)
            if empty
            else install_process(self.portal, names, with_task_property=with_task_property)
        )
        for owner in stand_ins(mapping, self.portal.owners) if mapping is not None else ():
            self.portal.define_owner(owner)
        self.faults = Faults(seed, self.clock.now_seconds)
        self.log = RequestLog()
        self.api = Api(
            self.portal,
            seed=seed,
            budget=budget,
            association_page=association_page,
            faults=self.faults,
            log=self.log,
        )
        self.delivery = Delivery(self.portal, seed=seed, target=target, sender=sender, mode=mode)
        self.people = People(self.portal, self.process)
        self.settled = not empty
        self.mail: SmtpSink | None = None

    @property
    def token(self) -> str:
        return self.portal.app.token

    @property
    def client_secret(self) -> str:
        return self.portal.app.client_secret

    @property
    def app_id(self) -> int:
        return self.portal.account.app_id

    def next_due(self) -> datetime | None:
        """When the next thing happens by itself: a webhook is due, or a late write lands. None: nothing will."""
        due = [one for one in (self.portal.next_due(), self.delivery.next_due()) if one is not None]
        return min(due, default=None)

    def settle_in(self) -> None:
        """Tell the people of an `empty` portal of the process that was built there, and under which ids.

        Raises `UnknownTypeError` or `NotFoundError` while it is not all there.
        """
        self.process = settle_in(self.portal, self.process)
        self.people = People(self.portal, self.process)
        self.settled = True

    def mount(self, session: requests.Session, url: str = URL) -> requests.Session:
        """Send what this session sends to `url` to the sandbox, without a socket."""
        return mount(session, self.api, url)

    def session(self) -> requests.Session:
        """A session of its own, mounted and with the token: for looking at the API by hand."""
        session = self.mount(requests.Session())
        session.headers["Authorization"] = f"Bearer {self.token}"
        return session
