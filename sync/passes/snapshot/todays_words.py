"""A record's history as today's mapping would have it: what was set under another one has today's names. Pure.

A status, a revision or a stage that an admin has replaced by another is the same one under another name: moving the records
from the old to the new is no version of its own (docs/process.md F.5). What stands now is read by today's mapping alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import zip_longest

from mappings.names import meant
from mappings.schema import ProcessMapping
from sync.crm import RawVersion, Record
from sync.passes.portal import Portal
from sync.rules.in_force import MappingHistory, PastMapping

Names = Mapping[str, str]
"""What a mapping calls things: its word for each value of the CRM's."""


def portfolio_in_todays_words(record: Record, mapping: ProcessMapping, past: MappingHistory) -> Record:
    """Read the status's history through the mappings that were in force when each version was set."""
    name = mapping.portfolio.properties.status
    now = {value: str(status) for status, value in mapping.portfolio.statuses.items()}

    def then(one: PastMapping) -> Names:
        return {value: str(status) for value, status in one.statuses.items()}

    if all(one.status_property == name and then(one) == now for one in past.mappings):
        return record
    history = _named(record.history.get(name, ()), past, name, lambda one: one.status_property)
    return _with(record, {name: _renamed(history, _standing(record, name), past, then, now)})


def ticket_in_todays_words(record: Record, mapping: ProcessMapping, past: MappingHistory, portal: Portal) -> Record:
    """Read the histories of Needs Revisions, approvals, stage and pipeline as `portfolio_in_todays_words` does."""
    names = mapping.ticket.properties
    revisions = {value: str(revision) for revision, value in mapping.ticket.revisions.items()}
    if all(_says_of_tickets_what(one, mapping, portal, revisions) for one in past.mappings):
        return record
    asked = _named(
        record.history.get(names.needs_revisions, ()), past, names.needs_revisions, lambda one: one.revision_property
    )
    approvals = {
        name: _renamed(
            record.history.get(name, ()),
            _standing(record, name),
            past,
            lambda one: {one.approved: "approved"},
            {mapping.ticket.approved: "approved"},
        )
        for name in (names.copy_approval, names.graphic_approval)
    }
    return _with(
        record,
        {
            **approvals,
            names.needs_revisions: _renamed(
                asked,
                _standing(record, names.needs_revisions),
                past,
                lambda one: {value: str(kind) for value, kind in one.revisions.items()},
                revisions,
            ),
            names.stage: _renamed(
                record.history.get(names.stage, ()),
                _standing(record, names.stage),
                past,
                lambda one: {one.in_progress: "in progress", one.pending_approval: "pending approval"},
                {portal.in_progress: "in progress", portal.pending_approval: "pending approval"},
            ),
            names.pipeline: _renamed(
                record.history.get(names.pipeline, ()),
                _standing(record, names.pipeline),
                past,
                lambda one: {one.pipeline: "deliverables"},
                {portal.pipeline.id: "deliverables"},
            ),
        },
    )


def _says_of_tickets_what(past: PastMapping, mapping: ProcessMapping, portal: Portal, revisions: Names) -> bool:
    """Whether a mapping of the past has all these words as today's has them: mostly all do, and no version is another."""
    return (
        past.revision_property == mapping.ticket.properties.needs_revisions
        and past.approved == mapping.ticket.approved
        and past.in_progress == portal.in_progress
        and past.pending_approval == portal.pending_approval
        and past.pipeline == portal.pipeline.id
        and past.revisions == revisions
    )


def _with(record: Record, histories: Mapping[str, Sequence[RawVersion]]) -> Record:
    changed = {name: tuple(new) for name, new in histories.items() if tuple(new) != tuple(record.history.get(name, ()))}
    return replace(record, history={**record.history, **changed}) if changed else record


def _named(
    history: Sequence[RawVersion], past: MappingHistory, name: str, property_of: Callable[[PastMapping], str]
) -> Sequence[RawVersion]:
    """The versions since the mapping has named this property: what was filled in before is no act of the process."""
    since = _named_since(past, name, property_of)
    return history if since is None else [version for version in history if version.at >= since]


def _named_since(past: MappingHistory, name: str, property_of: Callable[[PastMapping], str]) -> datetime | None:
    """When the property came to be the one that is meant; None: as far back as it is known."""
    since = None
    for one in reversed(past.mappings):
        if property_of(one) != name:
            return since
        since = one.since
    return None


def _standing(record: Record, name: str) -> datetime | None:
    """When the value that stands was set; None: no version shows it. Of merged records a newer one may be the other's."""
    value = record.properties.get(name, "")
    history = record.history.get(name, ())
    shown = history if record.absorbed else history[:1]
    return next((version.at for version in shown if not record.absorbed or version.value == value), None)


def _renamed(
    history: Sequence[RawVersion],
    standing: datetime | None,
    past: MappingHistory,
    then: Callable[[PastMapping], Names],
    now: Names,
) -> list[RawVersion]:
    """Give the versions today's names, newest first, without those that only moved the record from one name to another."""
    periods = [(one.since, then(one)) for one in past.mappings]
    if all(names == now for _, names in periods):
        return list(history)
    periods.append((datetime.max.replace(tzinfo=UTC), now))  # a mapping that is only tried has never been in force
    today = {word: value for value, word in now.items()}
    found: list[RawVersion] = []
    before = _Read("", None)
    oldest_first = history[::-1]
    for version, after in zip_longest(oldest_first, oldest_first[1:]):
        stands = version.at == standing
        names = now if stands else _names_at(periods, version.at)
        word = _word(version.value, names)
        renamed = version
        if not stands and word is not None:
            renamed = version if names == now else replace(version, value=today[word])
        elif not stands:
            names = _names_that_came(periods, version, after)
            word = _word(version.value, names)  # what a mapping came to name while it stood has counted since
            renamed = replace(version, value=_unnamed(version.value, now) if word is None else today[word])
        if word is not None and before.is_renamed(version.value, word, names):
            value = renamed.value if renamed.value in now else today[word]
            found[-1] = replace(found[-1], value=value)
        else:
            found.append(renamed)
        before = _Read(version.value, word)
    return found[::-1]


@dataclass(frozen=True, slots=True)
class _Read:
    """What a version said: the CRM's value, and the mapping's word for it; None: it meant nothing."""

    value: str
    word: str | None

    def is_renamed(self, value: str, word: str, names: Names) -> bool:
        """Whether the next version says the same by another name, as these `names` of its time no longer have this one."""
        return self.word == word and self.value != value and _word(self.value, names) != word


def _names_at(periods: Sequence[tuple[datetime, Names]], at: datetime) -> Names:
    return next((names for since, names in reversed(periods) if since <= at), periods[0][1])


def _names_that_came(periods: Sequence[tuple[datetime, Names]], version: RawVersion, after: RawVersion | None) -> Names:
    """Those of the first mapping that came to name a value while it stood; none where none did."""
    came = (names for since, names in periods if since > version.at and (after is None or since <= after.at))
    return next((names for names in came if _word(version.value, names) is not None), {})


def _word(value: str, names: Names) -> str | None:
    known = meant(value, names)
    return None if known is None else names[known]


def _unnamed(value: str, now: Names) -> str:
    """A value that meant nothing while it stood: that today's mapping gives it a meaning makes no cause of it."""
    return f"{value} (not named then)" if meant(value, now) is not None else value
