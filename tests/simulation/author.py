"""Makes up a story from a seed: people who mostly follow the process and sometimes do not, and all that can break.

People decide by what they see in the CRM at that moment, so a story is made up while it is played, and recorded.
"""

import heapq
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from sync.clock import from_ms, to_ms
from sync.sandbox.faults import FaultKind
from sync.sandbox.records import Record
from tests.simulation.player import NAMES, UNMAPPED, ZONE, Player
from tests.simulation.script import ACT, FAULT, KILL, MODE, POLL, RECEIVER, SWEEP, Item, Script

Mode = Literal["plain", "safety", "liveness"]

REQUESTED, DECLINED, SUBMITTED, PENDING, APPROVED, IMPLEMENTED = (value for value, _ in NAMES.statuses)
STATUSES = (REQUESTED, DECLINED, SUBMITTED, PENDING, APPROVED, IMPLEMENTED)
NEW, IN_PROGRESS, IN_REVIEW, DONE, CLOSED = (value for value, _ in NAMES.stages)
REVISIONS = tuple(value for value, _ in NAMES.revisions)
CADENCES = tuple(value for value, _ in NAMES.cadences)
SHORT = ("Weekly", "Weekly", "Every 2 weeks", "Every 3 weeks", "Monthly", "", "10")

KICKOFF, CREATE_TICKETS = "Contact Client", "Create Deliverable Tickets"
SHARE, IMPLEMENT = "Share Deliverables", "Implement New Creatives for Refresh"
WORK = ("Write Copy", "Design Graphics", "Revise Copy", "Revise Graphics")

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


@dataclass(frozen=True, slots=True)
class Temper:
    """What kind of run a seed gives."""

    portfolios: int
    meetings: float
    """How often a day somebody sits down to work, at half of the portfolios."""
    chaos: float
    """The share of sittings in which nobody follows the process."""
    haste: float
    """The share of sittings in which a person changes their mind within minutes, before anybody may have looked."""
    corners: float
    """The share of sittings in which somebody does what the rules tell apart by a hair."""
    polls: tuple[int, ...]
    """Hours of the day at which a poll is done."""
    sweep_missed: float
    faults: float
    """Spells of faults a day."""
    kills: float
    """Kills a day."""
    lost: bool
    """Whether a kill may take the database with it."""
    inside: float
    """The share of acts that fall into the middle of a pass."""
    mode: dict[str, Any] | None
    """How webhooks travel; None: there are none."""


def has_corners(seed: int) -> bool:
    """Whether the people of this seed do what the rules tell apart by a hair."""
    return seed % 8 == 5


def begin(seed: int, days: int, mode: Mode) -> tuple[Script, "Author"]:
    """The empty script of a seed, and the author who fills it."""
    rng = random.Random(f"temper {seed} {mode}")
    temper = _temper(rng, seed, mode)
    day = rng.choice(STARTS) + timedelta(days=rng.randrange(14))
    start = datetime.combine(day, time(8, 30), ZONE).astimezone(UTC)
    script = Script(
        seed=seed,
        start=to_ms(start),
        days=days,
        webhooks=temper.mode is not None,
        reaction=0.5 if mode == "plain" else rng.choice((5.0, 60.0, 300.0, 1200.0, 1200.0)),
        calm=max(3, days // 4) if mode == "liveness" else 0,
        quirks=_quirks(rng),
    )
    return script, Author(script, temper)


def _temper(rng: random.Random, seed: int, mode: Mode) -> Temper:
    plain = mode == "plain"
    corners = has_corners(seed)
    travel: dict[str, Any] | None = {}
    if not plain:
        travel = rng.choice(
            (
                {},
                {"latency": [0.0, 30.0]},
                {
                    "latency": [0.0, 30.0], "lost": 0.15, "doubled": 0.2, "late": 0.2, "late_seconds": [60.0, 90000.0],
                    "shuffled": True, "rebatched": True, "batch": 20,
                },
                {"latency": [0.0, 600.0], "lost": 0.6, "shuffled": True},
                None,
            )
        )  # fmt: skip
    return Temper(
        portfolios=rng.choice((1, 2, 2, 3, 3, 4)),
        meetings=rng.choice((0.4, 0.7, 1.0)),
        chaos=rng.choice((0.0, 0.1, 0.25, 0.5)),
        haste=0.3 if seed % 2 else 0.0,
        corners=0.5 if corners else 0.0,
        polls=rng.choice(((12,), (17,), (9, 17))) if travel is None else rng.choice(((), (), (13,))),
        sweep_missed=0.0 if plain else rng.choice((0.0, 0.3, 0.6, 0.8)),
        faults=0.0 if plain else rng.choice((0.0, 0.3, 1.0, 2.0)),
        kills=0.0 if plain else rng.choice((0.0, 0.0, 0.3, 1.0)),
        lost=not plain and rng.random() < 0.15,
        inside=0.3 if corners else 0.0 if plain else rng.choice((0.0, 0.0, 0.1)),
        mode=travel,
    )


def _quirks(rng: random.Random) -> dict[str, Any]:
    """The behaviours of HubSpot that nobody could confirm, as this portal happens to have them."""
    options: dict[str, Sequence[Any]] = {
        "cleared_reads_as": ("null", "empty"),
        "empty_history": ("list", "absent"),
        "date_values": ("iso", "ms"),
        "history_date_values": ("iso", "ms"),
        "group_missing_ids": (True, False),
        "group_no_associations": (False, True),
        "association_ids": ("number", "string"),
        "cleared_event_value": ("empty", "null", "absent"),
        "association_event_object_id": (False, True),
        "custom_object_webhooks": (True, True, False),
        "creation_sends_property_changes": (True, False),
        "archive_sends_association_events": (False, True),
        "association_touches_modified": (False, True),
        "merge_sends_deletion": (False, True),
        "single_send_repeat": ("ok", "error"),
        "stage_metadata": ("both", "ticketState", "isClosed"),
        "unchanged_write_touches_modified": (False, True),
        "update_partial_failure": ("trace", "always", "never"),
        "create_partial_failure": ("trace", "always", "never"),
    }
    return {name: rng.choice(values) for name, values in options.items() if rng.random() < 0.3}


@dataclass
class _Desk:
    """What the author remembers of a portfolio."""

    label: str
    name: str
    folders: list[str] = field(default_factory=list)


class Author:
    """A `Mind`: plans each day at its first moment, and at each sitting does what the person sees to do."""

    def __init__(self, script: Script, temper: Temper) -> None:
        self.script = script
        self.temper = temper
        self._rng = random.Random(f"author {script.seed}")
        self._agenda: list[tuple[int, int, str]] = []  # when, in which order, what: "day" or a portfolio's label
        self._count = 0
        self._desks: dict[str, _Desk] = {}
        self._tickets = 0
        self._sets = 0
        self._archived: list[str] = []
        self._gone: list[str] = []  # roles whose person has left
        self._clock = 0
        self._quiet = False
        self._note(script.start, "first")

    # -- Mind

    def next(self) -> int | None:
        return self._agenda[0][0] if self._agenda else None

    def wake(self, player: Player) -> Iterator[Item]:
        at, _, what = heapq.heappop(self._agenda)
        self._clock = at
        self._player = player
        match what:
            case "first":
                yield from self._first()
                self._note(at + 1_000, "day")
            case "day":
                yield from self._day()
            case label:
                yield from self._sitting(self._desks[label])

    def _note(self, at: int, what: str) -> None:
        self._count += 1
        heapq.heappush(self._agenda, (at, self._count, what))

    # -- days

    def _first(self) -> Iterator[Item]:
        if self.temper.mode:
            yield Item(self._clock, MODE, values=self.temper.mode)
        for n in range(self.temper.portfolios):
            label = f"P{n}"
            self._desks[label] = _Desk(label, f"Client {chr(65 + n)}")
            owners = self._player.world.sandbox.process.owners
            properties = {
                NAMES.name: self._desks[label].name,
                NAMES.date: self._day_in(self._rng.choice((-3, 0, 1, 4, 9, 14, 15, 16, 18, 22))),
                NAMES.cadence: self._rng.choice(SHORT),
                **{
                    role: owners[role]
                    for role in ("account_manager", "social_ad_specialist", "copywriter", "graphic_designer")
                    if self._rng.random() > 0.03
                },
            }
            if self._rng.random() < 0.05:
                properties[NAMES.date] = ""
            yield self._act(
                "create", {"as": label, "kind": "portfolio", "properties": properties}, by="account_manager"
            )

    def _day(self) -> Iterator[Item]:
        """The next day's work of the timer, its troubles, and who will sit down when."""
        rng, temper = self._rng, self.temper
        local = from_ms(self._clock).astimezone(ZONE)
        today = local.date()
        self._note(_moment(today + timedelta(days=1), 0, 0, 30), "day")
        last = from_ms(self.script.start).astimezone(ZONE).date() + timedelta(days=self.script.days)
        calm = (last - today).days <= self.script.calm
        if calm and not self._quiet:
            self._quiet = True
            if temper.mode:
                yield Item(self._clock, MODE, values={})
        if rng.random() >= temper.sweep_missed or calm:
            yield Item(max(self._clock, _moment(today, 6, 10)), SWEEP)
        for hour in temper.polls:
            at = _moment(today, hour, rng.randrange(60))
            if at > self._clock and (calm or rng.random() > temper.sweep_missed):
                yield Item(at, POLL)
        if not calm:
            yield from self._troubles(today)
        for _ in range(_times(rng, temper.meetings)):
            late = rng.random() < 0.08
            at = _moment(today, rng.choice((0, 23)) if late else rng.randrange(8, 19), rng.randrange(60))
            if at > self._clock:
                for label in self._desks:
                    if rng.random() < 0.5:
                        self._note(at, label)

    def _troubles(self, today: date) -> Iterator[Item]:
        rng, temper = self._rng, self.temper
        for _ in range(_times(rng, temper.faults)):
            at = _moment(today, rng.randrange(6, 20), rng.randrange(60))
            if at <= self._clock:
                continue
            if self.temper.mode is not None and rng.random() < 0.15:
                how = rng.choice(("down", "refuses", "silent"))
                yield Item(at, RECEIVER, how, {"lasts": rng.choice((60, 1800, 14_400))})
                continue
            yield Item(at, FAULT, values=self._fault())
        for _ in range(_times(rng, temper.kills)):
            at = _moment(today, rng.randrange(6, 20), rng.randrange(60))
            if at > self._clock:
                values = {"step": rng.randint(1, 120), "down": rng.choice((0, 0, 5, 600, 7200))}
                if temper.lost and rng.random() < 0.2:
                    values["lose"] = 1
                yield Item(at, KILL, values=values)

    def _fault(self) -> dict[str, Any]:
        rng = self._rng
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

    def _act(self, name: str, values: dict[str, Any], *, by: str = "account_manager") -> Item:
        """An act some seconds after the last one of this sitting."""
        self._clock += self._rng.choice((1_000, 3_000, 10_000, 45_000))
        call = self._rng.randint(1, 14) if name != "create" and self._rng.random() < self.temper.inside else 0
        return Item(self._clock, ACT, name, values, by, call)

    def _set(self, label: str, *, by: str = "account_manager", **properties: str) -> Item:
        return self._act("set", {"ref": label, "properties": properties}, by=by)

    def _status(self, desk: _Desk, value: str, by: str = "account_manager") -> Item:
        return self._set(desk.label, by=by, **{NAMES.status: value})

    def _tick(self, on: str, subject: str, do: str = "COMPLETED", *, by: str = "account_manager") -> Item:
        return self._act("task", {"on": on, "subject": subject, "do": do}, by=by)

    def _sitting(self, desk: _Desk) -> Iterator[Item]:
        portfolio = self._read("portfolio", desk.label)
        if portfolio is None:
            if self._rng.random() < 0.3:
                yield self._act("restore", {"ref": desk.label})
            return
        if self._rng.random() < self.temper.chaos:
            yield from self._chaos(desk, portfolio)
            return
        if self.temper.corners and self._rng.random() < self.temper.corners:
            yield from self._corner(desk)
            return
        if self.temper.haste and self._rng.random() < self.temper.haste:
            yield from self._hasty(desk)
            return
        yield from self._plausible(desk, portfolio)

    def _plausible(self, desk: _Desk, portfolio: Record) -> Iterator[Item]:
        rng = self._rng
        status = portfolio.value(NAMES.status)
        day = portfolio.value(NAMES.date)
        ahead = (date.fromisoformat(day) - from_ms(self._clock).astimezone(ZONE).date()).days if day else None
        match status:
            case "" if ahead is not None and ahead <= 15:
                yield from self._client_asked(desk)
            case "":
                if rng.random() < 0.5:
                    yield self._set(desk.label, **{NAMES.date: self._day_in(rng.randint(0, 18))})
            case str() if status == REQUESTED:
                if ahead is not None and ahead <= 0:
                    yield from self._tickets_created(desk)
                elif rng.random() < 0.6:
                    yield self._set(desk.label, **{NAMES.date: self._day_in(rng.randint(0, 2))})
                else:
                    yield self._act("note", {"ref": desk.label, "text": f"The client adds {rng.randrange(100)}"})
            case str() if status in {SUBMITTED, PENDING}:
                yield from self._at_work(desk, status)
            case str() if status == APPROVED:
                yield from self._implemented(desk)
            case str() if status == DECLINED and rng.random() < 0.15:
                yield self._status(desk, REQUESTED)
            case str() if status == IMPLEMENTED and rng.random() < 0.2:
                yield self._status(desk, rng.choice((APPROVED, "")))

    def _client_asked(self, desk: _Desk) -> Iterator[Item]:
        rng = self._rng
        choice = rng.random()
        if choice < 0.55:
            yield self._act("note", {"ref": desk.label, "text": f"The client wants {rng.randrange(100)}"})
            if rng.random() < 0.1:
                yield self._status(desk, DECLINED)  # a slip of the hand
            yield self._status(desk, REQUESTED)
            if rng.random() < 0.7:
                yield self._tick(desk.label, KICKOFF)
        elif choice < 0.75:
            yield self._status(desk, DECLINED)
            if rng.random() < 0.15:
                yield self._status(desk, rng.choice((REQUESTED, "")))
        elif choice < 0.85:
            yield self._set(desk.label, **{NAMES.date: self._day_in(rng.randint(-1, 30))})

    def _tickets_created(self, desk: _Desk) -> Iterator[Item]:
        rng = self._rng
        for _ in range(rng.choice((1, 1, 2))):
            self._sets += 1
            folder = f"Set {self._sets}"
            for _ in range(rng.choice((1, 2, 2, 3))):
                yield from self._ticket(desk, folder if rng.random() > 0.15 else f"  {folder.lower()} ")
        if rng.random() < 0.8:
            yield self._tick(desk.label, CREATE_TICKETS, by="social_ad_specialist")
        if rng.random() < 0.8:
            yield self._status(desk, SUBMITTED, "social_ad_specialist")

    def _ticket(self, desk: _Desk, folder: str, stage: str = NEW) -> Iterator[Item]:
        rng = self._rng
        label = f"T{self._tickets}"
        self._tickets += 1
        properties = {
            "subject": f"Deliverable {label}",
            "hs_pipeline": NAMES.pipeline[0] if stage == NEW else "0",
            "hs_pipeline_stage": stage,
            NAMES.folder: folder,
        }
        owners = self._player.world.sandbox.process.owners
        if rng.random() < 0.1:
            properties[NAMES.ticket_graphic_designer] = owners["second_designer"]
        values: dict[str, Any] = {"as": label, "kind": "ticket", "properties": properties}
        by = "social_ad_specialist"
        late = rng.random() < 0.2
        if not late:
            values["on"] = [desk.label]
            if rng.random() < 0.2:
                values["primary"] = desk.label
        yield self._act("create", values, by=by)
        if late:
            yield self._act("associate", {"ref": label, "to": desk.label}, by=by)

    def _at_work(self, desk: _Desk, status: str) -> Iterator[Item]:
        """The Creative Team and the client's review."""
        rng = self._rng
        tickets = self._tickets_of(desk)
        ready = [one for one in tickets if one[1].value("hs_pipeline_stage") == IN_REVIEW]
        open_ones = [one for one in tickets if one[1].value("hs_pipeline_stage") in {NEW, IN_PROGRESS}]
        if open_ones and rng.random() < 0.75:
            for label, _ in open_ones:
                if rng.random() < 0.75:
                    yield from self._finish(label)
        elif ready and status == PENDING and rng.random() < 0.35:
            for label, _ in ready:
                if rng.random() < 0.6:
                    yield from self._revise(label)
        elif rng.random() < 0.7:
            if rng.random() < 0.5:
                yield self._tick(desk.label, SHARE)
            yield self._status(desk, APPROVED)
            if rng.random() < 0.1:
                yield self._status(desk, PENDING)
                if rng.random() < 0.6:
                    yield self._status(desk, APPROVED)

    def _finish(self, label: str) -> Iterator[Item]:
        rng = self._rng
        person = rng.choice(("copywriter", "graphic_designer"))
        if rng.random() < 0.5:
            approvals = {NAMES.copy_approval: "Approved", NAMES.graphic_approval: "Approved"}
            yield self._set(label, by=person, **approvals)
        for subject in WORK:
            if rng.random() < 0.4:
                yield self._tick(label, subject, by=person)
        yield self._set(label, by=person, hs_pipeline_stage=IN_REVIEW)

    def _revise(self, label: str) -> Iterator[Item]:
        rng = self._rng
        if rng.random() < 0.6:
            yield self._act("note", {"ref": label, "text": f"Make it {rng.randrange(100)} % louder"})
        value = rng.choice(REVISIONS)
        yield self._set(label, **{NAMES.needs_revisions: value})
        if rng.random() < 0.2:  # widened, or set a second time
            if rng.random() < 0.5:
                yield self._set(label, **{NAMES.needs_revisions: REVISIONS[2]})
            else:
                yield self._set(label, **{NAMES.needs_revisions: ""})
                yield self._set(label, **{NAMES.needs_revisions: value})

    def _implemented(self, desk: _Desk) -> Iterator[Item]:
        rng = self._rng
        choice = rng.random()
        if choice < 0.6:
            yield self._tick(desk.label, IMPLEMENT, by="social_ad_specialist")
            if rng.random() < 0.1:
                yield self._tick(desk.label, IMPLEMENT, "NOT_STARTED", by="social_ad_specialist")
        elif choice < 0.85:
            yield self._status(desk, IMPLEMENTED, "social_ad_specialist")
            if rng.random() < 0.15:
                yield self._status(desk, rng.choice((APPROVED, "")), "social_ad_specialist")

    # -- what people do within minutes

    def _hasty(self, desk: _Desk) -> Iterator[Item]:
        rng = self._rng
        tickets = self._tickets_of(desk)
        match rng.randrange(6):
            case 0:  # a ticket that is ready, or of no use, as soon as it is there
                made = f"T{self._tickets}"
                yield from self._ticket(desk, f"Set {rng.randint(max(1, self._sets - 1), self._sets + 1)}")
                yield self._set(made, hs_pipeline_stage=rng.choice((IN_REVIEW, IN_REVIEW, CLOSED)))
            case 1:  # work is begun, and the client declines
                yield from self._ticket(desk, f"Set {self._sets + 1}")
                yield self._status(desk, DECLINED)
            case 2:  # the SAS is through, and the date moves once more
                yield self._tick(desk.label, CREATE_TICKETS, by="social_ad_specialist")
                yield self._set(desk.label, **{NAMES.date: self._day_in(rng.randint(-2, 2))})
            case 3 if tickets:  # a revision is thought over, perhaps of a ticket that is closed
                label, _ = rng.choice(tickets)
                if rng.random() < 0.3:
                    yield self._set(label, hs_pipeline_stage=CLOSED)
                for value in rng.sample(REVISIONS, 2):
                    yield self._set(label, **{NAMES.needs_revisions: value})
            case 4:  # approved, taken back and approved again, the work being done meanwhile
                yield self._status(desk, APPROVED)
                for status in (PENDING, APPROVED):
                    if rng.random() < 0.5:
                        yield self._tick(desk.label, IMPLEMENT, by="social_ad_specialist")
                    if rng.random() < 0.8:
                        yield self._status(desk, status)
            case _:  # implemented, or rather not
                yield self._status(desk, IMPLEMENTED, "social_ad_specialist")
                yield self._status(desk, rng.choice((APPROVED, "", DECLINED)), "social_ad_specialist")

    # -- what the rules tell apart by a hair

    def _corner(self, desk: _Desk) -> Iterator[Item]:  # noqa: C901 - one rung a situation, flat on purpose
        rng = self._rng
        tickets = self._tickets_of(desk)
        owners = self._player.world.sandbox.process.owners
        made = f"T{self._tickets}"  # the next ticket
        self._sets += 1
        folder = f"Set {self._sets}"
        match rng.randrange(13):
            case 0:  # a set that is complete and ready as soon as it is there
                yield self._status(desk, rng.choice((REQUESTED, SUBMITTED, PENDING)))
                yield from self._ready_ticket(desk, folder)
            case 1:  # another ticket for a set that is ready
                yield from self._ready_ticket(desk, folder)
                self._clock += 1_200_000
                yield self._status(desk, rng.choice((REQUESTED, REQUESTED, PENDING)))
                yield from self._ready_ticket(desk, folder)
            case 2:  # what the approval brought is deleted
                yield self._status(desk, APPROVED)
                yield self._tick(desk.label, IMPLEMENT, "delete", by="social_ad_specialist")
            case 3:  # done for an approval that was taken back, and approved again
                yield self._status(desk, APPROVED)
                yield self._status(desk, PENDING)
                yield self._tick(desk.label, IMPLEMENT, by="social_ad_specialist")
                yield self._status(desk, APPROVED)
                if rng.random() < 0.5:
                    yield self._tick(desk.label, IMPLEMENT, "delete", by="social_ad_specialist")
            case 4:  # a ticket that was made before the client declined comes into the pipeline after it
                yield from self._ticket(desk, folder, stage="1")
                yield self._status(desk, DECLINED)
                yield self._set(made, hs_pipeline_stage=rng.choice((NEW, IN_REVIEW)))
            case 5:  # a ticket leaves while half of its work waits for a person
                yield self._set(desk.label, graphic_designer="")
                yield from self._ticket(desk, folder)
                yield self._act("dissociate", {"ref": made, "to": desk.label})
                yield self._act("associate", {"ref": made, "to": rng.choice(list(self._desks))})
            case 6:  # a portfolio is deleted and restored while half of an announcement waits for a person
                yield self._set(desk.label, social_ad_specialist="")
                yield self._status(desk, SUBMITTED)
                yield from self._ready_ticket(desk, folder)
                yield self._act("archive", {"ref": desk.label})
                yield self._act("restore", {"ref": desk.label})
                if rng.random() < 0.5:
                    yield self._status(desk, APPROVED)
                yield self._set(desk.label, social_ad_specialist=owners["social_ad_specialist"])
            case 7:  # a revision, done and asked for once more
                for label, _ in tickets[:2]:
                    yield self._set(label, hs_pipeline_stage=IN_REVIEW)
                    yield from self._revise(label)
                    yield self._tick(label, "Revise Copy", by="copywriter")
                    yield self._tick(label, "Revise Graphics", by="graphic_designer")
            case 8:  # implemented by a slip, while no next date can be told
                yield self._set(desk.label, **{NAMES.cadence: UNMAPPED})
                yield self._status(desk, IMPLEMENTED, "social_ad_specialist")
                yield self._status(desk, APPROVED)
                yield self._set(desk.label, **{NAMES.cadence: "Weekly"})
            case 9:  # what waits for a person is not due any more when there is one
                yield self._set(desk.label, account_manager="")
                yield self._status(desk, "")
                yield self._set(desk.label, **{NAMES.date: self._day_in(12)})
                yield self._set(desk.label, **{NAMES.date: self._day_in(30)})
                yield self._set(desk.label, account_manager=owners["account_manager"])
            case 10:  # work that waits for a person when the client declines
                yield self._set(desk.label, graphic_designer="")
                yield from self._ticket(desk, folder)
                yield self._status(desk, DECLINED)
                yield self._set(desk.label, graphic_designer=owners["graphic_designer"])
            case 11:  # the date is moved by hand in the minute of a decline
                yield self._status(desk, DECLINED)
                yield self._set(desk.label, **{NAMES.date: self._day_in(rng.randint(0, 20))})
            case _:  # implemented, and something else while that is being carried out
                yield self._status(desk, IMPLEMENTED, "social_ad_specialist")
                yield self._status(desk, rng.choice((APPROVED, PENDING)), "social_ad_specialist")

    def _ready_ticket(self, desk: _Desk, folder: str) -> Iterator[Item]:
        made = f"T{self._tickets}"
        yield from self._ticket(desk, folder)
        yield self._set(made, hs_pipeline_stage=IN_REVIEW)

    # -- what people should not do

    def _chaos(self, desk: _Desk, portfolio: Record) -> Iterator[Item]:
        rng = self._rng
        tickets = self._tickets_of(desk)
        for _ in range(rng.choice((1, 1, 2, 3))):
            acts = [self._chaos_portfolio, self._chaos_portfolio, self._chaos_task, self._chaos_people]
            if tickets:
                acts += [self._chaos_ticket, self._chaos_ticket, self._chaos_ticket]
            else:
                acts += [self._chaos_new_ticket]
            yield from rng.choice(acts)(desk, tickets)

    def _chaos_portfolio(self, desk: _Desk, _: object) -> Iterator[Item]:  # noqa: C901 - one rung an act, flat on purpose
        rng = self._rng
        match rng.randrange(20):
            case 9 | 10 | 11 | 12 | 13 | 14:
                yield self._status(desk, rng.choice(("", *STATUSES)))
            case 15 | 16:
                yield self._set(desk.label, **{NAMES.date: self._day_in(rng.randint(-2, 2))})
            case 17:
                yield self._act("archive", {"ref": desk.label})
                if rng.random() < 0.7:
                    yield self._act("restore", {"ref": desk.label})
            case 18 if rng.random() < 0.3:
                other = rng.choice(list(self._desks))
                if other != desk.label:
                    yield self._act("merge", {"ref": desk.label, "gone": other})
            case 19:
                subject = rng.choice((IMPLEMENT, f"Create Deliverable Tickets for Refresh: {desk.name}"))
                yield self._act("own task", {"on": desk.label, "subject": subject})
            case 0 | 1 | 2:
                yield self._status(desk, rng.choice(("", *STATUSES)))
            case 3 | 4:
                yield self._set(desk.label, **{NAMES.date: self._day_in(rng.randint(-10, 40))})
            case 5:
                yield self._set(desk.label, **{NAMES.date: ""})
            case 6:
                yield self._set(desk.label, **{NAMES.cadence: rng.choice((UNMAPPED, *CADENCES, ""))})
            case 7:
                yield self._set(desk.label, **{NAMES.cadence: rng.choice(SHORT)})
            case _:
                yield self._set(desk.label, **{NAMES.date: self._day_in(rng.randint(17, 40))})
                yield self._set(desk.label, **{NAMES.date: self._day_in(rng.randint(0, 15))})

    def _chaos_task(self, desk: _Desk, tickets: Sequence[tuple[str, Record]]) -> Iterator[Item]:
        rng = self._rng
        do = rng.choice(("COMPLETED", "NOT_STARTED", "IN_PROGRESS", "WAITING", "delete", "restore"))
        if tickets and rng.random() < 0.5:
            yield self._tick(rng.choice(tickets)[0], rng.choice(WORK), do)
        else:
            yield self._tick(desk.label, rng.choice((KICKOFF, CREATE_TICKETS, SHARE, IMPLEMENT, IMPLEMENT)), do)

    def _chaos_people(self, desk: _Desk, _: object) -> Iterator[Item]:
        rng = self._rng
        owners = self._player.world.sandbox.process.owners
        role = rng.choice(("account_manager", "social_ad_specialist", "copywriter", "graphic_designer"))
        match rng.randrange(4):
            case 0:
                yield self._set(desk.label, **{role: ""})
            case 1:
                person = rng.choice((role, role, "second_account_manager", "second_designer", "deactivated"))
                yield self._set(desk.label, **{role: owners[person]})
            case 2 if role not in self._gone:
                self._gone.append(role)
                yield self._act("owner", {"role": role, "active": False}, by="")
            case _ if self._gone:
                yield self._act("owner", {"role": self._gone.pop(), "active": True}, by="")

    def _chaos_new_ticket(self, desk: _Desk, _: object) -> Iterator[Item]:
        self._sets += 1
        yield from self._ticket(desk, self._rng.choice((f"Set {self._sets}", f"Set {max(1, self._sets - 1)}", "")))

    def _chaos_ticket(self, desk: _Desk, tickets: Sequence[tuple[str, Record]]) -> Iterator[Item]:  # noqa: C901 - one rung an act, flat on purpose
        rng = self._rng
        label, ticket = rng.choice(tickets)
        other = rng.choice(list(self._desks))
        match rng.randrange(14):
            case 0 | 1:
                yield from self._ticket(desk, ticket.value(NAMES.folder))
            case 2:
                yield self._set(label, **{NAMES.folder: rng.choice(("Renamed", "", f"Set {rng.randint(1, 4)}"))})
            case 3:
                self._archived.append(label)
                yield self._act("archive", {"ref": label})
            case 4 if self._archived:
                yield self._act("restore", {"ref": self._archived.pop(rng.randrange(len(self._archived)))})
            case 5:
                yield self._set(label, hs_pipeline_stage=rng.choice((NEW, IN_PROGRESS, IN_REVIEW, DONE, CLOSED)))
            case 6:
                yield self._set(label, hs_pipeline_stage=IN_REVIEW)
            case 7:
                yield self._set(label, **{NAMES.needs_revisions: rng.choice(("", *REVISIONS))})
                if rng.random() < 0.4:
                    yield self._set(label, **{NAMES.needs_revisions: rng.choice(("", *REVISIONS))})
            case 8:
                yield from self._revise(label)
            case 9:
                yield self._act("associate", {"ref": label, "to": other, "label": rng.choice((None, "Primary"))})
            case 10:
                yield self._act("dissociate", {"ref": label, "to": desk.label})
                if rng.random() < 0.7:
                    yield self._act("associate", {"ref": label, "to": other})
            case 11:
                yield self._set(label, hs_pipeline_stage="2")  # into the support pipeline
                if rng.random() < 0.6:
                    yield self._set(label, hs_pipeline_stage=rng.choice((NEW, IN_REVIEW)))
            case 12:
                gone = rng.choice(tickets)[0]
                if gone != label:
                    yield self._act("merge", {"ref": label, "gone": gone})
            case _:
                owners = self._player.world.sandbox.process.owners
                owner = rng.choice(("", owners["second_designer"], owners["deactivated"]))
                yield self._set(label, **{NAMES.ticket_graphic_designer: owner})

    # -- what people see

    def _read(self, kind: str, label: str) -> Record | None:
        portal = self._player.world.sandbox.portal
        type_id = NAMES.object_type_id if kind == "portfolio" else portal.type(kind).id
        made = self._player.ids.get(label)
        return None if made is None else portal.find(type_id, int(made))

    def _tickets_of(self, desk: _Desk) -> list[tuple[str, Record]]:
        """The live tickets of a portfolio, with the script's labels."""
        player = self._player
        portfolio = self._read("portfolio", desk.label)
        if portfolio is None:
            return []
        portal = player.world.sandbox.portal
        ticket_type = portal.type("ticket").id
        labels = {made: label for label, made in player.ids.items() if label[0] == "T"}
        found = [(labels.get(str(i)), portal.find(ticket_type, i)) for i in portal.linked(portfolio, ticket_type)]
        return [(label, ticket) for label, ticket in found if label is not None and ticket is not None]

    def _day_in(self, days: int) -> str:
        return (from_ms(self._clock).astimezone(ZONE).date() + timedelta(days=days)).isoformat()


def _times(rng: random.Random, average: float) -> int:
    """How often something happens that happens so often on average."""
    whole = int(average)
    return whole + (rng.random() < average - whole)


def _moment(day: date, hour: int, minute: int, second: int = 0) -> int:
    return to_ms(datetime.combine(day, time(hour, minute, second), ZONE).astimezone(UTC))
