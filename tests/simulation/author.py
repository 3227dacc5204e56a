"""Makes up a story from a seed: people who mostly follow the process and sometimes do not, and all that can break.

People decide by what they see in the CRM at that moment, so a story is made up while it is played, and recorded.
"""

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sync.clock import from_ms, to_ms
from sync.sandbox.faults import FaultKind
from sync.sandbox.records import Record
from tests.simulation.corners import corner
from tests.simulation.player import NAMES, UNMAPPED, ZONE, Player
from tests.simulation.script import ACT, FAULT, KILL, MODE, POLL, RECEIVER, SWEEP, Item, Script
from tests.simulation.temper import Mode, Temper, quirks, temper_of
from tests.simulation.words import (
    APPROVED,
    CADENCES,
    CLOSED,
    CREATE_TICKETS,
    DECLINED,
    DONE,
    IMPLEMENT,
    IMPLEMENTED,
    IN_PROGRESS,
    IN_REVIEW,
    KICKOFF,
    NEW,
    PENDING,
    REQUESTED,
    REVISIONS,
    SHARE,
    STATUSES,
    SUBMITTED,
    WORK,
)

SHORT = ("Weekly", "Weekly", "Every 2 weeks", "Every 3 weeks", "Monthly", "", "10")

STARTS = (
    date(2026, 10, 20),  # the clocks go back on 1 November
    date(2026, 12, 10),  # over the new year
    date(2027, 1, 20),  # the 31st, and a short February
    date(2027, 2, 25),  # the clocks go forward on 14 March
    date(2028, 2, 10),  # the 29th
)

REFUSALS: tuple[FaultKind, ...] = (
    "429-ten-secondly", "429-secondly", "429-daily", "429-no-policy", "429-bare", "423", "477",
    "500", "502", "503", "504", "521", "523", "524", "refused", "reset", "hang",
)  # fmt: skip
SPOILT: tuple[FaultKind, ...] = ("slow", "truncated", "cut", "lost", "lost-504", "lost-hang", "partial")
LATE: tuple[FaultKind, ...] = ("late", "late-504", "late-hang")

ENDPOINTS = (
    "*",
    "POST */batch/read",
    "POST */search",
    "POST */tasks/batch/create",
    "POST */batch/update",
    "POST */single-email/send",
    "POST */associations/*",
    "GET *",
)
WRITES = ("POST */tasks/batch/create", "POST */batch/update", "POST */single-email/send")


def begin(seed: int, days: int, mode: Mode) -> tuple[Script, "Author"]:
    """The empty script of a seed, and the author who fills it."""
    rng = random.Random(f"temper {seed} {mode}")
    temper = temper_of(rng, seed, mode)
    day = rng.choice(STARTS) + timedelta(days=rng.randrange(14))
    start = datetime.combine(day, time(8, 30), ZONE).astimezone(UTC)
    script = Script(
        seed=seed,
        start=to_ms(start),
        days=days,
        webhooks=temper.mode is not None,
        reaction=0.5 if mode == "plain" else rng.choice((5.0, 60.0, 300.0, 1200.0, 1200.0)),
        calm=max(3, days // 4) if mode == "liveness" else 0,
        quirks=quirks(rng),
    )
    return script, Author(script, temper)


@dataclass
class Desk:
    """What the author remembers of a portfolio."""

    label: str
    name: str
    folders: list[str] = field(default_factory=list)


class Author:
    """A `Mind`: plans each day at its first moment, and at each sitting does what the person sees to do."""

    def __init__(self, script: Script, temper: Temper) -> None:
        self.script = script
        self.temper = temper
        self.rng = random.Random(f"author {script.seed}")
        self._agenda: list[tuple[int, int, str]] = []  # when, in which order, what: "day" or a portfolio's label
        self._count = 0
        self.desks: dict[str, Desk] = {}
        self.tickets = 0
        self.sets = 0
        self._archived: list[str] = []
        self._gone: list[str] = []  # roles whose person has left
        self.clock = 0
        self.quiet = False
        self._note(script.start, "first")

    # -- Mind

    def next(self) -> int | None:
        return self._agenda[0][0] if self._agenda else None

    def wake(self, player: Player) -> Iterator[Item]:
        at, _, what = heapq.heappop(self._agenda)
        self.clock = at
        self.player = player
        match what:
            case "first":
                yield from self._first()
                self._note(at + 1_000, "day")
            case "day":
                yield from self._day()
            case label:
                yield from self._sitting(self.desks[label])

    def _note(self, at: int, what: str) -> None:
        self._count += 1
        heapq.heappush(self._agenda, (at, self._count, what))

    # -- days

    def _first(self) -> Iterator[Item]:
        if self.temper.mode:
            yield Item(self.clock, MODE, values=self.temper.mode)
        for n in range(self.temper.portfolios):
            label = f"P{n}"
            self.desks[label] = Desk(label, f"Client {chr(65 + n)}")
            owners = self.player.world.sandbox.process.owners
            properties = {
                NAMES.name: self.desks[label].name,
                NAMES.date: self.day_in(self.rng.choice((-3, 0, 1, 4, 9, 14, 15, 16, 18, 22))),
                NAMES.cadence: self.rng.choice(SHORT),
                **{
                    role: owners[role]
                    for role in ("account_manager", "social_ad_specialist", "copywriter", "graphic_designer")
                    if self.rng.random() > 0.03
                },
            }
            if self.rng.random() < 0.05:
                properties[NAMES.date] = ""
            yield self.act("create", {"as": label, "kind": "portfolio", "properties": properties}, by="account_manager")

    def _day(self) -> Iterator[Item]:
        """The next day's work of the timer, its troubles, and who will sit down when."""
        rng, temper = self.rng, self.temper
        local = from_ms(self.clock).astimezone(ZONE)
        today = local.date()
        self._note(_moment(today + timedelta(days=1), 0, 0, 30), "day")
        last = from_ms(self.script.start).astimezone(ZONE).date() + timedelta(days=self.script.days)
        calm = (last - today).days <= self.script.calm
        if calm and not self.quiet:
            self.quiet = True
            if temper.mode:
                yield Item(self.clock, MODE, values={})
        if rng.random() >= temper.sweep_missed or calm:
            yield Item(max(self.clock, _moment(today, 6, 10)), SWEEP)
        for hour in temper.polls:
            at = _moment(today, hour, rng.randrange(60))
            if at > self.clock and (calm or rng.random() > temper.sweep_missed):
                yield Item(at, POLL)
        if not calm:
            yield from self._troubles(today)
        for _ in range(_times(rng, temper.meetings)):
            late = rng.random() < 0.08
            at = _moment(today, rng.choice((0, 23)) if late else rng.randrange(8, 19), rng.randrange(60))
            if at > self.clock:
                for label in self.desks:
                    if rng.random() < 0.5:
                        self._note(at, label)

    def _troubles(self, today: date) -> Iterator[Item]:
        rng, temper = self.rng, self.temper
        for _ in range(_times(rng, temper.faults)):
            at = _moment(today, rng.randrange(6, 20), rng.randrange(60))
            if at <= self.clock:
                continue
            if self.temper.mode is not None and rng.random() < 0.15:
                how = rng.choice(("down", "refuses", "silent"))
                yield Item(at, RECEIVER, how, {"lasts": rng.choice((60, 1800, 14_400))})
                continue
            yield Item(at, FAULT, values=self._fault())
        for _ in range(_times(rng, temper.kills)):
            at = _moment(today, rng.randrange(6, 20), rng.randrange(60))
            if at > self.clock:
                values = {"step": rng.randint(1, 120), "down": rng.choice((0, 0, 5, 600, 7200))}
                if temper.lost and rng.random() < 0.2:
                    values["lose"] = 1
                yield Item(at, KILL, values=values)

    def _fault(self) -> dict[str, Any]:
        rng = self.rng
        family = rng.random()
        if family < 0.04:
            return {"kind": "401", "lasts": rng.choice((60.0, 3600.0))}
        if family < 0.40:
            values: dict[str, Any] = {"kind": rng.choice(REFUSALS), "endpoint": rng.choice(ENDPOINTS)}
            if rng.random() < 0.3:
                values["lasts"] = rng.choice((30.0, 600.0, 7200.0))
            else:
                values["times"] = rng.randint(1, 8)
            if rng.random() < 0.2:
                values["retry_after"] = rng.choice((1.0, 15.0))
        elif family < 0.75:
            endpoint = rng.choice(WRITES) if rng.random() < 0.7 else rng.choice(ENDPOINTS)
            values = {"kind": rng.choice(SPOILT), "endpoint": endpoint, "times": rng.randint(1, 3)}
            values["delay"] = rng.choice((2.0, 10.0, 40.0))
        else:
            values = {"kind": rng.choice(LATE), "endpoint": rng.choice(WRITES), "times": rng.randint(1, 2)}
            values["delay"] = rng.choice((1.0, 10.0, 45.0))
        if rng.random() < 0.5:
            values["skip"] = rng.randint(1, 6)
        return values

    # -- what people do

    def act(self, name: str, values: dict[str, Any], *, by: str = "account_manager") -> Item:
        """An act some seconds after the last one of this sitting."""
        self.clock += self.rng.choice((1_000, 3_000, 10_000, 45_000))
        call = self.rng.randint(1, 14) if name != "create" and self.rng.random() < self.temper.inside else 0
        return Item(self.clock, ACT, name, values, by, call)

    def set(self, label: str, *, by: str = "account_manager", **properties: str) -> Item:
        return self.act("set", {"ref": label, "properties": properties}, by=by)

    def status(self, desk: Desk, value: str, by: str = "account_manager") -> Item:
        return self.set(desk.label, by=by, **{NAMES.status: value})

    def tick(self, on: str, subject: str, do: str = "COMPLETED", *, by: str = "account_manager") -> Item:
        return self.act("task", {"on": on, "subject": subject, "do": do}, by=by)

    def _sitting(self, desk: Desk) -> Iterator[Item]:
        portfolio = self._read("portfolio", desk.label)
        if portfolio is None:
            if self.rng.random() < 0.3:
                yield self.act("restore", {"ref": desk.label})
            return
        if self.rng.random() < self.temper.chaos:
            yield from self._chaos(desk, portfolio)
            return
        if self.temper.corners and self.rng.random() < self.temper.corners:
            yield from corner(self, desk)
            return
        if self.temper.haste and self.rng.random() < self.temper.haste:
            yield from self._hasty(desk)
            return
        yield from self._plausible(desk, portfolio)

    def _plausible(self, desk: Desk, portfolio: Record) -> Iterator[Item]:
        rng = self.rng
        status = portfolio.value(NAMES.status)
        day = portfolio.value(NAMES.date)
        ahead = (date.fromisoformat(day) - from_ms(self.clock).astimezone(ZONE).date()).days if day else None
        match status:
            case "" if ahead is not None and ahead <= 15:
                yield from self._client_asked(desk)
            case "":
                if rng.random() < 0.5:
                    yield self.set(desk.label, **{NAMES.date: self.day_in(rng.randint(0, 18))})
            case str() if status == REQUESTED:
                if ahead is not None and ahead <= 0:
                    yield from self._tickets_created(desk)
                elif rng.random() < 0.6:
                    yield self.set(desk.label, **{NAMES.date: self.day_in(rng.randint(0, 2))})
                else:
                    yield self.act("note", {"ref": desk.label, "text": f"The client adds {rng.randrange(100)}"})
            case str() if status in {SUBMITTED, PENDING}:
                yield from self._at_work(desk, status)
            case str() if status == APPROVED:
                yield from self._implemented(desk)
            case str() if status == DECLINED and rng.random() < 0.15:
                yield self.status(desk, REQUESTED)
            case str() if status == IMPLEMENTED and rng.random() < 0.2:
                yield self.status(desk, rng.choice((APPROVED, "")))

    def _client_asked(self, desk: Desk) -> Iterator[Item]:
        rng = self.rng
        choice = rng.random()
        if choice < 0.55:
            yield self.act("note", {"ref": desk.label, "text": f"The client wants {rng.randrange(100)}"})
            if rng.random() < 0.1:
                yield self.status(desk, DECLINED)  # a slip of the hand
            yield self.status(desk, REQUESTED)
            if rng.random() < 0.7:
                yield self.tick(desk.label, KICKOFF)
        elif choice < 0.75:
            yield self.status(desk, DECLINED)
            if rng.random() < 0.15:
                yield self.status(desk, rng.choice((REQUESTED, "")))
        elif choice < 0.85:
            yield self.set(desk.label, **{NAMES.date: self.day_in(rng.randint(-1, 30))})

    def _tickets_created(self, desk: Desk) -> Iterator[Item]:
        rng = self.rng
        for _ in range(rng.choice((1, 1, 2))):
            self.sets += 1
            folder = f"Set {self.sets}"
            for _ in range(rng.choice((1, 2, 2, 3))):
                yield from self.ticket(desk, folder if rng.random() > 0.15 else f"  {folder.lower()} ")
        if rng.random() < 0.8:
            yield self.tick(desk.label, CREATE_TICKETS, by="social_ad_specialist")
        if rng.random() < 0.8:
            yield self.status(desk, SUBMITTED, "social_ad_specialist")

    def ticket(self, desk: Desk, folder: str, stage: str = NEW) -> Iterator[Item]:
        rng = self.rng
        label = f"T{self.tickets}"
        self.tickets += 1
        properties = {
            "subject": f"Deliverable {label}",
            "hs_pipeline": NAMES.pipeline[0] if stage == NEW else "0",
            "hs_pipeline_stage": stage,
            NAMES.folder: folder,
        }
        owners = self.player.world.sandbox.process.owners
        if rng.random() < 0.1:
            properties[NAMES.ticket_graphic_designer] = owners["second_designer"]
        values: dict[str, Any] = {"as": label, "kind": "ticket", "properties": properties}
        by = "social_ad_specialist"
        late = rng.random() < 0.2
        if not late:
            values["on"] = [desk.label]
            if rng.random() < 0.2:
                values["primary"] = desk.label
        yield self.act("create", values, by=by)
        if late:
            yield self.act("associate", {"ref": label, "to": desk.label}, by=by)

    def _at_work(self, desk: Desk, status: str) -> Iterator[Item]:
        """The Creative Team and the client's review."""
        rng = self.rng
        tickets = self.tickets_of(desk)
        ready = [one for one in tickets if one[1].value("hs_pipeline_stage") == IN_REVIEW]
        open_ones = [one for one in tickets if one[1].value("hs_pipeline_stage") in {NEW, IN_PROGRESS}]
        if open_ones and rng.random() < 0.75:
            for label, _ in open_ones:
                if rng.random() < 0.75:
                    yield from self._finish(label)
        elif ready and status == PENDING and rng.random() < 0.35:
            for label, _ in ready:
                if rng.random() < 0.6:
                    yield from self.revise(label)
        elif rng.random() < 0.7:
            if rng.random() < 0.5:
                yield self.tick(desk.label, SHARE)
            yield self.status(desk, APPROVED)
            if rng.random() < 0.1:
                yield self.status(desk, PENDING)
                if rng.random() < 0.6:
                    yield self.status(desk, APPROVED)

    def _finish(self, label: str) -> Iterator[Item]:
        rng = self.rng
        person = rng.choice(("copywriter", "graphic_designer"))
        if rng.random() < 0.5:
            approvals = {NAMES.copy_approval: "Approved", NAMES.graphic_approval: "Approved"}
            yield self.set(label, by=person, **approvals)
        for subject in WORK:
            if rng.random() < 0.4:
                yield self.tick(label, subject, by=person)
        yield self.set(label, by=person, hs_pipeline_stage=IN_REVIEW)

    def revise(self, label: str) -> Iterator[Item]:
        rng = self.rng
        if rng.random() < 0.6:
            yield self.act("note", {"ref": label, "text": f"Make it {rng.randrange(100)} % louder"})
        value = rng.choice(REVISIONS)
        yield self.set(label, **{NAMES.needs_revisions: value})
        if rng.random() < 0.2:  # widened, or set a second time
            if rng.random() < 0.5:
                yield self.set(label, **{NAMES.needs_revisions: REVISIONS[2]})
            else:
                yield self.set(label, **{NAMES.needs_revisions: ""})
                yield self.set(label, **{NAMES.needs_revisions: value})

    def _implemented(self, desk: Desk) -> Iterator[Item]:
        rng = self.rng
        choice = rng.random()
        if choice < 0.6:
            yield self.tick(desk.label, IMPLEMENT, by="social_ad_specialist")
            if rng.random() < 0.1:
                yield self.tick(desk.label, IMPLEMENT, "NOT_STARTED", by="social_ad_specialist")
        elif choice < 0.85:
            yield self.status(desk, IMPLEMENTED, "social_ad_specialist")
            if rng.random() < 0.15:
                yield self.status(desk, rng.choice((APPROVED, "")), "social_ad_specialist")

    # -- what people do within minutes

    def _hasty(self, desk: Desk) -> Iterator[Item]:
        rng = self.rng
        tickets = self.tickets_of(desk)
        match rng.randrange(6):
            case 0:  # a ticket that is ready, or of no use, as soon as it is there
                made = f"T{self.tickets}"
                yield from self.ticket(desk, f"Set {rng.randint(max(1, self.sets - 1), self.sets + 1)}")
                yield self.set(made, hs_pipeline_stage=rng.choice((IN_REVIEW, IN_REVIEW, CLOSED)))
            case 1:  # work is begun, and the client declines
                yield from self.ticket(desk, f"Set {self.sets + 1}")
                yield self.status(desk, DECLINED)
            case 2:  # the SAS is through, and the date moves once more
                yield self.tick(desk.label, CREATE_TICKETS, by="social_ad_specialist")
                yield self.set(desk.label, **{NAMES.date: self.day_in(rng.randint(-2, 2))})
            case 3 if tickets:  # a revision is thought over, perhaps of a ticket that is closed
                label, _ = rng.choice(tickets)
                if rng.random() < 0.3:
                    yield self.set(label, hs_pipeline_stage=CLOSED)
                for value in rng.sample(REVISIONS, 2):
                    yield self.set(label, **{NAMES.needs_revisions: value})
            case 4:  # approved, taken back and approved again, the work being done meanwhile
                yield self.status(desk, APPROVED)
                for status in (PENDING, APPROVED):
                    if rng.random() < 0.5:
                        yield self.tick(desk.label, IMPLEMENT, by="social_ad_specialist")
                    if rng.random() < 0.8:
                        yield self.status(desk, status)
            case _:  # implemented, or rather not
                yield self.status(desk, IMPLEMENTED, "social_ad_specialist")
                yield self.status(desk, rng.choice((APPROVED, "", DECLINED)), "social_ad_specialist")

    def ready_ticket(self, desk: Desk, folder: str) -> Iterator[Item]:
        made = f"T{self.tickets}"
        yield from self.ticket(desk, folder)
        yield self.set(made, hs_pipeline_stage=IN_REVIEW)

    # -- what people should not do

    def _chaos(self, desk: Desk, portfolio: Record) -> Iterator[Item]:
        rng = self.rng
        tickets = self.tickets_of(desk)
        for _ in range(rng.choice((1, 1, 2, 3))):
            acts = [self._chaos_portfolio, self._chaos_portfolio, self._chaos_task, self._chaos_people]
            if tickets:
                acts += [self._chaos_ticket, self._chaos_ticket, self._chaos_ticket]
            else:
                acts += [self._chaos_new_ticket]
            yield from rng.choice(acts)(desk, tickets)

    def _chaos_portfolio(self, desk: Desk, _: object) -> Iterator[Item]:  # noqa: C901 - one rung an act, flat on purpose
        rng = self.rng
        match rng.randrange(20):
            case 9 | 10 | 11 | 12 | 13 | 14:
                yield self.status(desk, rng.choice(("", *STATUSES)))
            case 15 | 16:
                yield self.set(desk.label, **{NAMES.date: self.day_in(rng.randint(-2, 2))})
            case 17:
                yield self.act("archive", {"ref": desk.label})
                if rng.random() < 0.7:
                    yield self.act("restore", {"ref": desk.label})
            case 18 if rng.random() < 0.3:
                other = rng.choice(list(self.desks))
                if other != desk.label:
                    yield self.act("merge", {"ref": desk.label, "gone": other})
            case 19:
                subject = rng.choice((IMPLEMENT, f"Create Deliverable Tickets for Refresh: {desk.name}"))
                yield self.act("own task", {"on": desk.label, "subject": subject})
            case 0 | 1 | 2:
                yield self.status(desk, rng.choice(("", *STATUSES)))
            case 3 | 4:
                yield self.set(desk.label, **{NAMES.date: self.day_in(rng.randint(-10, 40))})
            case 5:
                yield self.set(desk.label, **{NAMES.date: ""})
            case 6:
                yield self.set(desk.label, **{NAMES.cadence: rng.choice((UNMAPPED, *CADENCES, ""))})
            case 7:
                yield self.set(desk.label, **{NAMES.cadence: rng.choice(SHORT)})
            case _:
                yield self.set(desk.label, **{NAMES.date: self.day_in(rng.randint(17, 40))})
                yield self.set(desk.label, **{NAMES.date: self.day_in(rng.randint(0, 15))})

    def _chaos_task(self, desk: Desk, tickets: Sequence[tuple[str, Record]]) -> Iterator[Item]:
        rng = self.rng
        do = rng.choice(("COMPLETED", "NOT_STARTED", "IN_PROGRESS", "WAITING", "delete", "restore"))
        if tickets and rng.random() < 0.5:
            yield self.tick(rng.choice(tickets)[0], rng.choice(WORK), do)
        else:
            yield self.tick(desk.label, rng.choice((KICKOFF, CREATE_TICKETS, SHARE, IMPLEMENT, IMPLEMENT)), do)

    def _chaos_people(self, desk: Desk, _: object) -> Iterator[Item]:
        rng = self.rng
        owners = self.player.world.sandbox.process.owners
        role = rng.choice(("account_manager", "social_ad_specialist", "copywriter", "graphic_designer"))
        match rng.randrange(4):
            case 0:
                yield self.set(desk.label, **{role: ""})
            case 1:
                person = rng.choice((role, role, "second_account_manager", "second_designer", "deactivated"))
                yield self.set(desk.label, **{role: owners[person]})
            case 2 if role not in self._gone:
                self._gone.append(role)
                yield self.act("owner", {"role": role, "active": False}, by="")
            case _ if self._gone:
                yield self.act("owner", {"role": self._gone.pop(), "active": True}, by="")

    def _chaos_new_ticket(self, desk: Desk, _: object) -> Iterator[Item]:
        self.sets += 1
        yield from self.ticket(desk, self.rng.choice((f"Set {self.sets}", f"Set {max(1, self.sets - 1)}", "")))

    def _chaos_ticket(self, desk: Desk, tickets: Sequence[tuple[str, Record]]) -> Iterator[Item]:  # noqa: C901 - one rung an act, flat on purpose
        rng = self.rng
        label, ticket = rng.choice(tickets)
        other = rng.choice(list(self.desks))
        match rng.randrange(14):
            case 0 | 1:
                yield from self.ticket(desk, ticket.value(NAMES.folder))
            case 2:
                yield self.set(label, **{NAMES.folder: rng.choice(("Renamed", "", f"Set {rng.randint(1, 4)}"))})
            case 3:
                self._archived.append(label)
                yield self.act("archive", {"ref": label})
            case 4 if self._archived:
                yield self.act("restore", {"ref": self._archived.pop(rng.randrange(len(self._archived)))})
            case 5:
                yield self.set(label, hs_pipeline_stage=rng.choice((NEW, IN_PROGRESS, IN_REVIEW, DONE, CLOSED)))
            case 6:
                yield self.set(label, hs_pipeline_stage=IN_REVIEW)
            case 7:
                yield self.set(label, **{NAMES.needs_revisions: rng.choice(("", *REVISIONS))})
                if rng.random() < 0.4:
                    yield self.set(label, **{NAMES.needs_revisions: rng.choice(("", *REVISIONS))})
            case 8:
                yield from self.revise(label)
            case 9:
                yield self.act("associate", {"ref": label, "to": other, "label": rng.choice((None, "Primary"))})
            case 10:
                yield self.act("dissociate", {"ref": label, "to": desk.label})
                if rng.random() < 0.7:
                    yield self.act("associate", {"ref": label, "to": other})
            case 11:
                yield self.set(label, hs_pipeline_stage="2")  # into the support pipeline
                if rng.random() < 0.6:
                    yield self.set(label, hs_pipeline_stage=rng.choice((NEW, IN_REVIEW)))
            case 12:
                gone = rng.choice(tickets)[0]
                if gone != label:
                    yield self.act("merge", {"ref": label, "gone": gone})
            case _:
                owners = self.player.world.sandbox.process.owners
                owner = rng.choice(("", owners["second_designer"], owners["deactivated"]))
                yield self.set(label, **{NAMES.ticket_graphic_designer: owner})

    # -- what people see

    def _read(self, kind: str, label: str) -> Record | None:
        portal = self.player.world.sandbox.portal
        type_id = NAMES.object_type_id if kind == "portfolio" else portal.type(kind).id
        made = self.player.ids.get(label)
        return None if made is None else portal.find(type_id, int(made))

    def tickets_of(self, desk: Desk) -> list[tuple[str, Record]]:
        """The live tickets of a portfolio, with the script's labels."""
        player = self.player
        portfolio = self._read("portfolio", desk.label)
        if portfolio is None:
            return []
        portal = player.world.sandbox.portal
        ticket_type = portal.type("ticket").id
        labels = {made: label for label, made in player.ids.items() if label[0] == "T"}
        found = [(labels.get(str(i)), portal.find(ticket_type, i)) for i in portal.linked(portfolio, ticket_type)]
        return [(label, ticket) for label, ticket in found if label is not None and ticket is not None]

    def day_in(self, days: int) -> str:
        return (from_ms(self.clock).astimezone(ZONE).date() + timedelta(days=days)).isoformat()


def _times(rng: random.Random, average: float) -> int:
    """How often something happens that happens so often on average."""
    whole = int(average)
    return whole + (rng.random() < average - whole)


def _moment(day: date, hour: int, minute: int, second: int = 0) -> int:
    return to_ms(datetime.combine(day, time(hour, minute, second), ZONE).astimezone(UTC))
