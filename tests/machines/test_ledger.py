"""The ledger against a dict and a CRM that counts: whatever is decided, tried, lost and found, each effect happens once.

The machine follows the protocol of `sync.passes.effects`: plan, claim, call, settle; after a crash or a lost answer look first.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from mappings.vocabulary import EmailKind, Handoff, Role, TaskKind
from sync.crm import Kind, RecordRef
from sync.rules import keys
from sync.rules.keys import EffectKind
from sync.rules.model import (
    CloseTask,
    Decision,
    Effect,
    EffectState,
    Email,
    LedgerView,
    NewTask,
    Occurrence,
    Reassigned,
    State,
    Verdict,
    Write,
)
from sync.rules.transition import effects_ahead
from sync.storage import ledger
from sync.storage.tables import effects, occurrences
from tests.machines import MACHINE, emptied, memory

STORE = memory()
START = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)

PORTFOLIO, TICKET = RecordRef(Kind.PORTFOLIO, "1"), RecordRef(Kind.TICKET, "7")
AM, SAS = Role.ACCOUNT_MANAGER, Role.SOCIAL_AD_SPECIALIST
KICKOFF, TICKETS, DECLINE = "1:1:start:0", "4:7", "2a:1:1790000000000"

UNIVERSE: Mapping[str, tuple[Handoff, RecordRef, Sequence[Effect]]] = {
    KICKOFF: (
        Handoff.KICKOFF,
        PORTFOLIO,
        (
            Write(PORTFOLIO, {"status": ""}, {}),
            NewTask(TaskKind.KICKOFF, AM, "51", {}),
            Email(EmailKind.KICKOFF, AM, "51", {}),
        ),
    ),
    TICKETS: (
        Handoff.TICKETS,
        TICKET,
        (
            NewTask(TaskKind.WRITE_COPY, Role.COPYWRITER, "53", {}),
            NewTask(TaskKind.DESIGN_GRAPHICS, Role.GRAPHIC_DESIGNER, "54", {}),
        ),
    ),
    DECLINE: (
        Handoff.DECLINED,
        PORTFOLIO,
        (Write(PORTFOLIO, {"date": "2026-12-01"}, {}), CloseTask("900", "declined")),
    ),
}
"""All that can be decided: the effects of each occurrence, by its key."""


def is_task(key: str) -> bool:
    return keys.slot_of(key).kind is EffectKind.TASK


NOT_TRIED = ("planned", "blocked")
UNRESOLVED_STATES = ("attempting", "unknown")


def kind_of(slot: str) -> str:
    return slot.partition(":")[0]


@dataclass
class EffectModel:
    """What the ledger is to hold of an effect. `version`: the decision that its payload comes from."""

    version: int
    state: str
    tries: int = 0
    tried: bool = False
    counted: bool = False  # by the breaker


@dataclass
class OccurrenceModel:
    """What the ledger is to hold of an occurrence."""

    state: str
    items: dict[str, EffectModel] = field(default_factory=dict)
    recovered: bool = False  # the breaker counts nothing of what was taken back

    @property
    def committed(self) -> bool:
        return self.state == "done" or (self.state == "open" and any(item.tried for item in self.items.values()))

    @property
    def settled(self) -> bool:
        writes = [item.state for slot, item in self.items.items() if kind_of(slot) == "write"]
        return self.committed and all(state in {"done", "overtaken"} for state in writes)

    def overtake(self, *, but: Collection[str] = (), only: str = "") -> None:
        """Nothing more of it is to be done, or nothing of `only` that kind; what was tried is as it is.

        But for an email of which nobody knows whether it was sent: it is not sent again (docs/process.md W.14).
        """
        for slot, item in self.items.items():
            doubtful = {"unknown"} if kind_of(slot) == "email" else set()
            if slot not in but and kind_of(slot).startswith(only) and item.state in {*NOT_TRIED, "failed", *doubtful}:
                item.state = "overtaken"


class Ledger(RuleBasedStateMachine):
    """A pass decides, claims and calls; answers get lost, calls land late, processes die, records go and come back."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.version = 0
        self.model: dict[str, OccurrenceModel] = {}
        self.applied: Counter[str] = Counter()  # what the CRM was made to do, by the effect's key
        self.late: set[str] = set()  # what it has yet to do of what was sent
        self.trying: list[str] = []  # claimed by the living process, and not settled

    @initialize()
    def begin(self) -> None:
        emptied(STORE)

    def _tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def _items(self, *states: str, causes: str = "open") -> Iterator[tuple[str, EffectModel]]:
        """The effects in one of these states, of the occurrences in that state."""
        for key, cause in self.model.items():
            for slot, item in cause.items.items():
                if cause.state == causes and item.state in states:
                    yield f"{key}/{slot}", item

    def _item(self, key: str) -> EffectModel:
        occurrence, slot = keys.occurrence_of(key), str(keys.slot_of(key))
        return self.model[occurrence].items[slot]

    def _ledger_views(self) -> LedgerView:
        with STORE.read() as connection:
            return ledger.view_of(ledger.load(connection, ["1"], ["7"]), "1", ["7"], [])

    # -- deciding

    def _may_be_asked(self, key: str) -> bool:
        """What the rules promise: nothing of a record that is gone, nothing they are through with, nothing bypassed."""
        cause, decline = self.model.get(key), self.model.get(DECLINE)
        bypassed = key != DECLINE and decline is not None and decline.committed
        return not bypassed and (cause is None or (cause.state != "gone" and (not cause.settled or self._halved(key))))

    def _halved(self, key: str) -> bool:
        """Whether a lost database has left one role's task of a ticket, and nothing of the other's."""
        return key == TICKETS and len(self.model[key].items) == 1

    def _asked(self, key: str) -> list[Effect]:
        """Its effects, the ones left out that the CRM shows as done: a rule reads the record first."""
        halved = key in self.model and self._halved(key)
        return [
            effect
            for effect in UNIVERSE[key][2]
            if not (halved and str(effect.slot) in self.model[key].items)
            and (isinstance(effect, NewTask | Email) or not self.applied[f"{key}/{effect.slot}"])
        ]

    @precondition(lambda self: not self.trying)
    @rule(data=st.data(), retry=st.booleans())
    def decide(self, data: st.DataObject, retry: bool) -> None:
        possible = [key for key in UNIVERSE if self._may_be_asked(key)]
        wanted = [key for key in possible if data.draw(st.booleans(), label=key)]
        asked: dict[str, list[Effect]] = {}
        for key in [DECLINE] if DECLINE in wanted else wanted:
            # A write depends on what the record shows; who is to do the rest may not be known.
            chosen = [
                e for e in self._asked(key) if not isinstance(e, Write) or data.draw(st.booleans(), label=str(e.slot))
            ]
            if chosen:
                asked[key] = [_blocked(effect) if data.draw(st.integers(0, 3)) == 0 else effect for effect in chosen]
        waiting = [key for key, _ in self._items("blocked") if keys.occurrence_of(key) not in asked]
        found = {key: data.draw(st.booleans(), label=f"somebody for {key}") for key in waiting}
        self._decide(asked, found, retry=retry)

    def _decide(self, asked: Mapping[str, list[Effect]], found: Mapping[str, bool], *, retry: bool) -> None:
        self.version += 1
        told = [_occurrence(key, wanted, self.version) for key, wanted in asked.items()]
        # A role's person is looked up anew for what stands; what does not stand is decided as a whole.
        standing = {key: who for key, who in found.items() if self.model[keys.occurrence_of(key)].committed}
        someone, nobody = Reassigned("52", None), Reassigned(None, "nobody is named")
        decision = Decision(
            tuple(Verdict(each.handoff, State.DUE, "due", each.record, each) for each in told),
            reassigned={key: someone if who else nobody for key, who in standing.items()},
        )
        ledger_view = self._ledger_views()
        assert effects_ahead(decision, ledger_view) == self._ahead(asked) + sum(standing.values())
        with STORE.write() as connection:
            ledger.record_decision(connection, "1", decision, ledger_view, self._tick(), "webhook", retry_failed=retry)
        self._decided(asked, standing, retry=retry)

    def _ahead(self, asked: Mapping[str, list[Effect]]) -> int:
        known = {f"{key}/{slot}": item for key, cause in self.model.items() for slot, item in cause.items.items()}
        keys = [f"{key}/{effect.slot}" for key, wanted in asked.items() for effect in wanted if not effect.blocked]
        return sum(1 for key in keys if key not in known or not known[key].tried)

    def _decided(self, asked: Mapping[str, list[Effect]], standing: Mapping[str, bool], *, retry: bool) -> None:
        others = [cause for key, cause in self.model.items() if key not in asked and cause.state == "open"]
        gone = [cause for cause in self.model.values() if cause.state == "gone"]
        stood = {key for key, cause in self.model.items() if cause.committed}
        for key, wanted in asked.items():
            cause = self.model.setdefault(key, OccurrenceModel("open"))
            cause.state = "open"
            for effect in wanted:
                self._ask(cause, effect, retry=retry)
            cause.overtake(but={str(effect.slot) for effect in wanted}, only="write" if key in stood else "")
        for cause in others:
            stands = cause.committed
            cause.state = "open" if stands else "withdrawn"
            cause.overtake(only="write" if stands else "")
        for key, who in standing.items():
            if who and (item := self._item(key)).state == "blocked":
                item.state = "planned"
        if DECLINE in asked:
            # What waits for a record to come back is of the declined cycle too (docs/process.md 2a.8).
            for cause in [*others, *gone]:
                cause.overtake(but={slot for slot in cause.items if kind_of(slot) == "close"})

    def _ask(self, cause: OccurrenceModel, effect: Effect, *, retry: bool) -> None:
        item = cause.items.setdefault(str(effect.slot), EffectModel(self.version, "overtaken"))
        untried = item.state in NOT_TRIED or (item.state == "overtaken" and not item.tried)
        if untried or (retry and item.state == "failed"):
            item.state, item.version = "blocked" if effect.blocked else "planned", self.version

    # -- trying

    @precondition(lambda self: not self.trying)
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        self._look_first()
        with STORE.read() as connection:
            undone = ledger.undone(connection, [PORTFOLIO])
        ready = [each for each in undone if each.state is EffectState.PLANNED]
        assert {each.key for each in ready} == {key for key, _ in self._items("planned")}
        for each in ready:
            if each.kind in {"task", "email"}:
                assert each.payload["context"]["decision"] == self._item(each.key).version
        wanted = [each.key for each in ready if data.draw(st.booleans(), label=each.key)]
        self._claim(wanted)

    def _claim(self, wanted: list[str]) -> None:
        others = [f"{key}/{effect.slot}" for key, (_, _, found) in UNIVERSE.items() for effect in found]
        with STORE.write() as connection:
            claimed = ledger.claim(connection, wanted, self._tick())
            again = ledger.claim(connection, [k for k in others if k in wanted or not self._is_planned(k)], self.now)
        assert (claimed, again) == (set(wanted), set())
        self.trying = wanted
        for key in wanted:
            item = self._item(key)
            item.counted |= not item.tried and not self.model[keys.occurrence_of(key)].recovered
            item.state, item.tries, item.tried = "attempting", item.tries + 1, True

    def _is_planned(self, key: str) -> bool:
        return key in {
            key for state in ("open", "gone", "withdrawn") for key, _ in self._items("planned", causes=state)
        }

    def _look_first(self) -> None:
        """While a ledger is young, a task that stands in the CRM is taken back before it is tried."""
        made = [key for key, _ in self._items("planned") if is_task(key) and self.applied[key]]
        with STORE.write() as connection:
            for key in made:
                ledger.mark_recovered(connection, key, "9001", self._tick())
        for key in made:
            for slot, item in self.model[keys.occurrence_of(key)].items.items():
                if key.endswith(f"/{slot}") or (kind_of(slot) == "email" and item.state in NOT_TRIED):
                    item.state, item.tried = "done", True

    def _apply(self, key: str) -> None:
        """The CRM carries a call out. It drops an email whose `sendId` it has seen; nothing else may come twice."""
        assert "/email:" in key or not self.applied[key], f"{key} was done twice"
        self.applied[key] = 1

    def _call(self, key: str, outcome: str) -> None:
        if outcome in {"done", "lost"}:
            self._apply(key)
        elif outcome == "late":
            self.late.add(key)

    @precondition(lambda self: self.trying)
    @rule(data=st.data())
    def call(self, data: st.DataObject) -> None:
        """One after the other; the process may die before it notes what came of one."""
        while self.trying:
            key = data.draw(st.sampled_from(self.trying))
            outcome = data.draw(st.sampled_from(["done", "lost", "late", "never", "refused", "not sent", "death"]))
            if outcome == "death":
                self._die(data)
                return
            self.trying.remove(key)
            self._call(key, outcome)
            self._note(key, outcome)

    def _note(self, key: str, outcome: str) -> None:
        item = self._item(key)
        with STORE.write() as connection:
            if outcome == "not sent":
                ledger.release_claim(connection, key, self._tick(), "not sent")
                self._released(item)
            else:
                state = {"done": EffectState.DONE, "refused": EffectState.FAILED}.get(outcome, EffectState.UNKNOWN)
                ledger.settle(connection, key, state, self._tick())
                item.state = state.value

    @staticmethod
    def _released(item: EffectModel) -> None:
        item.state, item.tries = "planned", item.tries - 1
        if item.tries == 0:
            item.tried = item.counted = False

    def _die(self, data: st.DataObject) -> None:
        for key in self.trying:
            self._call(key, data.draw(st.sampled_from(["lost", "late", "never"]), label=key))
        self.trying = []

    @precondition(lambda self: not self.trying)
    @rule()
    def resolve(self) -> None:
        """Once whatever was sent has landed: what came of every try without an answer."""
        self._land()
        with STORE.read() as connection:
            open_ones = ledger.unresolved(connection, [PORTFOLIO])
        assert {each.key for each in open_ones} == {key for key, _ in self._items(*UNRESOLVED_STATES)}
        with STORE.write() as connection:
            for each in open_ones:
                item = self._item(each.key)
                if each.kind == "email":
                    ledger.settle(connection, each.key, EffectState.PLANNED, self._tick())
                    item.state = "planned"
                elif self.applied[each.key]:
                    ledger.settle(connection, each.key, EffectState.DONE, self._tick(), crm_id="9001")
                    item.state = "done"
                else:
                    ledger.release_claim(connection, each.key, self._tick(), "not found")
                    self._released(item)

    def _land(self) -> None:
        for key in sorted(self.late):
            self._apply(key)
        self.late.clear()

    @precondition(lambda self: not self.trying)
    @rule()
    def mark_done(self) -> None:
        with STORE.write() as connection:
            ledger.mark_done(connection, [PORTFOLIO])
        for cause in self.model.values():
            if cause.state == "open" and all(item.state in {"done", "overtaken"} for item in cause.items.values()):
                cause.state = "done"

    @precondition(lambda self: not self.trying)
    @rule()
    def retry_failed(self) -> None:
        with STORE.write() as connection:
            ledger.retry_failed(connection, [PORTFOLIO], self._tick())
        for key, item in list(self._items("failed")):
            if keys.slot_of(key) != keys.WRITE:
                item.state = "planned" if "/close:" in key else "blocked"

    @precondition(lambda self: not self.trying)
    @rule(data=st.data(), retry=st.booleans())
    def a_whole_pass(self, data: st.DataObject, retry: bool) -> None:
        self.resolve()
        self.decide(data, retry)
        self.the_tables_are_the_model()
        self.claim(data)
        self.the_tables_are_the_model()
        if self.trying:
            self.call(data)
        self.mark_done()

    # -- what befalls records and databases

    @precondition(lambda self: not self.trying)
    @rule(record=st.sampled_from([PORTFOLIO, TICKET]), comes_back=st.booleans())
    def deleted(self, record: RecordRef, comes_back: bool) -> None:
        with STORE.write() as connection:
            ledger.suspend(connection, [record])
        for key, cause in self.model.items():
            if cause.state == "open" and (record == PORTFOLIO or UNIVERSE[key][1] == TICKET):
                cause.state = "gone"
        if comes_back:
            self.the_tables_are_the_model()
            self.restored(record)

    @precondition(lambda self: not self.trying)
    @rule(record=st.sampled_from([PORTFOLIO, TICKET]))
    def restored(self, record: RecordRef) -> None:
        with STORE.write() as connection:
            ledger.resume(connection, [record])
        for key, cause in self.model.items():
            if cause.state == "gone" and UNIVERSE[key][1] == record:
                cause.state = "open"

    @precondition(lambda self: not self.trying and any(is_task(key) for key in self.applied))
    @rule(data=st.data())
    def the_database_is_lost(self, data: st.DataObject) -> None:
        """What was sent has landed by the time of the new start; the CRM's search may not show all of it yet."""
        if data.draw(st.booleans(), label="it was spared"):
            return
        self._land()
        emptied(STORE)
        self.model = {}
        for key in [key for key in self.applied if is_task(key)]:
            if data.draw(st.booleans(), label=f"the search shows {key}"):
                self._take_back(key)

    def _take_back(self, key: str) -> None:
        occurrence, slot = keys.occurrence_of(key), str(keys.slot_of(key))
        handoff, record, found = UNIVERSE[occurrence]
        (task,) = [each for each in found if str(each.slot) == slot]
        assert isinstance(task, NewTask)
        with STORE.write() as connection:
            ledger.record_recovered_task(
                connection, effect_key=key, handoff=handoff, record=record, portfolio="1", cycle="start", task="9001",
                task_kind=task.kind, role=task.role, made_at=self.now, origin="recovery", reason="taken back",
                adopted=False,
            )  # fmt: skip
        cause = self.model.setdefault(occurrence, OccurrenceModel("done", recovered=True))
        cause.items[slot] = EffectModel(0, "done", tries=1, tried=True)

    # -- what is always true

    @invariant()
    def the_tables_are_the_model(self) -> None:
        with STORE.read() as connection:
            states = {row.key: row.state for row in connection.execute(select(occurrences))}
            found = {
                row.key: (row.state, row.attempted_at is not None)
                for row in connection.execute(select(effects.c.key, effects.c.state, effects.c.attempted_at))
            }
            counted = ledger.attempted_since(connection, START - timedelta(days=1))
        assert states == {key: cause.state for key, cause in self.model.items()}
        assert found == {
            f"{key}/{slot}": (item.state, item.tried)
            for key, cause in self.model.items()
            for slot, item in cause.items.items()
        }
        assert counted == sum(item.counted for cause in self.model.values() for item in cause.items.values())

    @invariant()
    def what_is_done_was_done(self) -> None:
        """Only an email taken back with its task is believed without having been seen."""
        for key, cause in self.model.items():
            for slot, item in cause.items.items():
                assert item.state != "done" or kind_of(slot) == "email" or self.applied[f"{key}/{slot}"]

    def teardown(self) -> None:
        """Whatever happened: in a CRM that works, all that is asked for is soon done, and done once."""
        self.trying = []
        for record in (PORTFOLIO, TICKET):
            self.restored(record)
        for _ in range(3):
            self.resolve()
            asked = {key: self._asked(key) for key in (KICKOFF, TICKETS) if self._may_be_asked(key)}
            standing = {key: True for key, _ in self._items("blocked") if keys.occurrence_of(key) not in asked}
            self.retry_failed()
            self._decide({key: found for key, found in asked.items() if found}, standing, retry=True)
            self._look_first()
            self._claim([key for key, _ in self._items("planned")])
            with STORE.write() as connection:
                for key in self.trying:
                    self._apply(key)
                    self._item(key).state = "done"
                    ledger.settle(connection, key, EffectState.DONE, self._tick())
            self.trying = []
            self.mark_done()
        assert {cause.state for cause in self.model.values()} <= {"done", "withdrawn"}
        if DECLINE not in self.model:
            tasks = [
                f"{key}/{each.slot}" for key, (_, _, found) in UNIVERSE.items() for each in found if key != DECLINE
            ]
            assert [key for key in tasks if is_task(key) and not self.applied[key]] == []
        self.the_tables_are_the_model()


def _blocked(effect: Effect) -> Effect:
    return replace(effect, owner=None, blocked="nobody is named") if isinstance(effect, NewTask | Email) else effect


def _occurrence(key: str, asked: Sequence[Effect], version: int) -> Occurrence:
    handoff, record, _ = UNIVERSE[key]
    effects = tuple(replace(e, variables={"decision": version}) if isinstance(e, NewTask | Email) else e for e in asked)
    return Occurrence(key, handoff, record, "start", "due", effects=effects)


def test_a_decline_ends_an_email_whose_answer_was_lost() -> None:
    """An example that Hypothesis found (docs/process.md W.14)."""
    machine = Ledger()
    machine.begin()
    machine._decide({KICKOFF: [UNIVERSE[KICKOFF][2][2]]}, {}, retry=False)
    machine._claim([email := f"{KICKOFF}/email:kickoff"])
    machine.trying = []
    machine._call(email, "lost")
    machine._note(email, "lost")
    machine._decide({DECLINE: [*UNIVERSE[DECLINE][2]]}, {}, retry=False)
    assert machine._item(email).state == "overtaken"
    machine.the_tables_are_the_model()
    machine.teardown()


TestLedger = Ledger.TestCase
TestLedger.settings = settings(MACHINE, max_examples=50)
