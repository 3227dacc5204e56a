"""Which of two merged records was the primary, where no event tells (docs/process.md M.6)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mappings.vocabulary import Handoff, Status
from sync.clock import to_ms
from sync.crm import Kind, RecordRef
from sync.rules import keys
from sync.rules.ancestry import Shown, ancestry_of, concluded
from sync.rules.model import Former, LedgerView, OccurrenceState, RecordedOccurrence, Version

FIRST, SECOND, NEW = (RecordRef(Kind.PORTFOLIO, i) for i in ("101", "102", "103"))
MERGED = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CLOSED = to_ms(MERGED - 9 * DAY)


def view(*occurrences: str, names: Mapping[RecordRef, str] | None = None, at: datetime | None = MERGED) -> LedgerView:
    """The ledger of both, with these occurrences (keys)."""
    recorded = {
        key: RecordedOccurrence(
            key,
            Handoff.KICKOFF,
            keys.parse(key).record,
            "",
            None,
            MERGED,
            OccurrenceState.DONE,
            "",
            {},
            portfolio=NEW.id,
        )
        for key in occurrences
    }
    former = (Former(FIRST, NEW, at=at), Former(SECOND, NEW, at=at))
    return LedgerView(recorded, former=former, names=names or {})


def primary(
    found: LedgerView, *statuses: Version[Any], owners: Mapping[int, RecordRef] | None = None, name: str = ""
) -> str:
    """The id of whom it takes for the primary. `statuses`: newest first. `owners`: whose each is, by its time (ms)."""
    known = {("status", ms): frozenset({record}) for ms, record in (owners or {}).items()}
    shown = Shown(name, {"status": (statuses, statuses[0].value)} if statuses else {})
    ancestry = ancestry_of(NEW, found, known, shown)
    assert ancestry is not None
    assert {record.id for record in ancestry.others} == {"101", "102"} - {ancestry.line[1].id}
    return ancestry.line[1].id


def test_it_is_the_older_one_where_nothing_tells() -> None:
    assert primary(view()) == "101"


def test_it_is_the_one_that_was_called_so() -> None:
    names = {FIRST: "Acme", SECOND: "Bolt"}
    assert primary(view(names=names), name="Bolt") == "102"
    assert primary(view(names={FIRST: "Acme"}), name="Bolt") == "102"


def test_what_people_have_set_since_the_merge_does_not_tell() -> None:
    old = Version(Status.CREATIVES_APPROVED, MERGED - DAY)
    older = Version(Status.REFRESH_REQUEST_SUBMITTED, MERGED - 2 * DAY)
    new = Version(Status.REFRESH_REQUEST_SUBMITTED, MERGED + DAY)
    owners = {old.ms: SECOND, older.ms: FIRST}
    assert primary(view(), old, older, owners=owners) == "102"
    assert primary(view(), new, old, older, owners=owners) == "102"
    assert primary(view(at=None), new, old, older, owners=owners) == "101", "nobody knows when it was"


def test_the_cycle_that_the_new_record_went_on_in_tells_more_than_any_name() -> None:
    """As after a lost database, by the keys of the tasks."""
    mine = (f"1:101:{CLOSED}:0", "1:102:start:0", f"3:103:{CLOSED}:2026-11-05")
    assert primary(view(*mine, names={SECOND: "Bolt"}), name="Bolt") == "101"
    assert primary(view("1:101:start:0", f"1:102:{CLOSED}:0", f"3:103:{CLOSED}:2026-11-05")) == "102"
    assert primary(view(f"1:101:{CLOSED}:0", "1:103:start:0")) == "102"


def test_a_cycle_that_began_after_the_merge_tells_nothing() -> None:
    begun = to_ms(MERGED + DAY)
    assert primary(view("1:102:start:0", f"1:103:{begun}:0")) == "101"


def test_what_was_concluded_is_told_of_both() -> None:
    found = view(names={FIRST: "Acme", SECOND: "Bolt"})
    ancestry = ancestry_of(NEW, found, {}, Shown("Bolt"))
    assert ancestry is not None
    told = LedgerView(former=found.former, ancestries={NEW: ancestry})
    assert [(one.record, one.primary) for one in concluded(told)] == [(FIRST, False), (SECOND, True)]
    again = LedgerView(former=tuple(concluded(told)), ancestries={NEW: ancestry})
    assert concluded(again) == []
