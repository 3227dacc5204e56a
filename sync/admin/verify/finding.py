"""What `verify` reports: findings of a few sorts, and the report that counts them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mappings.vocabulary import Handoff
from sync.clock import iso


class Sort(StrEnum):
    """What a finding says. The first three are faults; the others are reported so that nothing is passed over in silence."""

    MISSING = "missing"
    DOUBLED = "doubled"
    UNEXPLAINED = "unexplained"
    WAITING = "waiting"  # due, and on its way: planned, enqueued, held, or blocked by something that a person must mend
    DELETED = "deleted"  # a person deleted a task
    NOT_JUDGED = "not judged"  # the visible history does not reach back
    NOT_READ = "not read"


FAULTS = (Sort.MISSING, Sort.DOUBLED, Sort.UNEXPLAINED)
"""The sorts that say that something is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report. `cause` says in words what is wrong, and by what it is known."""

    sort: Sort
    portfolio: str  # the id
    name: str  # the portfolio's; '' where it could not be read
    handoff: Handoff | None  # None: no handoff can be told
    key: str | None  # of the effect or occurrence that it is about, where there is one
    tasks: tuple[str, ...]  # ids
    cause: str

    def as_json(self) -> dict[str, object]:
        return {
            "finding": self.sort.value,
            "portfolio": self.portfolio,
            "name": self.name,
            "handoff": None if self.handoff is None else self.handoff.value,
            "key": self.key,
            "tasks": list(self.tasks),
            "cause": self.cause,
        }


@dataclass
class Report:
    """What was compared, and what was found."""

    since: datetime | None = None  # only what was caused, made or tried from then on; None: everything
    looked: int = 0  # portfolios
    tasks: int = 0  # the service's own, and adopted ones
    effects: int = 0  # writes and closings of the ledger that were looked for in the CRM
    emails: int = 0  # sent by the ledger's word: they leave no trace in the CRM
    blocked: int = 0  # effects that wait for a person: no fault, and not done either
    held: int = 0  # portfolios of which the breaker holds something
    unable: str | None = None  # why the service cannot do its work at all, in words; None: it can
    findings: list[Finding] = field(default_factory=list)

    def of(self, *sorts: Sort) -> list[Finding]:
        """The findings of these sorts, in the report's order."""
        return [finding for finding in self.findings if finding.sort in sorts]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong and everything could be read."""
        return not self.of(*FAULTS, Sort.NOT_READ)

    @property
    def well(self) -> bool:
        """Whether nothing is wrong, and nothing waits for an admin either."""
        return self.ok and not self.blocked and not self.held and self.unable is None

    @property
    def exit_code(self) -> int:
        return 0 if self.well else 1

    def as_json(self) -> dict[str, object]:
        return {
            "ok": self.well,
            "since": iso(self.since),
            "looked": self.looked,
            "tasks": self.tasks,
            "effects": self.effects,
            "emails": self.emails,
            "blocked": self.blocked,
            "held": self.held,
            "unable": self.unable,
            **{sort.name.lower(): len(self.of(sort)) for sort in Sort},
            "findings": [finding.as_json() for finding in self.findings],
        }
