"""The tasks and notes that rules ask to see before they can decide."""

from collections.abc import Iterable, Mapping, Sequence

from sync.crm import (
    NOTE_BODY,
    TASK_COMPLETED,
    TASK_STATUS,
    TIMESTAMP,
    CRMReader,
    Kind,
    RawVersion,
    Record,
    RecordRef,
    moment_of,
)
from sync.passes.portal import Portal
from sync.passes.snapshot.histories import left, since
from sync.rules.model import Note, OwnTask


def read_tasks(crm: CRMReader, ids: Sequence[str]) -> dict[str, OwnTask]:
    """Read these tasks, deleted ones too. Raises the port's errors."""
    records = crm.read(Kind.TASK, ids, [TASK_STATUS], [TASK_STATUS]) if ids else {}
    return {i: _own_task(i, records.get(i)) for i in ids}


def _own_task(task: str, record: Record | None) -> OwnTask:
    if record is None or record.id != task:
        return OwnTask(task, exists=False, completed=False)
    return own_task(task, record.properties.get(TASK_STATUS, ""), record.history.get(TASK_STATUS, ()))


def own_task(task: str, status: str, versions: Sequence[RawVersion]) -> OwnTask:
    """Describe a task that exists to the rules, by its status and the versions of it, newest first."""
    if status != TASK_COMPLETED:
        return OwnTask(task, exists=True, completed=False, reopened_at=left(versions, _is_completed))
    return OwnTask(task, exists=True, completed=True, completed_at=since(versions, _is_completed, None))


def _is_completed(status: str) -> bool:
    return status == TASK_COMPLETED


def read_notes(crm: CRMReader, records: Iterable[RecordRef], portal: Portal) -> dict[RecordRef, tuple[Note, ...]]:
    """Read the notes on each of these records, newest first. Raises the port's errors."""
    wanted = sorted(records)
    on = _notes_on(crm, wanted)
    ids = sorted({note for notes in on.values() for note in notes}, key=int)
    read = crm.read(Kind.NOTE, ids, [NOTE_BODY, TIMESTAMP]) if ids else {}
    return {record: _notes(on.get(record, ()), read, portal.url(record.kind, record.id)) for record in wanted}


def _notes_on(crm: CRMReader, records: Sequence[RecordRef]) -> dict[RecordRef, list[str]]:
    """The ids of the notes on each record, rising."""
    on: dict[RecordRef, list[str]] = {}
    for kind in {record.kind for record in records}:
        ids = [record.id for record in records if record.kind is kind]
        for i, ends in crm.associated(kind, Kind.NOTE, ids).items():
            on[RecordRef(kind, i)] = sorted({end.to for end in ends}, key=int)
    return on


def _notes(ids: Iterable[str], read: Mapping[str, Record], url: str) -> tuple[Note, ...]:
    notes = [
        Note(read[i].properties.get(NOTE_BODY, ""), at, url)
        for i in ids
        if i in read and (at := moment_of(read[i].properties.get(TIMESTAMP, "")) or read[i].created_at)
    ]
    return tuple(sorted(notes, key=lambda note: note.at, reverse=True))
