"""Which mapping was in force when: a version is judged by the one that it was set under. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo

from mappings.schema import Condition, ProcessMapping
from mappings.vocabulary import Revision, Status
from sync.clock import local_date
from sync.rules.model import Version


@dataclass(frozen=True)
class PastMapping:
    """What of a mapping says how a record's past is to be read, and since when it has been in force.

    `pipeline`, `in_progress` and `pending_approval` are ids. `status_property`, `revision_property`: the properties that
    statuses and revisions stood in.
    """

    since: datetime
    window_days: int
    time_zone: str
    zone: tzinfo = field(compare=False)  # the one of that name
    condition: tuple[Condition, ...]
    statuses: Mapping[str, Status]  # by internal value
    revisions: Mapping[str, Revision]
    approved: str
    pipeline: str
    in_progress: str
    pending_approval: str
    status_property: str
    revision_property: str

    def same_but_since(self, other: "PastMapping") -> bool:
        """Whether both say the same, whenever they were in force."""
        return replace(self, since=other.since) == other


def past_mapping(
    mapping: ProcessMapping, since: datetime, *, pipeline: str, in_progress: str, pending_approval: str
) -> PastMapping:
    """Take what is to be kept of a mapping that comes into force. The stages and their pipeline are given by id."""
    return PastMapping(
        since=since,
        window_days=mapping.rules.window_days,
        time_zone=mapping.time_zone,
        zone=mapping.zone,
        condition=mapping.portfolio.condition,
        statuses={value: status for status, value in mapping.portfolio.statuses.items()},
        revisions={value: revision for revision, value in mapping.ticket.revisions.items()},
        approved=mapping.ticket.approved,
        pipeline=pipeline,
        in_progress=in_progress,
        pending_approval=pending_approval,
        status_property=mapping.portfolio.properties.status,
        revision_property=mapping.ticket.properties.needs_revisions,
    )


@dataclass(frozen=True)
class MappingHistory:
    """The mappings that have been in force, oldest first. Empty: none is known of."""

    mappings: tuple[PastMapping, ...] = ()

    @property
    def known_since(self) -> datetime | None:
        """Since when it is known which was in force; what was before, the first is taken to have been. None: unknown."""
        return self.mappings[0].since if self.mappings else None

    def at(self, moment: datetime) -> PastMapping | None:
        """The mapping in force at a moment; the first one for whatever is older. None: none is known of."""
        if not self.mappings:
            return None
        return next((one for one in reversed(self.mappings) if one.since <= moment), self.mappings[0])

    def is_known(self, moment: datetime) -> bool:
        """Whether it is known which mapping was in force at that moment."""
        return self.known_since is not None and moment >= self.known_since

    def out_of_window(self, version: Version[date | None], mapping: ProcessMapping) -> bool:
        """Whether a date was further ahead of the day on which it was set than the window then was, or was cleared.

        `mapping` is the current one, for where no other is known of.
        """
        if version.value is None:
            return True
        then = self.at(version.at)
        window, zone = (mapping.rules.window_days, mapping.zone) if then is None else (then.window_days, then.zone)
        return (version.value - local_date(version.at, zone)).days > window
