"""The work queue against a dict: whatever is enqueued, leased, acked or dropped in whatever order, nothing enqueued is lost."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.storage import work_queue
from sync.storage.tables import memberships
from sync.storage.tables import work_items as rows
from sync.storage.work_queue import Priority, WorkItem
from tests.machines import MACHINE, emptied, memory

STORE = memory()
START = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)

PORTFOLIOS = [RecordRef(Kind.PORTFOLIO, each) for each in ("1", "2", "3")]
PLACED = RecordRef(Kind.TICKET, "1")  # known to be on portfolio 2
UNPLACED = RecordRef(Kind.TICKET, "7")
RECORDS = [*PORTFOLIOS, PLACED, UNPLACED]

WAITS = (15, 60, 5 * 60, 15 * 60, 3600, 4 * 3600, 12 * 3600)
"""Seconds between the tries of a record that fails; after the last of them it is parked."""

some_records = st.lists(st.sampled_from(RECORDS), min_size=1, max_size=4)
seconds = st.sampled_from([1, 14, 15, 60, 3600, 12 * 3600])


@dataclass
class Row:
    """What the table is to hold of a record. Moments are milliseconds."""

    urgent: bool
    since: int
    origin: str
    due: int
    failures: int = 0
    parked: bool = False
    held: int | None = None
    owed: dict[int, int] = field(
        default_factory=dict
    )  # each time that it was enqueued and has had no answer yet, and when it is due at the latest

    @property
    def asleep(self) -> bool:
        return self.parked or self.held is not None


@dataclass(frozen=True)
class Lease:
    """A row that the pass has leased, and what was enqueued that its ack will answer."""

    item: WorkItem
    answers: frozenset[int]


class WorkQueue(RuleBasedStateMachine):
    """People and clocks enqueue; one pass at a time leases, acks or nacks row by row, and may die in between."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.model: dict[RecordRef, Row] = {}
        self.leases: list[Lease] = []
        self.enqueued = 0

    @initialize()
    def begin(self) -> None:
        with emptied(STORE).write() as connection:
            connection.execute(memberships.insert().values(ticket=PLACED.id, portfolio="2"))

    @property
    def ms(self) -> int:
        return to_ms(self.now)

    # -- enqueueing

    @rule(
        records=some_records,
        origin=st.sampled_from(["webhook", "poll", "sweep", "replay", "release"]),
        bulk=st.booleans(),
        wait=st.just(0) | seconds,
    )
    def enqueue(self, records: list[RecordRef], origin: str, bulk: bool, wait: int) -> None:
        priority = Priority.BULK if bulk else Priority.INTERACTIVE
        not_before = self.now + timedelta(seconds=wait) if wait else None
        with STORE.write() as connection:
            work_queue.enqueue(connection, records, self.now, origin, priority=priority, not_before=not_before)
        self._enqueued(records, origin, bulk, self.ms + wait * 1000)

    @rule(records=some_records, moved=st.booleans())
    def enqueue_related(self, records: list[RecordRef], moved: bool) -> None:
        with STORE.write() as connection:
            work_queue.enqueue_related(connection, records, self.now, "webhook", moved=moved)
        parents = {PORTFOLIOS[1] if record == PLACED else record for record in records}
        self._enqueued(parents | ({PLACED} & set(records) if moved else set()), "webhook", False, self.ms)

    def _enqueued(self, records: Iterable[RecordRef], origin: str, bulk: bool, due: int) -> None:
        for record in set(records):
            self.enqueued += 1
            row = self.model.get(record)
            if row is None:
                row = self.model[record] = Row(not bulk, self.ms, origin, due)
            else:
                row.urgent |= not bulk
                row.since = row.since if row.due <= self.ms else self.ms
                row.origin = row.origin if row.origin in {"sweep", "replay", "release"} else origin
                row.due = min(row.due, due)
                row.parked = False
            row.owed[self.enqueued] = due

    @rule(wait=seconds)
    def time_passes(self, wait: int) -> None:
        self.now += timedelta(seconds=wait)

    # -- a pass

    def _next(self, limit: int) -> list[RecordRef]:
        due = [record for record, row in self.model.items() if row.due <= self.ms and not row.asleep]

        def rank(record: RecordRef) -> tuple[bool, int, str, str]:
            row = self.model[record]
            return not row.urgent, row.since, record.kind.value, record.id

        return sorted(due, key=rank)[:limit]

    @precondition(lambda self: not self.leases)
    @rule(limit=st.integers(1, 4))
    def lease(self, limit: int) -> None:
        expected = self._next(limit)
        with STORE.read() as connection:
            items = work_queue.lease(connection, 0, self.now, limit)
        assert [item.record for item in items] == expected
        for item in items:
            row = self.model[item.record]
            assert (item.origin, item.attempts, to_ms(item.marked_at)) == (row.origin, row.failures, row.since)
            self.leases.append(Lease(item, frozenset(row.owed)))

    @precondition(lambda self: not self.leases)
    @rule(records=some_records)
    def lease_these(self, records: list[RecordRef]) -> None:
        """What an admin's command does: just these, due or not."""
        with STORE.read() as connection:
            items = work_queue.items_of(connection, records)
        assert {item.record for item in items} == {r for r in records if r in self.model and not self.model[r].asleep}
        self.leases = [Lease(item, frozenset(self.model[item.record].owed)) for item in items]

    def _drawn(self, data: st.DataObject) -> tuple[Lease, Row, bool]:
        """One of those leased, its row, and whether it was enqueued since."""
        lease = self.leases.pop(data.draw(st.integers(0, len(self.leases) - 1)))
        row = self.model[lease.item.record]
        return lease, row, bool(row.owed.keys() - lease.answers)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), wait=st.just(0) | seconds)
    def done(self, data: st.DataObject, wait: int) -> None:
        lease, row, enqueued = self._drawn(data)
        again = self.now + timedelta(seconds=wait) if wait else None
        with STORE.write() as connection:
            work_queue.ack(connection, {lease.item: again})
        for number in lease.answers:
            row.owed.pop(number, None)
        row.failures, row.held = 0, None
        if not enqueued and again is None:
            assert not row.owed
            del self.model[lease.item.record]
        elif not enqueued and again is not None:
            row.due = row.since = to_ms(again)
            row.origin = "waited"

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def failed(self, data: st.DataObject) -> None:
        self._failed(*self._drawn(data))

    def _failed(self, lease: Lease, row: Row, enqueued: bool) -> None:
        with STORE.write() as connection:
            parked = work_queue.nack(connection, lease.item, self.now, "why")
        tries = row.failures
        row.failures += 1
        if not enqueued and tries < len(WAITS):
            row.due = self.ms + WAITS[tries] * 1000
            row.owed = dict.fromkeys(row.owed, row.due)
        row.parked = not enqueued and tries >= len(WAITS)
        assert parked == row.parked

    @precondition(lambda self: not self.leases)
    @rule(record=st.sampled_from(RECORDS), times=st.integers(2, 9))
    def keeps_failing(self, record: RecordRef, times: int) -> None:
        """One record fails again and again, each time when it is due."""
        for _ in range(times):
            row = self.model.get(record)
            if row is None or row.asleep:
                return
            self.now = max(self.now, from_ms(row.due))
            self.lease_these([record])
            self._failed(self.leases.pop(), row, enqueued=False)
            self.the_table_is_the_model()

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), effects=st.integers(0, 9))
    def held(self, data: st.DataObject, effects: int) -> None:
        lease, row, _ = self._drawn(data)
        with STORE.write() as connection:
            work_queue.hold(connection, [lease.item], {lease.item.record: effects})
        row.held = effects

    @precondition(lambda self: self.leases)
    @rule()
    def the_process_dies(self) -> None:
        self.leases = []

    @rule(records=some_records)
    def release_held(self, records: list[RecordRef]) -> None:
        """As `release` does it: of what is held."""
        held = [
            record for record in set(records) if (row := self.model.get(record)) is not None and row.held is not None
        ]
        with STORE.write() as connection:
            work_queue.release_held(connection, held, self.now)
        for record in held:
            row = self.model[record]
            row.held, row.origin, row.due = None, "release", self.ms
            row.owed = {number: max(due, self.ms) for number, due in row.owed.items()}

    # -- what is always true

    @invariant()
    def the_table_is_the_model(self) -> None:
        with STORE.read() as connection:
            found = {
                RecordRef(Kind(row.kind), row.id): (
                    row.priority == 0, row.marked_at, row.origin, row.look_at, row.attempts, row.parked_at is not None,
                    row.held_effects, row.error,
                )
                for row in connection.execute(select(rows))
            }  # fmt: skip
            holding = work_queue.held(connection)
        assert found == {
            record: (
                row.urgent, row.since, row.origin, row.due, row.failures, row.parked, row.held,
                "why" if row.failures else None,
            )
            for record, row in self.model.items()
        }  # fmt: skip
        assert dict(holding) == {
            r: row.held for r, row in self.model.items() if row.held is not None and not row.parked
        }

    @invariant()
    def nothing_enqueued_is_lost(self) -> None:
        """What was enqueued and not answered has a row, which is due by its time unless an admin is told that it waits."""
        for row in self.model.values():
            assert row.asleep or all(row.due <= due for due in row.owed.values())

    def teardown(self) -> None:
        """Whatever happened: once time has passed, passes that work leave nothing but what waits for an admin."""
        self.now += timedelta(days=2)
        while due := self._next(2):
            with STORE.read() as connection:
                items = work_queue.lease(connection, 0, self.now, 2)
            assert [item.record for item in items] == due
            with STORE.write() as connection:
                for item in items:
                    work_queue.ack(connection, {item: None})
            for record in due:
                del self.model[record]
        self.the_table_is_the_model()


TestWorkQueue = WorkQueue.TestCase
TestWorkQueue.settings = MACHINE
