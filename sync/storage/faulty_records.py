"""What came incomplete from the CRM at the last pass, by the record that waits for it: so that `status` can name it.

A pass writes down what it saw of its records; what came whole is forgotten.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, bindparam, select

from sync.clock import from_ms, to_ms
from sync.crm import Faulty, Gap, Kind, Lack, RecordRef
from sync.storage.database import in_parts
from sync.storage.lists import is_among
from sync.storage.tables import faulty_records

LATE_FOR = timedelta(minutes=10)
"""How long a history may be behind its value before it is told, and anything incomplete before the admin gets an email: the
CRM shows it within seconds as a rule."""


@dataclass(frozen=True, slots=True)
class Incomplete:
    """One record that came incomplete. `unit`: the portfolio (or lone ticket) that a pass looks at for it."""

    unit: RecordRef
    faulty: Faulty
    since: datetime

    def is_told(self, now: datetime) -> bool:
        """Whether a person is to hear of it: a history that is late is no news for a while."""
        return not self.faulty.is_late or now - self.since >= LATE_FOR

    def as_json(self) -> dict[str, object]:
        return {
            "record": self.faulty.record.as_json(),
            "lacks": [{"what": gap.lack.value, "name": gap.name} for gap in self.faulty.gaps],
            "reason": str(self.faulty),
            "waits": self.unit.as_json(),
            "since": self.since.isoformat(),
        }


_OF_UNIT = (
    faulty_records.c.unit_kind == bindparam("of_kind"),
    faulty_records.c.unit == bindparam("of_unit"),
)
_FIND = select(faulty_records).where(*_OF_UNIT)
_FORGET = faulty_records.delete().where(*_OF_UNIT)
_FIND_ALL = select(faulty_records).where(is_among(faulty_records.c.unit, "units"))
_ALL = select(faulty_records).order_by(faulty_records.c.since, faulty_records.c.kind, faulty_records.c.id)


def remember(
    connection: Connection,
    looked_at: Iterable[RecordRef],
    found: Mapping[RecordRef, Sequence[Faulty]],
    now: datetime,
) -> dict[RecordRef, datetime]:
    """Record what came incomplete for each record that was looked at; since when each of those waits.

    A record that was incomplete before keeps its time, whatever it lacks now.
    """
    waiting: dict[RecordRef, datetime] = {}
    units = sorted(set(looked_at))
    known: dict[RecordRef, dict[RecordRef, datetime]] = {}
    for part in in_parts([unit.id for unit in units]):
        for noted in map(_read, connection.execute(_FIND_ALL, {"units": part})):
            known.setdefault(noted.unit, {})[noted.faulty.record] = noted.since
    for unit in units:
        before = known.get(unit, {})
        faulty = {one.record: one for one in found.get(unit, ())}
        if before:
            connection.execute(_FORGET, {"of_kind": unit.kind.value, "of_unit": unit.id})
        for record, one in sorted(faulty.items()):
            since = before.get(record, now)
            waiting[unit] = min(since, waiting.get(unit, since))
            connection.execute(faulty_records.insert(), _row(unit, one, since))
    return waiting


def find(connection: Connection) -> list[Incomplete]:
    """List everything that came incomplete at its last look, the longest first."""
    return [_read(row) for row in connection.execute(_ALL)]


def of_unit(connection: Connection, unit: RecordRef) -> list[Incomplete]:
    """List what came incomplete for one portfolio or lone ticket."""
    rows = connection.execute(_FIND, {"of_kind": unit.kind.value, "of_unit": unit.id})
    return [_read(row) for row in rows]


def _row(unit: RecordRef, faulty: Faulty, since: datetime) -> dict[str, object]:
    return {
        "unit_kind": unit.kind.value,
        "unit": unit.id,
        "kind": faulty.record.kind.value,
        "id": faulty.record.id,
        "lacks": json.dumps([[gap.lack.value, gap.name] for gap in faulty.gaps]),
        "since": to_ms(since),
    }


def _read(row: Row[tuple[object, ...]]) -> Incomplete:
    gaps = tuple(Gap(Lack(lack), name) for lack, name in json.loads(row.lacks))
    faulty = Faulty(RecordRef(Kind(row.kind), row.id), gaps)
    return Incomplete(RecordRef(Kind(row.unit_kind), row.unit), faulty, from_ms(row.since))
