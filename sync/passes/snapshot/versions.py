"""The versions of a record that are kept for good, each with what it means to the process. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC

from mappings.names import same_to_the_eye
from mappings.schema import ProcessMapping
from mappings.vocabulary import Kept
from sync.crm import Kind, RawVersion, Record, RecordRef, moment_of
from sync.marks import mark_of_text
from sync.passes.portal import Portal
from sync.passes.snapshot.todays_words import portfolio_in_todays_words, ticket_in_todays_words
from sync.rules.in_force import MappingHistory
from sync.storage.versions import APPROVED, CLOSED, DELIVERABLES, KeptVersion


def mark_of(records: Iterable[Record]) -> str:
    """Name the versions that these records show: other versions, another name.

    By the newest version of each property and how many there are: the CRM keeps the newest ones, so that others mean a newer
    one of that property (another property may have one of the same moment), or (by a merge) more of them, or another record.
    """
    return mark_of_text(" ".join(map(_mark, records)))


def _mark(record: Record) -> str:
    histories = sorted((name, history) for name, history in record.history.items() if history)
    shown = (f"{name} {len(history)} {history[0].at.timestamp()}" for name, history in histories)
    return " ".join((record.id, *shown))


def versions_to_keep(
    record: Record, mapping: ProcessMapping, past: MappingHistory, portal: Portal
) -> Iterator[KeptVersion]:
    """Give every version of a portfolio or a ticket of the properties that the process goes by."""
    read: Mapping[Kept, tuple[str, Callable[[str], str]]]
    if record.kind is Kind.PORTFOLIO:
        record = portfolio_in_todays_words(record, mapping, past)
        names = mapping.portfolio.properties
        read = {
            Kept.STATUS: (names.status, lambda value: mapping.portfolio.status(value) or ""),
            Kept.REFRESH_DATE: (names.refresh_date, _day),
        }
    else:
        record = ticket_in_todays_words(record, mapping, past, portal)
        of = mapping.ticket.properties
        read = {
            Kept.PIPELINE: (of.pipeline, lambda value: DELIVERABLES if value == portal.pipeline.id else ""),
            Kept.STAGE: (of.stage, lambda value: _stage(value, portal)),
            Kept.NEEDS_REVISIONS: (of.needs_revisions, lambda value: mapping.ticket.revision(value) or ""),
            Kept.COPY_APPROVAL: (of.copy_approval, lambda value: _approval(value, mapping)),
            Kept.GRAPHIC_APPROVAL: (of.graphic_approval, lambda value: _approval(value, mapping)),
        }
    ref = RecordRef(record.kind, record.id)
    for kept, (name, means) in read.items():
        for version in record.history.get(name, ()):
            yield KeptVersion(
                ref, kept, version.at, version.value, str(means(version.value)), version.source_type, _by(version)
            )


def _by(version: RawVersion) -> str:
    return version.user_id or version.source_id


def _day(value: str) -> str:
    moment = moment_of(value) if value else None
    return "" if moment is None else moment.astimezone(UTC).date().isoformat()


def _stage(value: str, portal: Portal) -> str:
    if portal.is_closed(value):
        return CLOSED
    return portal.stage(value).value if value else ""


def _approval(value: str, mapping: ProcessMapping) -> str:
    return APPROVED if same_to_the_eye(value, mapping.ticket.approved) else ""
