"""A portal that has been in use: clients at every stage of the cycle, each with a past."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sync.sandbox.portal import Link, Portal
from sync.sandbox.process import ROLES, Process
from sync.sandbox.schema import NOTE, TASK, TICKET, Actor

# The places of the statuses in `Names.statuses`.
_REQUESTED, _DECLINED, _SUBMITTED, _PENDING, _APPROVED, _IMPLEMENTED = range(6)


@dataclass(frozen=True, slots=True)
class _Past:
    """One portfolio being given a past."""

    portal: Portal
    process: Process
    rng: random.Random
    now: datetime
    number: int

    def day(self, days: int) -> str:
        local = self.now.astimezone(ZoneInfo(self.portal.account.time_zone)).date()
        return (local + timedelta(days=days)).isoformat()

    def portfolio(self, date: str, *, created: int = 200) -> int:
        names, owners = self.process.names, self.process.owners
        properties = {
            names.name: f"Client {self.number:04d}",
            names.date: date,
            names.cadence: self.rng.choice(names.cadences)[0] if names.cadences else "30",
            names.link: f"https://lab.example/{self.number}" if self.rng.random() < 0.8 else "",
            **{getattr(names, role): owners[role] for role in ROLES},
            **names.inside,
        }
        with self.ago(created):
            return self.portal.create(names.object_type_id, properties, self.user("account_manager")).id

    def ago(self, days: float) -> Any:
        return self.portal.as_of(self.now - timedelta(days=days, seconds=self.rng.randrange(3600)))

    def user(self, role: str) -> Actor:
        return Actor.user(self.process.users[self.process.owners[role]])

    def set(self, days_ago: float, type_id: str, record: int, role: str, **properties: str) -> None:
        with self.ago(days_ago):
            self.portal.update(type_id, record, properties, self.user(role))

    def status(self, days_ago: float, portfolio: int, place: int, role: str = "account_manager") -> None:
        names = self.process.names
        value = names.statuses[place][0]
        self.set(days_ago, names.object_type_id, portfolio, role, **{names.status: value})

    def note(self, days_ago: float, portfolio: int, text: str) -> None:
        with self.ago(days_ago):
            moment = str(self.portal.now_ms())
            link = Link(self.process.names.object_type_id, portfolio, ())
            properties = {"hs_note_body": text, "hs_timestamp": moment}
            self.portal.create(NOTE, properties, self.user("account_manager"), [link])

    def tickets(self, days_ago: float, portfolio: int, count: int) -> list[int]:
        names = self.process.names
        made = []
        for n in range(count):
            with self.ago(days_ago):
                properties = {
                    "subject": f"Deliverable {n + 1} for client {self.number:04d}",
                    "hs_pipeline": names.pipeline[0],
                    "hs_pipeline_stage": names.stages[1][0],
                    names.folder: f"Ad set {self.number:04d}",
                }
                link = Link(names.object_type_id, portfolio, ())
                made.append(self.portal.create(TICKET, properties, self.user("social_ad_specialist"), [link]).id)
        return made

    def task(self, days_ago: float, portfolio: int, subject: str, role: str) -> None:
        with self.ago(days_ago):
            properties = {
                "hs_task_subject": subject,
                "hs_timestamp": str(self.portal.now_ms()),
                "hs_task_status": "NOT_STARTED",
                "hubspot_owner_id": self.process.owners[role],
            }
            link = Link(self.process.names.object_type_id, portfolio, ())
            self.portal.create(TASK, properties, Actor.workflow(7_001), [link])

    def finish(self, days_ago: float, tickets: list[int]) -> None:
        for one in tickets:
            stage = self.process.names.stages[2][0]
            self.set(days_ago, TICKET, one, "graphic_designer", hs_pipeline_stage=stage)


def _quiet(past: _Past) -> int:
    return past.portfolio(past.day(past.rng.randint(17, 80)))


def _in_window(past: _Past) -> int:
    return past.portfolio(past.day(past.rng.randint(1, 15)))


def _declined_before(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-30 + past.rng.randint(1, 14)))
    past.status(33, portfolio, _DECLINED)
    names = past.process.names
    later = past.day(past.rng.randint(1, 14))
    past.set(33, names.object_type_id, portfolio, "account_manager", **{names.date: later})
    return portfolio


def _confirmed(past: _Past) -> int:
    portfolio = past.portfolio(past.day(past.rng.randint(1, 12)))
    past.note(2, portfolio, "<p>Client wants brighter colours &amp; a spring theme.</p>")
    past.status(1, portfolio, _REQUESTED)
    return portfolio


def _date_come(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-past.rng.randint(0, 2)))
    past.note(4, portfolio, "<p>Same as last time.</p>")
    past.status(3, portfolio, _REQUESTED)
    return portfolio


def _submitted(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-past.rng.randint(4, 8)))
    past.status(9, portfolio, _REQUESTED)
    past.tickets(3, portfolio, past.rng.randint(1, 4))
    past.status(2, portfolio, _SUBMITTED, "social_ad_specialist")
    return portfolio


def _partly_done(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-past.rng.randint(6, 9)))
    tickets = past.tickets(5, portfolio, 3)
    past.status(4, portfolio, _SUBMITTED, "social_ad_specialist")
    past.finish(1, tickets[:2])
    return portfolio


def _shared(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-past.rng.randint(8, 11)))
    tickets = past.tickets(7, portfolio, 3)
    past.status(6, portfolio, _SUBMITTED, "social_ad_specialist")
    past.finish(2, tickets)
    past.status(1, portfolio, _PENDING)
    return portfolio


def _in_revision(past: _Past) -> int:
    portfolio = _shared(past)
    names = past.process.names
    record = past.portal.get(names.object_type_id, portfolio)
    first = next(iter(past.portal.linked(record, TICKET)))
    wanted = past.rng.choice(names.revisions)[0]
    past.set(
        0.5,
        TICKET,
        first,
        "account_manager",
        **{names.needs_revisions: wanted, "hs_pipeline_stage": names.stages[1][0]},
    )
    return portfolio


def _approved(past: _Past) -> int:
    portfolio = _shared(past)
    past.status(0.5, portfolio, _APPROVED)
    past.task(0.4, portfolio, past.process.names.implement_subject, "social_ad_specialist")
    return portfolio


def _closed(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-30))
    past.status(12, portfolio, _APPROVED)
    past.status(9, portfolio, _IMPLEMENTED, "social_ad_specialist")
    names = past.process.names
    past.set(
        8.9,
        names.object_type_id,
        portfolio,
        "social_ad_specialist",
        **{names.status: "", names.date: past.day(past.rng.randint(18, 27))},
    )
    return portfolio


SITUATIONS: Mapping[str, Callable[[_Past], int]] = {
    "quiet": _quiet,
    "in window": _in_window,
    "declined before": _declined_before,
    "confirmed": _confirmed,
    "date come": _date_come,
    "deliverables submitted": _submitted,
    "partly pending approval": _partly_done,
    "pending approval": _shared,
    "in revision": _in_revision,
    "approved": _approved,
    "closed": _closed,
}
"""Every stage of the cycle, in its order."""


def populate(portal: Portal, process: Process, count: int, rng: random.Random) -> dict[str, list[int]]:
    """Make `count` portfolios, spread evenly over `SITUATIONS`, with a past and without webhooks; ids by situation."""
    made: dict[str, list[int]] = {name: [] for name in SITUATIONS}
    with portal.lock:
        listeners, portal.listeners = portal.listeners, []
        try:
            for n in range(count):
                name = list(SITUATIONS)[n % len(SITUATIONS)]
                past = _Past(portal, process, rng, portal.clock.now(), n + 1)
                made[name].append(SITUATIONS[name](past))
        finally:
            portal.listeners = listeners
        portal.index.flush()
    return made
