"""What the process is called in a portal: docs/process.md, "The CRM's names".

Every name is a field of `Names`, so that a portal with other names, or with internal values that differ from the
labels, can be made as well.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

ROLES = ("account_manager", "social_ad_specialist", "copywriter", "graphic_designer")
TASK_PROPERTY = "handoff_key"

Option = tuple[str, str]
"""Internal value and label."""


def same(*labels: str) -> tuple[Option, ...]:
    """Options whose internal values equal their labels."""
    return tuple((label, label) for label in labels)


@dataclass(frozen=True, slots=True)
class Names:
    """The CRM's names. The order of `statuses`, `stages` and `revisions` is fixed; their values and labels are free."""

    object_type_id: str = "2-1234567"
    object_name: str = "creative_portfolios"
    object_label: str = "Creative Portfolio"
    object_plural: str = "Creative Portfolios"
    name: str = "name"
    status: str = "creative_refresh_status"
    date: str = "creative_refresh_date"
    cadence: str = "creative_refresh_cadence"
    link: str = "most_recent_ad_lab_link"
    account_manager: str = "account_manager"
    social_ad_specialist: str = "social_ad_specialist"
    copywriter: str = "copywriter"
    graphic_designer: str = "graphic_designer"
    statuses: tuple[Option, ...] = same(
        "Refresh Request Submitted",
        "No Refresh Requested",
        "Deliverables Submitted",
        "Creatives Pending Approval",
        "Creatives Completed & Approved",
        "Creatives Implemented",
    )
    cadences: tuple[Option, ...] = same(
        "Weekly",
        "Every 2 weeks",
        "Every 3 weeks",
        "Every 4 weeks",
        "Every 6 weeks",
        "Every 8 weeks",
        "Monthly",
        "Every 2 months",
        "Quarterly",
    )
    """Empty: the cadence is a number of days."""
    pipeline: Option = ("880001", "Deliverables")
    stages: tuple[Option, ...] = (
        ("880011", "New"),
        ("880012", "In Progress"),
        ("880013", "Pending Approval"),
        ("880014", "Approved"),
        ("880015", "Closed"),
    )
    """The last one is closed."""
    folder: str = "deliverable_folder_name"
    needs_revisions: str = "needs_revisions"
    copy_approval: str = "copy_approval"
    graphic_approval: str = "graphic_approval"
    ticket_copywriter: str = "copywriter"
    ticket_graphic_designer: str = "graphic_designer"
    revisions: tuple[Option, ...] = same("Copy Revisions Only", "Graphic Revisions Only", "Copy and Graphic Revisions")
    approvals: tuple[Option, ...] = same("Not Started", "Team Lead QA", "Approved")
    implement_subject: str = "Implement New Creatives for Refresh"
    task_property: str = TASK_PROPERTY
    role_labels: tuple[Option, ...] = ()
    """What the agency calls each role: the sandbox's commands take these words too."""
    condition: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Properties of a portfolio besides these, each with the values that it may have for the process to count."""

    @property
    def conditions(self) -> dict[str, tuple[str, ...]]:
        """Those of `condition` that are no property of the process itself."""
        own = {self.name, self.status, self.date, self.cadence, self.link, *(getattr(self, role) for role in ROLES)}
        return {name: values for name, values in self.condition if name not in own}

    @property
    def inside(self) -> dict[str, str]:
        """What a portfolio has that counts."""
        return {name: values[0] for name, values in self.conditions.items()}


@dataclass(frozen=True, slots=True)
class Process:
    """What was installed. `owners` maps each role to the default person's owner id, and has a few others."""

    names: Names = field(default_factory=Names)
    owners: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, int] = field(default_factory=dict)
    """User ids by owner id."""
    admin: int = 60_000_000
    """The user who acts where no person is named."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Process":
        names: dict[str, Any] = {name: _tuples(value) for name, value in raw["names"].items()}
        return cls(Names(**names), dict(raw["owners"]), dict(raw["users"]), int(raw["admin"]))

    def status(self, label: str) -> str:
        """The internal value of a status, from label or value; '' stays ''."""
        return _value(self.names.statuses, label)

    def cadence(self, label: str) -> str:
        return _value(self.names.cadences, label) if self.names.cadences else label

    def revision(self, label: str) -> str:
        return _value(self.names.revisions, label)

    def stage(self, label: str) -> str:
        """The id of a stage of the deliverables pipeline, from label or id."""
        return _value(self.names.stages, label)


def _tuples(value: Any) -> Any:
    """What JSON has made lists of."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _value(options: tuple[Option, ...], wanted: str) -> str:
    for value, label in options:
        if wanted in (value, label):
            return value
    return wanted  # not of the process: HubSpot decides
