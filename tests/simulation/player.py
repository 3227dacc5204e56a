"""Carries out a script against the whole service, on a virtual clock, and writes down what happened.

Between two items the service does what it does by itself: deliveries arrive, what is dirty is looked at when its time
has come. A kill ends the process between any two steps; the next start is a new service on the same database.
"""

import gc
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sync.admin.verify import Report, verify
from sync.clock import from_ms, to_ms
from sync.crm import LANDED_AFTER
from sync.errors import HandoffsError
from sync.passes.bookkeeping import SOON
from sync.passes.tally import Tally
from sync.sandbox.delivery import DeliveryMode
from sync.sandbox.faults import Fault
from sync.sandbox.portal import PortalError
from sync.sandbox.process import Names, same
from sync.sandbox.quirks import Quirks
from sync.sandbox.schema import Actor
from sync.service.drain import drain, run_poll, run_sweep
from tests.simulation import editions
from tests.simulation import world as worlds
from tests.simulation.clients import untrue
from tests.simulation.editions import Editions
from tests.simulation.event_log import Archived, Created, Event, Mailed, Updated
from tests.simulation.script import ACT, Item, Script
from tests.simulation.stages import PIPELINE, STAGE, relabel
from tests.simulation.wording import MOVED, PROPERTIES, Words, mapping_of, merged, said
from tests.simulation.world import SimulationWorld

ZONE = ZoneInfo("America/New_York")

UNMAPPED = "Fortnightly"
"""A cadence that the portal has and the mapping has not."""

NAMES = Names(cadences=(*Names().cadences, *same(UNMAPPED, "10")))

PUT_OFF = timedelta(seconds=60)
"""How long the worker rests after an error that concerns every record."""

QUIET = timedelta(minutes=90)
"""How long the end waits after its poll and its sweep: the barrier of an Ad Set passes, and so do the rests between five
tries of what has no outcome yet, the longest of which is half an hour."""


MOMENT = timedelta(milliseconds=1)
"""Between what a person does and what is done next: no two things happen at the same time."""


class Killed(BaseException):
    """The process ends here."""


class Source(Protocol):
    """Makes up what happens while it happens; a recorded script needs none."""

    def items(self, player: "Player") -> Iterable[Item]:
        """Items from now on. Called at each moment that `next` named."""

    def next(self) -> int | None:
        """When it is to be asked for items, in virtual milliseconds; None: no more."""


@dataclass
class Counts:
    """What happened in a run, for the summary."""

    days: int = 0
    acts: int = 0
    refused_acts: int = 0
    requests: int = 0
    events: int = 0
    passes: int = 0
    calls: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: "Counts") -> "Counts":
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


class Player:
    """One run. `play` is called once; then `events`, `log`, `played` and `counts` tell of it."""

    def __init__(self, script: Script, source: Source | None = None) -> None:
        self.script = script
        self.source = source
        self.log: list[str] = []
        self.played: list[Item] = []
        self.counts = Counts(days=script.days)
        self.proof: Report | None = None
        """What `handoffs verify` says at the end."""
        self.untrue: list[str] = []
        """Where what is kept of the clients differs from what the CRM says at the end."""
        self.at_end: Callable[[Player], None] | None = None
        """Called at the end, while the world is still there."""
        self.ids: dict[str, str] = {}
        self.mapping: Mapping[str, Any] = {}
        """What differs from the packaged one by now."""
        self.words: Words = {}
        """What the mapping calls statuses, revisions and approvals by now."""
        self.said: Words = {}
        """What people call them."""
        self.editions: Editions = {}
        """Which edition each text of the mapping is by now."""
        self.places: Mapping[str, str] = {}
        """How the mapping names the pipeline and its stages by now."""
        self._queue: list[tuple[int, int, Item]] = []
        self._number = 0
        self._inside: list[tuple[int, Item]] = []  # acts for the middle of a pass, by the number of the call
        self._at_step: list[Item] = []  # acts for the middle of a pass, by the name of the step
        self._kill: Item | None = None
        self._kill_in = 0  # steps until then
        self._calls = 0
        self._in_pass = False
        self._acting = False
        self._disturbed = False
        self._interfered = False  # a person acted in the middle of this pass
        self._rest_until = 0
        self._down_until = 0
        self._some_lost = False  # some deliveries never come
        self._young_until = 0  # so long after a loss no task is made: one may still land
        self._receiver: tuple[str, int] = ("", 0)
        self._told = 0
        self._faults_seen = 0
        self.directory = worlds.directory()
        self.world = SimulationWorld(
            self.directory,
            seed=script.seed,
            hook=self._hook,
            start=from_ms(script.start),
            quirks=Quirks(**script.quirks),
            mode=DeliveryMode() if script.webhooks else None,
            names=NAMES,
            key_carrier=script.key_carrier,
            admins=script.admins,
            words=script.words,
            stages=script.stages,
        )
        self.world.sandbox.delivery.sender = self._deliver
        assert self.world.event_log is not None
        self.event_log = self.world.event_log

    # -- the run

    def play(self) -> None:
        with worlds.quiet(self.world.clock.seconds, labels_change=self.script.stages or self.script.texts):
            gc.disable()  # one run makes little garbage in rings, and is soon over
            try:
                for item in self.script.items:
                    self._push(item)
                self._run()
                self._finish()
            finally:
                self.world.end()
                gc.enable()
        self.counts.calls = self.world.log.calls
        self.counts.faults.update(self.world.log.faults)

    @property
    def events(self) -> list[Event]:
        return self.event_log.events

    @property
    def now(self) -> int:
        return to_ms(self.world.clock.now())

    @property
    def end(self) -> int:
        """Ten in the morning of the last day, so that the end does not cross midnight."""
        local = from_ms(self.script.start).astimezone(ZONE) + timedelta(days=self.script.days)
        return to_ms(local.replace(hour=10, minute=0, second=0, microsecond=0))

    def _push(self, item: Item) -> None:
        self._number += 1
        heapq.heappush(self._queue, (item.at, self._number, item))

    def _run(self) -> None:
        end = self.end
        while True:
            thought = self.source.next() if self.source is not None else None
            due = self._queue[0][0] if self._queue else None
            moments = [one for one in (thought, due) if one is not None]
            if not moments or min(moments) > end:
                break
            moment = min(moments)
            self._until(moment)
            self._at(moment)
            if thought is not None and thought == moment:
                self._think()
            elif self._queue and self._queue[0][0] == moment:  # unless it happened in the middle of a pass
                self._do(heapq.heappop(self._queue)[2])
        self._until(end)

    def _think(self) -> None:
        assert self.source is not None
        for item in self.source.items(self):
            self._push(item)

    def _at(self, moment: int) -> None:
        if moment > self.now:
            self.world.clock.set(from_ms(moment))

    def _until(self, moment: int) -> None:
        """What the service does by itself up to a moment."""
        while (due := self._next_look()) is not None and due <= moment:
            self._at(due)
            self._work("drain")

    def _next_look(self) -> int | None:
        found = []
        delivery = self.world.sandbox.delivery
        if self.world.webhooks and not delivery.mode.paused and (due := self._next_delivery()) is not None:
            found.append(due)
        look = self.world.next_look()
        if look is not None:
            found.append(to_ms(look))
        if not found:
            return None
        soon = min(found) + round(1000 * self.script.reaction)
        return max(soon, self._rest_until, self._down_until)

    def _next_delivery(self) -> int | None:
        """When an event of somebody else's change is due. Those of the service's own travel along with the next one."""
        app = str(self.world.sandbox.app_id)
        waiting = self.world.sandbox.delivery._waiting
        return min((one.due for one in waiting if one.event["sourceId"] != app), default=None)

    def _finish(self) -> None:
        """The faults stop; one poll, one sweep, and the time that things take."""
        world = self.world
        world.sandbox.faults.clear()
        for object_type in world.sandbox.portal.types.values():
            for name in list(object_type.archived_properties):
                world.sandbox.portal.archive_property(object_type.id, name, archived=False)
        world.sandbox.delivery.mode = DeliveryMode()
        self._kill = None
        self._inside.clear()
        self._at_step.clear()
        self._receiver = ("", 0)
        self._say("", "the faults stop")
        self._at(max(self.now, self._down_until, self._rest_until) + 180_000)
        self._work("poll")
        self._work("sweep")
        self._work("survey")
        self._until(self.now + round(1000 * QUIET.total_seconds()))
        self._at(self.now + 60_000)
        self.event_log.ended()
        self._tell()
        self.proof = verify(world.service.reading)
        self.untrue = list(untrue(world))
        if self.at_end is not None:
            self.at_end(self)

    # -- items

    def _do(self, item: Item) -> None:
        self.played.append(item)
        match item.kind:
            case "act" if item.step:
                self._at_step.append(item)
            case "act" if item.call:
                self._inside.append((self._calls + item.call, item))
            case "act":
                self._act(item)
            case "fault":
                self._say("fault", ", ".join(f"{k}={v}" for k, v in item.values.items()))
                self.world.sandbox.faults.add(Fault.from_json(item.values))
            case "kill":
                self._kill, self._kill_in = item, int(item.values["step"])
            case "receiver":
                self._say("receiver", f"{item.name} for {item.values['lasts']} s")
                self._receiver = (item.name, self.now + 1000 * int(item.values["lasts"]))
            case "mode" | "reword" | "retell":
                {"mode": self._travel, "reword": self._reword, "retell": self._retell}[item.kind](item.values)
            case "remap" | "poll" | "sweep":
                if self.now >= self._down_until:
                    self._remap(item.values) if item.kind == "remap" else self._work(item.kind)
            case _:
                raise ValueError(f"there is no item {item.kind!r}")

    def _act(self, item: Item) -> None:
        try:
            told = self._acted(item)
        except (PortalError, ValueError, KeyError) as error:
            self.counts.refused_acts += 1
            self._say(item.by or "admin", f"cannot {item.name}: {error}")
            return
        self.counts.acts += 1
        self._say(item.by or "admin", told)
        self.world.clock.advance(MOMENT)

    def _acted(self, item: Item) -> str:  # noqa: C901 - one line an act, flat on purpose
        """Do it; how the log tells of it. Raises `PortalError`, `ValueError` or `KeyError` where it cannot be done."""
        people, values = self.world.people, item.values
        by = self.world.sandbox.process.owners.get(item.by) if item.by else None
        match item.name:
            case "create":
                properties = said(values["properties"], self.said)
                on = [self._ref(one) for one in values.get("on", ())]
                made = people.create(values["kind"], properties, on, by=by)
                self.ids[values["as"]] = made
                if values.get("primary"):
                    people.associate(values["kind"], made, *self._ref(values["primary"]), label="Primary", by=by)
                return f"creates {values['as']} = {values['kind']} {made} on {values.get('on', [])}: {properties}"
            case "set":
                kind, record = self._ref(values["ref"])
                properties = said(values["properties"], {} if values.get("spelled") else self.said)
                people.set(kind, record, properties, by=by)
                return f"sets {values['ref']}: {properties}"
            case "move":
                self.said = values["words"]
                return f"moves {self._moved(values['moves'])} records: {values['moves']}"
            case "label" if "kind" in values:
                return f"labels {values['name']}: {self._relabelled(values)}"
            case "label":
                relabel(self.world.sandbox.portal, values["of"], values["label"])
                return f"labels {values['of']} “{values['label']}”"
            case "archive" | "restore":
                kind, record = self._ref(values["ref"])
                (people.archive if item.name == "archive" else people.restore)(kind, record, by=by)
                return f"{item.name}s {values['ref']}"
            case "associate":
                people.associate(*self._ref(values["ref"]), *self._ref(values["to"]), label=values.get("label"), by=by)
                return f"associates {values['ref']} with {values['to']} {values.get('label') or ''}".rstrip()
            case "dissociate":
                people.dissociate(*self._ref(values["ref"]), *self._ref(values["to"]), by=by)
                return f"takes {values['ref']} off {values['to']}"
            case "merge":
                kind, primary = self._ref(values["ref"])
                people.merge(kind, primary, self._ref(values["gone"])[1], by=by)
                return f"merges {values['gone']} into {values['ref']}"
            case "note" if values.get("do"):
                return self._note_changed(values["ref"], values["do"], by)
            case "note":
                at = people.now() - timedelta(hours=values.get("ago", 0))
                note = people.note(
                    *self._ref(values["ref"]), values["text"], at=at, by=by, files=values.get("files", ())
                )
                return f"leaves note {note} on {values['ref']} of {at}: {values['text'][:80]}"
            case "task":
                task = self._task(values["on"], values["subject"], archived=values["do"] == "restore")
                match values["do"]:
                    case "delete":
                        people.delete_task(task, by=by)
                    case "restore":
                        people.restore("task", task, by=by)
                    case "append" | "prepend" | "rewrite" | "rename" | "hand on" | "put off":
                        people.set("task", task, self._edited(task, values["do"], values["text"]), by=by)
                    case status:
                        people.set("task", task, {"hs_task_status": status}, by=by)
                return f"task {task} “{values['subject']}…” of {values['on']}: {values['do']}"
            case "own task":
                made = people.create_task(values["subject"], [self._ref(values["on"])], by=by)
                return f"makes a task of their own, {made} “{values['subject']}”, on {values['on']}"
            case "property":
                archived = values["do"] == "archive"
                (people.archive_property if archived else people.restore_property)(values["kind"], values["name"])
                return f"{values['do']}s the property {values['name']} of {values['kind']}s"
            case "owner":
                owner = self.world.sandbox.process.owners[values["role"]]
                (people.reactivate_owner if values["active"] else people.deactivate_owner)(owner)
                self.event_log.owner_changed(owner, active=values["active"])
                return f"{values['role']} {'comes back' if values['active'] else 'leaves'}"
            case _:
                raise ValueError(f"nobody can {item.name}")

    def _note_changed(self, ref: str, do: str, by: str | None) -> str:
        notes = self.world.people.notes(*self._ref(ref))
        if not notes:
            raise ValueError(f"{ref} has no Note")
        if do == "delete":
            self.world.people.archive("note", notes[0].id, by=by)
        else:
            self.world.people.set("note", notes[0].id, {"hs_note_body": f"{notes[0].body} Or rather not."}, by=by)
        return f"{do}s note {notes[0].id} on {ref}"

    def _relabelled(self, values: Mapping[str, Any]) -> str:
        """A property, or one of its options, gets another label; its internal name stays."""
        portal, kind = self.world.sandbox.portal, values["kind"]
        known = portal.types[NAMES.object_type_id if kind == "portfolio" else portal.type(kind).id].properties
        seen, label = known[values["name"]], values["label"]
        if "option" in values and seen.options:
            options = list(seen.options)
            place = values["option"] % len(options)
            options[place] = (options[place][0], label)
            known[values["name"]] = replace(seen, options=tuple(options))
            return f"{options[place][0]} is “{label}”"
        known[values["name"]] = replace(seen, label=label)
        return f"it is “{label}”"

    def _ref(self, label: str) -> tuple[str, str]:
        kind = {"P": "portfolio", "T": "ticket", "X": "task"}[label[0]]
        return kind, self.ids[label]

    def _task(self, on: str, subject: str, *, archived: bool) -> str:
        """The newest task of a record whose subject begins so."""
        portal = self.world.sandbox.portal
        kind, record = self._ref(on)
        task_type = portal.type("task").id
        type_id = portal.type(NAMES.object_name if kind == "portfolio" else kind).id
        near = portal.get(type_id, int(record))
        links = portal._links.get((type_id, near.id), {}).get(task_type, {})
        found = [
            task
            for task in links
            if (one := portal.find(task_type, task, archived=archived)) is not None
            and editions.plain(one.value("hs_task_subject")).startswith(subject)
        ]
        if not found:
            raise ValueError(f"{on} has no such task: {subject}")
        return str(max(found))

    def _edited(self, task: str, how: str, text: str) -> dict[str, str]:
        """What a person's edit makes of a task."""
        portal = self.world.sandbox.portal
        seen = portal.get(portal.type("task").id, int(task))
        body, subject = seen.value("hs_task_body"), seen.value("hs_task_subject")
        match how:
            case "append":
                return {"hs_task_body": body + text}
            case "prepend":
                return {"hs_task_body": text + body}
            case "rewrite":
                return {"hs_task_body": text}
            case "rename":
                return {"hs_task_subject": f"{subject} (mine)"}
            case "hand on":
                return {"hubspot_owner_id": self.world.sandbox.process.owners["second_account_manager"]}
            case _:
                return {"hs_timestamp": str(self.now + 86_400_000)}

    # -- the service at work

    def _work(self, what: str) -> None:
        world = self.world
        self.counts.passes += 1
        self._say("service", what)
        self.event_log.pass_began(what)
        self._in_pass = True
        self._interfered = False
        began = self._calls
        tally: Tally | None = None
        try:
            self._deliver_due()
            match what:
                case "poll":
                    tally = run_poll(world.service)[1]
                case "sweep":
                    tally = run_sweep(world.service)[1]
                case "survey":
                    world.service.survey()
                    tally = drain(world.service)
                case _:
                    tally = drain(world.service)
        except Killed as kill:
            self._restart(str(kill))
        except HandoffsError as error:
            self._rest_until = self.now + round(1000 * PUT_OFF.total_seconds())
            self._say("service", f"{type(error).__name__}: {error}")
        finally:
            self._in_pass = False
        faults = sum(world.log.faults.values())
        if tally is None or faults != self._faults_seen or tally.errors or tally.unknown:
            self._disturbed = True
        self._faults_seen = faults
        calm = tally is not None and not self._interfered and not self._goes_on() and self.now >= self._young_until
        settled = calm and (not self._disturbed or self._at_rest())
        if settled:
            self._disturbed = False
        self.event_log.pass_ended(settled=settled, delivered=self._delivered_kinds())
        self._tell()
        self._say("service", f"rests after {self._calls - began} calls{'' if settled else ', disturbed'}")

    def _deliver_due(self) -> None:
        if not self.world.webhooks:
            return
        delivered = self.world.sandbox.delivery.pump()
        self.counts.requests += delivered.requests
        self.counts.events += delivered.events
        self._some_lost = self._some_lost or delivered.given_up > 0
        if delivered.requests:
            self._say("webhooks", f"{delivered.requests} requests, {delivered.failed} failed")

    def _at_rest(self) -> bool:
        """Whether all that a disturbance left open has been cleared up."""
        return self.world.sandbox.portal.next_due() is None and not self.world.unfinished()

    def _goes_on(self) -> bool:
        """Whether what is marked, or was left off for this time, is looked at any moment."""
        look = self.world.next_look()
        return look is not None and to_ms(look) <= self.now + round(1000 * SOON.total_seconds())

    def _delivered_kinds(self) -> frozenset[str]:
        """The kinds of records of which every change by people so far has been delivered."""
        if not self.world.webhooks or self._some_lost or self._next_delivery() is not None:
            return frozenset()
        quiet = set() if self.world.sandbox.portal.quirks.custom_object_webhooks else {"portfolio"}
        return frozenset({"portfolio", "ticket", "task"} - quiet)

    def _restart(self, step: str) -> None:
        assert self._kill is not None
        item = self._kill
        self._kill = None
        self.counts.kills[step] += 1
        down = int(item.values.get("down", 0))
        lose = bool(item.values.get("lose"))
        self._say("service", f"killed at {step}, {'its database is lost, ' if lose else ''}back in {down} s")
        self._down_until = self.now + 1000 * down
        self._disturbed = True
        if "remap" in item.values:
            self.mapping = item.values["remap"]
            self._say("admin", f"changes the mapping meanwhile: {_told(self.mapping)}")
        if "retell" in item.values:
            self.editions = item.values["retell"]
            self._say("admin", f"changes the mapping's texts meanwhile: {_told(self.editions)}")
        self._start_anew(lose_database=lose)
        if lose:
            self._young_until = self.now + round(1000 * LANDED_AFTER.total_seconds())
            self.event_log.database_lost()

    def _travel(self, values: Mapping[str, Any]) -> None:
        """From now on webhooks travel so."""
        self._say("webhooks", ", ".join(f"{k}={v}" for k, v in values.items()) or "prompt")
        self.world.sandbox.delivery.mode = mode = DeliveryMode.from_json(values)
        self._some_lost = self._some_lost or mode.lost > 0

    def _remap(self, values: Mapping[str, Any]) -> None:
        """An admin starts the service with another mapping; it looks at once whether there is something to do."""
        self.mapping = values
        self._say("admin", f"changes the mapping: {_told(values)}")
        self._start_anew()
        self._work("drain")

    def _reword(self, values: Mapping[str, Any]) -> None:
        """An admin calls statuses, revisions and approvals so in the mapping; a service that is down comes back with it."""
        self.words = words = values["words"]
        self.places = places = values.get("stages", {})
        if values["said"]:
            self.said = words
        self._say("admin", f"changes the mapping's words: {_told({**words, **places})}")
        self._start_anew()
        if self.now >= self._down_until:
            self._work("drain")

    def _retell(self, values: Editions) -> None:
        """An admin writes texts anew; a service that is down comes back with them."""
        self.editions = values
        self._say("admin", f"changes the mapping's texts: {_told(values)}")
        self._start_anew()
        if self.now >= self._down_until:
            self._work("drain")

    def _start_anew(self, *, lose_database: bool = False) -> None:
        places = {"ticket": self.places} if self.places else {}
        pieces = (self.mapping, mapping_of(self.words), places, editions.mapping_of(self.editions))
        self.world.start_anew(merged(pieces), lose_database=lose_database)

    def _moved(self, moves: Words) -> int:
        """An admin imports the new value for each record that has an old one; of how many."""
        portal, count = self.world.sandbox.portal, 0
        for kind, names in PROPERTIES.items():
            type_id = portal.type(NAMES.object_name if kind == "portfolio" else kind).id
            together = [(name,) for name in names] + [(PIPELINE, STAGE)] * (kind == "ticket")
            for record in list(portal.records(type_id)):
                for some in together:
                    new = {name: moves[record.value(name)] for name in some if record.value(name) in moves}
                    if new:
                        portal.update(type_id, record.id, new, Actor(MOVED, "importId:1"))
                        self.world.clock.advance(MOMENT)
                        count += 1
        return count

    def _hook(self, step: str) -> None:
        """Before and after each call to the CRM, and at each checkpoint."""
        if not self._in_pass or self._acting:
            return
        if step == "call":
            self._calls += 1
            self._interfere()
        for item in [one for one in self._at_step if one.step == step]:
            self._at_step.remove(item)
            self._act_inside(item)
        if self._kill is not None and self._kill.name in {"", step}:
            self._kill_in -= 1
            if self._kill_in <= 0:
                raise Killed(step)

    def _interfere(self) -> None:
        """People do not wait for the service: what was due while it waited for an answer happens now."""
        if self._inside and self._inside[0][0] <= self._calls:
            self._inside.sort(key=lambda one: one[0])
            while self._inside and self._inside[0][0] <= self._calls:
                self._act_inside(self._inside.pop(0)[1])
        while self._queue and self._queue[0][0] <= self.now and self._queue[0][2].kind == ACT:
            item = heapq.heappop(self._queue)[2]
            self.played.append(item)
            self._act_inside(item)

    def _act_inside(self, item: Item) -> None:
        self._acting = True
        self._disturbed = self._interfered = True
        self.world.clock.advance(MOMENT)
        try:
            self._act(item)
            self._deliver_due()
        finally:
            self._acting = False

    def _deliver(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        how = self._receiver[0] if self._receiver[1] > self.now else ""
        if self.now < self._down_until or how == "down":
            return 0
        if how == "refuses":
            return 503
        status = self.world._deliver(method, url, headers, body)
        return 0 if how == "silent" else status  # silent: stored, but the answer is lost

    # -- the log

    def _say(self, who: str, text: str) -> None:
        self._tell()
        moment = from_ms(self.now).astimezone(ZONE)
        self.log.append(f"{moment:%Y-%m-%d %H:%M:%S.%f} {who:24} {text}")

    def _tell(self) -> None:
        """The service's own changes since the last line."""
        self.event_log.catch_up()
        new, self._told = self.event_log.events[self._told :], len(self.event_log.events)
        for event in new:
            told = _own_change(event)
            if told is not None:
                self.counts.effects[told[0]] += 1
                moment = from_ms(event.at).astimezone(ZONE)
                self.log.append(f"{moment:%Y-%m-%d %H:%M:%S.%f} {'  → service':24} {told[1]}")


def _told(mapping: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in mapping.items()) or "as it was"


def _own_change(event: Event) -> tuple[str, str] | None:
    match event:
        case Created(ref=ref, values=values, own=True):
            owner = values.get("hubspot_owner_id", "")
            return "tasks", f"{ref}: “{values.get('hs_task_subject', '')}” for {owner}"
        case Updated(ref=ref, values=values, own=True):
            shown = {name: value[-60:] for name, value in values.items()}
            return ("closings" if ref.kind == "task" else "writes"), f"{ref}: {shown}"
        case Archived(ref=ref, own=True):
            return "deletions", f"{ref}: deleted"
        case Mailed(to=to, subject=subject):
            return "emails", f"email to {to}: {subject}"
    return None
