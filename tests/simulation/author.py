"""Makes up a story from a seed: people who mostly follow the process and sometimes do not, and all that can break.

People decide by what they see in the CRM at that moment, so a story is made up while it is played, and recorded.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sync.clock import from_ms, to_ms
from sync.sandbox.records import Record
from tests.simulation.chaos import chaos
from tests.simulation.corner_cases import corner_case
from tests.simulation.desk import edits
from tests.simulation.disturbances import disturbances, incomplete_answers, moment, times
from tests.simulation.merging import merging
from tests.simulation.office import Office, Wording
from tests.simulation.office_stages import Pipelines
from tests.simulation.office_texts import Texts
from tests.simulation.pasted import pasted
from tests.simulation.player import NAMES, ZONE, Player
from tests.simulation.profile import Mode, Profile, key_carrier_of, profile_of, quirks
from tests.simulation.script import ACT, MODE, POLL, REMAP, SWEEP, Item, Script
from tests.simulation.stages import STAGE
from tests.simulation.wording import meant
from tests.simulation.words import (
    APPROVED,
    CLOSED,
    CREATE_TICKETS,
    DECLINED,
    IMPLEMENT,
    IMPLEMENTED,
    IN_PROGRESS,
    IN_REVIEW,
    KICKOFF,
    NEW,
    NEW_MAPPINGS,
    PENDING,
    REQUESTED,
    REVISIONS,
    SHARE,
    SHORT_CADENCES,
    SUBMITTED,
    WORK,
)

STARTS = (
    date(2026, 10, 20),  # the clocks go back on 1 November
    date(2026, 12, 10),  # over the new year
    date(2027, 1, 20),  # the 31st, and a short February
    date(2027, 2, 25),  # the clocks go forward on 14 March
    date(2028, 2, 10),  # the 29th
)

AUTHORS = ("copywriter", "graphic_designer", "social_ad_specialist", "second_account_manager", "")
REMARKS = (
    lambda n: f"<p>Make it <b>{n} %</b> louder</p>",
    lambda n: f"Cafe\u0301 &amp; bar no. {n}: \u200bwarm colours 👍",
    lambda n: f"<p>I am on leave for {n} days.</p><p>Ask Dana.</p>",
    lambda n: f"<p>Point {n} of the brief is to be taken as it stands. </p>" * (10 + n),
    lambda n: "",
)
"""What people who are no Account Managers leave, and those who are: in short, from a Mac, at length, and only files."""


def begin(seed: int, days: int, mode: Mode) -> tuple[Script, "Author"]:
    """The empty script of a seed, and the author who fills it."""
    rng = random.Random(f"temper {seed} {mode}")
    profile = profile_of(rng, seed, mode)
    day = rng.choice(STARTS) + timedelta(days=rng.randrange(14))
    start = datetime.combine(day, time(8, 30), ZONE).astimezone(UTC)
    script = Script(
        seed=seed,
        start=to_ms(start),
        days=days,
        webhooks=profile.mode is not None,
        reaction=0.5 if mode == "plain" else rng.choice((5.0, 60.0, 300.0, 1200.0, 1200.0)),
        calm=max(3, days // 4) if mode == "liveness" else 0,
        quirks=quirks(rng),
        key_carrier=key_carrier_of(seed),
        admins=profile.office,
        words=profile.wording,
        stages=profile.stages,
        texts=profile.texts,
    )
    return script, Author(script, profile)


@dataclass
class Client:
    """What the author remembers of a portfolio."""

    label: str
    name: str
    folders: list[str] = field(default_factory=list)


class Author:
    """A source of items: plans each day at its first moment, and at each session does what the person sees to do."""

    def __init__(self, script: Script, profile: Profile) -> None:
        self.script = script
        self.profile = profile
        self.rng = random.Random(f"author {script.seed}")
        self._clipboard = random.Random(
            f"clipboard {script.seed}"
        )  # its own: how a name is spelled plays no other story
        self.desk = random.Random(f"desk {script.seed}")  # its own, too
        self._admin = random.Random(f"admin {script.seed}")  # and so is theirs
        self._remarks = random.Random(
            f"remarks {script.seed}"
        )  # its own, too: whoever leaves a Note plays no other story
        self.office = Office(script.seed)  # with dice of their own, too
        self.wording = Wording(script.seed)
        self.pipelines = Pipelines(script.seed)
        self.texts = Texts(script.seed)
        self.merging = random.Random(f"merging {script.seed}")  # its own, for the same reason
        self._agenda: list[tuple[int, int, str]] = []  # when, in which order, what: "day" or a portfolio's label
        self._count = 0
        self.clients: dict[str, Client] = {}
        self.tickets = 0
        self.sets = 0
        self.archived: list[str] = []
        self.away: list[str] = []  # roles whose person has left
        self.clock = 0
        self._quiet_at = 0
        self.quiet = False
        self._note(script.start, "first")

    # -- Source

    def next(self) -> int | None:
        return self._agenda[0][0] if self._agenda else None

    def items(self, player: Player) -> Iterator[Item]:
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
                yield from self._session(self.clients[label])
                if self.profile.office and self._read("portfolio", label) is not None:
                    yield from self.office.session(self, self.clients[label])
                if self.desk.random() < 0.4:
                    yield from edits(self, self.clients[label])

    def _note(self, at: int, what: str) -> None:
        self._count += 1
        heapq.heappush(self._agenda, (at, self._count, what))

    # -- days

    def _first(self) -> Iterator[Item]:
        if self.profile.mode:
            yield Item(self.clock, MODE, values=self.profile.mode)
        for n in range(self.profile.portfolios):
            label = f"P{n}"
            self.clients[label] = Client(label, f"Client {chr(65 + n)}")
            owners = self.player.world.sandbox.process.owners
            properties = {
                NAMES.name: self.clients[label].name,
                NAMES.date: self.day_in(self.rng.choice((-3, 0, 1, 4, 9, 14, 15, 16, 18, 22))),
                NAMES.cadence: self.rng.choice(SHORT_CADENCES),
                **{
                    role: owners[role]
                    for role in ("account_manager", "social_ad_specialist", "copywriter", "graphic_designer")
                    if self.rng.random() > 0.03
                },
            }
            if self.rng.random() < 0.05:
                properties[NAMES.date] = ""
            if self.profile.office:
                properties |= self.office.given(owners)
            yield self.act("create", {"as": label, "kind": "portfolio", "properties": properties}, by="account_manager")

    def another_client(self) -> Client:
        """A portfolio that is still to be made."""
        n = len(self.clients)
        self.clients[f"P{n}"] = Client(f"P{n}", f"Client {chr(65 + n)}")
        return self.clients[f"P{n}"]

    def _day(self) -> Iterator[Item]:
        """The next day's work of the timer, its troubles, and who will sit down when."""
        rng, profile = self.rng, self.profile
        local = from_ms(self.clock).astimezone(ZONE)
        today = local.date()
        self._note(moment(today + timedelta(days=1), 0, 0, 30), "day")
        last = from_ms(self.script.start).astimezone(ZONE).date() + timedelta(days=self.script.days)
        calm = (last - today).days <= self.script.calm
        if calm and not self.quiet:
            self.quiet = True
            if profile.mode:
                yield Item(self.clock, MODE, values={})
        if rng.random() >= profile.sweep_missed or calm:
            yield Item(max(self.clock, moment(today, 6, 10)), SWEEP)
        for hour in profile.polls:
            at = moment(today, hour, rng.randrange(60))
            if at > self.clock and (calm or rng.random() > profile.sweep_missed):
                yield Item(at, POLL)
        if not calm:
            yield from disturbances(self, today)
            yield from incomplete_answers(self, today)
        if profile.wording and (last - today).days > max(1, self.script.calm):
            yield from self.wording.changes(self, today)
        if profile.stages and (last - today).days > max(1, self.script.calm):
            yield from self.pipelines.changes(self, today)
        if profile.texts:
            yield from self.texts.changes(self, today)
        if profile.office:
            yield from self.office.changes(self, today)
        elif profile.corner_cases and self._admin.random() < 0.1:
            at = moment(today, self._admin.randrange(24), self._admin.randrange(60))
            yield Item(max(at, self.clock), REMAP, values=dict(self._admin.choice(NEW_MAPPINGS)))
        for _ in range(times(rng, profile.sessions)):
            late = rng.random() < 0.08
            at = moment(today, rng.choice((0, 23)) if late else rng.randrange(8, 19), rng.randrange(60))
            if at > self.clock:
                for label in self.clients:
                    if rng.random() < 0.5:
                        self._note(at, label)

    # -- what people do

    def act(self, name: str, values: dict[str, Any], *, by: str = "account_manager") -> Item:
        """An act some seconds after the last one of this session."""
        self.clock += self.rng.choice((1_000, 3_000, 10_000, 45_000))
        properties = values.get("properties", {})
        if self.profile.corner_cases and NAMES.folder in properties:
            folder = pasted(self._clipboard, properties[NAMES.folder])
            values = {**values, "properties": {**properties, NAMES.folder: folder}}
        call = self.rng.randint(1, 14) if name != "create" and self.rng.random() < self.profile.inside else 0
        return Item(self.clock, ACT, name, values, by, call)

    def quietly(self, rng: random.Random, client: Client, properties: dict[str, str]) -> Item:
        """Somebody sets this by dice that are not the author's: nothing else is played otherwise."""
        self._quiet_at = max(self._quiet_at, self.clock) + rng.choice((700, 40_000, 300_000, 7_200_000))
        return Item(self._quiet_at, ACT, "set", {"ref": client.label, "properties": properties}, "account_manager")

    def set(self, label: str, *, by: str = "account_manager", **properties: str) -> Item:
        return self.act("set", {"ref": label, "properties": properties}, by=by)

    def status(self, client: Client, value: str, by: str = "account_manager") -> Item:
        return self.set(client.label, by=by, **{NAMES.status: value})

    def tick(self, on: str, subject: str, do: str = "COMPLETED", *, by: str = "account_manager") -> Item:
        return self.act("task", {"on": on, "subject": subject, "do": do}, by=by)

    def _session(self, client: Client) -> Iterator[Item]:
        portfolio = self._read("portfolio", client.label)
        if portfolio is None:
            if self.rng.random() < 0.3:
                yield self.act("restore", {"ref": client.label})
            return
        if self._remarks.random() < 0.3:
            yield from self._remark(client)
        if self.profile.merges and self.merging.random() < self.profile.merges:
            yield from merging(self, client)
            return
        if self.rng.random() < self.profile.chaos:
            yield from chaos(self, client)
            return
        if self.profile.corner_cases and self.rng.random() < self.profile.corner_cases:
            yield from corner_case(self, client)
            return
        if self.profile.haste and self.rng.random() < self.profile.haste:
            yield from self._hasty(client)
            return
        yield from self._plausible(client, portfolio)

    def _remark(self, client: Client) -> Iterator[Item]:
        """Somebody leaves a Note, or several; or thinks better of the last one."""
        rng = self._remarks
        tickets = self.tickets_of(client)
        ref = rng.choice(tickets)[0] if tickets and rng.random() < 0.25 else client.label
        for _ in range(rng.choice((1, 1, 1, 1, 2, 3, 12))):
            by = rng.choice(("account_manager", "account_manager", *AUTHORS))
            values: dict[str, Any] = {"ref": ref, "text": REMARKS[rng.randrange(len(REMARKS))](rng.randrange(100))}
            if rng.random() < 0.15 or not values["text"]:
                values["files"] = ["71", "72", "73"][: rng.randint(1, 3)]
            if rng.random() < 0.15:
                values["ago"] = rng.choice((3, 30, 24 * 4, 24 * 20, 24 * 500))
            if rng.random() < 0.1:
                values = {"ref": ref, "do": rng.choice(("edit", "delete"))}
            yield Item(self.clock, ACT, "note", values, by)

    def _plausible(self, client: Client, portfolio: Record) -> Iterator[Item]:
        rng = self.rng
        status = meant(NAMES.status, portfolio.value(NAMES.status))
        day = portfolio.value(NAMES.date)
        ahead = (date.fromisoformat(day) - from_ms(self.clock).astimezone(ZONE).date()).days if day else None
        match status:
            case "" if ahead is not None and ahead <= 15:
                yield from self._client_asked(client)
            case "":
                if rng.random() < 0.5:
                    yield self.set(client.label, **{NAMES.date: self.day_in(rng.randint(0, 18))})
            case str() if status == REQUESTED:
                if ahead is not None and ahead <= 0:
                    yield from self._tickets_created(client)
                elif rng.random() < 0.6:
                    yield self.set(client.label, **{NAMES.date: self.day_in(rng.randint(0, 2))})
                else:
                    yield self.act("note", {"ref": client.label, "text": f"The client adds {rng.randrange(100)}"})
            case str() if status in {SUBMITTED, PENDING}:
                yield from self._at_work(client, status)
            case str() if status == APPROVED:
                yield from self._implemented(client)
            case str() if status == DECLINED and rng.random() < 0.15:
                yield self.status(client, REQUESTED)
            case str() if status == IMPLEMENTED and rng.random() < 0.2:
                yield self.status(client, rng.choice((APPROVED, "")))

    def _client_asked(self, client: Client) -> Iterator[Item]:
        rng = self.rng
        choice = rng.random()
        if choice < 0.55:
            yield self.act("note", {"ref": client.label, "text": f"The client wants {rng.randrange(100)}"})
            if rng.random() < 0.1:
                yield self.status(client, DECLINED)  # a slip of the hand
            yield self.status(client, REQUESTED)
            if rng.random() < 0.7:
                yield self.tick(client.label, KICKOFF)
        elif choice < 0.75:
            yield self.status(client, DECLINED)
            if rng.random() < 0.15:
                yield self.status(client, rng.choice((REQUESTED, "")))
        elif choice < 0.85:
            yield self.set(client.label, **{NAMES.date: self.day_in(rng.randint(-1, 30))})

    def _tickets_created(self, client: Client) -> Iterator[Item]:
        rng = self.rng
        for _ in range(rng.choice((1, 1, 2))):
            self.sets += 1
            folder = f"Set {self.sets}"
            for _ in range(rng.choice((1, 2, 2, 3))):
                yield from self.ticket(client, folder if rng.random() > 0.15 else f"  {folder.lower()} ")
        if rng.random() < 0.8:
            yield self.tick(client.label, CREATE_TICKETS, by="social_ad_specialist")
        if rng.random() < 0.8:
            yield self.status(client, SUBMITTED, "social_ad_specialist")

    def ticket(self, client: Client, folder: str, stage: str = NEW) -> Iterator[Item]:
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
            values["on"] = [client.label]
            if rng.random() < 0.2:
                values["primary"] = client.label
        yield self.act("create", values, by=by)
        if late:
            yield self.act("associate", {"ref": label, "to": client.label}, by=by)

    def _at_work(self, client: Client, status: str) -> Iterator[Item]:
        """The Creative Team and the client's review."""
        rng = self.rng
        tickets = self.tickets_of(client)
        ready = [one for one in tickets if self._stage(one[1]) == IN_REVIEW]
        open_ones = [one for one in tickets if self._stage(one[1]) in {NEW, IN_PROGRESS}]
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
                yield self.tick(client.label, SHARE)
            yield self.status(client, APPROVED)
            if rng.random() < 0.1:
                yield self.status(client, PENDING)
                if rng.random() < 0.6:
                    yield self.status(client, APPROVED)

    def _finish(self, label: str) -> Iterator[Item]:
        rng = self.rng
        person = rng.choice(("copywriter", "graphic_designer"))
        if rng.random() < 0.5:
            approvals = {NAMES.copy_approval: "Approved", NAMES.graphic_approval: "Approved"}
            yield self.set(label, by=person, **approvals)
        for subject in WORK:
            if rng.random() < 0.15:  # the article asks nobody to
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

    def _implemented(self, client: Client) -> Iterator[Item]:
        rng = self.rng
        choice = rng.random()
        if choice < 0.6:
            yield self.tick(client.label, IMPLEMENT, by="social_ad_specialist")
            if rng.random() < 0.1:
                yield self.tick(client.label, IMPLEMENT, "NOT_STARTED", by="social_ad_specialist")
        elif choice < 0.85:
            yield self.status(client, IMPLEMENTED, "social_ad_specialist")
            if rng.random() < 0.15:
                yield self.status(client, rng.choice((APPROVED, "")), "social_ad_specialist")

    # -- what people do within minutes

    def _hasty(self, client: Client) -> Iterator[Item]:
        rng = self.rng
        tickets = self.tickets_of(client)
        match rng.randrange(6):
            case 0:  # a ticket that is ready, or of no use, as soon as it is there
                made = f"T{self.tickets}"
                yield from self.ticket(client, f"Set {rng.randint(max(1, self.sets - 1), self.sets + 1)}")
                yield self.set(made, hs_pipeline_stage=rng.choice((IN_REVIEW, IN_REVIEW, CLOSED)))
            case 1:  # work is begun, and the client declines
                yield from self.ticket(client, f"Set {self.sets + 1}")
                yield self.status(client, DECLINED)
            case 2:  # the SAS is through, and the date moves once more
                yield self.tick(client.label, CREATE_TICKETS, by="social_ad_specialist")
                yield self.set(client.label, **{NAMES.date: self.day_in(rng.randint(-2, 2))})
            case 3 if tickets:  # a revision is thought over, perhaps of a ticket that is closed
                label, _ = rng.choice(tickets)
                if rng.random() < 0.3:
                    yield self.set(label, hs_pipeline_stage=CLOSED)
                for value in rng.sample(REVISIONS, 2):
                    yield self.set(label, **{NAMES.needs_revisions: value})
            case 4:  # approved, taken back and approved again, the work being done meanwhile
                yield self.status(client, APPROVED)
                for status in (PENDING, APPROVED):
                    if rng.random() < 0.5:
                        yield self.tick(client.label, IMPLEMENT, by="social_ad_specialist")
                    if rng.random() < 0.8:
                        yield self.status(client, status)
            case _:  # implemented, or rather not
                yield self.status(client, IMPLEMENTED, "social_ad_specialist")
                yield self.status(client, rng.choice((APPROVED, "", DECLINED)), "social_ad_specialist")

    def ready_ticket(self, client: Client, folder: str) -> Iterator[Item]:
        made = f"T{self.tickets}"
        yield from self.ticket(client, folder)
        yield self.set(made, hs_pipeline_stage=IN_REVIEW)

    # -- what people see

    @staticmethod
    def _stage(ticket: Record) -> str:
        return meant(STAGE, ticket.value(STAGE))

    def _read(self, kind: str, label: str) -> Record | None:
        portal = self.player.world.sandbox.portal
        type_id = NAMES.object_type_id if kind == "portfolio" else portal.type(kind).id
        made = self.player.ids.get(label)
        return None if made is None else portal.find(type_id, int(made))

    def tickets_of(self, client: Client) -> list[tuple[str, Record]]:
        """The live tickets of a portfolio, with the script's labels."""
        player = self.player
        portfolio = self._read("portfolio", client.label)
        if portfolio is None:
            return []
        portal = player.world.sandbox.portal
        ticket_type = portal.type("ticket").id
        labels = {made: label for label, made in player.ids.items() if label[0] == "T"}
        found = [(labels.get(str(i)), portal.find(ticket_type, i)) for i in portal.linked(portfolio, ticket_type)]
        return [(label, ticket) for label, ticket in found if label is not None and ticket is not None]

    def day_in(self, days: int) -> str:
        return (from_ms(self.clock).astimezone(ZONE).date() + timedelta(days=days)).isoformat()
