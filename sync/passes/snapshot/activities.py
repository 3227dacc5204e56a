"""The tasks and notes that rules ask to see before they can decide."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync.crm import (
    CREATED_BY,
    NOTE_BODY,
    NOTE_FILES,
    OWNER,
    TASK_COMPLETED,
    TASK_COMPLETED_AT,
    TASK_STATUS,
    TIMESTAMP,
    CRMReader,
    Faulty,
    Kind,
    RawVersion,
    Reading,
    Record,
    RecordRef,
    moment_of,
)
from sync.errors import PartialAnswerError
from sync.passes.portal import Portal
from sync.passes.snapshot.tickets import WITH_HISTORY, WITHOUT, calls_for
from sync.rules.histories import left, since
from sync.rules.model import Note, OwnTask


def read_tasks(
    crm: CRMReader, ids: Collection[str], states: Collection[str]
) -> tuple[dict[str, OwnTask], dict[str, Faulty]]:
    """Read these tasks, deleted ones too, and apart from them the faulty ones. Raises the port's errors.

    The past of those of `states` is left out where that takes fewer calls.
    """
    whole, plain = set(ids), set(states) - set(ids)
    apart = calls_for(len(whole), WITH_HISTORY) + calls_for(len(plain), WITHOUT)
    if calls_for(len(whole | plain), WITH_HISTORY) <= apart:
        whole, plain = whole | plain, set()
    found, faulty = _read_states(crm, plain) if plain else ({}, {})
    whole |= plain - found.keys() - faulty.keys()
    if whole:
        reading = crm.read_each(Kind.TASK, sorted(whole, key=int), [TASK_STATUS, TASK_COMPLETED_AT], [TASK_STATUS])
        found |= {i: _own_task(i, reading.found.get(i)) for i in whole - reading.faulty.keys()}
        faulty |= reading.faulty
    return found, faulty


def _read_states(crm: CRMReader, ids: Collection[str]) -> tuple[dict[str, OwnTask], dict[str, Faulty]]:
    """Read these without their past; one that does not say when it was last changed is left out."""
    reading = crm.read_each(Kind.TASK, sorted(ids, key=int), [TASK_STATUS])
    found = {}
    for i in set(ids) - reading.faulty.keys():
        record = reading.found.get(i)
        if record is None or record.id != i:
            found[i] = OwnTask(i, exists=False, completed=False)
        elif record.updated_at is not None:
            completed = _is_completed(record.properties[TASK_STATUS])
            found[i] = OwnTask(i, exists=True, completed=completed, reopened_at=record.updated_at, is_whole=False)
    return found, dict(reading.faulty)


def _own_task(task: str, record: Record | None) -> OwnTask:
    if record is None or record.id != task:
        return OwnTask(task, exists=False, completed=False)
    completed_at = moment_of(record.properties.get(TASK_COMPLETED_AT, ""))
    return own_task(task, record.properties.get(TASK_STATUS, ""), record.history.get(TASK_STATUS, ()), completed_at)


def own_task(task: str, status: str, versions: Sequence[RawVersion], completed_at: datetime | None = None) -> OwnTask:
    """Describe a task that exists to the rules, by its status and the versions of it, newest first.

    `completed_at`: when the CRM says that it was completed, for one whose versions do not tell.
    """
    if status != TASK_COMPLETED:
        return OwnTask(task, exists=True, completed=False, reopened_at=left(versions, _is_completed))
    return OwnTask(task, exists=True, completed=True, completed_at=since(versions, _is_completed, completed_at))


def _is_completed(status: str) -> bool:
    return status == TASK_COMPLETED


@dataclass(frozen=True, slots=True)
class NotesRead:
    """The Notes on some records, as the CRM gave them: `on` has their ids by record.

    `faulty`: the records of which a Note is faulty, or the list of Notes.
    """

    on: Mapping[RecordRef, Sequence[str]]
    found: Mapping[str, Record]
    faulty: Mapping[RecordRef, Faulty]

    @property
    def authors(self) -> set[str]:
        """The ids of the owners whose Notes they are, and of the users who made those that have no owner."""
        return {by for note in self.found.values() if (by := _signed(note))}

    def told(self, portal: Portal) -> dict[RecordRef, tuple[Note, ...]]:
        """Describe the Notes on each record that is not faulty, newest first, by the people of this portal."""
        return {record: _notes(record, ids, self.found, portal) for record, ids in self.on.items()}


def read_notes(crm: CRMReader, records: Iterable[RecordRef]) -> NotesRead:
    """Read the Notes on each of these records. Raises the port's errors."""
    wanted = sorted(records)
    on, faulty = _notes_on(crm, wanted)
    gone = [record for record in wanted if record not in on and record not in faulty]
    if gone:
        raise PartialAnswerError(f"{gone[0]} was there a moment ago, and is gone now: its Notes are not known")
    ids = sorted({note for notes in on.values() for note in notes}, key=int)
    names = [NOTE_BODY, TIMESTAMP, NOTE_FILES, OWNER, CREATED_BY]
    reading: Reading[Record] = crm.read_each(Kind.NOTE, ids, names) if ids else Reading({}, {})
    for record, notes in on.items():
        for i in notes:
            if i in reading.faulty:
                faulty[record] = reading.faulty[i]
    return NotesRead({record: on[record] for record in wanted if record not in faulty}, reading.found, faulty)


def _notes_on(
    crm: CRMReader, records: Sequence[RecordRef]
) -> tuple[dict[RecordRef, list[str]], dict[RecordRef, Faulty]]:
    """The ids of the notes on each record, rising, and the records of which the list is missing."""
    on: dict[RecordRef, list[str]] = {}
    faulty: dict[RecordRef, Faulty] = {}
    for kind in {record.kind for record in records}:
        ids = [record.id for record in records if record.kind is kind]
        reading = crm.associated_each(kind, Kind.NOTE, ids)
        for i, ends in reading.found.items():
            on[RecordRef(kind, i)] = sorted({end.to for end in ends}, key=int)
        faulty |= {RecordRef(kind, i): one for i, one in reading.faulty.items()}
    return on, faulty


def _notes(on: RecordRef, ids: Iterable[str], read: Mapping[str, Record], portal: Portal) -> tuple[Note, ...]:
    users = {owner.user_id: owner.id for owner in portal.owners.values() if owner.user_id}
    notes = [note for i in ids if i in read and (note := _note(read[i], portal.note_url(on, i), users)) is not None]
    return tuple(sorted(notes, key=lambda note: (note.at, int(note.id)), reverse=True))


def _signed(record: Record) -> str:
    """Whose Note it is: an owner's id, else the id of the user who made it; '' where it tells neither."""
    return record.properties.get(OWNER, "") or record.properties.get(CREATED_BY, "")


def _note(record: Record, url: str, users: Mapping[str, str]) -> Note | None:
    values = record.properties
    at = moment_of(values.get(TIMESTAMP, "")) or record.created_at
    if at is None:
        return None
    by = values.get(OWNER, "") or users.get(_signed(record), "")
    files = sum(bool(file.strip()) for file in values.get(NOTE_FILES, "").split(";"))
    return Note(values.get(NOTE_BODY, ""), at, url, by, files, record.id)
