"""Every effect once: what is planned, tried, known and given up, and what may still be decided anew."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mappings.vocabulary import EmailKind, Handoff, Role, TaskKind
from sync.clock import from_ms
from sync.crm import Kind, RecordRef
from sync.rules import keys
from sync.rules.keys import EffectKind, Slot
from sync.rules.model import (
    CloseTask,
    Decision,
    Effect,
    EffectState,
    Email,
    LedgerView,
    NewTask,
    Occurrence,
    OccurrenceState,
    Reassigned,
    RecordedOccurrence,
    State,
    Verdict,
    Write,
)
from sync.rules.transition import effects_ahead
from sync.storage import ledger
from sync.storage.database import Store, migrate, open_store
from sync.storage.ledger import LedgerEffect
from sync.storage.tables import effects, occurrences
from tests.databases import url_in

NOW = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
PORTFOLIO = RecordRef(Kind.PORTFOLIO, "1")
TICKET = RecordRef(Kind.TICKET, "1")
KEY = "1:1:start:0"

WRITE = Write(PORTFOLIO, {"status": ""}, {"status": "x"})
TASK = NewTask(TaskKind.KICKOFF, Role.ACCOUNT_MANAGER, "51", {})
EMAIL = Email(EmailKind.KICKOFF, Role.ACCOUNT_MANAGER, "51", {})
NOBODY = Email(EmailKind.KICKOFF, Role.ACCOUNT_MANAGER, None, {}, blocked="no Account Manager is named")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(url_in(tmp_path))
    migrate(opened)
    yield opened
    opened.close()


def _decision(*asked: Effect, handoff: Handoff = Handoff.KICKOFF, key: str = KEY, cycle: str = "start") -> Decision:
    occurrence = Occurrence(key, handoff, PORTFOLIO, cycle, "it is due", effects=asked)
    return Decision((Verdict(handoff, State.DUE, "it is due", PORTFOLIO, occurrence),))


NOTHING = Decision(())


def _ledger_views(store: Store) -> LedgerView:
    with store.read() as connection:
        return ledger.view_of(ledger.load(connection, ["1"], []), "1", [], [])


def _plan(store: Store, decision: Decision, at: datetime = NOW, *, retry_failed: bool = False) -> None:
    ledger_view = _ledger_views(store)
    with store.write() as connection:
        ledger.record_decision(connection, "1", decision, ledger_view, at, "webhook", retry_failed=retry_failed)


def _claim(store: Store, *slots: Slot, at: datetime = NOW) -> set[str]:
    with store.write() as connection:
        return ledger.claim(connection, [keys.effect_key(KEY, slot) for slot in slots], at)


def _settle(store: Store, slot: Slot, state: EffectState, **more: Any) -> None:
    with store.write() as connection:
        ledger.settle(connection, keys.effect_key(KEY, slot), state, NOW, **more)
        ledger.mark_done(connection, [PORTFOLIO])


def _tried(store: Store, slot: Slot, state: EffectState = EffectState.DONE, **more: Any) -> None:
    assert _claim(store, slot)
    _settle(store, slot, state, **more)


def _states(store: Store) -> dict[Slot, str]:
    with store.read() as connection:
        return {keys.slot_of(row.key): row.state for row in connection.execute(select(effects))}


def _recorded_occurrences(store: Store) -> RecordedOccurrence:
    return _ledger_views(store).recorded[KEY]


def _ready(store: Store) -> list[LedgerEffect]:
    with store.read() as connection:
        return [one for one in ledger.undone(connection, [PORTFOLIO]) if one.state is EffectState.PLANNED]


def _ready_slots(store: Store) -> list[Slot]:
    return [keys.slot_of(one.key) for one in _ready(store)]


# Claiming


def test_what_is_claimed_twice_is_given_once(store: Store) -> None:
    """Many threads want the same effects at the same moment."""
    _plan(store, _decision(TASK, EMAIL))
    given: list[set[str]] = []
    barrier = threading.Barrier(8)

    def want() -> None:
        barrier.wait(10)
        given.append(_claim(store, TASK.slot, EMAIL.slot))

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(key for keys in given for key in keys) == sorted(f"{KEY}/{e.slot}" for e in (TASK, EMAIL))


def test_only_what_is_planned_can_be_claimed(store: Store) -> None:
    _plan(store, _decision(TASK, NOBODY))
    assert _claim(store, NOBODY.slot, Slot(EffectKind.TASK, "unheard_of")) == set()
    assert _claim(store, TASK.slot) == {f"{KEY}/{TASK.slot}"}
    _settle(store, TASK.slot, EffectState.UNKNOWN)
    assert _claim(store, TASK.slot) == set()


# Tentative and committed


def test_what_was_not_tried_is_decided_anew_each_time(store: Store) -> None:
    _plan(store, _decision(TASK))
    other = NewTask(TaskKind.KICKOFF, Role.ACCOUNT_MANAGER, "52", {"today": "2026-11-03"})
    _plan(store, _decision(other, EMAIL), LATER)
    assert not _recorded_occurrences(store).committed
    assert _ready_slots(store) == [TASK.slot, EMAIL.slot]
    assert [one.payload["owner"] for one in _ready(store)] == ["52", "51"]


def test_what_is_no_longer_due_is_withdrawn_and_can_come_back(store: Store) -> None:
    _plan(store, _decision(TASK, EMAIL))
    _plan(store, NOTHING)
    assert _ready_slots(store) == []
    assert _recorded_occurrences(store).state == "withdrawn"
    assert not _recorded_occurrences(store).committed
    _plan(store, _decision(TASK, EMAIL), LATER)
    assert _ready_slots(store) == [TASK.slot, EMAIL.slot]
    assert _recorded_occurrences(store).decided_at == LATER


def test_once_something_was_tried_the_rest_is_done_whatever_comes(store: Store) -> None:
    _plan(store, _decision(TASK, EMAIL))
    _tried(store, TASK.slot, crm_id="9")
    _plan(store, NOTHING)
    assert _recorded_occurrences(store).committed
    assert _ready_slots(store) == [EMAIL.slot]


def test_an_open_write_of_what_stands_is_decided_anew(store: Store) -> None:
    _plan(store, _decision(WRITE, TASK))
    _tried(store, TASK.slot, crm_id="9")
    assert not _recorded_occurrences(store).settled
    fresher = Write(PORTFOLIO, {"status": ""}, {"status": "y"})
    _plan(store, _decision(fresher, TASK))
    assert [one.payload["expects"] for one in _ready(store)] == [{"status": "y"}]
    _plan(store, NOTHING)
    assert _states(store)[WRITE.slot] == EffectState.SUPERSEDED
    assert _recorded_occurrences(store).settled


@pytest.mark.parametrize("state", [EffectState.ATTEMPTING, EffectState.UNKNOWN])
def test_a_write_that_nobody_knows_of_is_not_settled(store: Store, state: EffectState) -> None:
    _plan(store, _decision(WRITE, TASK))
    _claim(store, WRITE.slot)
    if state is EffectState.UNKNOWN:
        _settle(store, WRITE.slot, state)
    assert _recorded_occurrences(store).committed
    assert not _recorded_occurrences(store).settled


def test_what_waits_in_an_occurrence_that_stands_is_not_dropped_with_its_write(store: Store) -> None:
    """The CRM refused the status, and nobody is there for the email: the rule asks for the write alone."""
    _plan(store, _decision(WRITE, TASK, NOBODY))
    _tried(store, WRITE.slot, EffectState.FAILED, reason="a rule of the admin's")
    _tried(store, TASK.slot, crm_id="9")
    _plan(store, _decision(WRITE), retry_failed=True)
    assert _states(store) == {
        WRITE.slot: EffectState.PLANNED,
        TASK.slot: EffectState.DONE,
        NOBODY.slot: EffectState.BLOCKED,
    }


def test_what_was_certainly_not_sent_is_as_if_it_had_not_been_tried(store: Store) -> None:
    _plan(store, _decision(TASK))
    _claim(store, TASK.slot)
    with store.write() as connection:
        ledger.release_claim(connection, f"{KEY}/{TASK.slot}", NOW, "rate limit")
    assert not _recorded_occurrences(store).committed
    with store.read() as connection:
        assert ledger.attempted_since(connection, NOW - timedelta(hours=1)) == 0
    _plan(store, NOTHING)
    assert _ready_slots(store) == []


def test_what_may_have_been_sent_once_stays_tried(store: Store) -> None:
    _plan(store, _decision(EMAIL))
    _tried(store, EMAIL.slot, EffectState.UNKNOWN)
    _settle(store, EMAIL.slot, EffectState.PLANNED)
    _claim(store, EMAIL.slot)
    with store.write() as connection:
        ledger.release_claim(connection, f"{KEY}/{EMAIL.slot}", NOW, "rate limit")
    assert _recorded_occurrences(store).committed


def test_planning_the_same_again_changes_nothing(store: Store) -> None:
    decision = _decision(WRITE, TASK, EMAIL)
    _plan(store, decision)
    before = _ledger_views(store)
    _plan(store, decision)
    assert _ledger_views(store) == before


# Who does it


def test_an_effect_that_waits_for_a_person_is_given_to_whoever_comes(store: Store) -> None:
    _plan(store, _decision(TASK, NOBODY))
    _tried(store, TASK.slot, crm_id="9")
    assert _recorded_occurrences(store).state == "open", "an occurrence with something blocked is not done"
    key = f"{KEY}/{NOBODY.slot}"
    _plan(store, Decision((), {key: Reassigned(None, "still nobody")}))
    assert _states(store)[NOBODY.slot] == EffectState.BLOCKED
    _plan(store, Decision((), {key: Reassigned("53", None)}))
    (email,) = _ready(store)
    assert email.payload["owner"] == "53"


def test_what_was_refused_is_tried_again_with_whoever_does_it_now(store: Store) -> None:
    close = CloseTask("77", "because")
    _plan(store, _decision(TASK, EMAIL, close))
    _tried(store, EMAIL.slot)
    _tried(store, TASK.slot, EffectState.FAILED, reason="the owner does not exist")
    _tried(store, close.slot, EffectState.FAILED, reason="not now")
    assert _recorded_occurrences(store).state == "open"
    with store.write() as connection:
        ledger.retry_failed(connection, [PORTFOLIO], LATER)
    assert _ready_slots(store) == [close.slot], "a closing is nobody's in particular"
    _plan(store, Decision((), {f"{KEY}/{TASK.slot}": Reassigned("52", None)}))
    assert _ready_slots(store) == [TASK.slot, close.slot]


def test_a_refused_write_is_tried_again_only_by_a_look_that_mends(store: Store) -> None:
    _plan(store, _decision(WRITE))
    _tried(store, WRITE.slot, EffectState.FAILED, reason="a rule of the admin's")
    _plan(store, _decision(WRITE))
    assert _ready_slots(store) == []
    _plan(store, _decision(WRITE), retry_failed=True)
    assert _ready_slots(store) == [WRITE.slot]


# A decline


def test_a_decline_bypasses_what_its_cycle_had_not_begun(store: Store) -> None:
    _plan(store, _decision(TASK, NOBODY))
    _tried(store, TASK.slot, crm_id="9")
    decline = Occurrence("2a:1:5", Handoff.DECLINED, PORTFOLIO, "start", "declined", effects=(CloseTask("9", "no"),))
    _plan(store, Decision((Verdict(Handoff.DECLINED, State.DUE, "declined", PORTFOLIO, decline),)))
    assert _states(store)[NOBODY.slot] == EffectState.SUPERSEDED
    assert _ready_slots(store) == [keys.close_slot("9")]


def test_a_decline_leaves_other_cycles_alone(store: Store) -> None:
    _plan(store, _decision(WRITE, NOBODY, cycle="1790000000000"))
    _tried(store, keys.WRITE)
    _plan(store, _decision(WRITE, handoff=Handoff.DECLINED, key="2a:1:1"), LATER)
    assert _states(store)[NOBODY.slot] == EffectState.BLOCKED


# Records that go and come


def test_what_is_gone_counts_no_more_and_goes_on_when_it_is_restored(store: Store) -> None:
    _plan(store, _decision(TASK, NOBODY))
    _tried(store, TASK.slot, crm_id="9")
    with store.write() as connection:
        ledger.suspend(connection, [PORTFOLIO])
    assert _ready_slots(store) == []
    assert _recorded_occurrences(store).state == OccurrenceState.GONE
    with store.write() as connection:
        ledger.resume(connection, [PORTFOLIO])
    assert _recorded_occurrences(store).state == "open"
    assert _states(store)[NOBODY.slot] == EffectState.BLOCKED


def test_a_ticket_is_not_a_portfolio_of_the_same_number(store: Store) -> None:
    _plan(store, _decision(TASK))
    with store.write() as connection:
        ledger.suspend(connection, [TICKET])
        ledger.mark_done(connection, [TICKET])
        ledger.set_portfolio(connection, {TICKET.id: "2"})
    assert _recorded_occurrences(store).state == "open"


def test_a_ticket_takes_its_occurrences_along(store: Store) -> None:
    with store.write() as connection:
        connection.execute(
            occurrences.insert().values(
                key="4:1", handoff="4", record_kind="ticket", record="1", portfolio="1", cycle="start", decided_at=0,
                origin="poll", state="open", reason="", detail="{}",
            )
        )  # fmt: skip
    parents: list[dict[str, str | None]] = [{"1": "2"}, {"1": None}, {"1": "1"}]
    for parent in parents:
        with store.write() as connection:
            ledger.set_portfolio(connection, parent)
            assert connection.scalar(select(occurrences.c.portfolio)) == parent["1"]


# Taken back


def test_a_task_found_before_it_was_made_takes_its_emails_along(store: Store) -> None:
    _plan(store, _decision(TASK, EMAIL))
    with store.write() as connection:
        ledger.mark_recovered(connection, f"{KEY}/{TASK.slot}", "9", NOW)
        ledger.mark_done(connection, [PORTFOLIO])
        assert ledger.attempted_since(connection, NOW - timedelta(hours=1)) == 0, "the breaker counts none of it"
    assert set(_states(store).values()) == {EffectState.DONE}
    assert _recorded_occurrences(store).state == "done"
    assert _recorded_occurrences(store).committed


# The breaker's numbers


def test_what_is_ahead_is_what_would_be_begun(store: Store) -> None:
    decision = _decision(WRITE, TASK, NOBODY)
    assert effects_ahead(decision, _ledger_views(store)) == 2
    _plan(store, decision)
    assert effects_ahead(decision, _ledger_views(store)) == 2
    _tried(store, WRITE.slot)
    assert effects_ahead(decision, _ledger_views(store)) == 1


def test_an_effect_counts_once_and_for_an_hour(store: Store) -> None:
    _plan(store, _decision(TASK))
    _tried(store, TASK.slot, EffectState.UNKNOWN)
    _settle(store, TASK.slot, EffectState.PLANNED)
    _claim(store, TASK.slot, at=NOW + timedelta(minutes=50))
    with store.read() as connection:
        assert ledger.attempted_since(connection, NOW - timedelta(seconds=1)) == 1
        assert ledger.attempted_since(connection, NOW) == 0, "the second try is no second effect"


@pytest.mark.parametrize("stands", [False, True], ids=["not begun", "begun"])
def test_what_stays_blocked_is_so_since_it_first_was(store: Store, stands: bool) -> None:
    """Decided anew at each look: alone, or beside a task that was made, when only its person is asked for again."""
    asked = (TASK, NOBODY) if stands else (NOBODY,)
    _plan(store, _decision(*asked))
    key = f"{KEY}/{NOBODY.slot}"
    if stands:
        with store.write() as connection:
            ledger.claim(connection, [f"{KEY}/{TASK.slot}"], NOW)
            ledger.settle(connection, f"{KEY}/{TASK.slot}", EffectState.DONE, NOW, crm_id="7")
        again = Decision((), {key: Reassigned(None, "no Account Manager is named")})
    else:
        again = _decision(*asked)
    _plan(store, again, LATER)
    with store.read() as connection:
        row = connection.execute(select(effects).where(effects.c.key == key)).one()
    assert (row.state, from_ms(row.state_at)) == ("blocked", NOW)
