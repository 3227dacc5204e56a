"""What people and other programs did, by the CRM's own history. What the ledger has as written is left to it."""

from collections.abc import Callable, Iterator, Mapping

from mappings.words import revision_word
from sync.admin.timeline.event import SERVICE, TOGETHER, Event, Place, day_in_words
from sync.admin.timeline.history import History
from sync.admin.timeline.labels import place_of
from sync.clock import CLOCKS_APART
from sync.crm import (
    TASK_COMPLETED,
    TASK_STATUS,
    TASK_SUBJECT,
    Kind,
    RawVersion,
    Record,
    RecordRef,
    moment_of,
)
from sync.passes.deliverables import stage_label
from sync.passes.portal import Portal
from sync.rules.context import Context
from sync.rules.keys import EffectKind
from sync.rules.model import EffectState

OTHERS: Mapping[str, str] = {
    "INTEGRATION": "another integration",
    "API": "another integration",
    "AUTOMATION_PLATFORM": "a workflow",
    "WORKFLOWS": "a workflow",
    "IMPORT": "an import",
    "MERGE_OBJECTS": "a merge",
}
"""HubSpot's words for what changes a property where no person does."""


class CrmEvents:
    """Reads the events of one portfolio from the histories of its records."""

    def __init__(
        self,
        context: Context,
        history: History,
        portal: Portal,
        app_id: str | None,
        writes: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._context = context
        self._history = history
        self._portal = portal
        self._app_id = app_id
        self._writes = writes
        self._users = {owner.user_id: owner.name for owner in portal.owners.values() if owner.user_id}

    def all(self) -> Iterator[Event]:
        """Every event, in no particular order."""
        if self._history.portfolio is not None:
            yield from self._portfolio(self._history.portfolio)
        for ticket in self._history.tickets.values():
            yield from self._ticket(ticket)
        for task in self._history.tasks.values():
            yield from self._task(task)

    def _portfolio(self, record: Record) -> Iterator[Event]:
        names = self._context.mapping.portfolio.properties
        for name, what in (
            (names.status, "the status"), (names.refresh_date, "the Refresh Date"), (names.cadence, "the cadence"),
        ):  # fmt: skip
            labels = self._portal.status_labels if name == names.status else {}
            for version in self._others_versions(record, name):
                shown = labels.get(version.value, version.value)
                value = day_in_words(version.value) if name == names.refresh_date else f"“{shown}”"
                text = f"set {what} to {value}" if version.value else f"emptied {what}"
                yield Event(version.at, self._who(version), text)

    def _ticket(self, record: Record) -> Iterator[Event]:
        names = self._context.mapping.ticket.properties
        place = place_of(self._context, self._portal, RecordRef(Kind.TICKET, record.id))
        created = record.created_at
        entries = record.history.get(names.pipeline, ())
        if created is not None:
            first = entries[-1] if entries and entries[-1].at - created < TOGETHER else None
            yield Event(created, "somebody" if first is None else self._who(first), "created", "", (place,))
        words_of: dict[str, Callable[[str], tuple[str, str]]] = {
            names.pipeline: self._moved_in,
            names.stage: self._moved,
            names.folder: self._filed,
            names.needs_revisions: self._revision,
            names.copy_approval: lambda value: self._approval("copy", value),
            names.graphic_approval: lambda value: self._approval("graphic", value),
        }
        for name, words in words_of.items():
            for version in self._others_versions(record, name):
                if created is not None and version.at - created < TOGETHER and name != names.needs_revisions:
                    continue  # what it was created with
                before, after = words(version.value)
                yield Event(version.at, self._who(version), before, after, (place,))

    def _moved_in(self, pipeline: str) -> tuple[str, str]:
        here = pipeline == self._portal.pipeline.id
        return "moved", f"{'into' if here else 'out of'} the pipeline “{self._portal.pipeline.label}”"

    def _moved(self, stage: str) -> tuple[str, str]:
        return "moved", f"to “{stage_label(self._portal, stage)}”"

    @staticmethod
    def _filed(folder: str) -> tuple[str, str]:
        return ("put", f"into the folder “{folder}”") if folder else ("took", "out of its folder")

    def _revision(self, value: str) -> tuple[str, str]:
        if not value:
            return f"emptied {self._portal.words['needs_revisions']} of", ""
        return f"asked for “{revision_word(self._context.mapping, self._portal.words, value)}” on", ""

    @staticmethod
    def _approval(what: str, value: str) -> tuple[str, str]:
        return (f"set the {what} approval of", f"to “{value}”") if value else (f"emptied the {what} approval of", "")

    def _task(self, record: Record) -> Iterator[Event]:
        """Its completion and reopening; the other statuses of a task mean nothing to the process."""
        before = ""
        place = Place(
            RecordRef(Kind.TASK, record.id),
            record.properties.get(TASK_SUBJECT, ""),
            self._portal.url(Kind.TASK, record.id),
        )
        closed_by_us = {
            effect.slot.of
            for recorded in self._context.ledger.recorded.values()
            for effect in recorded.effects
            if effect.kind is EffectKind.CLOSE and effect.state is EffectState.DONE
        }
        for version in reversed(record.history.get(TASK_STATUS, ())):
            done, was_done = version.value == TASK_COMPLETED, before == TASK_COMPLETED
            before = version.value
            if done == was_done or (record.id in closed_by_us and self._who(version) == SERVICE):
                continue
            yield Event(version.at, self._who(version), "completed" if done else "reopened", "", (place,))

    def _others_versions(self, record: Record, name: str) -> Iterator[RawVersion]:
        """The versions of a property that say something new, without those that the ledger has as written."""
        before = ""
        for version in reversed(record.history.get(name, ())):
            new, before = version.value != before, version.value
            own = self._who(version) == SERVICE
            if new and not (own and self._is_written(RecordRef(record.kind, record.id), name, version)):
                yield version

    def _is_written(self, record: RecordRef, name: str, version: RawVersion) -> bool:
        return any(
            recorded.record == record
            and effect.state is EffectState.DONE
            and name in (values := self._writes.get(effect.key, {}))
            and _same(values[name], version.value)
            and abs(effect.state_at - version.at) < CLOCKS_APART
            for recorded in self._context.ledger.recorded.values()
            for effect in recorded.effects
        )

    def _who(self, version: RawVersion) -> str:
        if version.source_type == "INTEGRATION" and self._app_id in {None, version.source_id}:
            return SERVICE
        user = version.user_id
        if not user and version.source_id.startswith("userId:"):
            user = version.source_id.removeprefix("userId:")
        if user:
            return self._users.get(user, f"user {user}")
        return OTHERS.get(version.source_type, "somebody")


def _same(one: str, other: str) -> bool:
    """Say whether two values are one: a date may come back in milliseconds."""
    return one == other or (moment_of(one) is not None and moment_of(one) == moment_of(other))
