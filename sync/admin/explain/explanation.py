"""What `explain` answers: the handoffs of one portfolio as they stand, its Ad Sets, and its timeline."""

from dataclasses import dataclass
from datetime import datetime

from mappings.vocabulary import Handoff, Role
from sync.admin import timeline
from sync.clock import iso
from sync.crm import RecordRef
from sync.rules.model import LookAlike, Portfolio, State, Wait
from sync.storage.work_queue import QueuedRecord

URGENCY = (State.BLOCKED, State.DUE, State.WAITING, State.DONE, State.SUPERSEDED, State.NOT_APPLICABLE)
"""Of several results of one handoff, the first of these speaks for it."""


@dataclass(frozen=True, slots=True)
class EffectLine:
    """One effect: as it stands in the ledger, or `due` while it is not written down."""

    key: str
    kind: str  # write, task, close, email
    role: Role | None
    summary: str
    state: str
    when: datetime | None  # since when it is so; None while it is not written down
    id: str | None  # the task made, the record written, the address mailed
    url: str | None
    reason: str | None
    now: str | None = None  # a task's own state in the CRM: open, completed, deleted; None: none was made
    who: str | None = None  # the person of the role to whom it was given, by name; None: nobody
    now_with: str | None = None  # to whom somebody has given the task since

    def as_json(self) -> dict[str, object]:
        return {
            "key": self.key,
            "kind": self.kind,
            "role": None if self.role is None else self.role.value,
            "summary": self.summary,
            "state": self.state,
            "when": iso(self.when),
            "id": self.id,
            "url": self.url,
            "reason": self.reason,
            "now": self.now,
            "who": self.who,
            "now_with": self.now_with,
        }


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What one rule says of one record."""

    record: RecordRef
    name: str  # a ticket's; '' for the portfolio itself
    state: State
    reason: str
    when: datetime | None  # done: when; waiting: until when, where that is known
    effects: tuple[EffectLine, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "record": {**self.record.as_json(), "name": self.name},
            "state": self.state.value,
            "reason": self.reason,
            "when": iso(self.when),
            "effects": [effect.key for effect in self.effects],
        }


@dataclass(frozen=True, slots=True)
class HandoffLine:
    """One handoff: what its rule says of each record, of which the most urgent speaks for it."""

    handoff: Handoff
    results: tuple[RuleResult, ...]  # at least one

    @property
    def leading(self) -> RuleResult:
        return min(self.results, key=lambda result: URGENCY.index(result.state))

    def as_json(self) -> dict[str, object]:
        leading = self.leading
        return {
            "handoff": self.handoff.value,
            "state": leading.state.value,
            "reason": leading.reason,
            "when": iso(leading.when),
            "effects": [effect.as_json() for result in self.results for effect in result.effects],
            "records": [result.as_json() for result in self.results],
        }


@dataclass(frozen=True, slots=True)
class Deliverable:
    """A ticket as a part of its Ad Set. `lacks`: what keeps the set waiting for it; empty: it is ready."""

    record: RecordRef
    name: str
    url: str
    stage: str
    since: datetime  # in this stage
    lacks: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "record": {**self.record.as_json(), "name": self.name},
            "url": self.url,
            "ready": not self.lacks,
            "stage": self.stage,
            "since": iso(self.since),
            "lacks": list(self.lacks),
        }


@dataclass(frozen=True, slots=True)
class AdSet:
    """The open tickets of the cycle that share a folder."""

    folder: str
    tickets: tuple[Deliverable, ...]
    announced: tuple[datetime, ...] = ()  # when, in this cycle, oldest first

    @property
    def ready(self) -> int:
        return sum(not ticket.lacks for ticket in self.tickets)

    def as_json(self) -> dict[str, object]:
        tickets = [ticket.as_json() for ticket in self.tickets]
        return {
            "folder": self.folder,
            "ready": self.ready,
            "of": len(tickets),
            "announced": [iso(moment) for moment in self.announced],
            "tickets": tickets,
        }


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A ticket of the portfolio that counts for no Ad Set."""

    record: RecordRef
    name: str
    url: str
    why: str

    def as_json(self) -> dict[str, object]:
        return {"record": {**self.record.as_json(), "name": self.name}, "url": self.url, "why": self.why}


@dataclass(frozen=True, slots=True)
class MadeOf:
    """A record that was merged: the portfolio, or a ticket of it, answers under its id too."""

    record: RecordRef
    into: RecordRef
    primary: bool  # whether its values and its cycle are those of the record that is left
    at: datetime | None  # when; None: it is not known

    def as_json(self) -> dict[str, object]:
        return {
            "record": self.record.as_json(),
            "into": self.into.as_json(),
            "primary": self.primary,
            "at": iso(self.at),
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that `explain` says of one portfolio."""

    at: datetime
    portfolio: Portfolio
    cycle_started: datetime | None  # None: the first cycle that is known
    wait: Wait | None  # whose turn it is; None: nobody's, the service or the calendar has the next step
    before: tuple[timeline.Event, ...]  # of the cycle that has just ended, oldest first; empty later on
    timeline: tuple[timeline.Event, ...]  # of this cycle, oldest first
    handoffs: tuple[HandoffLine, ...]
    ad_sets: tuple[AdSet, ...]
    left_out: tuple[LeftOut, ...]
    queued: QueuedRecord | None  # its row in the work queue; None: it is not enqueued
    problems: tuple[str, ...]  # what a person should mend
    worth_a_look: tuple[LookAlike, ...]
    cycle_ended: datetime | None = None  # set: an earlier cycle is shown, with what the ledger has of it
    made_of: tuple[MadeOf, ...] = ()  # the records that were merged into this one, or that it was made of

    @property
    def is_stuck(self) -> bool:
        """Whether the party whose turn it is has had it for longer than the mapping allows."""
        return self.wait is not None and self.wait.stuck_at <= self.at

    def as_json(self) -> dict[str, object]:
        queued = self.queued
        return {
            "portfolio": {"id": self.portfolio.id, "name": self.portfolio.name, "url": self.portfolio.url},
            "cycle": {"started": iso(self.cycle_started), "ended": iso(self.cycle_ended)},
            "handoffs": [line.as_json() for line in self.handoffs],
            "dirty": None
            if queued is None
            else {
                "origin": queued.origin,
                "marked_at": iso(queued.enqueued_at),
                "look_at": iso(queued.not_before),
                "attempts": queued.attempts,
                "parked_at": iso(queued.parked_at),
                "held_effects": queued.held_effects,
                "error": None if queued.error is None else queued.reason,
            },
            "problems": list(self.problems),
            "made_of": [one.as_json() for one in self.made_of],
            "waits_for": None if self.wait is None else self._wait_as_json(self.wait),
            "timeline_before": [event.as_json() for event in self.before],
            "timeline": [event.as_json() for event in self.timeline],
            "ad_sets": [one.as_json() for one in self.ad_sets],
            "left_out": [one.as_json() for one in self.left_out],
            "worth_a_look": [one.as_json() for one in self.worth_a_look],
        }

    def _wait_as_json(self, wait: Wait) -> dict[str, object]:
        return {
            "party": wait.party.value,
            "who": wait.who,
            "after": wait.after.value,
            "what": wait.what,
            "since": iso(wait.since),
            "stuck_at": iso(wait.stuck_at),
            "stuck": self.is_stuck,
        }
